"""Publishing to Azure's storage, as azurite plays it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import CONFIG, Project
from programs import needed
from publishing import counts
from servers import free_port, running

import syndicate
from syndicate.publishing.manifest import KEY

ACCOUNT = "devstoreaccount1"
# Azurite's one account, which its documentation gives to everybody.
SECRET = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    node = needed("node")
    script = Path(__file__).parent / "azurite/node_modules/azurite/dist/src/blob/main.js"
    needed("azurite (npm ci --prefix tests/azurite)", str(script))
    port = free_port()
    folder = tmp_path_factory.mktemp("azurite")
    command = [
        node, str(script), "--blobHost", "127.0.0.1", "--blobPort", str(port),
        "--inMemoryPersistence", "--skipApiVersionCheck", "--silent", "--disableTelemetry",
    ]  # fmt: skip
    with running(command, port, folder):
        yield f"http://127.0.0.1:{port}/{ACCOUNT}"


@pytest.fixture
def container(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A container, as Azure's own client sees it."""
    from azure.core.exceptions import ResourceExistsError
    from azure.storage.blob import ContainerClient

    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", SECRET)
    client = ContainerClient(endpoint, "feeds", credential=SECRET)
    with contextlib.suppress(ResourceExistsError):
        client.create_container()
    return client


class TestAzure:
    def test_publishes(self, project: Project, endpoint: str, container: Any) -> None:
        """Documents with their headers; only what changed; what is gone is removed."""
        publish = {"targets": [{"url": "az://feeds/ai/", "endpoint": endpoint}]}
        project.configure(f"{CONFIG}publish: {json.dumps(publish)}\n")
        project.write("a")
        project.write("b", topics=["Space"])
        project.build()

        def done() -> syndicate.TargetReport:
            report = syndicate.publish(project.settings)
            assert [str(error) for error in report.all_errors] == []
            assert report.targets[0].warnings == ()
            return report.targets[0]

        assert counts(done()) == {"new": 17}
        assert counts(done()) == {"unchanged": 17}
        blob = container.get_blob_client("ai/topic/ai/feed.rss")
        assert blob.download_blob().readall() == project.documents()["topic/ai/feed.rss"]
        properties = blob.get_blob_properties()
        assert properties.content_settings.content_type == "application/rss+xml; charset=utf-8"
        assert properties.content_settings.cache_control == "public, max-age=300"
        assert properties.metadata == {
            "surrogate_key": "feeds.site.example/topic/ai feeds.site.example/*",
        }
        (project.root / "news" / "b.md").unlink()
        project.build(force=True)
        assert counts(done())["gone"] == 4
        there = set(container.list_blob_names())
        assert there == {f"ai/{path}" for path in [*project.documents(), KEY]}

    def test_says_what_to_mend(
        self, project: Project, endpoint: str, container: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A wrong key, a missing container."""
        project.write("a")
        for url, key, said in (
            ("az://no-such-container/", SECRET, "the bucket is not there: az://no-such-container/"),
            (
                "az://feeds/x/",
                "aHVudGVyMg==",
                "access denied (AuthorizationFailure): az://feeds/x/: check AZURE_STO",
            ),
        ):
            monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", key)
            publish = {"targets": [{"url": url, "endpoint": endpoint}]}
            project.configure(f"{CONFIG}publish: {json.dumps(publish)}\n")
            project.build()
            [error] = syndicate.publish(project.settings).all_errors
            assert str(error).startswith(said)
            assert key not in str(error)
