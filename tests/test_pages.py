"""HTML pages: what they say, and how they look and work in a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import CONFIG, NOW, Project
from lxml import html
from programs import needed, served

FEEDS = "https://feeds.site.example/"
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="400"><rect width="600" height="400" fill="#468"/></svg>'


def page(project: Project, path: str = "topic/ai/index.html") -> Any:
    return html.fromstring((project.out / path).read_bytes())


def texts(found: list[Any]) -> list[str]:
    return [" ".join(element.text_content().split()) for element in found]


class TestGroups:
    def test_entries_as_a_person_reads_them(self, project: Project) -> None:
        """Title with link, provider with its page here, date, picture, excerpt, related items, topics."""
        project.write(
            "a", title="A <b> & title", excerpt="One.\n\nTwo.", topics=["AI", "C++"], updatedDateTime="2026-02-01",
            images=[{"url": "https://p.example/i.png", "width": 600, "height": 400, "title": "A robot"}],
            related=[{"title": "Other", "webUrl": "https://o.example/"}],
        )  # fmt: skip
        project.build()
        [entry] = page(project).findall(".//article")
        [title] = entry.xpath("h2/a")
        assert (title.text, title.get("href")) == ("A <b> & title", "https://publisher.example/a")
        assert texts(entry.xpath(".//p")) == [
            "Publisher · 2 January 2026", "", "One.", "Two.", "Related", "AI · C++",
        ]  # fmt: skip
        [image] = entry.xpath(".//img")
        assert {k: image.get(k) for k in ("src", "width", "height", "alt")} == {
            "src": "https://p.example/i.png", "width": "600", "height": "400", "alt": "A robot",
        }  # fmt: skip
        assert entry.xpath(".//time/@datetime") == ["2026-01-02T03:04:05Z"]
        assert entry.xpath(".//a/@href")[1:] == [
            f"{FEEDS}provider/publisher.example/index.html", "https://o.example/",
            f"{FEEDS}topic/ai/index.html", f"{FEEDS}topic/c-plus-plus/index.html",
        ]  # fmt: skip

    def test_the_head(self, project: Project) -> None:
        """Autodiscovery of each format, language, title, canonical address."""
        project.write("a")
        project.build()
        head = page(project).find("head")
        assert [
            (e.get("type"), e.get("title"), e.get("href")) for e in head.xpath("link[@rel='alternate']")
        ] == [
            ("application/rss+xml", "AI – Test Site (RSS)", f"{FEEDS}topic/ai/feed.rss"),
            ("application/atom+xml", "AI – Test Site (Atom)", f"{FEEDS}topic/ai/feed.atom"),
            ("application/feed+json", "AI – Test Site (JSON Feed)", f"{FEEDS}topic/ai/feed.json"),
        ]
        assert page(project).get("lang") == "en"
        assert head.findtext("title") == "AI – Test Site"
        assert head.xpath("link[@rel='canonical']/@href") == [f"{FEEDS}topic/ai/index.html"]

    def test_hostile_text_is_text(self, project: Project) -> None:
        """No markup of an article's title, provider, topic, picture or excerpt stands in a page."""
        hostile = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
        project.write(
            "a", title=hostile, excerpt=hostile, topics=["AI", hostile],
            provider={"name": hostile, "domain": "p.example"},
            images=[{"url": "https://p.example/i.png", "title": hostile}],
            related=[{"title": hostile, "webUrl": "https://o.example/"}],
        )  # fmt: skip
        project.build()
        pages = [path for path in project.documents() if path.endswith(".html")]
        assert len(pages) == 4
        for path in pages:
            assert len(page(project, path).xpath("//script")) == 1
            assert page(project, path).xpath("//@onerror") == []
            assert page(project, path).xpath("//img[@src='x']") == []

    def test_an_empty_topic(self, project: Project) -> None:
        """Of the registry: it has a page that says so."""
        (project.root / "topics").mkdir()
        (project.root / "topics" / "t.yaml").write_text("name: Empty\n")
        project.configure(CONFIG.replace("roots: [news]", "roots: [news]\n  topics: topics"))
        project.write("a")
        project.build()
        assert texts(page(project, "topic/empty/index.html").xpath("//main/p")) == ["No article yet."]

    def test_without_pages(self, project: Project) -> None:
        """None is written, and those of before go."""
        project.write("a")
        project.build()
        project.configure(CONFIG + "feeds: {html: false}\n")
        project.build()
        assert [path for path in project.documents() if path.endswith(".html")] == []

    def test_topics_without_pages_are_no_links(self, project: Project) -> None:
        """Where the config has no feeds for them."""
        project.configure(CONFIG + "feeds: {groups: [provider]}\n")
        project.write("a")
        project.build()
        hrefs = page(project, "provider/publisher.example/index.html").xpath("//main//a/@href")
        assert hrefs == ["https://publisher.example/a", f"{FEEDS}provider/publisher.example/index.html"]


class TestIndex:
    def test_every_feed_with_count_and_newest(self, project: Project) -> None:
        """By kind and name; counts are of all articles, not of the feed's entries."""
        project.configure(CONFIG + "feeds: {limit: 1}\n")
        project.write("a", topics=["Zoo", "AI"], publishedDateTime="2026-01-02T00:00:00Z")
        project.write("b", topics=["AI"], publishedDateTime="2026-03-04T00:00:00Z")
        project.build()
        index = page(project, "index.html")
        assert texts(index.xpath("//section/h2")) == ["Topics", "Providers"]
        assert texts(index.xpath("//li/a")) == ["AI", "Zoo", "Publisher"]
        assert texts(index.xpath("//li/p[1]")) == [
            "2 articles, newest 4 March 2026", "1 article, newest 2 January 2026", "2 articles, newest 4 March 2026",
        ]  # fmt: skip
        assert index.xpath("//li[1]/p[2]/a/@href")[:4] == [
            f"{FEEDS}topic/ai/feed.rss", f"{FEEDS}topic/ai/feed.atom", f"{FEEDS}topic/ai/feed.json",
            f"feed:{FEEDS}topic/ai/feed.atom",
        ]  # fmt: skip

    def test_it_is_kept_up_incrementally(self, project: Project) -> None:
        """As a full build would write it."""
        project.write("a", topics=["AI", "B"])
        project.build()
        project.write("b", topics=["AI"], publishedDateTime="2026-04-01T00:00:00Z")
        project.write("a", topics=["AI"])
        project.build()
        incremental = project.documents()
        project.build(full=True)
        assert project.documents() == incremental
        assert texts(page(project, "index.html").xpath("//li/a")) == ["AI", "Publisher"]

    def test_10_000_topics(self, project: Project) -> None:
        """Each has its folder, its row and its outline."""
        project.configure(CONFIG + "feeds: {formats: [json]}\n")
        for n in range(200):
            project.write(f"a{n}", topics=[f"T{n * 50 + m}" for m in range(50)])
        project.build()
        assert len(page(project, "index.html").xpath("//section[1]/ul/li")) == 10_000
        assert (project.out / "topic" / "t9999" / "index.html").exists()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = needed("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A site on a free port: every kind of entry, long words, right-to-left and CJK text."""
    root = tmp_path_factory.mktemp("site")
    with served(root / "out") as url:
        project = Project(root)
        project.configure(CONFIG.replace(FEEDS, url))
        project.write("bare", excerpt=None, provider=None, topics=["AI"])
        project.write(
            "full", title="A picture of a robot", topics=["AI", "人工智能", "ذكاء"],
            images=[{"url": f"{url}p.svg", "width": 600, "height": 400, "title": "A robot"}],
            related=[{"title": "Another", "webUrl": "https://o.example/"}],
        )  # fmt: skip
        project.write("plain", images=[f"{url}p.svg"], title="W" * 300, excerpt="https://" + "x" * 500)
        project.write("rtl", title="مقال عن الذكاء", excerpt="نص قصير", language="ar")
        project.write("cjk", title="人工智能的文章", excerpt="摘要" * 80, language="zh")
        project.write(
            "film", featuredContent='<iframe src="https://www.youtube.com/embed/abcdefghijk"></iframe>'
        )
        project.build(now=NOW)
        (project.out / "p.svg").write_text(PICTURE)
        yield url, project.out


PAGES = ["index.html", "topic/ai/index.html", "provider/publisher.example/index.html"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
class TestInABrowser:
    def test_it_fits_and_everyone_can_use_it(
        self, browser: Any, site: tuple[str, Path], path: str, width: int, scheme: str
    ) -> None:
        """No sideways scrolling, nothing in the console, pictures shown, nothing that axe-core objects to."""
        from axe_playwright_python.sync_playwright import Axe

        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.route(
            re.compile(r"^https://"), lambda route: route.fulfill(content_type="image/svg+xml", body=PICTURE)
        )
        page.route(re.compile(r"/favicon\.ico$"), lambda route: route.fulfill(body=""))
        page.goto(site[0] + path)
        page.evaluate("document.querySelectorAll('img').forEach(i => { i.loading = 'eager' })")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
        assert said == []
        page.close()


class TestUse:
    def test_copy_buttons(self, browser: Any, site: tuple[str, Path]) -> None:
        """They copy the address and say so; without scripts they are not there."""
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.goto(f"{site[0]}index.html")
        button = page.get_by_role("button", name="Copy address: AI", exact=True)
        button.focus()
        page.keyboard.press("Enter")
        page.get_by_text("Copied", exact=True).wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == f"{site[0]}topic/ai/feed.atom"
        assert page.get_by_role("status").text_content() == f"Copied {site[0]}topic/ai/feed.atom"
        context.close()
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(f"{site[0]}index.html")
        assert page.get_by_role("button").count() == 0
        assert page.get_by_role("link", name="AI", exact=True).count() == 1
        context.close()

    def test_every_link_of_ours_leads_somewhere(self, browser: Any, site: tuple[str, Path]) -> None:
        """From the list to each page and each feed, and back."""
        url, _ = site
        page = browser.new_page()
        for path in PAGES:
            page.goto(url + path)
            ours = [
                href for href in page.evaluate("[...document.links].map(a => a.href)") if href.startswith(url)
            ]
            assert ours
            for href in ours:
                assert page.request.get(href).status == 200, href
        page.close()

    def test_5_000_feeds_open_quickly(self, browser: Any, tmp_path: Path) -> None:
        """All rows are there; the browser lays out those in view."""
        project = Project(tmp_path)
        project.configure(CONFIG + "feeds: {formats: [json]}\n")
        for n in range(100):
            project.write(f"a{n}", topics=[f"T{n * 50 + m}" for m in range(50)])
        project.build()
        page = browser.new_page()
        page.goto((project.out / "index.html").as_uri())
        assert page.locator("section:first-of-type li").count() == 5_000
        # What is not in view is not laid out: that is what keeps it quick.
        assert (
            page.evaluate("getComputedStyle(document.querySelector('li:last-of-type')).contentVisibility")
            == "auto"
        )
        page.close()


def test_pages_of_groups_that_went_while_the_catalog_was_lost(project: Project) -> None:
    """They say whose they are in their first lines, however long their titles; somebody else's page stays."""
    project.write("a", topics=["X" * 1900], title="T")
    project.build()
    [page_path] = [
        path for path in project.documents() if path.startswith("topic/") and path.endswith("index.html")
    ]
    (project.out / "mine").mkdir()
    (project.out / "mine" / "index.html").write_text("<p>Syndicate is what I read about</p>")
    project.write("a", topics=["Y"], title="T")
    shutil.rmtree(project.root / ".syndicate")
    project.build()
    assert page_path not in project.documents()
    assert "mine/index.html" in project.documents()
