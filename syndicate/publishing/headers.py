"""Headers: what an origin is to say of each document. Pure; nothing is sent."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from syndicate.articles.urls import path_encoded
from syndicate.config import Publish
from syndicate.feeds.model import MEDIA_TYPES

# The metadata of an object that names it at the edge: x-amz-meta-surrogate-key, on S3.
SURROGATE_KEY = "surrogate-key"
TYPES = {
    **{f".{ending}": type for ending, type in MEDIA_TYPES.items()},
    ".html": "text/html",
    ".opml": "text/x-opml",
}
# An archive document changes when one of its articles does, which is seldom: a day is what readers may
# miss of that, and spared are all their questions meanwhile.
_ARCHIVE_CACHE = "public, max-age=86400, immutable"
_ARCHIVE = re.compile(r"(?:.*/)?archive/[0-9-]+(?:\.\w+)+")


def is_archive(path: str) -> bool:
    return bool(_ARCHIVE.fullmatch(path))


def is_feed(path: str) -> bool:
    """Whether readers subscribe to this document."""
    return path.rpartition("/")[2] in [f"feed.{ending}" for ending in MEDIA_TYPES]


def document_headers(path: str, publish: Publish, feeds_url: str) -> dict[str, str]:
    """The headers of the document at ``path`` below the output directory."""
    content_type = f"{TYPES.get(path[path.rfind('.') :], 'application/octet-stream')}; charset=utf-8"
    found = {
        "Content-Type": content_type,
        "Cache-Control": _ARCHIVE_CACHE if is_archive(path) else publish.cache_control,
    }
    rules = [rule for rule in publish.headers if rule.match.fullmatch(path)]
    for rule in reversed(rules):  # the first one has the last word
        if rule.cache_control is not None:
            found["Cache-Control"] = rule.cache_control
        if rule.content_type is not None:
            found["Content-Type"] = rule.content_type
        if rule.gzip is not None:
            found["Content-Encoding"] = "gzip" if rule.gzip else ""
    found[SURROGATE_KEY] = " ".join(surrogate_keys(path, feeds_url))
    return {name: value for name, value in found.items() if value}


def surrogate_keys(path: str, feeds_url: str) -> list[str]:
    """A document's names at the edge: its group's address without scheme, and that of all documents, a star.

    The documents of a group change together; those of its archive do not, and each period has its own.
    """
    site = feeds_url.partition("://")[2]
    own = path.rpartition(".")[0] if is_archive(path) else path.rpartition("/")[0]
    return [f"{site}{path_encoded(own)}", f"{site}*"]


def headers_digest(headers: Mapping[str, str]) -> str:
    """What two documents with the same headers have in common: 32 hexadecimal digits."""
    return hashlib.sha256(json.dumps(sorted(headers.items())).encode()).hexdigest()[:32]
