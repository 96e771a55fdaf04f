"""Memory: what runs have done: the manifest of partitions, and of all that was made of them."""

from __future__ import annotations

import msgspec
from msgspec import Struct, field

from syndicate.cluster.context import CURRENT
from syndicate.cluster.model import FORMAT, Done, encode
from syndicate.cluster.storage import EMPTY_IT, Storage
from syndicate.errors import ClusterError, ConfigError

KEY = "memory"


class _Format(Struct, array_like=True):
    format: int


class Shown(Struct, array_like=True):
    """What one output holds: the documents of the last run that wrote there."""

    parts: dict[str, bytes] = field(default_factory=dict)  # digests of what they were made of
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
        raise ClusterError("the work area is damaged", f"{work.place.url}: {KEY}", EMPTY_IT) from None
    if memory.owner != owner:
        raise ConfigError(f"the work area {work.place.url} belongs to {memory.owner} (set cluster.work)")
    return memory


def save_memory(work: Storage, memory: Memory) -> None:
    """Keep what was done, so that no run after this one does it again."""
    work.put(KEY, encode(memory))


def clean(work: Storage, memory: Memory, kept: set[str]) -> None:
    """Remove from the work area what no result, and nothing in ``kept``, refers to."""
    used = kept | {done.pack.key for done in memory.results.values() if done.pack} | {KEY, CURRENT}
    unused: list[str] = []
    for page in work.pages(""):
        unused += [found.key for found in page if found.key not in used]
    if unused:
        work.delete(unused)
