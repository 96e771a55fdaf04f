"""Related items as entries of their own: ``feeds.related: entries``."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from conftest import CONFIG, NOW, Project

FEEDS = "https://feeds.site.example/"
ITEM = {
    "title": "Another &amp; more", "excerpt": "Of others.", "webUrl": "https://other.example/1",
    "publishedDateTime": "2026-01-01T00:00:00Z", "provider": {"name": "Other", "domain": "other.example"},
    "images": [{"url": "https://p.example/i.png", "width": 30, "height": 20}],
}  # fmt: skip


@pytest.fixture
def site(project: Project) -> Project:
    project.configure(CONFIG + "feeds: {related: entries}\n")
    return project


def id_of(link: str) -> str:
    return f"tag:site.example,2020:/related/{hashlib.sha256(link.encode()).hexdigest()[:24]}"


def links(project: Project, path: str = "feed.json") -> list[str]:
    return [item["url"] for item in project.json(path)["items"]]


def test_they_carry_what_the_item_carries(site: Project) -> None:
    """Credited to their own provider, via the article that named them; in its topics' feeds."""
    site.write("a", related=[ITEM], topics=["AI"])
    report = site.build()
    assert report.problems == ()
    assert report.articles == 1  # an item is none
    for path in ("feed.json", "topic/ai/feed.json"):
        own, item = site.json(path)["items"]
        assert own["_syndicate"]["related"][0]["id"] == item["id"] == id_of("https://other.example/1")
        assert {key: item[key] for key in ("url", "title", "summary", "date_published", "image", "tags")} == {
            "url": "https://other.example/1", "title": "Another & more", "summary": "Of others.", "tags": ["AI"],
            "date_published": "2026-01-01T00:00:00Z", "image": "https://p.example/i.png",
        }  # fmt: skip
        assert item["authors"] == [{"name": "Other", "url": "https://other.example/"}]
        assert item["_syndicate"]["via"] == "https://publisher.example/a"
    entry = site.parsed("provider/other.example/feed.atom").entries[0]
    assert [link.href for link in entry.links if link.rel == "via"] == ["https://publisher.example/a"]
    assert entry.source.links[0].href == f"{FEEDS}provider/other.example/feed.atom"


def test_they_are_links_alone_without_the_configs_word(project: Project) -> None:
    """And when it is taken back they go, without the brake taking it for a loss."""
    project.write("a", related=[{**ITEM, "webUrl": f"https://other.example/{n}"} for n in range(9)])
    project.build()
    before = project.documents()
    assert links(project) == ["https://publisher.example/a"]
    project.configure(CONFIG + "feeds: {related: entries}\n")
    project.build()
    assert len(links(project)) == 10
    project.configure(CONFIG)
    project.build()
    assert project.documents() == before


def test_never_twice(site: Project) -> None:
    """Of two articles that name one item, one entry."""
    site.write("a", related=[ITEM], topics=["A"])
    site.write("b", related=[ITEM], topics=["B"])
    assert site.build().problems == ()
    assert links(site).count("https://other.example/1") == 1


def test_never_over_an_article_of_the_same_link(site: Project) -> None:
    """Whichever is newer, and whichever came first; the item comes back when the article goes."""
    site.write("a", related=[ITEM])
    site.build()
    site.write(
        "other", webUrl="https://other.example/1", title="Its own", publishedDateTime="2025-01-01T00:00:00Z"
    )
    assert site.build().problems == ()
    items: dict[str, Any] = {item["url"]: item for item in site.json()["items"]}
    assert len(items) == 2
    assert items["https://other.example/1"]["id"] == "tag:site.example,2020:other"
    (site.root / "news" / "other.md").unlink()
    site.build(force=True)
    assert [item["id"] for item in site.json()["items"]] == [
        "tag:site.example,2020:a", id_of("https://other.example/1"),
    ]  # fmt: skip


def test_not_what_was_withdrawn(site: Project) -> None:
    """An article that was taken back does not come back as somebody's related item."""
    site.write("a", related=[ITEM])
    site.write("other", webUrl="https://other.example/1", removed=True)
    site.build()
    assert links(site) == ["https://publisher.example/a"]


def test_they_wait_for_the_article_that_names_them(site: Project) -> None:
    """Also when that date is brought forward."""
    site.write("now")
    site.write("later", related=[ITEM], publishedDateTime="2026-08-01T00:00:00Z")
    site.build()
    assert links(site) == ["https://publisher.example/now"]
    site.write("later", related=[ITEM], publishedDateTime="2026-07-01T00:00:00Z")
    site.build()
    assert links(site) == ["https://publisher.example/now"]
    site.build(now=NOW.replace(month=7, day=2))
    assert sorted(links(site)) == [
        "https://other.example/1", "https://publisher.example/later", "https://publisher.example/now",
    ]  # fmt: skip


def test_they_go_with_the_article(site: Project) -> None:
    """With its file, when it no longer names them, and when it becomes a draft."""
    site.write("keep")
    for change in (
        {"related": []},
        {"related": [ITEM], "draft": True},
        {"related": [ITEM], "removed": True},
        None,
    ):
        site.write("a", related=[ITEM, {**ITEM, "webUrl": "https://other.example/2"}])
        site.build(force=True)
        assert "https://other.example/2" in links(site)
        if change is None:
            (site.root / "news" / "a.md").unlink()
        else:
            site.write("a", **change)
        assert site.build(force=True).problems == ()
        assert not any("other.example" in link for link in links(site))
        after = site.documents()
        site.build(full=True, force=True)
        assert site.documents() == after


def test_an_item_with_title_and_link_alone(site: Project) -> None:
    """It has its article's date, and its link's host for provider."""
    site.write("a", related=[{"title": "Bare", "webUrl": "https://www.bare.example/x"}])
    site.build()
    [item] = [item for item in site.json()["items"] if item["title"] == "Bare"]
    assert item["date_published"] == "2026-01-02T03:04:05Z"
    assert item["authors"] == [{"name": "bare.example", "url": "https://bare.example/"}]
    assert item["content_html"]
