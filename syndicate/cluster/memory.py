"""Memory: what runs have done: the manifest of partitions, and of all that was made of them."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct, field

from syndicate.cluster.context import CURRENT
from syndicate.cluster.model import FORMAT, Done, encode
from syndicate.cluster.storage import FORGET, Storage
from syndicate.errors import ClusterError, ConfigError, LockedError

KEY = "syndicate.memory"
# What runs write besides: results, and what they tell their workers. Nothing else is ever removed.
_OURS = re.compile(
    "(?:reading|comparing|claiming|settling|deciding|merging|asking|relating|finishing"
    "|lists|labels|contexts|names|documents)/(?:[0-9a-f]{32}){1,2}"
)


class _Format(Struct, array_like=True):
    format: int


class Shown(Struct, array_like=True):
    """What one output holds: the documents of the last run that wrote there."""

    # By group and period: digests of what their documents were made of, and of these.
    parts: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # of groups, with their paths
    documents: dict[str, tuple[str, bytes, int]] = field(default_factory=dict)  # group, digest, size
    live: int = 0


class Memory(Struct, array_like=True):
    """What is known from earlier runs. A result holds for what its key is a digest of."""

    format: int = FORMAT
    owner: str = ""  # whose work area it is
    shards: int = 0
    results: dict[bytes, Done] = field(default_factory=dict)
    outputs: dict[str, Shown] = field(default_factory=dict)

    def shown(self, output: str) -> Shown:
        return self.outputs.setdefault(output, Shown())


def load_memory(work: Storage, owner: str) -> Memory:
    """What earlier runs left, if they left something. Raises ClusterError, ConfigError."""
    try:
        data = work.get(KEY)
    except FileNotFoundError:
        return Memory(owner=owner)
    try:
        if msgspec.msgpack.decode(data, type=_Format).format != FORMAT:
            return Memory(owner=owner)
        memory = msgspec.msgpack.decode(data, type=Memory)
    except msgspec.DecodeError:
        raise ClusterError("the work area is damaged", f"{work.place.url}: {KEY}", FORGET) from None
    if memory.owner != owner:
        raise ConfigError(f"the work area {work.place.url} belongs to {memory.owner} (set cluster.work)")
    return memory


def save_memory(work: Storage, memory: Memory, run: str) -> None:
    """Keep what was done, so that no run after this one does it again. Raises LockedError."""
    check_current(work, run)
    work.put(KEY, encode(memory))


def check_current(work: Storage, run: str) -> None:
    """Raises LockedError where another run has begun in the work area, from whichever machine."""
    try:
        current = work.get(CURRENT).decode()
    except FileNotFoundError:
        current = ""
    if current != run:
        raise LockedError("another run has begun in the work area", work.place.url, "it goes on from here")


def clean(work: Storage, memory: Memory, kept: set[str], run: str) -> None:
    """Remove from the work area what no result, and nothing in ``kept``, refers to. Raises LockedError."""
    check_current(work, run)
    used = kept | {done.pack.key for done in memory.results.values() if done.pack}
    unused: list[str] = []
    for page in work.pages(""):
        unused += [found.key for found in page if found.key not in used and _OURS.fullmatch(found.key)]
    if unused:
        work.delete(unused)
