"""A project that is published to a real S3 server, and how tests look at what came of it."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from conftest import CONFIG, Project
from servers import BUCKET, Weed

import syndicate
from syndicate.publishing.manifest import KEY
from syndicate.publishing.plan import Reason

FEEDS_URL = "https://feeds.site.example/"


class Published:
    """A project, and its target on a server."""

    def __init__(self, project: Project, weed: Weed, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project, self.weed = project, weed
        self.prefix = uuid.uuid4().hex
        self.url = f"s3://{BUCKET}/{self.prefix}/"
        for name, value in weed.environment.items():
            monkeypatch.setenv(name, value)
        self.configure()

    def target(self, **changes: Any) -> dict[str, Any]:
        target = {"url": self.url, "endpoint": self.weed.endpoint, "ca_file": str(self.weed.ca), **changes}
        return {key: value for key, value in target.items() if value is not None}

    def configure(self, target: dict[str, Any] | None = None, more: str = "", **publish: Any) -> None:
        """The usual config with these keys of ``publish``; JSON is YAML."""
        section = {"targets": [target or self.target()], **publish}
        self.project.configure(f"{CONFIG}{more}publish: {json.dumps(section)}\n")

    def publish(self, **options: Any) -> syndicate.PublishReport:
        return syndicate.publish(self.project.settings, **options)

    def done(self, **options: Any) -> syndicate.TargetReport:
        """The report of the one target, when all went well."""
        report = self.publish(**options)
        assert [str(error) for error in report.all_errors] == []
        [target] = report.targets
        return target

    def errors(self, **options: Any) -> list[str]:
        return [str(error) for error in self.publish(**options).all_errors]

    def there(self) -> dict[str, bytes]:
        """Our documents on the server, as another client sees them."""
        return self.weed.documents(f"{self.prefix}/")

    def object(self, path: str) -> Any:
        return self.weed.client().get_object(Bucket=BUCKET, Key=f"{self.prefix}/{path}")

    def put(self, path: str, data: bytes) -> None:
        self.weed.client().put_object(Bucket=BUCKET, Key=f"{self.prefix}/{path}", Body=data)

    def remove(self, path: str) -> None:
        self.weed.client().delete_object(Bucket=BUCKET, Key=f"{self.prefix}/{path}")

    def manifest(self) -> Any:
        return json.loads(self.object(KEY)["Body"].read())

    def agrees(self) -> None:
        """What is on the server is what was built, and the manifest says so, with nobody's claim."""
        documents = self.project.documents()
        assert self.there() == documents
        manifest = self.manifest()
        assert manifest["objects"].keys() == documents.keys()
        assert all(digest for digest, _, _ in manifest["objects"].values())
        assert manifest["claim"] is None


def counts(report: syndicate.TargetReport) -> dict[str, int]:
    """How many documents there are of each reason that occurs."""
    return {reason.value: report.count(reason) for reason in Reason if report.count(reason)}
