"""Article and what it is made of: immutable values, checked and clean. No reading, no writing.

Every text here is what a person would read: entities decoded, NFC, free of characters that
XML 1.0 forbids. Every URL is absolute http(s) and a valid URI (RFC 3986). Every time is aware UTC.
Structs are msgspec's dataclasses: made in a tenth of the time of frozen ones, and stored as arrays of
their fields (a new field changes what catalogs hold: raise catalog.schema.SCHEMA_VERSION).
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Image(Struct, frozen=True, array_like=True):
    """A picture: lead image, further image, or a provider's logo."""

    url: str
    width: int | None = None  # pixels
    height: int | None = None  # pixels
    type: str | None = None  # media type; None where neither the article nor the name tells it
    length: int | None = None  # bytes, where the article says
    title: str | None = None  # alternative text


class Video(Struct, frozen=True, array_like=True):
    """A film in a known player."""

    page: str  # where a person watches it
    picture: str | None = None  # a still, where the player has them at a fixed address


class Provider(Struct, frozen=True, array_like=True):
    """Who published an article, as the article says it; groups.py decides which provider that is."""

    name: str  # may be empty when there is a domain
    domain: str  # lower case, without ``www.``, IDNA ASCII; empty when unknown
    image: Image | None = None


class Related(Struct, frozen=True, array_like=True):
    """An item that an article names as related: another article, ours or not."""

    title: str
    link: str
    excerpt: str = ""
    published: datetime | None = None
    provider: Provider | None = None
    image: Image | None = None


class Article(Struct, frozen=True, array_like=True):
    """One content file, read and checked."""

    id: str  # a URI, for ever: front matter ``id`` or a tag: URI (RFC 4151)
    title: str  # plain text, one line
    link: str
    published: datetime
    updated: datetime  # not before the article says so; equals published without updatedDateTime
    excerpt: str = ""  # plain text
    html: str = ""  # sanitised body, absolute URLs
    via: str | None = None  # the original, where it differs from link
    amp: str | None = None
    provider: Provider | None = None  # None: the site's own
    author: str | None = None
    language: str | None = None  # RFC 5646, where it differs from the site's
    topics: tuple[str, ...] = ()  # names as written
    images: tuple[Image, ...] = ()  # the lead image first
    videos: tuple[Video, ...] = ()
    related: tuple[Related, ...] = ()
    # Values of other front-matter fields that the config groups by: ((field, (value, ...)), ...)
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    withdrawn: bool = False  # was public, and is to be taken back
