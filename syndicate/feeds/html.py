"""HTML pages for people: one a group with its entries, and the site's list of all feeds. Text out.

Pages need no script; one of a few lines adds the buttons that copy an address. Nothing is loaded from
anywhere but pictures, which a content security policy says to the browser too.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from syndicate.articles.dates import long_date, rfc3339
from syndicate.articles.model import Image
from syndicate.articles.urls import path_encoded
from syndicate.feeds.markup import attribute_escaped, checked, text_escaped
from syndicate.feeds.model import FORMAT_NAMES, MEDIA_TYPES, PREFERRED, Entry, Feed, Listed, beside
from syndicate.groups import OPML, PAGE

_STYLE = """\
:root{color-scheme:light dark;--back:#fff;--text:#1c1e21;--soft:#575c63;--line:#d9dce1;--link:#0a53be;\
--box:#f4f5f7}
@media(prefers-color-scheme:dark){:root{--back:#15171a;--text:#e6e8ea;--soft:#a9afb7;--line:#363a40;\
--link:#8ab4f8;--box:#1f2226}}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0 auto;max-width:50rem;padding:1.5rem 1rem 4rem;background:var(--back);color:var(--text);\
font:1rem/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
a{color:var(--link)}
a:focus-visible,button:focus-visible{outline:3px solid var(--link);outline-offset:2px}
h1{font-size:1.75rem;line-height:1.2;margin:.5rem 0}
h2{font-size:1.3rem;line-height:1.3;margin:2.5rem 0 .75rem}
img{max-width:100%;height:auto;border-radius:.375rem;background:var(--box)}
ul{list-style:none;margin:0;padding:0}
.soft{color:var(--soft);font-size:.9rem;margin:.25rem 0}
.mark{max-height:5rem;max-width:8rem;float:right;margin:0 0 .75rem .75rem}
.feeds{display:flex;flex-wrap:wrap;gap:.25rem .75rem;align-items:center;font-size:.9rem}
.feeds a,.feeds button{display:inline-block;min-height:1.75rem;padding:.125rem 0}
button{font:inherit;color:var(--link);background:none;border:1px solid var(--line);border-radius:.375rem;\
cursor:pointer;padding:.125rem .5rem!important}
article{border-top:1px solid var(--line);padding:1.5rem 0;content-visibility:auto;\
contain-intrinsic-size:auto 24rem}
article h2{margin:0 0 .25rem}
article .picture{margin:.75rem 0}
article .picture img{display:block;max-height:24rem;object-fit:cover}
article ul.related li{border-left:3px solid var(--line);padding-left:.75rem;margin:.5rem 0}
.list>li{border-top:1px solid var(--line);padding:.75rem 0;content-visibility:auto;\
contain-intrinsic-size:auto 6rem}
.list a.name{font-weight:600}
.list .feeds{margin:0}
@media(min-width:48rem){.list>li{display:grid;grid-template-columns:1fr auto;column-gap:1rem}\
.list .feeds{grid-row:1/3;grid-column:2}}
"""
_SCRIPT = """\
for(const b of document.querySelectorAll('button[data-copy]')){b.hidden=false;b.onclick=async()=>{\
const t=b.dataset.copy;try{await navigator.clipboard.writeText(t)}catch{const a=document.createElement(\
'textarea');a.value=t;document.body.append(a);a.select();document.execCommand('copy');a.remove();b.focus()}
document.getElementById('said').textContent='Copied '+t;b.textContent='Copied';\
setTimeout(()=>b.textContent='Copy address',2000)}}
"""


def _hash(text: str) -> str:
    """A source expression for a content security policy (CSP 3, section 2.3.1)."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


_POLICY = (
    f"default-src 'none'; img-src http: https:; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)};"
    " base-uri 'none'; form-action 'none'"
)


def render_entry(entry: Entry, scheme: str | None) -> bytes:
    """One ``<article>``. ``scheme`` is the URL of the topics' root, None where topics have no pages."""
    written = [f'<article dir="auto"{_lang(entry)}><h2>{_link(entry.link, entry.title)}</h2>']
    by = _by(entry)
    if by:
        written.append(f'<p class="soft">{by}</p>')
    if entry.images:
        written.append(f'<p class="picture">{_picture(entry.images[0])}</p>')
    written.extend([f"<p>{_link(video.page, 'Watch the film')}</p>" for video in entry.videos])
    if entry.summary:
        paragraphs = text_escaped(entry.summary).replace("\n\n", "</p><p>").replace("\n", "<br>")
        written.append(f"<p>{paragraphs}</p>")
    if entry.related:
        items = "".join(
            f"<li>{_link(related.item.link, related.item.title)}</li>" for related in entry.related
        )
        written.append(f'<p class="soft">Related</p><ul class="related">{items}</ul>')
    if entry.categories:
        topics = [
            text_escaped(c.name)
            if scheme is None
            else _link(f"{scheme}{path_encoded(c.slug)}/{PAGE}", c.name)
            for c in entry.categories
        ]
        written.append(f'<p class="soft">{" · ".join(topics)}</p>')
    written.append("</article>\n")
    return checked("".join(written))


def _lang(entry: Entry) -> str:
    return f' lang="{attribute_escaped(entry.language)}"' if entry.language else ""


def _by(entry: Entry) -> str:
    parts = []
    if entry.author:
        name = entry.author.name
        page = beside(entry.source.url, PAGE) if entry.source else ""
        parts.append(_link(page, name) if page else text_escaped(name))
    parts.append(_time(entry.published))
    return " · ".join(parts)


def _time(time: datetime) -> str:
    return f'<time datetime="{rfc3339(time)}">{long_date(time)}</time>'


def _link(url: str, name: str, attributes: str = "") -> str:
    return f'<a href="{attribute_escaped(url)}"{attributes}>{text_escaped(name)}</a>'


def _picture(image: Image) -> str:
    size = f' width="{image.width}" height="{image.height}"' if image.width and image.height else ""
    # The title beside it says what the article is; a picture without a text of its own adds none.
    return (
        f'<img src="{attribute_escaped(image.url)}"{size} alt="{attribute_escaped(image.title or "")}"'
        ' loading="lazy" decoding="async">'
    )


def render_page(feed: Feed, formats: Sequence[str], home: str, entries: Iterable[bytes]) -> bytes:
    """The page of a group; ``home`` is the address of the list of all feeds."""
    head = _head(feed, formats) + (
        f'<header><p class="soft">{_link(home, "All feeds")} · '
        f'{_link(feed.site_url, feed.site_title)}</p>{_mark(feed)}<h1 dir="auto">{text_escaped(feed.name)}'
        f"</h1>{_description(feed)}{_feeds(feed.url, feed.name, formats)}</header>\n<main>\n"
    )
    shown = b"".join(entries) or b"<p>No article yet.</p>\n"
    return checked(head) + shown + checked(f"</main>\n{_foot()}")


def render_index(site: Feed, formats: Sequence[str], groups: Iterable[Listed]) -> bytes:
    """The site's page: every feed by kind of group, with counts and newest dates."""
    written = [
        _head(site, formats),
        f'<header><p class="soft">{_link(site.site_url, site.site_title)}</p>{_mark(site)}'
        f'<h1 dir="auto">{text_escaped(site.title)}</h1>{_description(site)}'
        f"{_feeds(site.url, site.title, formats)}"
        f'<p class="soft">{_link(beside(site.url, OPML), "All feeds as OPML")}, '
        "to subscribe to them in one step</p></header>\n<main>\n",
    ]
    for heading, listed in groupby(groups, key=lambda group: group.heading):
        written.append(f'<section><h2>{text_escaped(heading)}</h2><ul class="list">\n')
        for group in listed:
            count = f"{group.count:,} article{'' if group.count == 1 else 's'}"
            newest = f", newest {_time(group.newest)}" if group.newest else ""
            name = _link(group.page, group.name, ' class="name" dir="auto"')
            feeds = _feeds(group.url, group.name, formats)
            written.append(f'<li>{name}<p class="soft">{count}{newest}</p>{feeds}</li>\n')
        written.append("</ul></section>\n")
    written.append(f"</main>\n{_foot()}")
    return checked("".join(written))


def _head(feed: Feed, formats: Sequence[str]) -> str:
    discovery = "".join(
        f'<link rel="alternate" type="{MEDIA_TYPES[name]}"'
        f' title="{attribute_escaped(f"{feed.title} ({FORMAT_NAMES[name]})")}"'
        f' href="{attribute_escaped(feed.url)}.{name}">\n'
        for name in formats
    )
    icon = f'<link rel="icon" href="{attribute_escaped(feed.icon)}">\n' if feed.icon else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{attribute_escaped(feed.language)}">\n<head>\n<meta charset="utf-8">\n'
        # First, for output.py looks here for what says that a document is ours.
        '<meta name="generator" content="Syndicate">\n'
        f'<link rel="canonical" href="{attribute_escaped(beside(feed.url, PAGE))}">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text_escaped(feed.title)}</title>\n"
        f'<meta name="description" content="{attribute_escaped(" ".join(feed.description.split()))}">\n'
        f"{icon}{discovery}<style>{_STYLE}</style>\n</head>\n<body>\n"
    )


def _description(feed: Feed) -> str:
    if feed.description == feed.title:
        return ""
    return f'<p dir="auto">{text_escaped(feed.description)}</p>'


def _mark(feed: Feed) -> str:
    picture = feed.logo or feed.icon
    return f'<img class="mark" src="{attribute_escaped(picture)}" alt="">' if picture else ""


def _feeds(url: str, name: str, formats: Sequence[str]) -> str:
    """A feed's addresses, and what one does with them."""
    links = [_link(f"{url}.{kind}", FORMAT_NAMES[kind], f' type="{MEDIA_TYPES[kind]}"') for kind in formats]
    ending = next(kind for kind in PREFERRED if kind in formats)
    address, of = attribute_escaped(f"{url}.{ending}"), attribute_escaped(name)
    links.append(f'<a href="feed:{address}" aria-label="Open in a reader: {of}">Open in a reader</a>')
    links.append(
        f'<button type="button" data-copy="{address}" aria-label="Copy address: {of}" hidden>'
        "Copy address</button>"
    )
    return f'<p class="feeds">{" ".join(links)}</p>'


def _foot() -> str:
    return f'<p id="said" class="soft" role="status"></p>\n<script>{_SCRIPT}</script>\n</body>\n</html>\n'
