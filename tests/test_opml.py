"""OPML 2.0 of all feeds."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from conftest import CONFIG, Project
from lxml import etree
from programs import needed

FEEDS = "https://feeds.site.example/"


def body(project: Project) -> etree._Element:
    return etree.fromstring((project.out / "feeds.opml").read_bytes()).find("body")


def test_every_feed_is_there_once_by_kind(project: Project) -> None:
    """Rule 27: type, text, title, xmlUrl and htmlUrl; the site first, then each kind of group by name."""
    project.write("a", topics=["Zoo", "ärzte", "AI"])
    project.build()
    site, topics, providers = body(project)
    assert dict(site.attrib) == {
        "type": "rss", "text": "Test Site", "title": "Test Site", "xmlUrl": f"{FEEDS}feed.atom",
        "htmlUrl": "https://site.example/",
    }  # fmt: skip
    assert (topics.get("text"), providers.get("text")) == ("Topics", "Providers")
    assert [outline.get("text") for outline in topics] == [
        "AI – Test Site", "Zoo – Test Site", "ärzte – Test Site",
    ]  # fmt: skip
    assert dict(providers[0].attrib) == {
        "type": "rss", "text": "Publisher – Test Site", "title": "Publisher – Test Site",
        "xmlUrl": f"{FEEDS}provider/publisher.example/feed.atom",
        "htmlUrl": f"{FEEDS}provider/publisher.example/index.html",
    }  # fmt: skip


def test_every_address_is_a_document(project: Project) -> None:
    """Also of slugs that are percent-encoded in URLs, and of pairs."""
    project.configure(CONFIG + "feeds: {groups: [topic, [topic, provider]]}\n")
    project.write("a", topics=["日本", "C++"])
    project.build()
    outlines = body(project).findall(".//outline[@xmlUrl]")
    assert len(outlines) == 5
    for outline in outlines:
        path = outline.get("xmlUrl").removeprefix(FEEDS)
        assert project.json(path.replace(".atom", ".json").replace("%E6%97%A5%E6%9C%AC", "日本"))


def test_without_pages_and_atom(project: Project) -> None:
    """The best format that is there; the site where a group has no page."""
    project.configure(CONFIG + "feeds: {formats: [json, rss], html: false}\n")
    project.write("a")
    project.build()
    outline = body(project)[1][0]
    assert outline.get("xmlUrl") == f"{FEEDS}topic/ai/feed.rss"
    assert outline.get("htmlUrl") == "https://site.example/"


def test_it_changes_with_the_groups_only(project: Project) -> None:
    """A new article of a known topic and provider leaves it alone; a new topic does not."""
    project.write("a")
    project.build()
    before = project.documents()["feeds.opml"]
    project.write("b")
    project.build()
    assert project.documents()["feeds.opml"] == before
    project.write("c", topics=["New"])
    project.build()
    assert b"New" in project.documents()["feeds.opml"]
    (project.root / "news" / "c.md").unlink()
    project.build()
    assert project.documents()["feeds.opml"] == before


class TestRealReaders:
    """Each imports every feed that the document names."""

    @pytest.fixture
    def addresses(self, project: Project) -> set[str]:
        project.write("a", topics=["AI", "日本", "Q&A <x>"])
        project.build()
        return {outline.get("xmlUrl") for outline in body(project).iter("outline") if outline.get("xmlUrl")}

    def test_newsboat(self, project: Project, addresses: set[str]) -> None:
        program = needed("newsboat")
        (project.root / "urls").write_text("")
        (project.root / "conf").write_text("")
        command = [program, "-u", "urls", "-C", "conf", "-c", "cache.db", "-i", "out/feeds.opml"]
        env = {**os.environ, "HOME": str(project.root)}
        subprocess.run(command, cwd=project.root, env=env, check=True, timeout=60, capture_output=True)
        lines = (project.root / "urls").read_text().splitlines()
        assert {line.split(" ")[0] for line in lines if line} == addresses
        assert len([line for line in lines if "Topics" in line]) == 3

    def test_sfeed(self, project: Project, addresses: set[str]) -> None:
        program = needed("sfeed_opml_import")
        with (project.out / "feeds.opml").open("rb") as file:
            result = subprocess.run(
                [program], stdin=file, check=True, timeout=60, capture_output=True, text=True
            )
        found = set(re.findall(r"^\s*feed '.*' '(.*)'$", result.stdout, re.MULTILINE))
        assert found == addresses

    def test_rss2email(self, project: Project, addresses: set[str]) -> None:
        program = needed("r2e")
        command = [program, "-c", "conf", "-d", "data.json", "opmlimport", "out/feeds.opml"]
        env = {**os.environ, "HOME": str(project.root)}
        subprocess.run(command, cwd=project.root, env=env, check=True, timeout=60, capture_output=True)
        found = set(re.findall(r"^url = (.*)$", (project.root / "conf").read_text(), re.MULTILINE))
        assert found == addresses
