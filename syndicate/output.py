"""Output: documents into out/, whole or not at all. Plan first, then act."""

from __future__ import annotations

import contextlib
import enum
import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from syndicate.errors import LockedError, WriteError

TEMPORARY = ".syndicate-tmp"
_JOURNAL = "writing"
HEAD = 65_536  # bytes of a document in which its address stands: titles and descriptions come before it
# What a document's compressed sibling is called, by the config's word for it.
ENDINGS = {"gzip": ".gz", "brotli": ".br"}


class Reason(enum.Enum):
    """Why a document is written, removed or left alone."""

    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"
    UNCHANGED = "unchanged"
    REFUSED = "refused"  # it would break a rule: what stands there stays


@dataclass(frozen=True, slots=True)
class Written:
    """One document of a plan."""

    path: str  # below the output directory, with forward slashes
    group: str  # the key of the group that it belongs to
    reason: Reason
    digest: bytes = b""
    size: int = 0
    culprit: int = 0  # the article because of which it is refused, by number
    why: str = ""


def digest(data: bytes) -> bytes:
    """SHA-256, which the catalog and the publisher compare documents by."""
    return hashlib.sha256(data).digest()


def siblings(path: str, data: bytes, compress: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """The document itself and its compressed siblings; the same bytes from the same input."""
    yield path, data
    for kind in compress:
        if kind == "gzip":
            import gzip

            yield path + ENDINGS[kind], gzip.compress(data, 9, mtime=0)
        else:
            import brotli

            yield path + ENDINGS[kind], brotli.compress(data, quality=11)


class Directory:
    """The output directory: what is there, and how it is replaced."""

    def __init__(self, root: Path, state: Path, run: str = "") -> None:
        """``state`` is Syndicate's own folder beside the output.

        ``run`` tells runs apart whose workers may outlive them: what these write late is nobody's.
        """
        self.root, self.state = root, state
        self._run = run

    def _temporary(self, path: str) -> str:
        return f"{self.root}/{path}{f'.{self._run}' if self._run else ''}{TEMPORARY}"

    def full(self, path: str) -> str:
        return f"{self.root}/{path}"

    def stamp(self, path: str) -> tuple[int, int] | None:
        """Size and mtime_ns of a document on disk, or None."""
        try:
            status = os.stat(self.full(path))
        except OSError:
            return None
        return status.st_size, status.st_mtime_ns

    def current_digest(self, path: str) -> bytes | None:
        """The digest of what stands on disk, or None."""
        try:
            with open(self.full(path), "rb") as file:
                return digest(file.read())
        except OSError:
            return None

    def prepare(self, path: str, data: bytes) -> None:
        """Write a document's temporary file beside where it will live. Raises OSError."""
        target = self._temporary(path)
        # A worker that is thought to be dead may be writing the same: what is there is always whole.
        attempt = f"{self.full(path)}.{os.urandom(8).hex()}{TEMPORARY}" if self._run else target
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0)
        try:
            descriptor = os.open(attempt, flags, 0o644)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            descriptor = os.open(attempt, flags, 0o644)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)
        if attempt != target:
            os.replace(attempt, target)

    def begin(self, paths: Iterable[str]) -> None:
        """Note durably what is about to be written, so that a killed run leaves nothing unknown."""
        self.state.mkdir(parents=True, exist_ok=True)
        self.root.mkdir(parents=True, exist_ok=True)
        with open(self.state / _JOURNAL, "w", encoding="utf-8") as file:
            file.write("".join(f"{path}\n" for path in paths))
            file.flush()
            os.fsync(file.fileno())
        sync(str(self.state))

    def finish(self) -> None:
        """The run is complete: nothing is to be cleaned up after it."""
        (self.state / _JOURNAL).unlink(missing_ok=True)

    def interrupted(self) -> list[str]:
        """Clean up after a run that was killed: its temporary files go, its documents are returned."""
        try:
            paths = (self.state / _JOURNAL).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        for folder, _, names in os.walk(self.root):
            for name in names:
                if name.endswith(TEMPORARY):
                    os.unlink(os.path.join(folder, name))
        return paths

    def claimed(self, feeds_url: str) -> Iterator[str]:
        """The documents on disk that name themselves as Syndicate's, at their own address."""
        for folder, _, names in os.walk(self.root):
            for name in names:
                if not uncompressed(name).endswith((".rss", ".atom", ".json", ".html")):
                    continue
                path = os.path.relpath(os.path.join(folder, name), self.root).replace(os.sep, "/")
                if self._names_itself(uncompressed(path), feeds_url):
                    yield path

    def _names_itself(self, path: str, feeds_url: str) -> bool:
        try:
            with open(self.full(path), "rb") as file:
                return is_ours(path, file.read(HEAD), feeds_url)
        except OSError:
            return False

    def replace(self, paths: list[str], gone: list[str]) -> None:
        """Put prepared documents in their places, after one barrier, and remove the gone ones."""
        if paths:
            _barrier(str(self.root), [self._temporary(path) for path in paths])
        folders: set[str] = set()
        for path in paths:
            target = self.full(path)
            os.replace(self._temporary(path), target)
            folders.add(os.path.dirname(target))
        for path in gone:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.full(path))
                folders.add(os.path.dirname(self.full(path)))
        _barrier(str(self.root), [folder for folder in sorted(folders) if os.path.isdir(folder)])
        for path in gone:
            remove_empty(os.path.dirname(self.full(path)), str(self.root))

    def discard(self, paths: Iterable[str]) -> None:
        """Remove what ``prepare`` wrote, and the folders it made for it."""
        for path in paths:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary(path))
            remove_empty(os.path.dirname(self.full(path)), str(self.root))


def is_ours(path: str, head: bytes, feeds_url: str) -> bool:
    """Whether a document, by its first ``HEAD`` bytes, names itself as Syndicate's, at its own address."""
    from syndicate.articles.urls import path_encoded

    if path.endswith(".opml"):
        return f'xmlUrl="{feeds_url}'.encode() in head
    return f'"{feeds_url}{path_encoded(path)}"'.encode() in head and b"Syndicate" in head


def uncompressed(path: str) -> str:
    """The document that a path, or its sibling's, belongs to."""
    for ending in ENDINGS.values():
        path = path.removesuffix(ending)
    return path


def remove_empty(folder: str, root: str) -> None:
    """Remove ``folder`` and those above it, below ``root``, that hold nothing any more."""
    while len(folder) > len(root):
        try:
            os.rmdir(folder)
        except OSError:
            return
        folder = os.path.dirname(folder)


def sync(path: str) -> None:
    """Make one file, or folder, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _barrier(root: str, paths: list[str]) -> None:
    """Make files, or folders, durable. One syncfs costs a fraction of an fsync for each of many."""
    if len(paths) > 8 and hasattr(os, "uname") and os.uname().sysname == "Linux":
        descriptor = os.open(root, os.O_RDONLY)
        try:
            import ctypes

            if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) == 0:
                return
        finally:
            os.close(descriptor)
    for path in paths:
        sync(path)


@contextlib.contextmanager
def locked(state: Path) -> Iterator[None]:
    """One run at a time for an output. The system drops the lock when its holder dies.

    Raises LockedError, or WriteError where the folder cannot be written.
    """
    import fcntl

    try:
        state.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise WriteError("cannot write", str(state), error.strerror or "") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                raise LockedError("another run is at work", str(state / "lock")) from None
            raise WriteError("cannot lock", str(state / "lock"), error.strerror or "") from None
        yield
    finally:
        os.close(descriptor)
