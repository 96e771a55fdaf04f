"""A web server's folder as a target. It is never made: a mount may be missing."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from syndicate.errors import PublishError
from syndicate.output import TEMPORARY, remove_empty, sync
from syndicate.publishing.manifest import KEY
from syndicate.publishing.stores import NEW, ConflictError, Stored


class WebRoot:
    """A local folder. Headers are the web server's business."""

    keeps_headers = False

    def __init__(self, root: str) -> None:
        """``root`` is an absolute path."""
        self._root = root.rstrip("/")

    def get(self, key: str) -> Stored | None:
        with self._named():
            if not os.path.isdir(self._root):
                raise PublishError(
                    "the folder is not there", self._root, "make it, or mount it; nothing was made"
                )
            try:
                with open(self._full(key), "rb") as file:
                    data = file.read()
            except (FileNotFoundError, NotADirectoryError):
                return None
            return Stored(data, _version(data), {})

    def put(self, key: str, data: bytes, headers: Mapping[str, str], version: Any = None) -> Any:
        target = self._full(key)
        with self._named():
            os.makedirs(os.path.dirname(target), exist_ok=True)
            # Only the manifest is replaced conditionally; the lock makes looking and renaming one step.
            with self._locked() if version else contextlib.nullcontext():
                if version not in (None, NEW):
                    there = self.get(key)
                    if there is None or there.version != version:
                        raise ConflictError(key)
                _write(target + TEMPORARY, data)
                if version is NEW:
                    try:
                        os.link(target + TEMPORARY, target)
                    except FileExistsError:
                        raise ConflictError(key) from None
                    finally:
                        os.unlink(target + TEMPORARY)
                else:
                    os.replace(target + TEMPORARY, target)
            sync(os.path.dirname(target))
        return _version(data)

    def delete(self, keys: Iterable[str]) -> None:
        with self._named():
            for key in keys:
                target = self._full(key)
                for path in (target, target + TEMPORARY):
                    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                        os.unlink(path)
                remove_empty(os.path.dirname(target), self._root)

    def _full(self, key: str) -> str:
        return f"{self._root}/{key}"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        lock = f"{self._full(KEY).rpartition('/')[0]}/lock"
        os.makedirs(os.path.dirname(lock), exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Say of an error of the system which file it is about."""
        try:
            yield
        except OSError as error:
            name = str(error.filename or self._root)
            raise PublishError("cannot write", name, error.strerror or "") from None


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write(path: str, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
