"""Tombstones (RFC 6721) of withdrawn articles."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import CONFIG, Project
from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"
AT = "{http://purl.org/atompub/tombstones/1.0}"


def stones(project: Project, path: str = "feed.atom") -> list[tuple[str, str]]:
    """The tombstones' ref and when; they must stand before the first entry."""
    children = list(etree.fromstring((project.out / path).read_bytes()))
    found = [n for n, child in enumerate(children) if child.tag == f"{AT}deleted-entry"]
    entries = [n for n, child in enumerate(children) if child.tag == f"{ATOM}entry"]
    assert not found or not entries or max(found) < min(entries)
    return [(children[n].get("ref"), children[n].get("when")) for n in found]


ID = "tag:site.example,2020:"


@pytest.mark.parametrize("field", ["removed", "deleted"])
def test_a_withdrawn_article_leaves_a_tombstone(project: Project, field: str) -> None:
    """In each of its groups' Atom feeds, dated by its update; it leaves the other formats."""
    project.write("a")
    project.write("b", topics=["AI"])
    project.build()
    assert stones(project) == []
    assert b"tombstones" not in project.documents()["feed.atom"]
    project.write("a", updatedDateTime="2026-03-01T00:00:00Z", **{field: True})
    project.build()
    for path in ("feed.atom", "topic/ai/feed.atom", "provider/publisher.example/feed.atom"):
        assert stones(project, path) == [(f"{ID}a", "2026-03-01T00:00:00Z")]
        assert [entry.id for entry in project.parsed(path).entries] == [f"{ID}b"]
    assert [item["id"] for item in project.json()["items"]] == [f"{ID}b"]
    assert f"{ID}a".encode() not in project.documents()["feed.rss"]
    project.write("a")
    project.build()
    assert stones(project) == []
    assert len(project.titles()) == 2


def test_it_is_dated_by_its_date_without_an_update(project: Project) -> None:
    """Or where the update is still to come."""
    project.write("a", removed=True)
    project.write("b", removed=True, updatedDateTime="2027-01-01T00:00:00Z")
    project.write("c")
    project.build()
    assert stones(project) == [(f"{ID}a", "2026-01-02T03:04:05Z"), (f"{ID}b", "2026-01-02T03:04:05Z")]


def test_it_stays_while_the_article_would_have_stood_there(project: Project) -> None:
    """Among the newest, counted with it."""
    project.configure(CONFIG + "feeds: {limit: 2}\n")
    dates: dict[str, Any] = {name: f"2026-01-0{n}T00:00:00Z" for n, name in enumerate("abc", 1)}
    project.write("b", publishedDateTime=dates["b"], removed=True)
    project.write("a", publishedDateTime=dates["a"])
    project.build()
    assert (stones(project), len(project.titles())) == ([(f"{ID}b", dates["b"])], 1)
    project.write("c", publishedDateTime=dates["c"])
    project.build()
    # Its place was the second; the feed is full without it.
    assert (stones(project), len(project.titles())) == ([(f"{ID}b", dates["b"])], 2)
    project.write("d", publishedDateTime="2026-01-04T00:00:00Z")
    project.build()
    assert stones(project) == []
    incremental = project.documents()
    project.build(full=True)
    assert project.documents() == incremental


@pytest.mark.parametrize(
    "fields",
    [
        {"draft": True}, {"published": False}, {"publishedDateTime": "2027-01-01T00:00:00Z"}, {"webUrl": "no URL"},
        {"publishedDateTime": None}, {"title": None}, {"id": "other"},
    ],
    ids=["draft", "unpublished", "future", "no link", "no date", "no title", "another's id"],
)  # fmt: skip
def test_none_for_what_was_never_public(project: Project, fields: dict[str, object]) -> None:
    """Nor is anything to be mended in it."""
    project.write("other")
    project.write("a", **{"removed": True, **fields})
    assert project.build().problems == ()
    assert stones(project) == []
    assert project.titles() == ["A title"]


def test_another_article_may_take_the_link(project: Project) -> None:
    """A withdrawn article holds nothing."""
    project.write("old", webUrl="https://a.example/", removed=True, publishedDateTime="2026-05-01T00:00:00Z")
    project.write("new", webUrl="https://a.example/", title="New")
    assert project.build().problems == ()
    assert project.titles() == ["New"]
    assert stones(project) == [(f"{ID}old", "2026-05-01T00:00:00Z")]


def test_a_group_of_withdrawn_articles_is_gone(project: Project) -> None:
    """It has feeds while it has an article; its tombstone is there when it comes back."""
    project.write("a", topics=["X"], removed=True)
    project.write("b", topics=["Y"])
    project.build()
    assert project.folders() == {"", "topic/y", "provider/publisher.example"}
    project.write("c", topics=["X"])
    project.build()
    assert stones(project, "topic/x/feed.atom") == [(f"{ID}a", "2026-01-02T03:04:05Z")]
