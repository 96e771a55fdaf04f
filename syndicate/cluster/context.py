"""Context: what every task of a run is told, read once by each worker. Plain data, never pickled."""

from __future__ import annotations

from functools import cache, cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version_tuple
from typing import Any

from msgspec import Struct

from syndicate.cluster.model import decode, encode, hashed
from syndicate.cluster.sources import Root, roots_of
from syndicate.cluster.storage import Storage
from syndicate.config import Settings, Target, parse_config
from syndicate.errors import ClusterError
from syndicate.groups import Directory, Grouping
from syndicate.registry import Registry, read_registry
from syndicate.version import VERSION

# Whatever decides a byte of a document: the same on every machine of a cluster.
_DECIDING = (
    "feedgen",
    "ftfy",
    "idna",
    "lxml",
    "markdown-it-py",
    "msgspec",
    "nh3",
    "pytz",
    "pyyaml",
    "rapidyaml",
)


@cache
def versions() -> dict[str, str]:
    """The versions of the program, of Python, and of the libraries that decide what documents look like."""
    found = {"syndicate": VERSION, "python": ".".join(python_version_tuple()[:2])}
    for name in _DECIDING:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


# Where it says which run is under way: in the work area, and beside the output directory.
CURRENT = "syndicate.run"


class Told(Struct, array_like=True, frozen=True):
    """A context as it is stored."""

    config: bytes
    path: str  # of the config
    shown: str
    topics: dict[str, bytes]  # the registries' files
    providers: dict[str, bytes]
    now: int  # seconds since 1970
    shards: int
    publishes: bool  # documents go to the targets; else to the output directory
    run: str  # tells runs apart: workers may outlive theirs


class Context:
    """What a run is told, as tasks use it."""

    def __init__(self, told: Told, work: Storage) -> None:
        self.told, self.work = told, work
        self._storages: dict[Target, Storage] = {work.place: work}
        self._directories: dict[bytes, Directory] = {}
        self.kept: dict[str, Any] = {}  # what a stage wants to find again in its next task

    @cached_property
    def settings(self) -> Settings:
        return parse_config(self.told.config, Path(self.told.path), self.told.shown)

    @cached_property
    def registry(self) -> Registry:
        return read_registry(self.told.topics, self.told.providers, self.settings.site.url)

    @cached_property
    def grouping(self) -> Grouping:
        feeds = self.settings.feeds
        return Grouping(feeds.groups, self.settings.content.shared_domains, self.registry, feeds.rollup)

    @cached_property
    def roots(self) -> list[Root]:
        return roots_of(self.settings)

    @property
    def now(self) -> int:
        return self.told.now

    @property
    def shards(self) -> int:
        return self.told.shards

    def storage(self, place: Target) -> Storage:
        """The storage at ``place``, which is opened once."""
        found = self._storages.get(place)
        if found is None:
            found = self._storages[place] = Storage(place)
        return found

    @property
    def moved(self) -> tuple[int, int]:
        """Bytes read and written so far."""
        storages = self._storages.values()
        return sum(s.bytes_read for s in storages), sum(s.bytes_written for s in storages)

    def directory(self, key: bytes) -> Directory:
        """The names of all groups, as the client stored them. Raises ClusterError."""
        found = self._directories.get(key)
        if found is None:
            names = decode(self.work.get(names_key(key)), dict[str, str])
            site = self.settings.site
            found = Directory(names, self.registry, site.title, site.description)
            self._directories = {key: found}
        return found


def put_context(work: Storage, told: Told) -> str:
    """Store a context; gives its key."""
    key = f"contexts/{hashed(told).hex()}"
    work.put(key, encode(told))
    return key


def put_names(work: Storage, names: dict[str, str]) -> bytes:
    """Store the names of all groups; gives their digest."""
    digest = hashed(sorted(names.items()))
    work.put(names_key(digest), encode(names))
    return digest


def names_key(digest: bytes) -> str:
    return f"names/{digest.hex()}"


@lru_cache(maxsize=2)
def context_at(place: Target, key: str) -> Context:
    """The context that a task is told of. Raises ClusterError."""
    work = Storage(place)
    try:
        told = work.get(key)
    except FileNotFoundError:
        raise ClusterError(
            "a worker does not see the work area", place.url,
            "share it between all machines, or set cluster.work to object storage",
        ) from None  # fmt: skip
    return Context(decode(told, Told), work)
