"""What RSS and Atom share: links, media elements and the head of a feed."""

from __future__ import annotations

from collections.abc import Mapping

from syndicate.articles.model import Image
from syndicate.feeds.mended import Attributes, MendedEntry, MendedFeed
from syndicate.feeds.model import Entry, Feed, Person


def element(entry: Entry, scheme: str) -> MendedEntry:
    """feedgen's entry, which RSS and Atom render alike; ``scheme`` is the URL of the topics' root."""
    found = MendedEntry()
    found.id(entry.id)
    found.title(entry.title)
    found.updated(entry.updated)
    found.published_time = entry.published
    found.rss_link(entry.link)
    found.categories([(category.slug, category.name) for category in entry.categories], scheme)
    found.text(entry.summary, entry.html)
    found.rss_links = links(entry)
    found.atom_links([{"href": entry.link, "rel": "alternate", "type": "text/html"}, *found.rss_links])
    lead = entry.images[0] if entry.images else None
    if lead and lead.type:
        found.enclosure_of(lead.url, lead.type, lead.length or 0)
    if entry.author:
        found.credit(entry.author.name, entry.author.url, entry.author.email)
    found.language = entry.language or ""
    if entry.source:
        source = entry.source
        found.source_feed = (source.id, source.title, source.url, entry.updated)
    found.media.contents = media_contents(entry)
    if lead:
        found.media.thumbnail = {
            name: value for name, value in _media(lead).items() if name in ("url", "width", "height")
        }
    return found


def links(entry: Entry) -> list[Attributes]:
    """The links besides the alternate one and the enclosure: related first, its main one leading."""
    found: list[Attributes] = [
        {"href": related.item.link, "rel": "related", "type": "text/html",
         "title": related.item.title}
        for related in entry.related
    ]  # fmt: skip
    if entry.via:
        found.append({"href": entry.via, "rel": "via", "type": "text/html"})
    if entry.amp:
        found.append({"href": entry.amp, "rel": "amphtml", "type": "text/html"})
    return found


def media_contents(entry: Entry) -> list[tuple[Attributes, str]]:
    """Attributes of each media:content, and the address of its player, if it is a film."""
    contents: list[tuple[Attributes, str]] = [(_media(image), "") for image in entry.images]
    contents.extend(({"medium": "video"}, video.page) for video in entry.videos)
    return contents


def _media(image: Image) -> Attributes:
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


def feed_generator(feed: Feed, namespaces: Mapping[str, str]) -> MendedFeed:
    """The part of a feed's head that both formats set alike."""
    generator = MendedFeed(namespaces, feed.page, feed.updated)
    generator.id(feed.id)
    generator.title(feed.title)
    # No version: an upgrade that changes nothing else must not change every document.
    generator.generator("Syndicate")
    return generator
