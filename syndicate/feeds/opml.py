"""OPML 2.0: every feed in one file, grouped, for readers to subscribe to all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from syndicate.feeds.markup import checked, element, text_element
from syndicate.feeds.model import PREFERRED, Feed, Listed


def render_opml(site: Feed, formats: Sequence[str], groups: Iterable[Listed]) -> bytes:
    """The document, with a link to each group's page."""
    # One format each, or subscribers would have every feed thrice.
    ending = next(name for name in PREFERRED if name in formats)
    written = [
        '<?xml version="1.0" encoding="utf-8"?>\n<opml version="2.0">\n<head>',
        text_element("title", site.title),
        text_element("docs", "http://opml.org/spec2.opml"),
        "</head>\n<body>\n",
        _outline(site.title, site.url, ending, site.page),
    ]
    for heading, listed in groupby(groups, key=lambda group: group.heading):
        outlines = [_outline(group.title, group.url, ending, group.page) for group in listed]
        inside = "\n" + "".join(outlines)
        written.append(element("outline", {"text": heading, "title": heading}, inside) + "\n")
    written.append("</body>\n</opml>\n")
    return checked("".join(written))


def _outline(title: str, url: str, ending: str, page: str) -> str:
    attributes = {
        "type": "rss", "text": title, "title": title, "xmlUrl": f"{url}.{ending}", "htmlUrl": page,
    }  # fmt: skip
    return element("outline", attributes) + "\n"
