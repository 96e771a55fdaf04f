"""RSS 2.0, Atom 1.0 (RFC 4287) and OPML 2.0 documents, checked element by element."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from lxml import etree

from syndicate.checking.sheet import Sheet

_ATOM = "{http://www.w3.org/2005/Atom}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_DC_CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
_MEDIA = "{http://search.yahoo.com/mrss/}"
_TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_RAW_TITLE = re.compile(rb"<title>[^<]*&(?:amp|lt|gt);")


def check_xml(data: bytes, sheet: Sheet, url: str | None) -> None:
    """Check an XML document; ``url`` is where it was fetched from, if it was."""
    if data.startswith(b"\xef\xbb\xbf"):
        sheet.warn(1, "document", "it begins with a byte order mark", "write UTF-8 without one")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        sheet.error(
            error.lineno or 1, "document", f"it is not well-formed: {error.msg}", "escape or remove it"
        )
        return
    encoding = (root.getroottree().docinfo.encoding or "UTF-8").upper()
    if encoding not in ("UTF-8", "US-ASCII", "ASCII"):
        sheet.warn(1, "document", f"its encoding is {encoding}", "write UTF-8")
    for prefix, namespace in root.nsmap.items():
        if namespace == "http://search.yahoo.com/mrss":
            sheet.error(1, f"xmlns:{prefix}", "Media RSS ends with a slash", f"write {namespace}/")
    if root.tag == "rss":
        _rss(root, sheet, url, data)
    elif root.tag == f"{_ATOM}feed":
        _atom(root, sheet, url)
    elif root.tag == "opml":
        _opml(root, sheet)
    else:
        sheet.error(1, "document", f"<{_name(root)}> is no feed", "RSS 2.0, Atom 1.0, JSON Feed or OPML are")


def _name(element: Any) -> str:
    return str(etree.QName(element).localname)


def _line(element: Any) -> int:
    return int(element.sourceline or 1)


def _text(element: Any, tag: str) -> tuple[int, str | None]:
    """Line and text of a child; None where there is none."""
    child = element.find(tag)
    if child is None:
        return _line(element), None
    return _line(child), "".join(child.itertext())


def _once(element: Any, tags: tuple[str, ...], sheet: Sheet, where: str) -> None:
    for tag in tags:
        found = element.findall(tag)
        if len(found) > 1:
            sheet.error(_line(found[1]), f"{where}.{_name(found[1])}", "it is there twice", "keep one")


# RSS


def _rss(root: Any, sheet: Sheet, url: str | None, data: bytes) -> None:
    if root.get("version") != "2.0":
        sheet.error(1, "rss.version", f"{root.get('version')} is not 2.0", 'write version="2.0"')
    channel = root.find("channel")
    if channel is None:
        sheet.error(1, "channel", "it is missing", "put the feed into a <channel>")
        return
    _once(channel, ("title", "link", "description", "pubDate", "lastBuildDate", "language"), sheet, "channel")
    sheet.title(*_field("channel", channel, "title"))
    sheet.url(*_field("channel", channel, "link"))
    line, field, text = _field("channel", channel, "description")
    if not text:
        sheet.error(line, field, "it is missing, or empty", "say what the feed is about")
    for tag in ("pubDate", "lastBuildDate"):
        line, field, text = _field("channel", channel, tag)
        if text is not None:
            sheet.rfc822(line, field, text)
    sheet.language(*_field("channel", channel, "language"))
    ttl = channel.findtext("ttl")
    if ttl is not None and not ttl.isdecimal():
        sheet.error(_line(channel.find("ttl")), "channel.ttl", f"{ttl} is no number", "write minutes")
    _image(channel, sheet)
    page = channel.findtext("link")
    selves = _self_links(channel, sheet, "channel.atom:link", url)
    if page and page in selves:
        sheet.error(
            _text(channel, "link")[0], "channel.link", "it is the feed itself", "write the page's URL"
        )
    for found in _RAW_TITLE.finditer(data):
        line = data.count(b"\n", 0, found.start()) + 1
        sheet.warn(
            line, "title", "&amp; or &lt; looks like markup to some readers", "write &#x26; and &#x3C;"
        )
    ids: dict[str, int] = {}
    for item in channel.findall("item"):
        _item(item, sheet, ids)


def _field(where: str, element: Any, tag: str) -> tuple[int, str, str | None]:
    line, text = _text(element, tag)
    return line, f"{where}.{tag}", text


def _image(channel: Any, sheet: Sheet) -> None:
    image = channel.find("image")
    if image is None:
        return
    for tag in ("url", "link"):
        sheet.url(*_field("channel.image", image, tag))
    sheet.title(*_field("channel.image", image, "title"))
    for tag, most in (("width", 144), ("height", 400)):
        text = image.findtext(tag)
        if text is not None and (not text.isdecimal() or int(text) > most):
            sheet.error(
                _line(image), f"channel.image.{tag}", f"{text} is not at most {most}", "make it smaller"
            )


def _self_links(element: Any, sheet: Sheet, field: str, url: str | None) -> list[str]:
    selves = []
    for link in element.findall(f"{_ATOM}link"):
        sheet.url(_line(link), f"{field}.href", link.get("href"))
        if link.get("rel") == "self":
            selves.append(link.get("href", ""))
    if not selves:
        sheet.warn(_line(element), field, "no self link", 'add rel="self" with the document\'s own URL')
    elif len(selves) > 1:
        sheet.error(_line(element), field, "several self links", "keep one")
    elif url is not None and selves[0] != url:
        sheet.warn(_line(element), field, f"the self link is {selves[0]}", f"it was fetched from {url}")
    return selves


def _item(item: Any, sheet: Sheet, ids: dict[str, int]) -> None:
    _once(
        item, ("title", "link", "description", "guid", "pubDate", "source", "author", _CONTENT), sheet, "item"
    )
    title, description = item.findtext("title"), item.findtext("description")
    if not title and not description:
        sheet.error(_line(item), "item", "neither title nor description", "write one")
    sheet.title(*_field("item", item, "title"), required=False)
    guid = item.find("guid")
    if guid is None:
        sheet.warn(_line(item), "item.guid", "it is missing", "give every item one that never changes")
    else:
        sheet.id(_line(guid), "item.guid", guid.text, ids, uri=False)
        if guid.get("isPermaLink", "true") != "false" and not re.match(r"https?://", guid.text or ""):
            sheet.error(_line(guid), "item.guid", f"{guid.text} is no link", 'write isPermaLink="false"')
    if item.find("link") is not None:
        sheet.url(*_field("item", item, "link"))
    elif guid is None or guid.get("isPermaLink") == "false":
        sheet.warn(_line(item), "item.link", "it is missing", "link to the article")
    line, field, text = _field("item", item, "pubDate")
    if text is None:
        sheet.warn(line, field, "it is missing", "say when it was published")
    else:
        sheet.rfc822(line, field, text)
    _item_text(item, sheet)
    enclosures = item.findall("enclosure")
    if len(enclosures) > 1:
        sheet.warn(_line(enclosures[1]), "item.enclosure", "several enclosures", "readers keep one of them")
    for enclosure in enclosures:
        length = enclosure.get("length")
        if length is None:
            sheet.error(_line(enclosure), "item.enclosure.length", "it is missing", "write bytes, or 0")
        sheet.enclosure(
            _line(enclosure), "item.enclosure", enclosure.get("url"), enclosure.get("type"), length
        )
    source = item.find("source")
    if source is not None:
        sheet.url(_line(source), "item.source.url", source.get("url"))
    for category in item.findall("category"):
        if not (category.text or "").strip():
            sheet.error(_line(category), "item.category", "it is empty", "name the topic, or leave it out")
    _entry_links(item, sheet, "item.atom:link")
    _media(item, sheet)


def _item_text(item: Any, sheet: Sheet) -> None:
    tags = [child.tag for child in item]
    author = item.findtext("author")
    if author is not None and "@" not in author:
        sheet.error(
            _text(item, "author")[0], "item.author", f"{author} is no email address", "use dc:creator"
        )
    if author is not None and _DC_CREATOR in tags:
        sheet.warn(_text(item, "author")[0], "item.author", "author and dc:creator", "keep one")
    if _CONTENT in tags:
        sheet.html(_line(item.find(_CONTENT)), "item.content:encoded", item.findtext(_CONTENT))
        if "description" in tags and tags.index(_CONTENT) < tags.index("description"):
            sheet.warn(
                _line(item.find(_CONTENT)), "item.content:encoded", "it stands before description",
                "some readers keep the last of both: write it after",
            )  # fmt: skip
    elif "description" in tags:
        sheet.html(_line(item.find("description")), "item.description", item.findtext("description"))


def _entry_links(element: Any, sheet: Sheet, field: str) -> None:
    for link in element.findall(f"{_ATOM}link"):
        line = _line(link)
        if link.get("rel") in ("related", "via") and not link.get("type"):
            sheet.warn(line, f"{field}.type", "it is missing", 'add type="text/html"')
        if link.get("rel") == "related" and not link.get("title"):
            sheet.warn(line, f"{field}.title", "a related link without title", "name what it leads to")
        if link.get("rel") == "enclosure":
            sheet.enclosure(line, field, link.get("href"), link.get("type"), link.get("length"))
        else:
            sheet.url(line, f"{field}.href", link.get("href"))


def _media(element: Any, sheet: Sheet) -> None:
    for group in element.findall(f"{_MEDIA}group"):
        if len(group.findall(f"{_MEDIA}content")) < 2:
            sheet.warn(_line(group), "media:group", "a group of one", "write media:content alone")
    for content in element.iter(f"{_MEDIA}content"):
        player = content.find(f"{_MEDIA}player")
        if content.get("url") is None and player is None:
            sheet.error(_line(content), "media:content", "neither url nor media:player", "add one")
        for found in (content, player):
            if found is not None and found.get("url") is not None:
                sheet.url(_line(found), f"media:{_name(found)}.url", found.get("url"))
        for name in ("width", "height", "fileSize"):
            if not (content.get(name) or "0").isdecimal():
                sheet.error(_line(content), f"media:content.{name}", "no whole number", "mend it")
    for thumbnail in element.iter(f"{_MEDIA}thumbnail"):
        sheet.url(_line(thumbnail), "media:thumbnail.url", thumbnail.get("url"))


# Atom


def _atom(feed: Any, sheet: Sheet, url: str | None) -> None:
    prefixed = next((e for e in feed.iter(f"{_ATOM}*") if e.prefix is not None), None)
    if prefixed is not None:
        what = f"Atom has the prefix {prefixed.prefix}:"
        sheet.warn(_line(prefixed), _name(prefixed), what, "make it the default namespace")
    _once(feed, tuple(_ATOM + tag for tag in ("id", "title", "updated", "subtitle", "rights")), sheet, "feed")
    sheet.id(*_atom_field("feed", feed, "id"), {}, uri=True)
    sheet.title(*_atom_field("feed", feed, "title"))
    sheet.rfc3339(*_atom_field("feed", feed, "updated"))
    sheet.language(1, "feed.xml:lang", feed.get(_LANG))
    _self_links(feed, sheet, "feed.link", url)
    ids: dict[str, int] = {}
    entries = feed.findall(f"{_ATOM}entry")
    credited = feed.find(f"{_ATOM}author") is not None
    for entry in entries:
        _entry(entry, sheet, ids, credited=credited)
    seen = False
    for child in feed:
        seen = seen or child.tag == f"{_ATOM}entry"
        if child.tag == _TOMBSTONE:
            sheet.rfc3339(_line(child), "at:deleted-entry.when", child.get("when"))
            if not child.get("ref"):
                sheet.error(_line(child), "at:deleted-entry.ref", "it is missing", "name the entry's id")
            if seen:
                sheet.error(
                    _line(child), "at:deleted-entry", "it follows an entry", "write it before the first entry"
                )


def _atom_field(where: str, element: Any, tag: str) -> tuple[int, str, str | None]:
    line, text = _text(element, _ATOM + tag)
    return line, f"{where}.{tag}", text


def _entry(entry: Any, sheet: Sheet, ids: dict[str, int], *, credited: bool) -> None:
    single = ("id", "title", "updated", "published", "summary", "content", "source", "rights")
    _once(entry, tuple(_ATOM + tag for tag in single), sheet, "entry")
    sheet.id(*_atom_field("entry", entry, "id"), ids, uri=True)
    sheet.title(*_atom_field("entry", entry, "title"))
    sheet.rfc3339(*_atom_field("entry", entry, "updated"))
    if entry.find(f"{_ATOM}published") is not None:
        sheet.rfc3339(*_atom_field("entry", entry, "published"))
    links = entry.findall(f"{_ATOM}link")
    alternates = Counter(
        (link.get("type"), link.get("hreflang"))
        for link in links
        if link.get("rel", "alternate") == "alternate"
    )
    content = entry.find(f"{_ATOM}content")
    if any(count > 1 for count in alternates.values()):
        sheet.error(_line(entry), "entry.link", "several alternate links of one type", "keep one")
    elif not alternates and content is None:
        sheet.error(_line(entry), "entry.link", "no alternate link and no content", "add one")
    author = entry.find(f"{_ATOM}author")
    source = entry.find(f"{_ATOM}source")
    if author is None and not credited and (source is None or source.find(f"{_ATOM}author") is None):
        sheet.error(_line(entry), "entry.author", "it is missing, here and in the feed", "name who wrote it")
    elif author is not None and not (author.findtext(f"{_ATOM}name") or "").strip():
        sheet.error(_line(author), "entry.author.name", "it is missing", "name who wrote it")
    if content is not None and content.get("type") == "html":
        sheet.html(_line(content), "entry.content", content.text)
    elif content is not None and not re.fullmatch(r"text|html|xhtml|.+/.+", content.get("type", "text")):
        what = f"{content.get('type')} is no type of content"
        sheet.error(_line(content), "entry.content.type", what, "write text, html or xhtml")
    for category in entry.findall(f"{_ATOM}category"):
        if not category.get("term"):
            sheet.error(_line(category), "entry.category.term", "it is missing", "write the topic's slug")
    if source is not None:
        _source(entry, source, sheet)
    _entry_links(entry, sheet, "entry.link")
    _media(entry, sheet)


def _source(entry: Any, source: Any, sheet: Sheet) -> None:
    for tag in ("id", "title", "updated"):
        if not source.findtext(_ATOM + tag):
            sheet.warn(_line(source), f"entry.source.{tag}", "it is missing", "copy it from the source feed")
    children = list(entry)
    before = [
        child
        for child in children[children.index(source) :]
        if child.tag in (f"{_ATOM}title", f"{_ATOM}link")
    ]
    if before:
        sheet.warn(
            _line(source), "entry.source", f"the entry's own {_name(before[0])} comes after it",
            "some readers take the source's: write source last",
        )  # fmt: skip


# OPML


def _opml(root: Any, sheet: Sheet) -> None:
    if root.get("version") not in ("1.0", "1.1", "2.0"):
        sheet.error(1, "opml.version", f"{root.get('version')} is not 2.0", 'write version="2.0"')
    if root.find("head") is None or root.find("body") is None:
        sheet.error(1, "opml", "no head, or no body", "add it")
        return
    seen: dict[str, int] = {}
    for outline in root.find("body").iter("outline"):
        line = _line(outline)
        if not outline.get("text"):
            sheet.error(line, "outline.text", "it is missing", "name the feed, or the folder")
        address = outline.get("xmlUrl")
        if outline.get("type") == "rss" or address is not None:
            sheet.url(line, "outline.xmlUrl", address)
            if outline.get("type") != "rss":
                sheet.warn(line, "outline.type", "it is not rss", 'write type="rss"')
            if address in seen:
                sheet.warn(line, "outline.xmlUrl", f"it is in line {seen[address]} too", "keep one")
            seen.setdefault(address or "", line)
