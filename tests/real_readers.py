"""Real readers: each function reads one served feed with one program, and gives what it keeps of each item.

A reader takes the feeds' folder, the URL it is served at, a format's ending and a folder for files of its own,
and returns for each item its ``id`` and those of ``title``, ``link``, ``date``, ``updated``, ``html``,
``images``, ``related``, ``topics`` and ``source`` that it keeps.
"""

from __future__ import annotations

import email
import email.policy
import json
import os
import sqlite3
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from programs import needed

Item = dict[str, Any]
NODE = Path(__file__).parent / "readers"
ALL = ("rss", "atom", "json")
XML = ("rss", "atom")


def feedparser(out: Path, url: str, ending: str, folder: Path) -> list[Item]:
    import feedparser

    parsed = feedparser.parse((out / f"feed.{ending}").read_bytes(), sanitize_html=False)
    assert not parsed.bozo

    def source(entry: Any) -> str | None:
        if "source" not in entry:
            return None
        return str(entry.source.links[0].href if ending == "atom" else entry.source.href)

    return [
        {
            "id": e.id, "title": e.title, "link": e.link, "source": source(e),
            "html": e.content[0].value if "content" in e else e.summary,
            "date": datetime(*e.published_parsed[:6], tzinfo=UTC),
            "topics": [t.label or t.term for t in e.get("tags", [])],
            "images": [link.href for link in e.links if link.rel == "enclosure"],
            "related": [link.href for link in e.links if link.rel == "related"],
        }
        for e in parsed.entries
    ]  # fmt: skip


def fastfeedparser(out: Path, url: str, ending: str, folder: Path) -> list[Item]:
    import fastfeedparser

    items = []
    for e in fastfeedparser.parse((out / f"feed.{ending}").read_text()).entries:
        item = {
            "id": e.id, "title": e.title, "link": e.link, "date": e.published,
            "topics": [t["label"] or t["term"] for t in e.get("tags") or []],
            "html": e.content[0]["value"] if e.get("content") else e.description,
        }  # fmt: skip
        if ending != "json":
            item["related"] = [link["href"] for link in e.get("links") or [] if link["rel"] == "related"]
        items.append(item)
    return items


def reader(out: Path, url: str, ending: str, folder: Path) -> list[Item]:
    from reader import make_reader

    reader = make_reader(":memory:", feed_root=str(out))
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
    reader.close()
    return items


def newsboat(out: Path, url: str, ending: str, folder: Path) -> list[Item]:
    """Its cache has what it shows."""
    program = needed("newsboat")
    (folder / "urls").write_text(f"{url}feed.{ending}\n")
    (folder / "config").write_text("max-items 0\n")
    subprocess.run(
        [program, "-u", "urls", "-C", "config", "-c", "cache.db", "-x", "reload"],
        cwd=folder, check=True, timeout=60, env={**os.environ, "HOME": str(folder)},
    )  # fmt: skip
    cache = sqlite3.connect(folder / "cache.db")
    rows = cache.execute("SELECT guid, title, url, pubDate, content FROM rss_item").fetchall()
    cache.close()
    return [
        {"id": id, "title": title, "link": link, "date": datetime.fromtimestamp(date, UTC), "html": html}
        for id, title, link, date, html in rows
    ]


def sfeed(out: Path, url: str, ending: str, folder: Path) -> list[Item]:
    """Tab-separated lines."""
    program = needed("sfeed")
    with (out / f"feed.{ending}").open("rb") as file:
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
    return items


def rss2email(out: Path, url: str, ending: str, folder: Path) -> list[Item]:
    """Its mails, in a maildir; they bear the date of the update."""
    program = needed("r2e")
    for name in ("cur", "new", "tmp"):
        (folder / "mail" / name).mkdir(parents=True)
    (folder / "config").write_text(
        "[DEFAULT]\nfrom = a@site.example\nto = b@site.example\nemail-protocol = maildir\n"
        f"maildir-path = {folder}/mail\nmaildir-mailbox = \nhtml-mail = True\nuse-publisher-email = False\n"
        "date-header = True\n"
    )
    command = [program, "-c", str(folder / "config"), "-d", str(folder / "data.json")]
    env = {**os.environ, "HOME": str(folder)}
    for arguments in (["add", "probe", f"{url}feed.{ending}"], ["run"]):
        subprocess.run([*command, *arguments], check=True, timeout=60, env=env, capture_output=True)
    items = []
    for path in (folder / "mail" / "new").iterdir():
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        items.append(
            {"id": mail["X-RSS-ID"], "title": str(mail["Subject"]), "link": mail["X-RSS-URL"],
             "updated": mail["Date"].datetime.replace(tzinfo=UTC), "html": mail.get_content()}
        )  # fmt: skip
    return items


def _npm(library: str) -> Callable[[Path, str, str, Path], list[Item]]:
    def read(out: Path, url: str, ending: str, folder: Path) -> list[Item]:
        node = needed("node")
        needed(f"the npm package {library} (npm ci in tests/readers)", str(NODE / "node_modules" / library))
        result = subprocess.run(
            [node, "read.mjs", library, str((out / f"feed.{ending}").resolve())],
            cwd=NODE, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        items: list[Item] = json.loads(result.stdout)
        return items

    return read


# Each with the formats that it reads.
READERS: dict[str, tuple[Callable[[Path, str, str, Path], list[Item]], tuple[str, ...]]] = {
    "feedparser": (feedparser, XML),
    "fastfeedparser": (fastfeedparser, ALL),
    "reader": (reader, ALL),
    "newsboat": (newsboat, XML),
    "sfeed": (sfeed, XML),
    "rss2email": (rss2email, XML),
    "feedsmith": (_npm("feedsmith"), ALL),
    "rss-parser": (_npm("rss-parser"), XML),
    "feedparser of npm": (_npm("feedparser"), XML),
}


def by_id(items: list[Item]) -> dict[str, Item]:
    """The items by their ids, which must be unique."""
    found = {item.pop("id"): item for item in items}
    assert len(found) == len(items)
    return found


def moment(date: Any) -> datetime:
    """A reader's date, whatever its form."""
    from email.utils import parsedate_to_datetime

    if isinstance(date, datetime):
        return date
    return datetime.fromisoformat(date) if date[0].isdigit() else parsedate_to_datetime(date)
