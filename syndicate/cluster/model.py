"""What is sent and kept: structs and packs. Arrays of their fields in MessagePack; no work is done here."""

from __future__ import annotations

import hashlib
import struct
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from syndicate.cluster.storage import FORGET, Storage
from syndicate.content import File
from syndicate.errors import ClusterError, Problem

# Raised with every change of what results hold: those of an older version are made anew.
FORMAT = 1
HASH = 16  # bytes of a link or an id as it is compared: two that differ never meet in one

_AHEAD = 32  # pieces
_SECTION = struct.Struct("<QQ16s")

Item = TypeVar("Item")

encode = msgspec.msgpack.Encoder().encode


def decode(data: bytes, type: type[Item]) -> Item:
    """Raises ClusterError for what no run of this program wrote."""
    try:
        return msgspec.msgpack.decode(data, type=type)
    except msgspec.DecodeError:
        raise ClusterError("a result in the work area is damaged", "cluster.work", FORGET) from None


def hashed(*parts: Any) -> bytes:
    """A digest of what msgspec can encode."""
    return hashlib.blake2b(encode(parts), digest_size=HASH).digest()


def text_hash(text: str) -> bytes:
    """A link or an id as it is compared."""
    return hashlib.blake2b(text.encode(), digest_size=HASH).digest()


class Pack(Struct, array_like=True, frozen=True):
    """One object of the work area, in sections that are read apart.

    A client holds very many: where each section starts, its size and a digest of it are packed.
    """

    key: str
    index: bytes


class Piece(Struct, array_like=True, frozen=True):
    """One section of a pack, as whoever reads it is told."""

    key: str
    start: int
    size: int
    digest: bytes

    def read(self, work: Storage) -> bytes:
        """Its bytes. Raises ClusterError where they are not what was written."""
        try:
            data = work.get_range(self.key, self.start, self.size)
        except FileNotFoundError:
            data = b""
        if hashlib.blake2b(data, digest_size=HASH).digest() != self.digest:
            raise ClusterError("a result in the work area is damaged", self.key, FORGET)
        return data


def piece(pack: Pack, index: int) -> Piece:
    """One section of a pack."""
    return Piece(pack.key, *_SECTION.unpack_from(pack.index, index * _SECTION.size))


def read_all(work: Storage, pieces: Sequence[Piece]) -> Iterator[bytes]:
    """The bytes of pieces, in order; from object storage some are fetched ahead. Raises ClusterError."""
    if work.is_local or len(pieces) < 2:
        for wanted in pieces:
            yield wanted.read(work)
        return
    with ThreadPoolExecutor(_AHEAD) as pool:
        ahead = deque(pool.submit(wanted.read, work) for wanted in pieces[:_AHEAD])
        for following in (*pieces[_AHEAD:], *[None] * len(ahead)):
            data = ahead.popleft().result()
            if following is not None:
                ahead.append(pool.submit(following.read, work))
            yield data


def put_pack(work: Storage, key: str, sections: Iterable[bytes]) -> Pack:
    """Write sections as one object."""
    parts = list(sections)
    index = bytearray()
    start = 0
    for data in parts:
        index += _SECTION.pack(start, len(data), hashlib.blake2b(data, digest_size=HASH).digest())
        start += len(data)
    work.put(key, b"".join(parts))
    return Pack(key, bytes(index))


# Partitions


class Partition(Struct, array_like=True, frozen=True):
    """What one worker reads at once: some files, a range of bytes of a file of rows, or some row groups."""

    kind: str  # files | ndjson | parquet
    root: int  # its index among the roots
    name: str  # of its first file, as problems show it
    digest: bytes  # of what names its content: paths, sizes, ETags
    files: Piece | None = None  # of kind files: a list of File
    key: str = ""  # of a file of rows, below its root
    size: int = 0  # of that file
    tag: str = ""  # its ETag
    start: int = 0  # the first byte, or row group
    end: int = 0  # the first one after it
    count: int = 0  # files


class Listing(Struct, array_like=True, frozen=True):
    """What was found in one folder."""

    partitions: tuple[Partition, ...]
    files: int
    bytes: int
    problems: tuple[Problem, ...]


class Row(Struct, array_like=True, frozen=True):
    """An article as it competes for its place: everything but its text."""

    path: str
    id: str
    link: bytes  # hashed
    published: int  # seconds since 1970
    updated: int
    quality: int | None
    withdrawn: bool
    derived: bool
    groups: str  # as in the catalog
    related: tuple[bytes, ...]  # links, hashed
    start: int  # of its data in the partition's pack
    size: int
    digest: bytes  # of its data
    line: int  # of its row; 1 in a file of its own
    shown_link: str  # where it may be asked for


class Done(Struct, array_like=True, frozen=True):
    """What a task gives back, besides what it has written."""

    pack: Pack | None
    value: bytes = b""  # small, encoded
    fresh_from: int = 0  # holds while the clock stands here
    fresh_until: int = 2**62  # and not yet there


class Read(Struct, array_like=True, frozen=True):
    """What was found in one partition. Its pack: articles, rows, problems, then an exchange a shard."""

    lines: int  # of its range of a file of rows
    problems: int


class Entry(Struct, array_like=True, frozen=True):
    """An article in a group, with where its text is."""

    time: int  # by which it stands there
    id: str
    path: str
    published: int
    due: int
    digest: bytes  # of its data
    key: str  # of the pack that holds it
    start: int
    size: int
    related: tuple[bytes, ...]  # links that it names, hashed

    @property
    def order(self) -> tuple[int, str, str]:
        return (-self.time, self.id, self.path)


class Partial(Struct, array_like=True):
    """What is known so far of a group, or of one period of it. Merged by ``merging.merged``."""

    key: str
    period: str  # 2021-01; empty: the group's newest
    count: int = 0
    newest: int | None = None
    names: dict[str, int] = {}  # as articles spell it, with their counts
    entries: list[Entry] = []  # newest first
    buried: list[Entry] = []  # those withdrawn


class Summary(Struct, array_like=True, frozen=True):
    """A group, or a period of it, as whoever plans the documents is told."""

    key: str
    period: str
    count: int
    newest: int | None
    name: str  # the commonest spelling
    digest: bytes  # of all that its documents show of its articles
    held: dict[str, int]  # of its newest, by period
    entries: int
    section: int  # of the pack


def sections_of(count: int, placed: Iterable[tuple[int, Item]]) -> list[list[Item]]:
    """Items by their section."""
    found: list[list[Item]] = [[] for _ in range(count)]
    for index, item in placed:
        found[index].append(item)
    return found


def shard_of(hash: bytes, shards: int) -> int:
    """Which shard a link, an id or a group's key belongs to."""
    return int.from_bytes(hash[:4], "big") % shards


Files = list[File]
