"""Archives (RFC 5005, section 4): every article can be had, by documents that stay as they are."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import CONFIG, Project
from lxml import etree

from syndicate.output import Reason

FEEDS = "https://feeds.site.example/"
ATOM = "{http://www.w3.org/2005/Atom}"
HISTORY = "{http://purl.org/syndication/history/1.0}"


def write(project: Project, *dates: str) -> None:
    """An article for each date, called by it."""
    for date in dates:
        project.write(date, publishedDateTime=f"{date}T12:00:00Z")


def configure(project: Project, feeds: str) -> None:
    project.configure(CONFIG + f"feeds: {{{feeds}}}\n")


def root(project: Project, path: str) -> Any:
    """An Atom document, or an RSS document's channel."""
    found = etree.fromstring((project.out / path).read_bytes())
    return found if path.endswith("atom") else found[0]


def around(project: Project, path: str) -> dict[str, str]:
    """The document's links to others of its chain, below FEEDS."""
    links = {
        link.get("rel"): link.get("href").removeprefix(FEEDS)
        for link in root(project, path).findall(f"{ATOM}link")
    }
    return {rel: links[rel] for rel in ("self", "prev-archive", "next-archive", "current") if rel in links}


def archives(project: Project, folder: str = "") -> list[str]:
    return sorted(
        path.stem for path in (project.out / folder / "archive").glob("*.atom") if path.parent.exists()
    )


@pytest.mark.parametrize("ending", ["atom", "rss"])
def test_the_chain(project: Project, ending: str) -> None:
    """From the feed to the oldest period and back; only archive documents say that they are some."""
    configure(project, "limit: 2, archive: month")
    write(project, "2025-11-05", "2026-01-01", "2026-01-31", "2026-03-01", "2026-03-02")
    project.build()
    assert archives(project) == archives(project, "topic/ai") == ["2025-11", "2026-01"]
    old, new = f"archive/2025-11.{ending}", f"archive/2026-01.{ending}"
    assert around(project, f"feed.{ending}") == {"self": f"feed.{ending}", "prev-archive": new}
    assert around(project, new) == {"self": new, "prev-archive": old, "current": f"feed.{ending}"}
    assert around(project, old) == {"self": old, "next-archive": new, "current": f"feed.{ending}"}
    marked = [
        root(project, path).find(f"{HISTORY}archive") is not None for path in (f"feed.{ending}", new, old)
    ]
    assert marked == [False, True, True]
    parsed = project.parsed(new)
    assert [entry.id for entry in parsed.entries] == [
        "tag:site.example,2020:2026-01-31", "tag:site.example,2020:2026-01-01",
    ]  # fmt: skip
    assert project.parsed(f"topic/ai/{new}").feed.title == "AI – Test Site"
    if ending == "atom":
        # The newest of its own entries, never a later one's or the clock.
        assert parsed.feed.updated == "2026-01-31T12:00:00Z"


def test_json_feeds_lead_through_everything(project: Project) -> None:
    """next_url, from the feed on: every article, those that both hold twice."""
    configure(project, "limit: 2, archive: month")
    dates = ["2025-11-05", "2026-01-01", "2026-01-31", "2026-02-01", "2026-03-02"]
    write(project, *dates)
    project.build()
    url, seen = "feed.json", []
    while url:
        document = project.json(url.removeprefix(FEEDS))
        assert document["feed_url"].removeprefix(FEEDS) == url.removeprefix(FEEDS)
        seen += [item["id"].rpartition(":")[2] for item in document["items"]]
        url = document.get("next_url")
    assert seen == ["2026-03-02", "2026-02-01", "2026-01-31", "2026-01-01", "2025-11-05"]
    extension = project.json("archive/2025-11.json")["_syndicate"]
    assert extension == {
        "generator": "Syndicate", "archive": True, "current": f"{FEEDS}feed.json",
        "next_archive": f"{FEEDS}archive/2026-01.json",
    }  # fmt: skip


def test_namespaces_are_declared_on_the_root_alone(project: Project) -> None:
    """And Atom's elements have no prefix in Atom documents: readers that look for text know none."""
    project.configure(CONFIG + "feeds: {limit: 1, archive: month}\npublish: {hub: 'https://hub.example/'}\n")
    write(project, "2025-11-05", "2026-01-01", "2026-03-01")
    project.build()
    for path, data in project.documents().items():
        if path.endswith((".atom", ".rss")):
            declared = data.partition(b"?>")[2].lstrip().partition(b">")[0].count(b"xmlns")
            assert data.count(b"xmlns") == declared > 0, path
        if path.endswith(".atom"):
            assert b":link" not in data, path


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("year", ["2024", "2025"]), ("month", ["2024-12", "2025-01"]),
        ("day", ["2024-12-31", "2025-01-01", "2025-01-02"]), ("none", []),
    ],
)  # fmt: skip
def test_periods(project: Project, period: str, expected: list[str]) -> None:
    """Of the published date in UTC; none without the config's word."""
    configure(project, f"limit: 1, archive: {period}")
    write(project, "2024-12-31", "2025-01-01", "2025-01-02", "2026-01-01")
    project.build()
    assert archives(project) == expected


def test_a_period_that_the_feed_holds_has_none(project: Project) -> None:
    """It begins with the first article that the feed has no room for, and then holds all of its period."""
    configure(project, "limit: 3, archive: month")
    write(project, "2026-01-01", "2026-01-02", "2026-02-01")
    project.build()
    assert archives(project) == []
    write(project, "2026-02-02")
    project.build()
    assert archives(project) == ["2026-01"]
    assert len(project.parsed("archive/2026-01.atom").entries) == 2
    (project.root / "news" / "2026-02-02.md").unlink()
    project.build()
    assert archives(project) == []
    assert not (project.out / "archive").exists()


def test_a_limit_of_bytes_loses_nothing(project: Project) -> None:
    """Each format leaves out as many as it must: the archive has every period."""
    configure(project, "max_bytes: 2000, archive: month")
    dates = [f"2026-0{n}-01" for n in range(1, 6)]
    write(project, *dates)
    project.build()
    for ending in ("rss", "atom"):
        assert len(project.parsed(f"feed.{ending}").entries) < 5
        ids = {e.id for name in archives(project) for e in project.parsed(f"archive/{name}.{ending}").entries}
        assert ids == {f"tag:site.example,2020:{date}" for date in dates}


def test_a_document_changes_only_with_its_articles(project: Project) -> None:
    """A new article in another period writes no archive document, an edit only its own period's."""
    configure(project, "limit: 1, archive: month, formats: [atom]")
    write(project, "2025-11-05", "2025-12-05", "2026-01-05", "2026-03-05")
    project.build()
    write(project, "2026-03-06")
    report = project.build()
    written = {
        d.path for d in report.documents if d.reason in (Reason.NEW, Reason.CHANGED) and "archive" in d.path
    }
    # March is new; January, until now the newest, gains its next-archive.
    expected = {f"archive/{period}.atom" for period in ("2026-01", "2026-03")}
    assert {path for path in written if path.startswith("archive")} == expected
    project.write("2025-12-05", publishedDateTime="2025-12-05T12:00:00Z", title="Mended")
    report = project.build()
    written = {d.path for d in report.documents if d.reason is not Reason.UNCHANGED}
    assert written == {
        f"{folder}archive/2025-12.atom" for folder in ("", "topic/ai/", "provider/publisher.example/")
    }


def test_a_withdrawn_article(project: Project) -> None:
    """It leaves its archive document too, and its tombstone stands there."""
    configure(project, "limit: 1, archive: month")
    write(project, "2026-01-01", "2026-01-02", "2026-03-01")
    project.build()
    project.write("2026-01-01", publishedDateTime="2026-01-01T12:00:00Z", removed=True)
    project.build()
    document = root(project, "archive/2026-01.atom")
    [stone] = document.findall("{http://purl.org/atompub/tombstones/1.0}deleted-entry")
    assert stone.get("ref") == "tag:site.example,2020:2026-01-01"
    assert len(document.findall(f"{ATOM}entry")) == 1


def test_damaged_documents_are_written_again(project: Project) -> None:
    """As any others, in the next run."""
    configure(project, "limit: 1, archive: month")
    write(project, "2026-01-01", "2026-01-02", "2026-03-01")
    project.build()
    before = project.documents()
    (project.out / "archive" / "2026-01.rss").unlink()
    (project.out / "topic" / "ai" / "archive" / "2026-01.json").write_text("x")
    project.build()
    assert project.documents() == before
