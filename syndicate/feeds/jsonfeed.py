"""JSON Feed 1.1. Bytes out; nothing is decided here."""

from __future__ import annotations

from typing import Any

import msgspec

from syndicate.articles.dates import rfc3339
from syndicate.articles.model import Image
from syndicate.feeds.model import Entry, Feed, Person, RelatedEntry

_encoder = msgspec.json.Encoder()
VERSION_URL = "https://jsonfeed.org/version/1.1"


def render_entry(entry: Entry) -> bytes:
    """One item."""
    extension = {
        "via": entry.via,
        "amp_url": entry.amp,
        "related": [_related(related) for related in entry.related],
    }
    item = {
        "id": entry.id,
        "url": entry.link,
        "title": entry.title,
        "summary": entry.summary,
        "content_html": entry.html,
        "date_published": rfc3339(entry.published),
        "date_modified": rfc3339(entry.updated),
        "image": entry.images[0].url if entry.images else None,
        "authors": [_author(entry.author)] if entry.author else None,
        "tags": [category.name for category in entry.categories],
        "language": entry.language,
        "attachments": _attachments(entry),
        "_syndicate": _filled(extension),
    }
    return _dumped(item)


def render_feed(feed: Feed) -> tuple[bytes, bytes]:
    """The document before its first item and after its last; items are joined by a comma and LF."""
    around = {rel: f"{url}.json" for rel, url in feed.archive_links}
    head = {
        "version": VERSION_URL,
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": f"{feed.self_url}.json",
        "next_url": around.get("prev-archive"),
        "description": feed.description,
        "icon": feed.logo,
        "favicon": feed.icon,
        "authors": [_author(feed.author)] if feed.author else None,
        "language": feed.language,
        "hubs": [{"type": "WebSub", "url": feed.hub}] if feed.hub else None,
        "_syndicate": _filled(
            {
                "generator": "Syndicate",
                "archive": bool(feed.archive.period),
                "next_archive": around.get("next-archive"),
                "current": around.get("current"),
            }
        ),
    }
    return _dumped(head)[:-1] + b',\n"items":[\n', b"\n]}\n"


def _dumped(fields: dict[str, Any]) -> bytes:
    return _encoder.encode(_filled(fields))


def _filled(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


def _author(author: Person) -> dict[str, Any]:
    return _filled({"name": author.name, "url": author.url, "avatar": author.avatar})


def _attachments(entry: Entry) -> list[dict[str, Any]]:
    found = [
        _filled(
            {"url": image.url, "mime_type": image.type, "title": image.title,
             "size_in_bytes": image.length}
        )
        for image in entry.images
        if image.type
    ]  # fmt: skip
    # A film is named by its player's page: the file behind it has no address of its own.
    found.extend({"url": video.page, "mime_type": "text/html"} for video in entry.videos)
    return found


def _related(related: RelatedEntry) -> dict[str, Any]:
    item = related.item
    provider = item.provider
    return _filled(
        {
            "id": related.id,
            "url": item.link,
            "title": item.title,
            "summary": item.excerpt,
            "date_published": rfc3339(item.published) if item.published else None,
            "provider": _filled({"name": provider.name, "domain": provider.domain}) if provider else None,
            "image": _image(item.image) if item.image else None,
        }
    )


def _image(image: Image) -> dict[str, Any]:
    return _filled({"url": image.url, "width": image.width, "height": image.height})
