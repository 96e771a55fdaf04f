"""RSS 2.0 with atom, content, dc and media elements. Bytes out; nothing is decided here."""

from __future__ import annotations

from syndicate.articles.dates import rfc822, rfc3339
from syndicate.feeds.markup import attribute_escaped, checked, text_element, text_escaped
from syndicate.feeds.mended import RSS_NAMESPACES, rss_title_escapes
from syndicate.feeds.model import Entry, Feed
from syndicate.feeds.shared import Parts, feed_generator


def render_entry(entry: Entry, parts: Parts) -> bytes:
    """One ``<item>``."""
    written = [
        f"<item><title>{_title_escaped(entry.title)}</title>", text_element("link", entry.link),
        f"<description>{parts.summary}</description><content:encoded>{parts.html}</content:encoded>"
        # Without a summary the description is the text; nothing is said twice.
        if parts.summary else f"<description>{parts.html}</description>",
        f'<guid isPermaLink="false">{text_escaped(entry.id)}</guid>',
    ]  # fmt: skip
    scheme = attribute_escaped(parts.scheme)
    written.extend(
        [
            f'<category domain="{scheme}">{text_escaped(category.name)}</category>'
            for category in entry.categories
        ]
    )
    if parts.enclosure:
        image = parts.enclosure
        written.append(
            f'<enclosure url="{attribute_escaped(image.url)}" length="{image.length or 0}"'
            f' type="{attribute_escaped(image.type or "")}"/>'
        )
    written.append(f"<pubDate>{rfc822(entry.published)}</pubDate>")
    if entry.updated != entry.published:
        written.append(f"<atom:updated>{rfc3339(entry.updated)}</atom:updated>")
    if entry.author:
        written.append(text_element("dc:creator", entry.author.name))
    if entry.language:
        written.append(text_element("dc:language", entry.language))
    if entry.source:
        source = entry.source
        written.append(
            f'<source url="{attribute_escaped(source.url)}.rss">{text_escaped(source.title)}</source>'
        )
    written.append(parts.links.replace("<link ", "<atom:link "))
    written.append(parts.media)
    written.append("</item>\n")
    return checked("".join(written))


def _title_escaped(title: str) -> str:
    """``&#x26;`` and ``&#x3C;``, as the RSS profile asks: fewer readers see markup there."""
    return title.replace("&", "&#x26;").replace("<", "&#x3C;").replace(">", "&#x3E;")


def render_feed(feed: Feed) -> tuple[bytes, bytes]:
    """The document before its first item and after its last."""
    generator = feed_generator(feed, "rss", RSS_NAMESPACES)
    generator.description(feed.description)
    generator.docs("https://www.rssboard.org/rss-specification")
    if feed.ttl:
        generator.ttl(feed.ttl)
    if feed.rights:
        generator.copyright(feed.rights)
    if feed.author and feed.author.email:
        generator.managingEditor(f"{feed.author.email} ({feed.author.name})")
    if feed.icon or feed.logo:
        generator.image(url=feed.logo or feed.icon, title=feed.title, link=feed.page)
    head, tail = generator.rss_around()
    return rss_title_escapes(head), tail
