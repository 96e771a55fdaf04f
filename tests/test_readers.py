"""Real readers on every kind of entry: each gives back what it keeps of every item."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import CONFIG, Project
from programs import served
from real_readers import READERS, by_id, moment

Items = dict[str, dict[str, Any]]  # what a reader kept of each item, by id
FEEDS = "https://feeds.site.example/"
HOSTILE = (
    '<p onclick="x()">Body <script>alert(1)</script><a href="data:text/html,x">d</a><b>unclosed'
    + "<div>" * 500
    + "</p>"
)
PROBES: dict[str, dict[str, Any]] = {
    "everything": {
        "title": "Tom &amp; Jerry: “x < y” ]]> done", "excerpt": "The world’s &lt;b&gt; &amp; more.\n\nSecond.",
        "updatedDateTime": "2026-01-03T00:00:00Z", "originalUrl": "https://publisher.example/original",
        "ampWebUrl": "https://amp.publisher.example/a", "topics": ["AI in Healthcare", "AI"], "language": "en-GB",
        "webUrl": "https://publisher.example/a?b=1&c=2",
        "images": [{"url": "https://p.example/a.jpeg?itok=1", "width": 1200, "height": 630}, "https://p.example/b.png"],
        "related": [{"title": "Another <one>", "webUrl": "https://publisher.example/bare"},
                    {"title": "Elsewhere", "webUrl": "https://elsewhere.example/"}],
    },
    "bare": {"excerpt": None, "provider": None, "topics": None, "title": "Nothing but title and link"},
    "film": {"featuredContent": '<iframe src="https://www.youtube.com/embed/abcdefghijk"></iframe>'},
    "hostile": {"featuredContent": HOSTILE, "title": "Hostile"},
    "quotes": {"images": ["https://p.example/a “quoted” – picture"], "title": "An odd picture"},
    "arabic": {"title": "مقال عن الذكاء الاصطناعي", "language": "ar", "topics": ["ذكاء"]},
    "cjk": {"title": "人工智能的文章", "excerpt": "摘要", "topics": ["人工智能"]},
    "combining": {"title": "Cafe\u0301 nai\u0308ve", "topics": ["Cafe\u0301"]},
    "long": {"title": "W" * 2000},
    "punctuation": {"topics": ["!!!"], "title": "!!!"},
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The probes' feeds, served: its URL and folder. Links in the feeds are as published."""
    project = Project(tmp_path_factory.mktemp("probes"))
    project.configure(CONFIG)
    for day, (name, fields) in enumerate(PROBES.items(), 1):
        project.write(name, publishedDateTime=f"2026-01-{day:02}T03:04:05Z", **fields)
    assert not [p for p in project.build().problems if p.severity.value == "error"]
    with served(project.out) as url:
        yield url, project.out


def expected() -> Items:
    """What stands in PROBES, as a person would read it."""
    import html
    import unicodedata

    found = {}
    for day, (name, fields) in enumerate(PROBES.items(), 1):
        provider = fields.get("provider", {"domain": "publisher.example"})
        topics = fields.get("topics", ["AI"]) or []
        images = [i if isinstance(i, str) else i["url"] for i in fields.get("images", [])]
        found[f"tag:site.example,2020:{name}"] = {
            "title": unicodedata.normalize("NFC", html.unescape(fields.get("title", "A title"))),
            "link": fields.get("webUrl", f"https://publisher.example/{name}"),
            "date": datetime(2026, 1, day, 3, 4, 5, tzinfo=UTC),
            "updated": datetime.fromisoformat(
                fields.get("updatedDateTime", f"2026-01-{day:02}T03:04:05+00:00")
            ),
            "topics": sorted(unicodedata.normalize("NFC", topic) for topic in topics),
            # An enclosure needs a type: it is left out where no name tells it.
            "images": images[:1] if images and "." in images[0].rpartition("/")[2] else [],
            "related": [item["webUrl"] for item in fields.get("related", [])],
            "source": f"{FEEDS}provider/publisher.example/feed" if provider else None,
        }
    return found


def compare(items: Items, ending: str) -> None:
    """Every item is there, and all that the reader keeps of it is right; HTML is safe and never empty."""
    wanted = expected()
    assert set(items) == set(wanted)
    for id, item in items.items():
        for name, value in item.items():
            right = wanted[id].get(name)
            if name == "html":
                assert value.strip(), id
                # Every reader shows the picture in the text.
                assert all(image in value for image in wanted[id]["images"]), id
                assert not any(bad in value for bad in ("<script", "onclick", "data:text", "<iframe")), id
                continue
            if name == "source" and right:
                right = f"{right}.{ending}"
            if name == "date":
                value = moment(value)
            if name == "topics":
                value = sorted(value)
            if name == "title":
                # Two readers take a literal <x> for markup whatever its escaping.
                value = " ".join(value.split())
            assert value == right, (id, name)


@pytest.mark.parametrize(
    ("name", "ending"), [(name, ending) for name, (_, endings) in READERS.items() for ending in endings]
)
def test_every_item_comes_back(site: tuple[str, Path], tmp_path: Path, name: str, ending: str) -> None:
    """With what the reader keeps of it."""
    url, out = site
    compare(by_id(READERS[name][0](out, url, ending, tmp_path)), ending)
