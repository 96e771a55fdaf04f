"""RSS 2.0 with atom, content, dc and media elements. Bytes out; nothing is decided here."""

from __future__ import annotations

from syndicate.feeds import mended
from syndicate.feeds.model import MEDIA_TYPES, Entry, Feed
from syndicate.feeds.shared import feed_generator, links, media_contents


def render_entry(entry: Entry, scheme: str) -> bytes:
    """One ``<item>``; ``scheme`` is the URL of the topics' root."""
    item = mended.MendedEntry()
    item.title(entry.title)
    item.id(entry.id)
    item.updated(entry.updated)
    item.rss_link(entry.link)
    item.published_time = entry.published
    if entry.summary:
        item.description(entry.summary)
        item.content(entry.html)
    else:
        item.content(entry.html)
    for category in entry.categories:
        item.category(term=category.slug, label=category.name, scheme=scheme)
    lead = entry.images[0] if entry.images else None
    if lead and lead.type:
        item.rss_enclosure({"url": lead.url, "length": str(lead.length or 0), "type": lead.type})
    if entry.author:
        item.creator = entry.author.name
    item.language = entry.language or ""
    if entry.source:
        source = entry.source
        item.source_feed = (source.id, source.title, source.url, entry.updated)
    item.rss_links = links(entry)
    item.media.contents = media_contents(entry)
    return mended.rss_title_escapes(mended.rss_fragment(item))


def render_feed(feed: Feed) -> tuple[bytes, bytes]:
    """The document before its first item and after its last."""
    generator = feed_generator(feed, mended.RSS_NAMESPACES)
    generator.link(href=feed.page, rel="alternate", type="text/html")
    generator.description(feed.description)
    generator.link(href=f"{feed.url}.rss", rel="self", type=MEDIA_TYPES["rss"])
    generator.language(feed.language)
    generator.docs("https://www.rssboard.org/rss-specification")
    if feed.rights:
        generator.copyright(feed.rights)
    if feed.author and feed.author.email:
        generator.managingEditor(f"{feed.author.email} ({feed.author.name})")
    if feed.icon or feed.logo:
        generator.image(url=feed.logo or feed.icon, title=feed.title, link=feed.page)
    head, tail = generator.rss_around()
    return mended.rss_title_escapes(head), tail
