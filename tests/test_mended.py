"""feedgen's faults: each shown in feedgen itself, and mended. A mend can go when its first half fails."""

from __future__ import annotations

import locale
from datetime import UTC, datetime
from typing import Any

import pytest
from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator
from lxml import etree

from syndicate.feeds.mended import (
    ATOM_NAMESPACES,
    RSS_NAMESPACES,
    MendedEntry,
    MendedFeed,
    atom_fragment,
    rss_fragment,
    rss_title_escapes,
)

TIME = datetime(2021, 1, 25, 7, 2, tzinfo=UTC)
RELATED = {"href": "https://a.example/r", "rel": "related", "type": "text/html", "title": "R"}
ATOM = "{http://www.w3.org/2005/Atom}"


def filled(entry: Any) -> Any:
    entry.id("tag:a.example,2020:x")
    entry.title("T")
    entry.updated(TIME)
    return entry


def mended() -> MendedEntry:
    entry = filled(MendedEntry())
    entry.published_time = TIME
    entry.atom_links([{"href": "https://a.example/", "rel": "alternate", "type": "text/html"}, dict(RELATED)])
    entry.rss_link("https://a.example/")
    entry.text("", "x")
    return entry


class TestEntries:
    def test_links_keep_their_attributes(self) -> None:
        """entry.py:139-150: a loop variable is used twice."""
        entry = filled(FeedEntry())
        entry.link([{"href": "https://a.example/", "rel": "alternate"}, dict(RELATED)])
        assert [dict(link.attrib) for link in entry.atom_entry().findall("link")] == [
            {"href": "https://a.example/"}, {"href": "https://a.example/r"},
        ]  # fmt: skip
        assert [dict(link.attrib) for link in mended().atom_entry().findall("link")][1] == RELATED

    def test_any_rel_is_allowed(self) -> None:
        """entry.py:449: five rels only."""
        amp = {"href": "https://a.example/amp", "rel": "amphtml"}
        with pytest.raises(ValueError, match="rel"):
            FeedEntry().link(dict(amp))
        entry = mended()
        entry.atom_links([amp])
        assert [dict(link.attrib) for link in entry.atom_entry().findall("link")] == [amp]

    def test_a_creator_needs_no_email_address(self) -> None:
        """entry.py:368: without one the author is dropped."""
        entry = filled(FeedEntry())
        entry.author(name="A")
        assert b">A<" not in etree.tostring(entry.rss_entry())
        entry = mended()
        entry.credit("A", "", "")
        assert b"<dc:creator>A</dc:creator>" in rss_fragment(entry)

    def test_a_source_has_id_and_updated(self) -> None:
        """entry.py:653: title and link alone."""
        entry = filled(FeedEntry())
        entry.link(href="https://a.example/")
        entry.source("https://s.example/feed", "S")
        assert [child.tag for child in entry.atom_entry().find("source")] == ["title", "link"]
        entry = mended()
        entry.source_feed = ("tag:s", "S", "https://s.example/feed", TIME)
        assert [child.tag for child in entry.atom_entry().find("source")] == [
            "id",
            "title",
            "updated",
            "link",
        ]

    def test_dates_are_never_the_clock(self) -> None:
        """entry.py: the moment of construction stands for a date that is not set."""
        entry = FeedEntry()
        entry.id("x")
        entry.title("T")
        entry.link(href="https://a.example/")
        assert entry.atom_entry().findtext("updated")
        entry = MendedEntry()
        entry.id("x")
        entry.title("T")
        entry.text("", "x")
        with pytest.raises(ValueError, match="Required"):
            entry.atom_entry()

    def test_the_locale_is_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """util.py:92: three process-wide setlocale calls a date."""
        calls = []
        real = locale.setlocale
        monkeypatch.setattr(locale, "setlocale", lambda *a: calls.append(a) or real(*a))
        entry = filled(FeedEntry())
        entry.published(TIME)
        entry.rss_entry()
        assert len(calls) == 3
        calls.clear()
        assert b"<pubDate>Mon, 25 Jan 2021 07:02:00 +0000</pubDate>" in rss_fragment(mended())
        feed().rss_around()
        assert calls == []

    def test_media_contents_are_no_group(self) -> None:
        """ext/media.py:73: a media:group around each content."""
        entry = filled(FeedEntry())
        entry.load_extension("media")
        entry.media.content(url="https://a.example/i.png", medium="image")
        assert b"group" in etree.tostring(entry.rss_entry())
        entry = mended()
        entry.media.contents = [({"url": "https://a.example/i.png", "medium": "image"}, "")]
        assert b'<media:content url="https://a.example/i.png" medium="image"/>' in rss_fragment(entry)

    def test_fragments_declare_no_namespace(self) -> None:
        """The root does, once; text that looks like a declaration stays."""
        text = ' xmlns:media="http://search.yahoo.com/mrss/"'
        entry = mended()
        entry.title(text)
        entry.media.contents = [({"medium": "video"}, "https://a.example/film")]
        for fragment in (rss_fragment(entry), atom_fragment(entry)):
            assert fragment.count(b"xmlns") == 1
            assert text.encode() in fragment


def feed() -> MendedFeed:
    generator = MendedFeed(RSS_NAMESPACES, "https://a.example/page", TIME)
    generator.id("tag:a")
    generator.title("T & <T>")
    generator.description("D")
    generator.link(href="https://a.example/page", rel="alternate")
    generator.link(href="https://a.example/feed.rss", rel="self")
    generator.link(href="https://hub.example/", rel="hub")
    return generator


class TestFeeds:
    def test_the_channels_link_is_the_page(self) -> None:
        """feed.py:616: it is the last link added, here the hub."""
        plain = FeedGenerator()
        plain.title("T")
        plain.description("D")
        plain.link(href="https://a.example/page", rel="alternate")
        plain.link(href="https://hub.example/", rel="hub")
        assert etree.fromstring(plain.rss_str()).findtext("channel/link") == "https://hub.example/"
        head, tail = feed().rss_around()
        assert etree.fromstring(head + tail).findtext("channel/link") == "https://a.example/page"

    def test_dates_are_the_newest_entrys(self) -> None:
        """feed.py:39, 73: the moment of construction."""
        head, tail = feed().rss_around()
        assert (
            etree.fromstring(head + tail).findtext("channel/lastBuildDate")
            == "Mon, 25 Jan 2021 07:02:00 +0000"
        )
        generator = MendedFeed(ATOM_NAMESPACES, "https://a.example/page", TIME)
        generator.id("tag:a")
        generator.title("T")
        head, tail = generator.atom_around()
        assert etree.fromstring(head + tail).findtext(f"{ATOM}updated") == "2021-01-25T07:02:00Z"

    def test_titles_are_escaped_numerically(self) -> None:
        """The same text to any XML parser, and no markup to readers that look for some."""
        head, tail = feed().rss_around()
        escaped = rss_title_escapes(head)
        assert b"<title>T &#x26; &#x3C;T&#x3E;</title>" in escaped
        assert etree.fromstring(escaped + tail).findtext("channel/title") == "T & <T>"
