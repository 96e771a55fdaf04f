"""Manifest: what a target holds of ours, and what is still to be done there. Pure; an object on the target.

JSON, so that a person can read it::

    {"format": 1, "claim": null,
     "objects": {"feed.rss": ["<SHA-256 of the bytes>", "<digest of the headers>", 1234]},
     "purge": {"varnish https://edge.example/": ["feed.rss"]}, "ping": ["feed.rss"]}

An object without a digest is in doubt: a publisher was about to write it, and may have been killed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import msgspec

KEY = ".syndicate/manifest.json"
_FORMAT = 1
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")


class ManifestError(ValueError):
    """The manifest cannot be used; ``newer`` when a later version of the program wrote it."""

    def __init__(self, what: str, *, newer: bool = False) -> None:
        super().__init__(what)
        self.newer = newer


class Object(msgspec.Struct, array_like=True, frozen=True):
    """One document on the target."""

    sha256: str  # of the document's bytes as they are in the output directory; empty: in doubt
    headers: str  # their digest
    size: int  # bytes, in the output directory


class Claim(msgspec.Struct, frozen=True):
    """Whoever is publishing: nobody else writes until then, unless it is the same owner again."""

    owner: str
    run: str  # tells the owner's runs apart
    until: int  # seconds since 1970


@dataclass
class Manifest:
    """What is on a target."""

    objects: dict[str, Object] = field(default_factory=dict)  # by path
    purge: dict[str, set[str]] = field(default_factory=dict)  # paths that an edge was not told of yet
    ping: set[str] = field(default_factory=set)  # feeds that the hub was not told of yet
    claim: Claim | None = None


class _Written(msgspec.Struct):
    format: int
    objects: dict[str, Object]
    purge: dict[str, list[str]]
    ping: list[str]
    claim: Claim | None = None


class _Format(msgspec.Struct):
    format: int


def encode(manifest: Manifest) -> bytes:
    written = _Written(
        format=_FORMAT,
        claim=manifest.claim,
        objects=dict(sorted(manifest.objects.items())),
        purge={name: sorted(paths) for name, paths in sorted(manifest.purge.items()) if paths},
        ping=sorted(manifest.ping),
    )
    return msgspec.json.encode(written) + b"\n"


def decode(data: bytes) -> Manifest:
    """Raises ManifestError. A path that could lead out of the target makes the whole untrustworthy."""
    try:
        if msgspec.json.decode(data, type=_Format).format > _FORMAT:
            raise ManifestError("a newer version of the program wrote it", newer=True)
        written = msgspec.json.decode(data, type=_Written)
    except (msgspec.DecodeError, RecursionError):
        raise ManifestError("it is damaged") from None
    paths = [*written.objects, *written.ping, *(path for paths in written.purge.values() for path in paths)]
    if not all(map(_is_safe, paths)):
        raise ManifestError("it names paths that no document has")
    purge = {name: set(paths) for name, paths in written.purge.items()}
    return Manifest(written.objects, purge, set(written.ping), written.claim)


def _is_safe(path: str) -> bool:
    steps = path.split("/")
    return not _UNSAFE.search(path) and not {"", ".", "..", ".syndicate"} & set(steps)
