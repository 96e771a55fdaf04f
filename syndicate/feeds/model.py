"""Feed and Entry: what subscribers get, before any format. Immutable; no rendering here."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from syndicate.articles.model import Image, Related, Video

MEDIA_TYPES = {
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "json": "application/feed+json",
}
# Of a feed's formats, the first of these that is there is the one to subscribe to: it says most.
PREFERRED = ("atom", "rss", "json")
FORMAT_NAMES = {"rss": "RSS", "atom": "Atom", "json": "JSON Feed"}


def beside(url: str, name: str) -> str:
    """The URL of a file in the folder of a feed; ``url`` is the feed's, without its ending."""
    return url.removesuffix("feed") + name


class Person(Struct, frozen=True):
    """Who wrote an entry, or who stands behind a feed."""

    name: str
    url: str = ""
    avatar: str = ""  # URL of a picture
    email: str = ""


class Category(Struct, frozen=True):
    """A topic of an entry."""

    slug: str
    name: str


class Source(Struct, frozen=True):
    """The provider's feed here: where an entry is at home."""

    id: str
    title: str
    url: str  # of the feed without its ending: ``…/provider/scmp.com/feed``


class RelatedEntry(Struct, frozen=True):
    """A related item, with the id of our own article behind its link, where there is one."""

    item: Related
    id: str | None = None


class Entry(Struct, frozen=True):
    """An article as it stands in every feed."""

    id: str
    title: str
    link: str
    published: datetime
    updated: datetime
    summary: str  # plain text, may be empty
    html: str  # never empty
    author: Person | None = None
    source: Source | None = None
    via: str | None = None
    amp: str | None = None
    language: str | None = None
    categories: tuple[Category, ...] = ()
    images: tuple[Image, ...] = ()
    videos: tuple[Video, ...] = ()
    related: tuple[RelatedEntry, ...] = ()


class Tombstone(Struct, frozen=True):
    """What is left of a withdrawn article."""

    id: str
    when: datetime


class Archive(Struct, frozen=True):
    """Where a document stands among a feed's archive documents (RFC 5005, section 4)."""

    period: str = ""  # 2021-01; empty: the feed's own document, which readers subscribe to
    previous: str = ""  # the period before that has a document; empty: none has
    following: str = ""


NO_ARCHIVE = Archive()


class Feed(Struct, frozen=True):
    """A group's feed without its entries."""

    id: str
    title: str
    description: str
    page: str  # where a person reads what the feed is about
    url: str  # of the document that readers subscribe to, without its ending: ``https://…/topic/ai/feed``
    updated: datetime  # of the newest entry
    language: str
    author: Person | None = None
    rights: str = ""
    icon: str = ""  # square, small
    logo: str = ""
    archive: Archive = NO_ARCHIVE
    tombstones: tuple[Tombstone, ...] = ()  # newest first
    ttl: int | None = None  # minutes for which it may be kept
    hub: str = ""  # URL
    name: str = ""  # of the group, without the site's
    site_title: str = ""
    site_url: str = ""

    @property
    def self_url(self) -> str:
        """Of this document, without its ending."""
        return self._archive_url(self.archive.period) or self.url

    @property
    def archive_links(self) -> list[tuple[str, str]]:
        """Relation and URL, without its ending, of the documents around this one."""
        archive = self.archive
        links = [
            ("prev-archive", self._archive_url(archive.previous)),
            ("next-archive", self._archive_url(archive.following)),
            ("current", self.url if archive.period else ""),
        ]
        return [(rel, url) for rel, url in links if url]

    def _archive_url(self, period: str) -> str:
        return beside(self.url, f"archive/{period}") if period else ""


class Listed(Struct, frozen=True):
    """A group as lists of all feeds show it."""

    heading: str  # of its kind: Topics
    name: str
    title: str  # of its feed
    page: str  # where a person reads what it is about
    url: str  # of its feed without the ending
    count: int  # of its articles
    newest: datetime | None  # None: it is empty
