"""Atom 1.0 (RFC 4287) with media elements. Bytes out; nothing is decided here."""

from __future__ import annotations

from syndicate.feeds import mended
from syndicate.feeds.model import MEDIA_TYPES, Feed
from syndicate.feeds.shared import feed_generator, person


def render_entry(element: mended.MendedEntry) -> bytes:
    """One ``<entry>``."""
    return mended.atom_fragment(element)


def render_feed(feed: Feed) -> tuple[bytes, bytes]:
    """The document before its first entry and after its last."""
    generator = feed_generator(feed, mended.ATOM_NAMESPACES)
    generator.language(feed.language)
    generator.link(href=feed.page, rel="alternate", type="text/html")
    generator.link(href=f"{feed.url}.atom", rel="self", type=MEDIA_TYPES["atom"])
    generator.subtitle(feed.description)
    if feed.author:
        generator.author(person(feed.author))
    if feed.rights:
        generator.rights(feed.rights)
    if feed.icon:
        generator.icon(feed.icon)
    if feed.logo:
        generator.logo(feed.logo)
    return generator.atom_around()
