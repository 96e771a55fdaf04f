"""Real readers on every kind of entry: each gives back what it keeps of every item."""

from __future__ import annotations

import email
import email.policy
import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import CONFIG, Project
from programs import needed, served

Items = dict[str, dict[str, Any]]  # what a reader kept of each item, by id
READERS = Path(__file__).parent / "readers"
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
            # An enclosure needs a type: it is left out where no name tells it (rule 17).
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
                # Every reader shows the picture in the text (rule 16).
                assert all(image in value for image in wanted[id]["images"]), id
                assert not any(bad in value for bad in ("<script", "onclick", "data:text", "<iframe")), id
                continue
            if name == "source" and right:
                right = f"{right}.{ending}"
            if name == "date" and isinstance(value, str):
                value = datetime.fromisoformat(value) if value[0].isdigit() else parsedate_to_datetime(value)
            if name == "topics":
                value = sorted(value)
            if name == "title":
                # Two readers take a literal <x> for markup whatever its escaping (rule 12).
                value = " ".join(value.split())
            assert value == right, (id, name)


def by_id(items: list[dict[str, Any]]) -> Items:
    found = {item.pop("id"): item for item in items}
    assert len(found) == len(items)
    return found


ALL = ("rss", "atom", "json")
XML = ("rss", "atom")


class TestPython:
    @pytest.mark.parametrize("ending", XML)
    def test_feedparser(self, site: tuple[str, Path], ending: str) -> None:
        import feedparser

        parsed = feedparser.parse((site[1] / f"feed.{ending}").read_bytes(), sanitize_html=False)
        assert not parsed.bozo
        compare(
            by_id(
                [
                    {
                        "id": e.id, "title": e.title, "link": e.link, "html": e.content[0].value if "content" in e else e.summary,
                        "date": datetime(*e.published_parsed[:6], tzinfo=UTC),
                        "topics": [t.label or t.term for t in e.get("tags", [])],
                        "images": [link.href for link in e.links if link.rel == "enclosure"],
                        "related": [link.href for link in e.links if link.rel == "related"],
                        "source": (e.source.get("url") or e.source.links[0].href if ending == "atom" else e.source.href) if "source" in e else None,
                    }
                    for e in parsed.entries
                ]
            ),
            ending,
        )  # fmt: skip

    @pytest.mark.parametrize("ending", ALL)
    def test_fastfeedparser(self, site: tuple[str, Path], ending: str) -> None:
        import fastfeedparser

        parsed = fastfeedparser.parse((site[1] / f"feed.{ending}").read_text())
        items = []
        for e in parsed.entries:
            item = {
                "id": e.id, "title": e.title, "link": e.link, "date": e.published,
                "topics": [t["label"] or t["term"] for t in e.get("tags") or []],
                "html": e.content[0]["value"] if e.get("content") else e.description,
            }  # fmt: skip
            if ending != "json":
                links = e.get("links") or []
                item["related"] = [link["href"] for link in links if link["rel"] == "related"]
            items.append(item)
        compare(by_id(items), ending)

    @pytest.mark.parametrize("ending", ALL)
    def test_reader(self, site: tuple[str, Path], ending: str) -> None:
        from reader import make_reader

        reader = make_reader(":memory:", feed_root=str(site[1]))
        reader.add_feed(f"feed.{ending}")
        reader.update_feeds()
        items = []
        for e in reader.get_entries():
            item = {
                "id": e.id,
                "title": e.title,
                "link": e.link,
                "date": e.published,
                "html": e.get_content().value,
            }
            if ending != "json":
                item["images"] = [enclosure.href for enclosure in e.enclosures]
                item["source"] = e.source.url if e.source else None
            items.append(item)
        compare(by_id(items), ending)
        reader.close()


class TestDebian:
    @pytest.mark.parametrize("ending", XML)
    def test_newsboat(self, site: tuple[str, Path], ending: str, tmp_path: Path) -> None:
        """Its cache has what it shows."""
        program = needed("newsboat")
        (tmp_path / "urls").write_text(f"{site[0]}feed.{ending}\n")
        (tmp_path / "config").write_text("")
        subprocess.run(
            [program, "-u", "urls", "-C", "config", "-c", "cache.db", "-x", "reload"],
            cwd=tmp_path, check=True, timeout=60, env={**os.environ, "HOME": str(tmp_path)},
        )  # fmt: skip
        rows = sqlite3.connect(tmp_path / "cache.db").execute(
            "SELECT guid, title, url, pubDate, content FROM rss_item"
        )
        compare(
            by_id(
                [
                    {"id": guid, "title": title, "link": url, "date": datetime.fromtimestamp(date, UTC),
                     "html": content}
                    for guid, title, url, date, content in rows
                ]
            ),
            ending,
        )  # fmt: skip

    @pytest.mark.parametrize("ending", XML)
    def test_sfeed(self, site: tuple[str, Path], ending: str) -> None:
        """Tab-separated lines."""
        program = needed("sfeed")
        with (site[1] / f"feed.{ending}").open("rb") as file:
            result = subprocess.run([program], stdin=file, capture_output=True, text=True, check=True)
        items = []
        for line in result.stdout.splitlines():
            time, title, link, content, _, id, _, enclosure, topics = line.split("\t")[:9]
            item = {
                "id": id, "title": title.replace("\\\\", "\\"), "link": link, "html": content,
                "date": datetime.fromtimestamp(int(time), UTC), "images": [enclosure] if enclosure else [],
            }  # fmt: skip
            if ending == "rss":  # of Atom it keeps the terms
                item["topics"] = [topic for topic in topics.split("|") if topic]
            items.append(item)
        compare(by_id(items), ending)

    @pytest.mark.parametrize("ending", XML)
    def test_rss2email(self, site: tuple[str, Path], ending: str, tmp_path: Path) -> None:
        """Its mails, into a maildir."""
        program = needed("r2e")
        for folder in ("cur", "new", "tmp"):
            (tmp_path / "mail" / folder).mkdir(parents=True)
        (tmp_path / "config").write_text(
            "[DEFAULT]\nfrom = a@site.example\nto = b@site.example\nemail-protocol = maildir\n"
            f"maildir-path = {tmp_path}/mail\nmaildir-mailbox = \nhtml-mail = True\nuse-publisher-email = False\n"
            "date-header = True\n"
        )
        command = [program, "-c", str(tmp_path / "config"), "-d", str(tmp_path / "data.json")]
        env = {**os.environ, "HOME": str(tmp_path)}
        for arguments in (["add", "probe", f"{site[0]}feed.{ending}"], ["run"]):
            subprocess.run([*command, *arguments], check=True, timeout=60, env=env, capture_output=True)
        items = []
        for path in (tmp_path / "mail" / "new").iterdir():
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            items.append(
                {"id": mail["X-RSS-ID"], "title": str(mail["Subject"]), "link": mail["X-RSS-URL"],
                 "updated": mail["Date"].datetime.replace(tzinfo=UTC), "html": mail.get_content()}
            )  # fmt: skip
        compare(by_id(items), ending)


class TestNode:
    @pytest.mark.parametrize(
        ("library", "ending"),
        [("feedsmith", e) for e in ALL] + [(name, e) for name in ("rss-parser", "feedparser") for e in XML],
    )
    def test_npm(self, site: tuple[str, Path], library: str, ending: str) -> None:
        """The package, as a program that uses it would."""
        node = needed("node")
        needed(
            f"the npm package {library} (npm ci in tests/readers)", str(READERS / "node_modules" / library)
        )
        result = subprocess.run(
            [node, "read.mjs", library, str(site[1] / f"feed.{ending}")],
            cwd=READERS, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        compare(by_id(json.loads(result.stdout)), ending)
