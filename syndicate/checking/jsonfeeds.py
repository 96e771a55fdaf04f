"""JSON Feed 1.1 documents, checked key by key."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from syndicate.checking.sheet import Sheet

_FEED = frozenset(
    ("version", "title", "home_page_url", "feed_url", "description", "user_comment", "next_url", "icon",
     "favicon", "author", "authors", "language", "expired", "hubs", "items")
)  # fmt: skip
_ITEM = frozenset(
    ("id", "url", "external_url", "title", "content_html", "content_text", "summary", "image", "banner_image",
     "date_published", "date_modified", "author", "authors", "tags", "language", "attachments")
)  # fmt: skip
_EXTENSION = re.compile(r"_[A-Za-z]")


def check_json(data: bytes, sheet: Sheet, url: str | None) -> None:
    """Check a JSON document; ``url`` is where it was fetched from, if it was."""
    try:
        feed = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        sheet.error(line, "document", f"byte 0x{data[error.start]:02X} is not UTF-8", "write UTF-8")
        return
    except (json.JSONDecodeError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        sheet.error(line, "document", f"it is no JSON: {error}", "mend it")
        return
    if not isinstance(feed, dict):
        sheet.error(1, "document", "it is no object", "RSS 2.0, Atom 1.0, JSON Feed or OPML are feeds")
        return
    version = feed.get("version")
    if version not in ("https://jsonfeed.org/version/1.1", "https://jsonfeed.org/version/1"):
        sheet.error(
            1, "version", f"{version!r} is no version of JSON Feed", "write https://jsonfeed.org/version/1.1"
        )
    sheet.title(1, "title", _string(feed, "title", sheet, 1, ""))
    for key in ("home_page_url", "feed_url", "next_url", "icon", "favicon"):
        if key in feed:
            sheet.url(1, key, _string(feed, key, sheet, 1, ""))
    if "feed_url" not in feed:
        sheet.warn(1, "feed_url", "it is missing", "write the document's own URL")
    elif url is not None and feed["feed_url"] != url:
        sheet.warn(1, "feed_url", f"it is {feed['feed_url']}", f"it was fetched from {url}")
    _common(feed, _FEED, sheet, 1, "")
    items = feed.get("items")
    if not isinstance(items, list):
        sheet.error(1, "items", "it is missing, or no list", "write a list, be it empty")
        return
    lines = _item_lines(data, len(items))
    seen: dict[str, int] = {}
    for n, item in enumerate(items):
        if isinstance(item, dict):
            _item(item, sheet, lines[n], f"items[{n}]", seen)
        else:
            sheet.error(lines[n], f"items[{n}]", "it is no object", "write one")


def _item_lines(data: bytes, count: int) -> list[int]:
    """The line of each item. JSON's own reader keeps no positions; YAML's reads JSON and does."""
    try:
        node = yaml.compose(data.decode("utf-8"), Loader=yaml.CBaseLoader)
    except yaml.YAMLError:
        return [1] * count
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == "items" and isinstance(value, yaml.SequenceNode) and len(value.value) == count:
                return [item.start_mark.line + 1 for item in value.value]
    return [1] * count


def _item(item: dict[str, Any], sheet: Sheet, line: int, where: str, seen: dict[str, int]) -> None:
    id = item.get("id")
    if id is not None and not isinstance(id, str):
        sheet.error(line, f"{where}.id", "it is no string", "write it in quotes")
        id = str(id)
    sheet.id(line, f"{where}.id", id, seen, uri=False)
    for key in ("url", "external_url", "image", "banner_image"):
        if key in item:
            sheet.url(line, f"{where}.{key}", _string(item, key, sheet, line, where))
    sheet.title(line, f"{where}.title", _string(item, "title", sheet, line, where), required=False)
    if "content_html" not in item and "content_text" not in item:
        sheet.error(line, where, "neither content_html nor content_text", "write one")
    if "content_html" in item:
        sheet.html(line, f"{where}.content_html", _string(item, "content_html", sheet, line, where))
    for key in ("date_published", "date_modified"):
        if key in item:
            sheet.rfc3339(line, f"{where}.{key}", _string(item, key, sheet, line, where))
    tags = item.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag for tag in tags):
        sheet.error(line, f"{where}.tags", "it is no list of strings", "write one")
    _attachments(item.get("attachments", []), sheet, line, f"{where}.attachments")
    _common(item, _ITEM, sheet, line, f"{where}.")


def _attachments(found: Any, sheet: Sheet, line: int, where: str) -> None:
    if not isinstance(found, list):
        sheet.error(line, where, "it is no list", "write one")
        return
    for n, attachment in enumerate(found):
        if not isinstance(attachment, dict):
            sheet.error(line, f"{where}[{n}]", "it is no object", "write one")
            continue
        size = attachment.get("size_in_bytes")
        sheet.enclosure(
            line, f"{where}[{n}]", _string(attachment, "url", sheet, line, where),
            _string(attachment, "mime_type", sheet, line, where), None if size is None else str(size),
        )  # fmt: skip


def _common(fields: dict[str, Any], known: frozenset[str], sheet: Sheet, line: int, where: str) -> None:
    """What a feed and an item have alike: authors, language, and no key that the format does not know."""
    if "author" in fields:
        sheet.warn(line, f"{where}author", "version 1.1 has authors", "write a list")
    authors = fields.get("authors", [])
    if not isinstance(authors, list):
        sheet.error(line, f"{where}authors", "it is no list", "write one")
        authors = []
    for author in authors:
        if not isinstance(author, dict) or not any(author.get(key) for key in ("name", "url", "avatar")):
            sheet.error(
                line, f"{where}authors", "an author without name, url and avatar", "write one of them"
            )
            continue
        for key in ("url", "avatar"):
            if key in author:
                sheet.url(line, f"{where}authors.{key}", _string(author, key, sheet, line, where))
    if "language" in fields:
        sheet.language(line, f"{where}language", str(fields["language"]))
    for key in fields:
        if key not in known and not _EXTENSION.match(key):
            sheet.warn(line, f"{where}{key}", "an unknown key", "begin the name of an extension with _")


def _string(fields: dict[str, Any], key: str, sheet: Sheet, line: int, where: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        sheet.error(line, f"{where}.{key}".lstrip("."), "it is no string", "write it in quotes")
        return None
    return value
