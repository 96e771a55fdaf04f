"""What RSS and Atom share: texts, links and media of an entry, and the head of a feed."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from syndicate.articles.model import Image
from syndicate.feeds.markup import attribute_escaped, element, text_escaped
from syndicate.feeds.mended import HISTORY, MendedFeed
from syndicate.feeds.model import MEDIA_TYPES, Entry, Feed, Person


class Parts(Struct, frozen=True):
    """Markup that both formats have alike, made once."""

    scheme: str  # the URL of the topics' root; no markup
    summary: str
    html: str
    links: str  # besides the alternate one and the enclosure, as ``<link …/>``
    media: str
    enclosure: Image | None  # the lead image, where its type is known


def parts(entry: Entry, scheme: str) -> Parts:
    """``scheme`` is the URL of the topics' root."""
    lead = entry.images[0] if entry.images else None
    return Parts(
        scheme,
        text_escaped(entry.summary),
        text_escaped(entry.html),
        _links(entry),
        _media(entry),
        lead if lead and lead.type else None,
    )


def _links(entry: Entry) -> str:
    """Related first, its main one leading."""
    found = [
        f'<link href="{attribute_escaped(related.item.link)}" rel="related" type="text/html"'
        f' title="{attribute_escaped(related.item.title)}"/>'
        for related in entry.related
    ]
    for rel, link in (("via", entry.via), ("amphtml", entry.amp)):
        if link:
            found.append(f'<link href="{attribute_escaped(link)}" rel="{rel}" type="text/html"/>')
    return "".join(found)


def _media(entry: Entry) -> str:
    """Media RSS: each picture, and each film with its player."""
    contents = [element("media:content", media_attributes(image)) for image in entry.images]
    for video in entry.videos:
        player = element("media:player", {"url": video.page})
        contents.append(element("media:content", {"medium": "video"}, player))
    return "".join(contents)


def media_attributes(image: Image) -> dict[str, str]:
    """Of the ``media:content`` of an image (Media RSS 1.5.1)."""
    attributes = {"url": image.url, "medium": "image"}
    if image.type:
        attributes["type"] = image.type
    if image.length:
        attributes["fileSize"] = str(image.length)
    if image.width:
        attributes["width"] = str(image.width)
    if image.height:
        attributes["height"] = str(image.height)
    return attributes


def person(author: Person) -> dict[str, str]:
    """feedgen's form of a person."""
    fields = {"name": author.name, "uri": author.url, "email": author.email}
    return {name: value for name, value in fields.items() if value}


def feed_generator(feed: Feed, ending: str, namespaces: Mapping[str, str]) -> MendedFeed:
    """The part of a feed's head that both formats set alike; ``ending`` is the format's."""
    type = MEDIA_TYPES[ending]
    if feed.archive.period:
        namespaces = {**namespaces, "fh": HISTORY}
    generator = MendedFeed(namespaces, feed.page, feed.updated)
    generator.id(feed.id)
    generator.title(feed.title)
    # No version: an upgrade that changes nothing else must not change every document.
    generator.generator("Syndicate")
    generator.language(feed.language)
    generator.link(href=feed.page, rel="alternate", type="text/html")
    generator.link(href=f"{feed.self_url}.{ending}", rel="self", type=type)
    for rel, url in feed.archive_links:
        generator.mends.links.append({"href": f"{url}.{ending}", "rel": rel, "type": type})
    if feed.hub:
        generator.mends.links.append({"href": feed.hub, "rel": "hub"})
    generator.mends.archive = bool(feed.archive.period)
    return generator
