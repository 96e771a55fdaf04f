"""The three formats: every row of the mapping, read back by feedparser and json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import CONFIG, Project, walk
from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"
MEDIA = "{http://search.yahoo.com/mrss/}"
DC = "{http://purl.org/dc/elements/1.1/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"

IMAGE = "https://pictures.example/a.jpeg?itok=1&v=2"
EVERYTHING: dict[str, object] = {
    "title": "Tom & Jerry: “x < y” ]]> done",
    "excerpt": "The worldâ€™s &lt;b&gt; &amp; more.\n\nSecond paragraph.",
    "publishedDateTime": "2026-01-02T03:04:05Z",
    "updatedDateTime": "2026-01-03T00:00:00Z",
    "webUrl": "https://publisher.example/a?b=1&c=2",
    "originalUrl": "https://publisher.example/original",
    "ampWebUrl": "https://amp.publisher.example/a",
    "language": "en-GB",
    "provider": {
        "name": "The Publisher",
        "domain": "publisher.example",
        "images": [{"url": "https://pictures.example/p-50x50.png", "width": 50, "height": 50}],
    },
    "topics": ["AI in Healthcare", "AI"],
    "images": [
        {"url": "https://pictures.example/a.jpeg?itok=1&#038;v=2", "width": 1200, "height": 630, "title": "Alt"},
        {"url": "https://pictures.example/b", "width": 10, "height": 20},
        {"url": "https://pictures.example/c.png"},
    ],
    "related": [
        {
            "title": "Another <one>",
            "excerpt": "Of ours.",
            "publishedDateTime": "2026-01-01T00:00:00Z",
            "webUrl": "https://publisher.example/ours",
            "provider": {"name": "Wired", "domain": "wired.example"},
            "images": [{"url": "https://pictures.example/r.jpg", "width": 3, "height": 4}],
        },
        {"title": "Elsewhere", "webUrl": "https://elsewhere.example/"},
    ],
    "featuredContent": '<iframe src="https://www.youtube.com/embed/abcdefghijk"></iframe>',
    "secured": "S3CR3T-VALUE",
    "heat": 4711,
}  # fmt: skip
ID = "tag:site.example,2020:everything"


@pytest.fixture
def built(project: Project) -> Project:
    project.write("everything", **EVERYTHING)
    project.write(
        "ours", title="Ours", webUrl="https://publisher.example/ours", topics=[],
        publishedDateTime="2026-01-01T00:00:00Z",
        provider={"name": "The Publisher", "domain": "publisher.example"},
    )  # fmt: skip
    project.build()
    return project


def element(project: Project, path: str) -> Any:
    """The first entry or item of a document."""
    root = etree.fromstring((project.out / path).read_bytes())
    return root.find(f"{ATOM}entry" if path.endswith("atom") else "channel/item")


class TestEveryFormat:
    def test_the_entry_is_the_same(self, built: Project) -> None:
        """Id, title, link and dates, in each format and each of its feeds."""
        found = set()
        for folder in built.folders() - {"provider/wired.example"}:
            prefix = f"{folder}/" if folder else ""
            for name in ("rss", "atom"):
                for e in built.parsed(f"{prefix}feed.{name}").entries:
                    found.add((e.id, e.title, e.link, e.published_parsed[:6], e.updated_parsed[:6]))
        assert {item for item in found if item[0] == ID} == {
            (
                ID, "Tom & Jerry: “x < y” ]]> done", "https://publisher.example/a?b=1&c=2",
                (2026, 1, 2, 3, 4, 5), (2026, 1, 3, 0, 0, 0),
            )
        }  # fmt: skip
        item = built.json()["items"][0]
        assert (item["id"], item["title"], item["url"]) == (
            ID, "Tom & Jerry: “x < y” ]]> done", "https://publisher.example/a?b=1&c=2",
        )  # fmt: skip
        assert (item["date_published"], item["date_modified"]) == (
            "2026-01-02T03:04:05Z", "2026-01-03T00:00:00Z",
        )  # fmt: skip

    def test_it_stands_in_its_groups(self, built: Project) -> None:
        """The site, both topics, the provider; related items' providers have no feeds."""
        assert built.folders() == {
            "", "topic/ai", "topic/ai-in-healthcare", "provider/publisher.example",
        }  # fmt: skip

    def test_nothing_that_no_rule_names_is_in_a_document(self, built: Project) -> None:
        """Neither the keys nor their values."""
        for data in built.documents().values():
            assert b"S3CR3T" not in data
            assert b"secured" not in data
            assert b"4711" not in data

    def test_newest_first_then_by_id(self, project: Project) -> None:
        """Three of one second, in the order of their ids."""
        for name in ("c", "a", "b"):
            project.write(name, title=name)
        project.write("z", title="z", publishedDateTime="2026-01-03T00:00:00Z")
        project.build()
        assert project.titles() == ["z", "a", "b", "c"]

    def test_limits(self, project: Project) -> None:
        """By count, and by bytes: no document is larger, and no entry is cut."""
        project.configure(CONFIG + "feeds: {limit: 5, max_bytes: 4000}\n")
        for n in range(9):
            project.write(f"a{n}", title=f"T{n}", publishedDateTime=f"2026-01-0{n + 1}T00:00:00Z")
        project.build()
        assert [item["title"] for item in project.json()["items"]] == ["T8", "T7", "T6", "T5", "T4"]
        assert all(len(data) <= 4_000 for path, data in project.documents().items() if "feed." in path)
        shown = project.titles()
        assert shown == ["T8", "T7", "T6", "T5", "T4"][: len(shown)]
        project.configure(CONFIG + f"feeds: {{limit: {len(shown) + 1}}}\n")
        project.build()
        assert len((project.out / "feed.atom").read_bytes()) > 4_000  # one more would not have fitted

    def test_an_entry_with_nothing_but_its_title_and_link(self, project: Project) -> None:
        """It is credited to the site, and no element is empty."""
        project.write("a", excerpt=None, provider=None, topics=None)
        project.build()
        for name in ("feed.rss", "feed.atom"):
            [entry] = project.parsed(name).entries
            assert (entry.title, entry.link) == ("A title", "https://publisher.example/a")
            assert entry.author == "Test Site"
            empty = [e.tag for e in element(project, name).iter() if not (e.text or len(e) or e.attrib)]
            assert empty == []
        [item] = project.json()["items"]
        assert "" not in list(walk(item))
        assert item["content_html"]

    def test_a_summary_feed_holds_no_body(self, project: Project) -> None:
        """``feeds.content: summary``."""
        text = "---\ntitle: T\nexcerpt: E\ndate: 2026-01-02\nwebUrl: https://a.example/\n---\nTHE BODY\n"
        project.write("a", text)
        project.build()
        assert "THE BODY" in project.json()["items"][0]["content_html"]
        project.configure(CONFIG + "feeds: {content: summary}\n")
        project.build()
        assert "THE BODY" not in project.json()["items"][0]["content_html"]

    @pytest.mark.parametrize("kept", ["rss", "atom", "json"])
    def test_one_format_alone(self, project: Project, kept: str) -> None:
        """The others are not written, and go when they are taken out of the config."""
        project.write("a")
        project.build()
        project.configure(CONFIG + f"feeds: {{formats: [{kept}], html: false}}\n")
        project.build()
        assert {path.rpartition(".")[2] for path in project.documents()} == {kept, "opml"}

    def test_an_update_to_come_is_not_shown(self, project: Project) -> None:
        """No date of a document is in the future."""
        project.write("a", updatedDateTime="2030-01-01T00:00:00Z")
        project.build()
        assert project.parsed("feed.atom").entries[0].updated == "2026-01-02T03:04:05Z"


class TestAtom:
    def test_links(self, built: Project) -> None:
        """One alternate, then the related ones in order, via, amphtml and the enclosure."""
        links = element(built, "feed.atom").findall(f"{ATOM}link")
        assert [dict(link.attrib) for link in links] == [
            {"href": "https://publisher.example/a?b=1&c=2", "rel": "alternate", "type": "text/html"},
            {"href": "https://publisher.example/ours", "rel": "related", "type": "text/html",
             "title": "Another <one>"},
            {"href": "https://elsewhere.example/", "rel": "related", "type": "text/html",
             "title": "Elsewhere"},
            {"href": "https://publisher.example/original", "rel": "via", "type": "text/html"},
            {"href": "https://amp.publisher.example/a", "rel": "amphtml", "type": "text/html"},
            {"href": IMAGE, "rel": "enclosure", "type": "image/jpeg", "length": "0"},
        ]  # fmt: skip

    def test_author_and_source(self, built: Project) -> None:
        """The provider, and its feed here, with id, title, updated and a self link."""
        entry = element(built, "feed.atom")
        author = {child.tag: child.text for child in entry.find(f"{ATOM}author")}
        assert author == {f"{ATOM}name": "The Publisher", f"{ATOM}uri": "https://publisher.example/"}
        source = entry.find(f"{ATOM}source")
        home = built.parsed("provider/publisher.example/feed.atom").feed
        assert source.findtext(f"{ATOM}id") == home.id
        assert source.findtext(f"{ATOM}title") == home.title
        assert source.findtext(f"{ATOM}updated") == "2026-01-03T00:00:00Z"
        self_link = dict(source.find(f"{ATOM}link").attrib)
        [home_link] = [link for link in home.links if link.rel == "self"]
        assert self_link == {"href": home_link.href, "rel": "self", "type": "application/atom+xml"}
        tags = [child.tag for child in entry]
        assert tags.index(f"{ATOM}source") > max(i for i, tag in enumerate(tags) if tag == f"{ATOM}link")

    def test_categories(self, built: Project) -> None:
        """Slug, name and the topics' root."""
        tags = built.parsed("feed.atom").entries[0].tags
        assert [(tag.term, tag.label, tag.scheme) for tag in tags] == [
            ("ai-in-healthcare", "AI in Healthcare", "https://feeds.site.example/topic/"),
            ("ai", "AI", "https://feeds.site.example/topic/"),
        ]

    def test_media(self, built: Project) -> None:
        """A content for each image, typed where the name tells; the film; the thumbnail."""
        entry = element(built, "feed.atom")
        assert [dict(e.attrib) for e in entry.findall(f"{MEDIA}content")] == [
            {"url": IMAGE, "medium": "image", "type": "image/jpeg", "width": "1200", "height": "630"},
            {"url": "https://pictures.example/b", "medium": "image", "width": "10", "height": "20"},
            {"url": "https://pictures.example/c.png", "medium": "image", "type": "image/png"},
            {"medium": "video"},
        ]
        player = entry.find(f"{MEDIA}content/{MEDIA}player")
        assert player.get("url") == "https://www.youtube.com/watch?v=abcdefghijk"
        assert dict(entry.find(f"{MEDIA}thumbnail").attrib) == {
            "url": IMAGE,
            "width": "1200",
            "height": "630",
        }

    def test_text(self, built: Project) -> None:
        """Plain title and summary, HTML content, the entry's language."""
        entry = element(built, "feed.atom")
        assert entry.findtext(f"{ATOM}summary") == "The world’s <b> & more.\n\nSecond paragraph."
        assert entry.find(f"{ATOM}summary").get("type") is None
        assert entry.find(f"{ATOM}content").get("type") == "html"
        assert entry.get("{http://www.w3.org/XML/1998/namespace}lang") == "en-GB"

    def test_the_feed(self, built: Project) -> None:
        """Its id is a tag: URI of its folder, its date the newest of its entries."""
        feed = built.parsed("topic/ai/feed.atom").feed
        assert (feed.id, feed.title, feed.updated) == (
            "tag:site.example,2020:/topic/ai/", "AI – Test Site", "2026-01-03T00:00:00Z",
        )  # fmt: skip
        assert [(link.rel, link.href, link.type) for link in feed.links] == [
            ("alternate", "https://feeds.site.example/topic/ai/index.html", "text/html"),
            ("self", "https://feeds.site.example/topic/ai/feed.atom", "application/atom+xml"),
        ]
        root = etree.fromstring((built.out / "topic/ai/feed.atom").read_bytes())
        assert root.nsmap == {None: ATOM[1:-1], "media": MEDIA[1:-1]}


class TestRss:
    def test_links(self, built: Project) -> None:
        """The link element, and atom:link for the others."""
        item = element(built, "feed.rss")
        assert item.findtext("link") == "https://publisher.example/a?b=1&c=2"
        assert [(e.get("rel"), e.get("href"), e.get("title")) for e in item.findall(f"{ATOM}link")] == [
            ("related", "https://publisher.example/ours", "Another <one>"),
            ("related", "https://elsewhere.example/", "Elsewhere"),
            ("via", "https://publisher.example/original", None),
            ("amphtml", "https://amp.publisher.example/a", None),
        ]

    def test_identity_and_dates(self, built: Project) -> None:
        """A guid that is no link; the weekday is English: 2 January 2026 was a Friday."""
        item = element(built, "feed.rss")
        assert (item.find("guid").text, item.find("guid").get("isPermaLink")) == (ID, "false")
        assert item.findtext("pubDate") == "Fri, 02 Jan 2026 03:04:05 +0000"
        assert item.findtext(f"{ATOM}updated") == "2026-01-03T00:00:00Z"

    def test_text_order(self, built: Project) -> None:
        """The description comes before the content."""
        item = element(built, "feed.rss")
        tags = [child.tag for child in item]
        assert tags.index("description") < tags.index(f"{CONTENT}encoded")
        assert item.findtext("description") == "The world’s <b> & more.\n\nSecond paragraph."

    def test_titles_are_escaped_for_readers_that_expect_markup(self, built: Project) -> None:
        """&#x26; and &#x3C; mean what &amp; and &lt; mean, and survive more readers."""
        data = (built.out / "feed.rss").read_text(encoding="utf-8")
        assert "<title>Tom &#x26; Jerry: “x &#x3C; y” ]]&#x3E; done</title>" in data

    def test_enclosure_and_media(self, built: Project) -> None:
        """One enclosure, with type and length."""
        item = element(built, "feed.rss")
        [enclosure] = item.findall("enclosure")
        assert dict(enclosure.attrib) == {"url": IMAGE, "length": "0", "type": "image/jpeg"}
        assert [e.get("medium") for e in item.findall(f"{MEDIA}content")] == ["image"] * 3 + ["video"]

    def test_credit(self, built: Project) -> None:
        """dc:creator, no author; the source is the provider's feed here."""
        item = element(built, "feed.rss")
        assert item.findtext(f"{DC}creator") == "The Publisher"
        assert item.find("author") is None
        assert (
            item.find("source").get("url") == "https://feeds.site.example/provider/publisher.example/feed.rss"
        )
        assert item.findtext(f"{DC}language") == "en-GB"
        assert [(c.text, c.get("domain")) for c in item.findall("category")] == [
            ("AI in Healthcare", "https://feeds.site.example/topic/"),
            ("AI", "https://feeds.site.example/topic/"),
        ]

    def test_the_channel(self, built: Project) -> None:
        """Its link is the page; its self link is the document; its date the newest entry's."""
        channel = etree.fromstring((built.out / "feed.rss").read_bytes())[0]
        assert channel.findtext("link") == "https://site.example/"
        [self_link] = channel.findall(f"{ATOM}link")
        assert dict(self_link.attrib) == {
            "href": "https://feeds.site.example/feed.rss", "rel": "self", "type": "application/rss+xml",
        }  # fmt: skip
        assert channel.findtext("lastBuildDate") == "Sat, 03 Jan 2026 00:00:00 +0000"
        assert channel.find("pubDate") is None


class TestJsonFeed:
    def test_item(self, built: Project) -> None:
        """Everything that RSS and Atom say, in JSON Feed's words."""
        item = built.json()["items"][0]
        assert item["tags"] == ["AI in Healthcare", "AI"]
        assert item["image"] == IMAGE
        assert item["language"] == "en-GB"
        assert item["authors"] == [
            {"name": "The Publisher", "url": "https://publisher.example/",
             "avatar": "https://pictures.example/p-50x50.png"}
        ]  # fmt: skip
        assert item["attachments"] == [
            {"url": IMAGE, "mime_type": "image/jpeg", "title": "Alt"},
            {"url": "https://pictures.example/c.png", "mime_type": "image/png"},
            {"url": "https://www.youtube.com/watch?v=abcdefghijk", "mime_type": "text/html"},
        ]
        assert item["_syndicate"] == {
            "via": "https://publisher.example/original",
            "amp_url": "https://amp.publisher.example/a",
            "related": [
                {
                    "id": "tag:site.example,2020:ours",
                    "url": "https://publisher.example/ours",
                    "title": "Another <one>",
                    "summary": "Of ours.",
                    "date_published": "2026-01-01T00:00:00Z",
                    "provider": {"name": "Wired", "domain": "wired.example"},
                    "image": {"url": "https://pictures.example/r.jpg", "width": 3, "height": 4},
                },
                {"url": "https://elsewhere.example/", "title": "Elsewhere"},
            ],
        }

    def test_the_feed(self, built: Project) -> None:
        """Version 1.1; its own address; its page."""
        feed = built.json("topic/ai/feed.json")
        assert {key: feed[key] for key in ("version", "title", "home_page_url", "feed_url", "language")} == {
            "version": "https://jsonfeed.org/version/1.1",
            "title": "AI – Test Site",
            "home_page_url": "https://feeds.site.example/topic/ai/index.html",
            "feed_url": "https://feeds.site.example/topic/ai/feed.json",
            "language": "en",
        }


class TestEntryHtml:
    def test_lead_text_related_and_credit(self, built: Project) -> None:
        """In this order, with every text escaped."""
        html = built.json()["items"][0]["content_html"]
        assert html == (
            '<p><a href="https://www.youtube.com/watch?v=abcdefghijk">'
            '<img src="https://pictures.example/a.jpeg?itok=1&amp;v=2" width="1200" height="630" alt="Alt">'
            "<br>▶ Watch the video</a></p>\n"
            "<p>The world’s &lt;b&gt; &amp; more.</p>\n<p>Second paragraph.</p>\n"
            '<h4>Related</h4><ul><li><img src="https://pictures.example/r.jpg" width="3" height="4" alt=""> '
            '<a href="https://publisher.example/ours">Another &lt;one&gt;</a>'
            " · Wired · 1 January 2026</li>"
            '<li><a href="https://elsewhere.example/">Elsewhere</a></li></ul>\n'
            '<p><a href="https://publisher.example/a?b=1&amp;c=2">Read it at</a> '
            '<a href="https://publisher.example/">The Publisher</a></p>'
        )
        assert html == built.parsed("feed.atom").entries[0].content[0].value
        assert html == built.parsed("feed.rss").entries[0].content[0].value

    def test_a_body_that_shows_the_lead_image_shows_it_once(self, project: Project) -> None:
        """None repeats its own picture."""
        text = (
            "---\ntitle: T\ndate: 2026-01-02\nwebUrl: https://a.example/\n"
            "images: [https://a.example/i.png]\n---\n![x](https://a.example/i.png)\n"
        )
        project.write("a", text)
        project.build()
        assert project.json()["items"][0]["content_html"].count("i.png") == 1

    def test_pictures_of_related_items_are_small(self, project: Project) -> None:
        """A thumb's width, in their own shape: 120 × 63 of 1200 × 630."""
        related = {"title": "R", "webUrl": "https://r.example/"}
        image = {"url": "https://p.example/i.png", "width": 1200, "height": 630}
        project.write("a", related=[{**related, "images": [image]}])
        project.write("b", related=[{**related, "images": ["https://p.example/i.png"]}])
        project.build()
        b, a = (item["content_html"] for item in project.json()["items"])
        assert '<img src="https://p.example/i.png" width="120" alt="">' in b + a
        assert '<img src="https://p.example/i.png" width="120" height="63" alt="">' in b + a


class TestSettings:
    def test_hub_and_cadence(self, project: Project) -> None:
        """rel=hub beside self, JSON's hubs, and a ttl that says what Cache-Control does (rule 23)."""
        project.write("a")
        project.build()
        assert b"hub" not in b"".join(project.documents().values())
        assert b"<ttl>" not in project.documents()["feed.rss"]
        project.configure(
            CONFIG + "publish: {hub: 'https://hub.example/?a=b&c', cache_control: 'public, max-age=900'}\n"
        )
        project.build()
        for path in ("feed.rss", "feed.atom"):
            links = project.parsed(path).feed.links
            assert [link.href for link in links if link.rel == "hub"] == ["https://hub.example/?a=b&c"]
            assert len([link for link in links if link.rel == "self"]) == 1
        assert project.json()["hubs"] == [{"type": "WebSub", "url": "https://hub.example/?a=b&c"}]
        rss = etree.fromstring(project.documents()["feed.rss"])
        assert rss.findtext("channel/ttl") == "15"
        assert rss.findtext("channel/link") == "https://site.example/"

    @pytest.mark.parametrize(
        ("header", "minutes"),
        [
            ("max-age=60", "1"),
            ("public, max-age=20", "1"),
            ("no-store", None),
            ("s-maxage=600, max-age=120", "2"),
        ],
    )
    def test_ttl_is_in_minutes(self, project: Project, header: str, minutes: str | None) -> None:
        """At least one."""
        project.configure(CONFIG + f"publish: {{cache_control: '{header}'}}\n")
        project.write("a")
        project.build()
        assert etree.fromstring(project.documents()["feed.rss"]).findtext("channel/ttl") == minutes

    def test_the_sites_description_is_the_sites(self, project: Project) -> None:
        """A group that has none says its title."""
        project.configure(CONFIG.replace("site:\n", "site:\n  description: On everything\n"))
        project.write("a")
        project.build()
        assert project.parsed("feed.rss").feed.subtitle == "On everything"
        assert project.parsed("topic/ai/feed.rss").feed.subtitle == "AI – Test Site"

    def test_a_providers_feed_credits_the_provider(self, project: Project) -> None:
        """Other feeds, the site."""
        project.write("a")
        project.build()
        atom = project.parsed("provider/publisher.example/feed.atom").feed.author_detail
        assert (atom.name, atom.href) == ("Publisher", "https://publisher.example/")
        assert project.json("provider/publisher.example/feed.json")["authors"] == [
            {"name": "Publisher", "url": "https://publisher.example/"}
        ]
        assert project.parsed("topic/ai/feed.atom").feed.author_detail.name == "Test Site"

    def test_every_word_of_the_site_is_used(self, project: Project, tmp_path: Path) -> None:
        """Description, language, author, pictures, rights."""
        project.configure(
            CONFIG.replace(
                "site:\n",
                "site:\n  description: What it is\n  language: de-AT\n  author: Editors\n"
                "  author_email: ed@site.example\n  icon: https://site.example/i.png\n"
                "  logo: https://site.example/l.png\n  copyright: © Site\n",
            )
        )
        project.write("a")
        project.build()
        atom, rss, json_feed = (
            project.parsed("feed.atom").feed,
            project.parsed("feed.rss").feed,
            project.json(),
        )
        assert (atom.subtitle, atom.language, atom.rights) == ("What it is", "de-AT", "© Site")
        assert (atom.author_detail.name, atom.author_detail.email) == ("Editors", "ed@site.example")
        assert (atom.icon, atom.logo) == ("https://site.example/i.png", "https://site.example/l.png")
        assert (rss.description, rss.language, rss.rights) == ("What it is", "de-AT", "© Site")
        assert rss.image.href == "https://site.example/l.png"
        assert (json_feed["favicon"], json_feed["icon"]) == (
            "https://site.example/i.png", "https://site.example/l.png",
        )  # fmt: skip
