"""feedgen's faults: each shown in feedgen itself, and mended. A mend can go when its first half fails."""

from __future__ import annotations

import locale
from datetime import UTC, datetime

import pytest
from feedgen.feed import FeedGenerator
from lxml import etree

from syndicate.feeds.mended import ATOM_NAMESPACES, RSS_NAMESPACES, MendedFeed, rss_title_escapes

TIME = datetime(2021, 1, 25, 7, 2, tzinfo=UTC)
ATOM = "{http://www.w3.org/2005/Atom}"


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

    def test_the_locale_is_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """util.py:92: three process-wide setlocale calls a date."""
        calls = []
        real = locale.setlocale
        monkeypatch.setattr(locale, "setlocale", lambda *a: calls.append(a) or real(*a))
        plain = FeedGenerator()
        plain.title("T")
        plain.description("D")
        plain.link(href="https://a.example/page", rel="alternate")
        plain.rss_str()
        assert len(calls) == 3
        calls.clear()
        feed().rss_around()
        assert calls == []

    def test_titles_are_escaped_numerically(self) -> None:
        """The same text to any XML parser, and no markup to readers that look for some."""
        head, tail = feed().rss_around()
        escaped = rss_title_escapes(head)
        assert b"<title>T &#x26; &#x3C;T&#x3E;</title>" in escaped
        assert etree.fromstring(escaped + tail).findtext("channel/title") == "T & <T>"
