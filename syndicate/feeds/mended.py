"""feedgen 1.0.0 with its faults mended, each in a step named after the fault. No knowledge of articles.

Line numbers are of the released package. A step can go when upstream mends its fault; its test
(tests/test_mended.py) shows feedgen's own behaviour beside the mended one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from feedgen.ext.base import BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from syndicate.articles.dates import rfc822, rfc3339

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
MEDIA = "http://search.yahoo.com/mrss/"
HISTORY = "http://purl.org/syndication/history/1.0"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
# One fixed prefix a namespace, declared on the root.
RSS_NAMESPACES = {"atom": ATOM, "content": CONTENT, "dc": DC, "media": MEDIA}
ATOM_NAMESPACES = {"media": MEDIA}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TITLE = re.compile(rb"<title>[^<]*")


class _FeedMends(BaseExtension):  # type: ignore[misc]  # feedgen has no type hints
    """What is mended in a feed's head, through feedgen's own way to extend one."""

    def __init__(self) -> None:
        self.namespaces: Mapping[str, str] = {}
        self.page = ""
        self.updated = _EPOCH
        self.links: list[dict[str, str]] = []  # that feedgen does not write
        self.archive = False

    def extend_ns(self) -> dict[str, str]:
        return dict(self.namespaces)

    def extend_rss(self, rss: etree._Element) -> etree._Element:
        channel = rss[0]
        # feed.py:616: the channel's link is the last link added.
        link = channel.find("link")
        assert link is not None
        link.text = self.page
        # feed.py:274-287: one self link is written, and no other atom:link.
        self._extend(channel, f"{{{ATOM}}}link")
        etree.SubElement(channel, "lastBuildDate").text = rfc822(self.updated)
        return rss

    def extend_atom(self, feed: etree._Element) -> etree._Element:
        updated = feed.find("updated")
        assert updated is not None
        updated.text = rfc3339(self.updated)
        # feed.py:455: of rels it knows those of RFC 4287 and HTML, not those of RFC 5005.
        # feed.py:98: xmlns is an attribute here; to lxml the elements have no namespace.
        self._extend(feed, "link")
        return feed

    def _extend(self, head: etree._Element, link: str) -> None:
        for attributes in self.links:
            etree.SubElement(head, link, attributes)
        if self.archive:
            etree.SubElement(head, f"{{{HISTORY}}}archive")


class MendedFeed(FeedGenerator):  # type: ignore[misc]  # feedgen has no type hints
    """A feedgen feed without entries: its bytes around a gap for entries that are rendered already."""

    def __init__(self, namespaces: Mapping[str, str], page: str, updated: datetime) -> None:
        super().__init__()
        # feed.py:39, 73: dates are the moment of construction until they are set; lastBuildDate is
        # written by the extension, without setlocale.
        self._FeedGenerator__rss_lastBuildDate = None
        self.updated(updated)
        self._FeedGenerator__rss_lastBuildDate = None
        self.mends = _FeedMends()
        self.mends.namespaces = namespaces
        self.mends.page = page
        self.mends.updated = updated
        self.register_extension("mended", lambda: self.mends)

    def rss_around(self) -> tuple[bytes, bytes]:
        """The document's bytes before the first item and after the last."""
        return _opened(self.rss_str(), b"</channel></rss>")

    def atom_around(self) -> tuple[bytes, bytes]:
        """The document's bytes before the first entry and after the last."""
        return _opened(self.atom_str(), b"</feed>")


def _opened(document: bytes, end: bytes) -> tuple[bytes, bytes]:
    assert document.endswith(end)
    head = document.replace(
        b"<?xml version='1.0' encoding='UTF-8'?>", b'<?xml version="1.0" encoding="utf-8"?>', 1
    )
    return head[: -len(end)] + b"\n", end + b"\n"


def rss_title_escapes(fragment: bytes) -> bytes:
    """``&#x26;`` and ``&#x3C;`` in RSS titles, as the RSS profile asks: fewer readers see markup there."""

    def escaped(found: re.Match[bytes]) -> bytes:
        title = found[0][len(b"<title>") :]
        return b"<title>" + title.replace(b"&lt;", b"&#x3C;").replace(b"&gt;", b"&#x3E;").replace(
            b"&amp;", b"&#x26;"
        )

    return _TITLE.sub(escaped, fragment, count=1)
