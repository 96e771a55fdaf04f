"""Sources: which articles there are, in partitions, and their bytes: trees, object storage, tables."""

from __future__ import annotations

import errno
import io
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from syndicate.articles.rules import MAX_FILE_SIZE
from syndicate.cluster.model import Files, Listing, Partition, decode, encode, hashed, piece, put_pack
from syndicate.cluster.storage import Storage
from syndicate.config import Settings, Target, local_place
from syndicate.content import (
    ROW_ENDINGS,
    File,
    file_stem,
    folders_of,
    name_matcher,
    read_bytes,
    scan_folder,
    shown_path,
)
from syndicate.errors import ClusterError, Problem, Severity

_KINDS = dict(zip(ROW_ENDINGS, ("ndjson", "ndjson", "parquet"), strict=True))
_LINE_CHUNK = 4 * 1024 * 1024  # bytes
_TAIL_CHUNK = 64 * 1024
_BATCH = 256  # rows, or files that are fetched ahead
_AT_ONCE = 32  # fetches
# A file changed within this time before it was listed may have changed since without showing.
_TICK_NS = 2_000_000_000
# Folders are listed apart as long as that gives more lists than this.
_LISTS = 64
_DEEPEST = 3


class Root(NamedTuple):
    """One of content.roots."""

    place: Target
    shown: str  # as problems show it
    folder: Path | None  # where it is a local one


class Folder(NamedTuple):
    """What is listed at once."""

    root: int
    below: str  # with a slash at its end, or empty
    deep: bool  # with all that is in its folders


class FoundRow(NamedTuple):
    """One row of a table."""

    values: bytes | dict[str, Any] | None  # None: longer than is allowed
    number: int  # from 1: its line in the range, or its row in the file
    place: int  # of it in the file, whatever the partitions: where it begins, or its row


def roots_of(settings: Settings) -> list[Root]:
    """The places that articles come from, in their order."""
    content = settings.content
    local = [Root(local_place(path), shown_path(path, settings.root), path) for path in content.roots]
    return local + [Root(place, place.url.rstrip("/"), None) for place in content.stores]


def folders_to_list(roots: Iterable[tuple[int, Root]], storages: Callable[[Target], Storage]) -> list[Folder]:
    """Roots, each with its index, in parts that are listed apart. Raises ClusterError."""
    found = []
    for index, root in roots:
        flat: list[Folder] = []
        deep = [""]
        for _ in range(_DEEPEST):
            inner = [(folder, _inner(root, folder, storages)) for folder in deep]
            if not any(folders for _, folders in inner):
                break
            flat += [Folder(index, folder, False) for folder, folders in inner if folders]
            deep = [below for folder, folders in inner for below in folders or [folder]]
            if len(deep) >= _LISTS:
                break
        found += flat + [Folder(index, folder, True) for folder in deep]
    return found


def _inner(root: Root, folder: str, storages: Callable[[Target], Storage]) -> list[str]:
    if root.folder is not None:
        if folder and (root.folder / folder).is_symlink():
            return []  # it may lead back: listed in one, that is seen
        try:
            return folders_of(root.folder, folder)
        except OSError:  # reported when it is listed
            return []
    storage = storages(root.place)
    if storage.is_flat(folder):
        return []  # very many objects may follow: they are listed page by page
    folders, _ = storage.folders(folder)
    return [name for name in folders if not _is_hidden(name)]


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/")[:-1])


class Lister:
    """Lists folders, and cuts what is there into partitions."""

    def __init__(
        self, settings: Settings, roots: list[Root], storages: Callable[[Target], Storage], work: Storage
    ) -> None:
        self.settings, self.roots, self.storages, self.work = settings, roots, storages, work
        self._is_wanted = name_matcher(settings.content.include, settings.content.exclude)
        folders = [root.folder for root in roots]
        # Of roots that hold each other the last one that finds a file decides its path.
        self._later = [
            [other for other in folders[index + 1 :] if other and folder and _overlap(other, folder)]
            for index, folder in enumerate(folders)
        ]

    def listing(self, folder: Folder) -> Listing:
        """The partitions of one folder. Raises ClusterError."""
        root = self.roots[folder.root]
        problems: list[Problem] = []
        partitions: list[Partition] = []
        count = size = 0
        files: list[tuple[File, str]] = []
        for file, tag in self._found(root, folder, problems):
            count += 1
            if any(self._finds(other, file.full) for other in self._later[folder.root]):
                continue
            size += file.size
            kind = _KINDS.get(os.path.splitext(file.path)[1].lower())
            if kind:
                partitions += self._ranges(folder.root, kind, file, tag, problems)
                continue
            files.append((file, tag))
            if self._ends(file.path, len(files)):
                partitions.append(self._files(folder.root, files))
                files = []
        if files:
            partitions.append(self._files(folder.root, files))
        return Listing(tuple(partitions), count, size, tuple(problems))

    def _found(self, root: Root, folder: Folder, problems: list[Problem]) -> Iterator[tuple[File, str]]:
        """Each content file, with what changes when it does, in order of their paths."""
        content = self.settings.content
        if root.folder is not None:
            now = time.time_ns()
            tree = scan_folder(
                root.folder, folder.below, deep=folder.deep, include=content.include,
                exclude=content.exclude, project=self.settings.root,
            )  # fmt: skip
            problems += tree.problems
            for path in sorted(tree.changed):
                file = tree.changed[path]
                changed = max(file.mtime_ns, file.ctime_ns)
                uncertain = f" {now}" if changed >= now - _TICK_NS else ""
                yield file, f"{file.mtime_ns} {file.ctime_ns}{uncertain}"
            return
        storage = self.storages(root.place)
        pages: Iterable[list[Any]]
        pages = storage.pages(folder.below) if folder.deep else [storage.folders(folder.below)[1]]
        for page in pages:
            for name, size, tag in page:
                if not name.endswith("/") and not _is_hidden(name) and self._is_wanted(name):
                    yield File(f"{root.shown}/{name}", file_stem(name), name, size, 0, 0), tag

    def _finds(self, root: Path, full: str) -> bool:
        """Whether a file is found in ``root`` too."""
        if not full.startswith(f"{root}/"):
            return False
        name = full.removeprefix(f"{root}/")
        return not _is_hidden(name) and self._is_wanted(name)

    def _ends(self, path: str, count: int) -> bool:
        """Whether a partition ends with this file: its own path says so, so that others may come and go."""
        average = self.settings.cluster.partition_files
        return int.from_bytes(hashed(path)[:8], "big") % average == 0 or count >= 4 * average

    def _files(self, root: int, files: list[tuple[File, str]]) -> Partition:
        digest = hashed([(file.path, file.size, tag) for file, tag in files])
        pack = put_pack(self.work, f"lists/{digest.hex()}", [encode([file for file, _ in files])])
        return Partition("files", root, files[0][0].path, digest, piece(pack, 0), count=len(files))

    def _ranges(
        self, root: int, kind: str, file: File, tag: str, problems: list[Problem]
    ) -> Iterator[Partition]:
        """A file of rows in partitions."""
        place = self.roots[root]
        most = self.settings.cluster.partition_bytes
        key = file.path.removeprefix(f"{place.shown}/")
        etag = tag if place.folder is None else ""
        if kind == "ndjson":
            ends = [*range(most, file.size, most), file.size]
        else:
            source = Source(place, self.storages, key, file.size, etag)
            try:
                ends = _row_groups(source, most)
            except ClusterError:
                raise
            except Exception as error:  # noqa: BLE001  # pyarrow raises of many kinds for a broken file
                problems.append(unreadable_rows(file.path, RowsError(error).said))
                return
        start = 0
        for end in ends:
            digest = hashed(file.path, file.size, tag, start, end)
            yield Partition(
                kind, root, file.path, digest, None, key, file.size, etag, start, end, count=int(start == 0)
            )
            start = end


def _overlap(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents


class Source:
    """One file of rows, in parts."""

    def __init__(
        self, root: Root, storages: Callable[[Target], Storage], key: str, size: int, tag: str
    ) -> None:
        self._root, self._storages, self._key, self._tag = root, storages, key, tag
        self.size = size

    def read(self, start: int, length: int) -> bytes:
        """Bytes from ``start``, fewer at the end. Raises ClusterError, OSError."""
        length = min(length, self.size - start)
        storage = self._storages(self._root.place)
        if self._root.folder is None:
            return storage.get_range(self._key, start, length, self._tag)
        with open(self._root.folder / self._key, "rb") as file:
            data = os.pread(file.fileno(), max(length, 0), start)
        storage.bytes_read += len(data)
        return data


class RowsError(Exception):
    """A file of rows cannot be read: what was said, and whether it may be read another time."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.said = str(error).partition("\n")[0][:200] or type(error).__name__
        # What pyarrow cannot make sense of has no number; what the system refuses may go well later.
        self.again = bool(getattr(error, "errno", None))


def unreadable_rows(path: str, said: str) -> Problem:
    """A problem of a file of rows as a whole."""
    return Problem(
        path, 0, 0, Severity.ERROR, "file", f"cannot be read: {said}",
        "mend it, or write it again; what was not read of it stays out",
    )  # fmt: skip


def read_files(
    partition: Partition, root: Root, storages: Callable[[Target], Storage], work: Storage
) -> Iterator[tuple[File, Callable[[str, int], bytes]]]:
    """The files of a partition, each with how its bytes are had."""
    assert partition.files
    files = decode(partition.files.read(work), Files)
    storage = storages(root.place)
    if root.folder is not None:

        def read(path: str, size: int) -> bytes:
            data = read_bytes(path, size)
            storage.bytes_read += len(data)
            return data

        for file in files:
            yield file, read
        return
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for start in range(0, len(files), _BATCH):
            some = files[start : start + _BATCH]
            futures = [pool.submit(storage.get, file.full) for file in some if file.size <= MAX_FILE_SIZE]
            fetched = iter(futures)
            for file in some:
                if file.size <= MAX_FILE_SIZE:
                    future = next(fetched)
                    yield file, partial(_fetched, future)
                else:
                    yield file, read_bytes  # which is not asked for one so large


def _fetched(future: Future[bytes], _path: str, _size: int) -> bytes:
    try:
        return future.result()
    except FileNotFoundError:
        raise FileNotFoundError(errno.ENOENT, "it is not there any more") from None


def read_rows(partition: Partition, source: Source) -> Iterator[FoundRow]:
    """The rows of a partition of kind ndjson or parquet. Raises ClusterError, RowsError."""
    if partition.kind == "parquet":
        yield from _table_rows(partition, source)
        return
    number = 0
    lines = _lines(source, partition.start, partition.end)
    while True:
        try:
            found = next(lines, None)
        except OSError as error:
            raise RowsError(error) from error
        if found is None:
            return
        number += 1
        yield FoundRow(found[1], number, found[0])


def _table_rows(partition: Partition, source: Source) -> Iterator[FoundRow]:
    """The rows of some row groups. Raises ClusterError, RowsError."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(_File(source)) as file:
            number = sum(file.metadata.row_group(n).num_rows for n in range(partition.start))
            groups = list(range(partition.start, partition.end))
            for batch in file.iter_batches(_BATCH, row_groups=groups, use_threads=False):
                for values in _in_microseconds(batch).to_pylist():
                    number += 1
                    yield FoundRow(values, number, number)
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise RowsError(error) from error


def _lines(source: Source, start: int, end: int) -> Iterator[tuple[int, bytes | None]]:
    """The lines that begin in a range of bytes, each with its place; None for one that is too long."""
    place = position = max(start - 1, 0)
    skipping = start > 0  # what is before the first line end belongs to the range before
    rest = b""
    dropped = 0  # bytes of a line that is too long to be held
    while place < end:
        chunk = source.read(position, min(_LINE_CHUNK, max(end - position, _TAIL_CHUNK)))
        position += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        if not chunk and (rest or dropped):
            lines, rest = [rest], b""  # the last one has no end
        for line in lines:
            if place >= end:
                return
            if not skipping:
                yield place, line if dropped + len(line) <= MAX_FILE_SIZE else None
            place += dropped + len(line) + 1
            skipping, dropped = False, 0
        if not chunk:
            return
        if len(rest) > MAX_FILE_SIZE:
            dropped += len(rest)
            rest = b""


class _File(io.RawIOBase):
    """A Source as a file that pyarrow reads."""

    def __init__(self, source: Source) -> None:
        self._source, self._at = source, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(self._at, self._source.size - self._at if size is None or size < 0 else size)
        self._at += len(data)
        return data


def _row_groups(source: Source, most: int) -> list[int]:
    """After which row groups a file is cut so that no part has more than about ``most`` bytes."""
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(_File(source)) as file:
        sizes = [file.metadata.row_group(n).total_byte_size for n in range(file.metadata.num_row_groups)]
    ends = []
    held = 0
    for index, size in enumerate(sizes):
        if held and held + size > most:
            ends.append(index)
            held = 0
        held += size
    return [*ends, len(sizes)] if sizes else []


def _in_microseconds(batch: Any) -> Any:
    """A batch whose times Python can hold."""
    import pyarrow

    fields = [
        field.with_type(pyarrow.timestamp("us", field.type.tz))
        if pyarrow.types.is_timestamp(field.type) and field.type.unit == "ns"
        else field
        for field in batch.schema
    ]
    return pyarrow.Table.from_batches([batch]).cast(pyarrow.schema(fields), safe=False)
