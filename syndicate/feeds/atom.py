"""Atom 1.0 (RFC 4287) with media elements. Bytes out; nothing is decided here."""

from __future__ import annotations

from syndicate.articles.dates import rfc3339
from syndicate.feeds.markup import attribute_escaped, checked, element, text_element, text_escaped
from syndicate.feeds.mended import ATOM_NAMESPACES, TOMBSTONES
from syndicate.feeds.model import MEDIA_TYPES, Entry, Feed, Person, Source
from syndicate.feeds.shared import Parts, feed_generator, media_attributes, person


def render_entry(entry: Entry, parts: Parts) -> bytes:
    """One ``<entry>``."""
    language = f' xml:lang="{attribute_escaped(entry.language)}"' if entry.language else ""
    scheme = attribute_escaped(parts.scheme)
    updated = rfc3339(entry.updated)
    written = [
        f"<entry{language}>", text_element("id", entry.id), text_element("title", entry.title),
        f"<updated>{updated}</updated>",
        _author(entry.author) if entry.author else "",
        f'<content type="html">{parts.html}</content>',
        f"<summary>{parts.summary}</summary>" if parts.summary else "",
    ]  # fmt: skip
    written.extend(
        [
            f'<category term="{attribute_escaped(category.slug)}" scheme="{scheme}"'
            f' label="{attribute_escaped(category.name)}"/>'
            for category in entry.categories
        ]
    )
    written.append(f'<link href="{attribute_escaped(entry.link)}" rel="alternate" type="text/html"/>')
    written.append(parts.links)
    if parts.enclosure:
        image = parts.enclosure
        written.append(
            f'<link href="{attribute_escaped(image.url)}" rel="enclosure"'
            f' type="{attribute_escaped(image.type or "")}" length="{image.length or 0}"/>'
        )
    written.append(f"<published>{rfc3339(entry.published)}</published>")
    if entry.source:
        written.append(_source(entry.source, updated))
    written.append(parts.media)
    if entry.images:
        lead = media_attributes(entry.images[0])
        written.append(
            element("media:thumbnail", {k: v for k, v in lead.items() if k in ("url", "width", "height")})
        )
    written.append("</entry>\n")
    return checked("".join(written))


def _author(author: Person) -> str:
    name, email, uri = author.name, author.email, author.url
    return (
        f"<author><name>{text_escaped(name)}</name>"
        + (text_element("email", email) if email else "")
        + (text_element("uri", uri) if uri else "")
        + "</author>"
    )


def _source(source: Source, updated: str) -> str:
    return (
        f"<source>{text_element('id', source.id)}{text_element('title', source.title)}"
        f'<updated>{updated}</updated><link href="{attribute_escaped(source.url)}.atom" rel="self"'
        f' type="{MEDIA_TYPES["atom"]}"/></source>'
    )


def render_feed(feed: Feed) -> tuple[bytes, bytes]:
    """The document before its first entry and after its last."""
    namespaces = {**ATOM_NAMESPACES, "at": TOMBSTONES} if feed.tombstones else ATOM_NAMESPACES
    generator = feed_generator(feed, "atom", namespaces)
    generator.subtitle(feed.description)
    if feed.author:
        generator.author(person(feed.author))
    if feed.rights:
        generator.rights(feed.rights)
    if feed.icon:
        generator.icon(feed.icon)
    if feed.logo:
        generator.logo(feed.logo)
    head, tail = generator.atom_around()
    # RFC 6721, section 3. The grammar of RFC 4287 lets no extension element follow an entry.
    stones = [
        element("at:deleted-entry", {"ref": tombstone.id, "when": rfc3339(tombstone.when)}) + "\n"
        for tombstone in feed.tombstones
    ]
    return head + checked("".join(stones)), tail
