"""feedgen 1.0.0 with its faults mended, each in a step named after the fault. No knowledge of articles.

Line numbers are of the released package. A step can go when upstream mends its fault; its test
(tests/test_mended.py) shows feedgen's own behaviour beside the mended one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from feedgen.entry import FeedEntry
from feedgen.ext.base import BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from syndicate.articles.dates import rfc822, rfc3339

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
MEDIA = "http://search.yahoo.com/mrss/"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# One fixed prefix a namespace, declared on the root (rule 15).
RSS_NAMESPACES = {"atom": ATOM, "content": CONTENT, "dc": DC, "media": MEDIA}
ATOM_NAMESPACES = {"media": MEDIA}

_ATOM_LINK = f"{{{ATOM}}}link"
_ATOM_UPDATED = f"{{{ATOM}}}updated"
_DC_CREATOR = f"{{{DC}}}creator"
_DC_LANGUAGE = f"{{{DC}}}language"
_MEDIA_CONTENT = f"{{{MEDIA}}}content"
_MEDIA_PLAYER = f"{{{MEDIA}}}player"
_MEDIA_THUMBNAIL = f"{{{MEDIA}}}thumbnail"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TITLE = re.compile(rb"<title>[^<]*")
Attributes = dict[str, str]


class Media:
    """Media RSS for entries. feedgen's own (ext/media.py:73) wraps each content in a media:group,
    and cannot put a media:player into one."""

    def __init__(self) -> None:
        self.contents: list[tuple[Attributes, str]] = []
        self.thumbnail: Attributes = {}

    def extend(self, element: etree._Element) -> None:
        """Add the contents, each with its player."""
        for attributes, player in self.contents:
            content = etree.SubElement(element, _MEDIA_CONTENT, attributes)
            if player:
                etree.SubElement(content, _MEDIA_PLAYER, url=player)

    def extend_thumbnail(self, element: etree._Element) -> None:
        """Add the thumbnail, if there is one."""
        if self.thumbnail:
            etree.SubElement(element, _MEDIA_THUMBNAIL, self.thumbnail)


class MendedEntry(FeedEntry):  # type: ignore[misc]  # feedgen has no type hints
    """A feedgen entry that needs ``id``, ``title``, ``updated`` and a link set, as any.

    What feedgen's own setters cannot say, or say with a fault, has a setter here.
    """

    def __init__(self) -> None:
        super().__init__()
        # entry.py __init__: the date is the moment of construction until it is set.
        self._FeedEntry__atom_updated = None
        self.published_time: datetime | None = None
        self.all_links: list[Attributes] = []
        self.rss_links: list[Attributes] = []
        self.source_feed: tuple[str, str, str, datetime] | None = None
        self.creator = ""
        self.language = ""
        self.media = Media()

    def atom_links(self, links: list[dict[str, str]]) -> None:
        """Atom's links in order. feedgen allows five rels only (entry.py:449)."""
        self.all_links = links

    def enclosure_of(self, url: str, type: str, length: int) -> None:
        """The one enclosure. feedgen's ``link`` keeps the last for RSS (entry.py:449-458)."""
        self._FeedEntry__rss_enclosure = {"url": url, "type": type, "length": str(length)}
        self.all_links.append({"href": url, "rel": "enclosure", "type": type, "length": str(length)})

    def categories(self, categories: Iterable[tuple[str, str]], scheme: str) -> None:
        """Term and label of each. feedgen's setter changes the dicts it is given (util.py:72)."""
        pairs = list(categories)
        self._FeedEntry__atom_category = [
            {"term": term, "label": label, "scheme": scheme} for term, label in pairs
        ]
        self._FeedEntry__rss_category = [{"value": label, "domain": scheme} for _, label in pairs]

    def text(self, summary: str, html: str) -> None:
        """Plain summary (may be empty) and HTML, for both formats."""
        if summary:
            self._FeedEntry__atom_summary = {"summary": summary}
            self._FeedEntry__rss_description = summary
        self._FeedEntry__atom_content = {"content": html, "type": "html"}
        self._FeedEntry__rss_content = {"content": html}

    def credit(self, name: str, url: str, email: str) -> None:
        """Who wrote it. feedgen drops RSS authors without an email address (entry.py:368)."""
        self._FeedEntry__atom_author = [{"name": name, "uri": url, "email": email}]
        self.creator = name

    def rss_link(self, href: str) -> None:
        """The item's link, whatever Atom links there are."""
        self._FeedEntry__rss_link = href

    def atom_entry(self, extensions: bool = True) -> etree._Element:
        entry = _rooted(super().atom_entry(extensions), ATOM_NAMESPACES)
        self._mend_lost_link_attributes(entry)
        self._mend_dates(entry)
        self._mend_source(entry)
        self.media.extend(entry)
        self.media.extend_thumbnail(entry)
        if self.language:
            entry.set(XML_LANG, self.language)
        return entry

    def rss_entry(self, extensions: bool = True) -> etree._Element:
        item = _rooted(super().rss_entry(extensions), RSS_NAMESPACES)
        if self.published_time:
            # util.py:92: three process-wide setlocale calls a date.
            etree.SubElement(item, "pubDate").text = rfc822(self.published_time)
            updated = self.updated()
            if updated and updated != self.published_time:
                etree.SubElement(item, _ATOM_UPDATED).text = rfc3339(updated)
        if self.creator:
            etree.SubElement(item, _DC_CREATOR).text = self.creator
        if self.language:
            etree.SubElement(item, _DC_LANGUAGE).text = self.language
        if self.source_feed:
            _, title, url, _ = self.source_feed
            etree.SubElement(item, "source", url=f"{url}.rss").text = title
        # feed.py:274: no atom:link in items.
        for link in self.rss_links:
            etree.SubElement(item, _ATOM_LINK, link)
        self.media.extend(item)
        return item

    def _mend_lost_link_attributes(self, entry: etree._Element) -> None:
        """entry.py:139-150: a reused loop variable loses rel, type, title and length: feedgen is
        given no links, and they are added here."""
        for link in self.all_links:
            etree.SubElement(entry, "link", link)

    def _mend_dates(self, entry: etree._Element) -> None:
        """isoformat writes +00:00; one form in all documents is easier to read and to test."""
        updated = entry.find("updated")
        assert updated is not None
        updated.text = rfc3339(self.updated())
        if self.published_time:
            etree.SubElement(entry, "published").text = rfc3339(self.published_time)

    def _mend_source(self, entry: etree._Element) -> None:
        """entry.py:653: a source without id and updated; it comes after the entry's own links."""
        if not self.source_feed:
            return
        id_, title, url, updated = self.source_feed
        source = etree.SubElement(entry, "source")
        etree.SubElement(source, "id").text = id_
        etree.SubElement(source, "title").text = title
        etree.SubElement(source, "updated").text = rfc3339(updated)
        etree.SubElement(source, "link", href=f"{url}.atom", rel="self", type="application/atom+xml")


class _FeedMends(BaseExtension):  # type: ignore[misc]  # feedgen has no type hints
    """What is mended in a feed's head, through feedgen's own way to extend one."""

    def __init__(self) -> None:
        self.namespaces: Mapping[str, str] = {}
        self.page = ""
        self.updated = _EPOCH
        self.rss_links: list[Attributes] = []

    def extend_ns(self) -> dict[str, str]:
        return dict(self.namespaces)

    def extend_rss(self, rss: etree._Element) -> etree._Element:
        channel = rss[0]
        # feed.py:616: the channel's link is the last link added.
        link = channel.find("link")
        assert link is not None
        link.text = self.page
        # feed.py:274-287: one self link is written, and no other atom:link.
        for attributes in self.rss_links:
            etree.SubElement(channel, _ATOM_LINK, attributes)
        etree.SubElement(channel, "lastBuildDate").text = rfc822(self.updated)
        return rss

    def extend_atom(self, feed: etree._Element) -> etree._Element:
        updated = feed.find("updated")
        assert updated is not None
        updated.text = rfc3339(self.updated)
        return feed


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


def rss_fragment(entry: MendedEntry) -> bytes:
    """One item's bytes, for a document whose root declares RSS_NAMESPACES."""
    return _fragment(entry.rss_entry(), RSS_NAMESPACES)


def atom_fragment(entry: MendedEntry) -> bytes:
    """One entry's bytes, for a document whose root declares ATOM_NAMESPACES."""
    return _fragment(entry.atom_entry(), ATOM_NAMESPACES)


def _rooted(element: etree._Element, namespaces: Mapping[str, str]) -> etree._Element:
    """``element`` below a root that declares the namespaces: lxml then declares none in the entry."""
    etree.Element("r", nsmap=namespaces).append(element)
    return element


def _fragment(element: etree._Element, namespaces: Mapping[str, str]) -> bytes:
    document: bytes = etree.tostring(element.getparent(), encoding="utf-8")
    return document[_head_length(tuple(namespaces.items())) : -len("</r>")] + b"\n"


@functools.cache
def _head_length(namespaces: tuple[tuple[str, str], ...]) -> int:
    """The length of ``<r …>``, a root that declares the namespaces."""
    return len(etree.tostring(etree.Element("r", nsmap=dict(namespaces)))) - len("/")


def rss_title_escapes(fragment: bytes) -> bytes:
    """``&#x26;`` and ``&#x3C;`` in RSS titles, as the RSS profile asks: fewer readers see markup there."""

    def escaped(found: re.Match[bytes]) -> bytes:
        title = found[0][len(b"<title>") :]
        return b"<title>" + title.replace(b"&lt;", b"&#x3C;").replace(b"&gt;", b"&#x3E;").replace(
            b"&amp;", b"&#x26;"
        )

    return _TITLE.sub(escaped, fragment, count=1)
