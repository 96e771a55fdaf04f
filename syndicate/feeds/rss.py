"""RSS 2.0 with atom, content, dc and media elements. Bytes out; nothing is decided here."""

from __future__ import annotations

from syndicate.feeds import mended
from syndicate.feeds.model import MEDIA_TYPES, Feed
from syndicate.feeds.shared import feed_generator


def render_entry(element: mended.MendedEntry) -> bytes:
    """One ``<item>``."""
    return mended.rss_title_escapes(mended.rss_fragment(element))


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
