"""Atom 1.0 (RFC 4287) with media elements. Bytes out; nothing is decided here."""

from __future__ import annotations

from syndicate.feeds import mended
from syndicate.feeds.model import MEDIA_TYPES, Entry, Feed
from syndicate.feeds.shared import feed_generator, links, media_contents, person


def render_entry(entry: Entry, scheme: str) -> bytes:
    """One ``<entry>``; ``scheme`` is the URL of the topics' root."""
    element = mended.MendedEntry()
    element.id(entry.id)
    element.title(entry.title)
    element.updated(entry.updated)
    element.published_time = entry.published
    lead = entry.images[0] if entry.images else None
    all_links = [{"href": entry.link, "rel": "alternate", "type": "text/html"}, *links(entry)]
    if lead and lead.type:
        all_links.append(
            {
                "href": lead.url,
                "rel": "enclosure",
                "type": lead.type,
                "length": str(lead.length or 0),
            }
        )
    element.atom_links(all_links)
    if entry.author:
        element.author(person(entry.author))
    if entry.summary:
        element.summary(entry.summary)
    element.content(entry.html, type="html")
    for category in entry.categories:
        element.category(term=category.slug, label=category.name, scheme=scheme)
    element.language = entry.language or ""
    if entry.source:
        source = entry.source
        element.source_feed = (source.id, source.title, source.url, entry.updated)
    element.media.contents = media_contents(entry)
    if lead:
        element.media.thumbnail = {
            "url": lead.url,
            **({"width": str(lead.width)} if lead.width else {}),
            **({"height": str(lead.height)} if lead.height else {}),
        }
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
