"""A project in a temporary folder, and how tests read what it publishes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest

import syndicate
from syndicate.articles.presets import PRESETS
from syndicate.articles.reader import Reading, read_article
from syndicate.articles.rules import Rules

NOW = datetime(2026, 6, 1, tzinfo=UTC)

CONFIG = """\
site:
  title: Test Site
  url: https://site.example/
  feeds_url: https://feeds.site.example/
  tag: site.example,2020
  timezone: America/Los_Angeles
content:
  roots: [news]
"""


def article(**fields: object) -> str:
    """A content file: the usual fields, changed or added to by ``fields``; None takes one out.

    Values are written as JSON, which is YAML.
    """
    usual: dict[str, object] = {
        "title": "A title",
        "excerpt": "An excerpt.",
        "publishedDateTime": "2026-01-02T03:04:05Z",
        "webUrl": "https://publisher.example/a",
        "provider": {"name": "Publisher", "domain": "publisher.example"},
        "topics": ["AI"],
    }
    usual.update(fields)
    lines = [
        f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in usual.items() if value is not None
    ]
    return "---\n" + "\n".join(lines) + "\n---\n"


class Project:
    """A project to build: write articles, build, read the documents back."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.out = root / "out"
        (root / "config").mkdir()
        (root / "news").mkdir()
        self.configure(CONFIG)

    def configure(self, text: str) -> None:
        (self.root / "config" / "syndicate.yaml").write_text(text, encoding="utf-8")

    def write(self, name: str, content: str | bytes | None = None, **fields: object) -> Path:
        """Write one article; its link comes from its name unless it is given."""
        path = self.root / "news" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            fields.setdefault("webUrl", f"https://publisher.example/{name}")
            content = article(**fields)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    @property
    def settings(self) -> syndicate.Settings:
        return syndicate.load_config(self.root / "config" / "syndicate.yaml")

    def build(self, **options: Any) -> syndicate.Report:
        options.setdefault("now", NOW)
        return syndicate.build(self.settings, **options)

    def documents(self) -> dict[str, bytes]:
        """Every file below out/ by its path."""
        return {
            path.relative_to(self.out).as_posix(): path.read_bytes()
            for path in sorted(self.out.rglob("*"))
            if path.is_file()
        }

    def folders(self) -> set[str]:
        """The groups that have feeds, by their folders."""
        return {path.rpartition("/")[0] for path in self.documents()}

    def parsed(self, path: str) -> Any:
        """An RSS or Atom document as feedparser reads it; it must be well-formed."""
        # HTML is to come back as it was written, not as feedparser would make it safe.
        document = feedparser.parse(
            (self.out / path).read_bytes(), sanitize_html=False, resolve_relative_uris=False
        )
        assert not document.bozo, document.bozo_exception
        return document

    def json(self, path: str = "feed.json") -> Any:
        return json.loads((self.out / path).read_text(encoding="utf-8"))

    def titles(self, path: str = "feed.atom") -> list[str]:
        return [entry.title for entry in self.parsed(path).entries]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def rules(preset: str = "smartable", **changes: Any) -> Rules:
    """Reading rules of a site in Los Angeles."""
    import pytz

    values: dict[str, Any] = {
        "fields": PRESETS[preset].fields,
        "tag": "site.example,2020",
        "site_url": "https://site.example/",
        "zone": pytz.timezone("America/Los_Angeles"),
        "permalink": PRESETS[preset].permalink,
    }
    return Rules(**{**values, **changes})


def reading(content: str | bytes, stem: str = "a", preset: str = "smartable", **changes: Any) -> Reading:
    """What ``read_article`` makes of a file called ``news/<stem>.md``."""
    data = content.encode() if isinstance(content, str) else content
    return read_article(data, f"news/{stem}.md", stem, rules(preset, **changes))


def only_problem(result: Reading) -> syndicate.Problem:
    """The one problem of a reading."""
    [problem] = result.problems
    return problem


def walk(value: object) -> Iterator[str]:
    """Every text in a JSON document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)


@pytest.fixture(scope="session")
def weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One SeaweedFS for all tests that leave it running; each publishes below a prefix of its own."""
    from servers import seaweedfs

    with seaweedfs(tmp_path_factory.mktemp("weed") / "weed") as server:
        yield server
