"""What no input may bring about, as functions of bytes: for hypothesis in the tests, and for ``fuzz.py`` by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unicodedata import category

import lxml.html
import pytz
from lxml import etree

from syndicate.articles.model import Article
from syndicate.articles.presets import PRESETS
from syndicate.articles.reader import read_article
from syndicate.articles.related import related_articles
from syndicate.articles.rules import MAX_FILE_SIZE, Rules
from syndicate.articles.urls import UrlError, clean_url
from syndicate.checking.documents import _check as checked_document
from syndicate.checking.sheet import Sheet
from syndicate.config import Settings, parse_config
from syndicate.errors import ConfigError, Problem, Severity
from syndicate.feeds.document import Renderer
from syndicate.feeds.entry import EntryMaker
from syndicate.feeds.model import Archive
from syndicate.groups import PAIR, SITE, Directory, Grouping, memberships
from syndicate.reading import _encoder, stored_article
from syndicate.registry import read_registry

SECRET = "7Tr4nZ-never-published"  # what no document and no message may hold
CONFIG = """\
site: {title: Test Site, url: "https://site.example/", feeds_url: "https://feeds.site.example/", tag: "site.example,2020"}
content: {roots: [news]}
feeds: {groups: [topic, provider, series, [topic, provider]]}
"""
_DIRECTIONS = set(
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)  # they make a line read as another
FAR = datetime(9999, 1, 1, tzinfo=UTC)
_SETTINGS = parse_config(CONFIG.encode(), Path("/site/syndicate.yaml"), "syndicate.yaml")
_REGISTRY = read_registry({}, {}, _SETTINGS.site.url)
_GROUPING = Grouping(_SETTINGS.feeds.groups, _SETTINGS.content.shared_domains, _REGISTRY, False)
_STRICT = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)


def rules_of(preset: str) -> Rules:
    return Rules(
        fields=PRESETS[preset].fields, tag="site.example,2020", site_url="https://site.example/",
        zone=pytz.timezone("America/Los_Angeles"), permalink=PRESETS[preset].permalink,
        group_fields=("series",), related_entries=True,
    )  # fmt: skip


_RULES = {preset: rules_of(preset) for preset in PRESETS}


def documents_of(
    data: bytes, preset: str = "smartable", stem: str = "2026-01-02-a", **changes: Any
) -> dict[str, bytes]:
    """Every document that one file makes by itself, by path, each found to keep the rules; none if it is no article."""
    reading = read_article(data, f"news/{stem}.md", stem, replace(_RULES[preset], **changes))
    for problem in reading.problems:
        check_problem(problem)
    found: dict[str, bytes] = {}
    if reading.article is not None:
        for article in (reading.article, *related_articles(reading.article, "site.example,2020")):
            found = {**_rendered(article), **found}
    return found


def _rendered(read: Article) -> dict[str, bytes]:
    article = stored_article(_encoder.encode(read))
    assert article == read
    keys = dict(memberships(article, _GROUPING))
    names = {key: name for key, name in keys.items() if key != SITE and PAIR not in key}
    directory = Directory(names, _REGISTRY, _SETTINGS.site.title, "")
    maker = EntryMaker(_SETTINGS, _GROUPING, directory)
    found: dict[str, bytes] = {}
    for key in keys:
        renderer = Renderer(maker, _SETTINGS.feeds.formats, None, set())
        group = directory.group(key)
        check_path(group.path)
        for path, document in renderer.documents(group, [(1, article)], [article], {}, Archive()):
            check_document(path, document)
            assert path not in found
            found[path] = document
    return found


def check_problem(problem: Problem) -> None:
    """It fits on one line, is made of characters that a terminal shows, and gives no secret away."""
    text = str(problem)
    assert not any(category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text), ascii(text)
    assert not set(text) & _DIRECTIONS, ascii(text)
    assert SECRET not in text
    assert len(text) < 2_000, len(text)
    assert problem.line >= 0
    assert problem.column >= 0


def check_path(path: str) -> None:
    """A group's folder lies below out/, on any file system."""
    for step in path.split("/"):
        assert step not in (".", "..")
        assert len(step.encode()) <= 255
        assert not any(character in step for character in '\\:*?"<>|\0')
    assert not path.startswith("/")
    assert path == "" or all(path.split("/"))


def check_document(path: str, document: bytes) -> None:
    """Well-formed for a strict parser, and without a fault for the checks that any program's feeds go through."""
    assert SECRET.encode() not in document
    if path.endswith(".html"):
        check_page(document.decode("utf-8"))
        return
    if path.endswith(".json"):
        json.loads(document.decode("utf-8"), parse_constant=_no_number)
    else:
        etree.fromstring(document, _STRICT)
    sheet = Sheet(path, FAR)
    checked_document(document, sheet, None)
    faults = [str(problem) for problem in sheet.problems if problem.severity is Severity.ERROR]
    assert not faults, faults


def check_page(text: str) -> None:
    """No script but the page's own, no handler of events, no address that is not of the web or a reader."""
    page = lxml.html.document_fromstring(text)
    assert [script.getparent().tag for script in page.iter("script")] == ["body"]
    for element in page.iter(etree.Element):
        assert element.tag not in ("iframe", "object", "embed", "form", "base"), element.tag
        for name, value in element.attrib.items():
            assert not name.startswith("on"), name
            if name in ("href", "src"):
                assert value.startswith(("http://", "https://", "mailto:", "feed:")) or ":" not in value, (
                    value
                )


def _no_number(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def settings_of(data: bytes) -> Settings | None:
    """A config's settings; None where it has problems, each of which is found fit to be printed."""
    try:
        return parse_config(data, Path("/site/config/syndicate.yaml"), "config/syndicate.yaml")
    except ConfigError as error:
        for problem in error.problems:
            check_problem(problem)
        return None


def cleaned(written: str) -> str | None:
    """The URI that a written URL means, found to be absolute, ASCII and its own meaning; None where it is none."""
    try:
        url = clean_url(written)
    except UrlError:
        return None
    assert url.startswith(("http://", "https://"))
    assert url.isascii()
    assert url.isprintable()
    assert not set(url) & set(' <>"{}|\\^`')
    assert clean_url(url) == url
    return url


def _article(data: bytes) -> None:
    preset = tuple(PRESETS)[data[0] % len(PRESETS)] if data else "smartable"
    documents_of(data[1:MAX_FILE_SIZE], preset)


def _fields(data: bytes) -> None:
    """Any text in every field of an article that has all of them."""
    text = data.decode("utf-8", "replace")
    first, _, second = text.partition("\0")
    documents_of(full_article(first, second or first))


def _html(data: bytes) -> None:
    documents_of(full_article("T", html=data.decode("utf-8", "replace")))


def _body(data: bytes) -> None:
    documents_of(b"---\ntitle: T\n---\n" + data, "jekyll")


def _config(data: bytes) -> None:
    settings_of(data)


def _url(data: bytes) -> None:
    cleaned(data.decode("utf-8", "replace"))


def _registry(data: bytes) -> None:
    for topics, providers in (({"t/a.yaml": data}, {}), ({}, {"p/a.md": data})):
        for problem in read_registry(topics, providers, "https://site.example/").problems:
            check_problem(problem)


def _feed(data: bytes) -> None:
    """A finished feed of any program, which is checked: faults, whatever it is."""
    sheet = Sheet("feed.xml", FAR)
    checked_document(data, sheet, "https://site.example/feed.xml")
    for problem in sheet.problems:
        check_problem(problem)


TARGETS: tuple[Callable[[bytes], None], ...] = (
    _article,
    _fields,
    _html,
    _body,
    _config,
    _url,
    _registry,
    _feed,
)


def full_article(text: str, other: str = "", html: str | None = None) -> bytes:
    """An article with ``text`` in its visible fields, ``other`` in those that say where and when."""
    link = "https://publisher.example/a"
    item = {
        "title": text,
        "excerpt": text,
        "webUrl": link + "/r",
        "publishedDateTime": other,
        "provider": {"name": text},
    }
    fields = {
        "title": text or "T", "excerpt": text, "featuredContent": text if html is None else html, "author": text,
        "publishedDateTime": "2026-01-02T03:04:05Z", "updatedDateTime": other, "webUrl": link, "originalUrl": other,
        "ampWebUrl": other, "language": other, "id": other, "quality": other, "series": text, "secured": SECRET,
        "topics": [text, "AI"], "provider": {"name": text, "domain": other, "images": [{"url": other}]},
        "images": [{"url": "https://publisher.example/i.png", "title": text, "width": other, "height": "9", "type": other},
                   {"url": other, "title": text}],
        "related": [item, {**item, "webUrl": other}],
    }  # fmt: skip
    return front_matter(fields)


def front_matter(fields: dict[str, Any]) -> bytes:
    """A file of these fields, in JSON as YAML understands it: a character beyond 16 bits is one escape there."""
    written = re.sub(
        r"\\u(d[89ab]..)\\u(d[c-f]..)",
        lambda pair: f"\\U{ord(bytes.fromhex(pair[1] + pair[2]).decode('utf-16-be')):08x}",
        json.dumps(fields),
    )
    return f"---\n{written}\n---\n".encode()


def one_input(data: bytes) -> None:
    """The fuzzer's entry: the first byte chooses what is tried."""
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])
