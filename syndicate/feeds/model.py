"""Feed and Entry: what subscribers get, before any format. Immutable; no rendering here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from syndicate.articles.model import Image, Related, Video

MEDIA_TYPES = {
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "json": "application/feed+json",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote an entry, or who stands behind a feed."""

    name: str
    url: str = ""
    avatar: str = ""  # URL of a picture
    email: str = ""


@dataclass(frozen=True, slots=True)
class Category:
    """A topic of an entry."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Source:
    """The provider's feed here: where an entry is at home."""

    id: str
    title: str
    url: str  # of the feed without its ending: ``…/provider/scmp.com/feed``


@dataclass(frozen=True, slots=True)
class RelatedEntry:
    """A related item, with the id of our own article behind its link, where there is one."""

    item: Related
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
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


@dataclass(frozen=True, slots=True)
class Feed:
    """A group's feed without its entries."""

    id: str
    title: str
    description: str
    page: str  # where a person reads what the feed is about
    url: str  # of the document without its ending: ``https://feeds.example/topic/ai/feed``
    updated: datetime  # of the newest entry
    language: str
    author: Person | None = None
    rights: str = ""
    icon: str = ""  # square, small
    logo: str = ""
