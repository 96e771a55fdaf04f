"""Storage: objects by key in a local folder or in object storage. What is read and written is counted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from syndicate.errors import ClusterError, PublishError
from syndicate.publishing.retry import Patience
from syndicate.publishing.stores import ConflictError, ObjectStore
from syndicate.workers import chunks

if TYPE_CHECKING:
    from syndicate.config import Target

Result = TypeVar("Result")

# What is to be done about a result that is not what was written.
FORGET = "delete syndicate.memory in the work area (cluster.work), and run again: all is made anew"
_TIMEOUT = 60  # seconds that a request may take
# Of one request, over about a minute: a build of an hour is not to end for what a service mends in seconds.
_TRIES = 12
_DEADLINE = 900  # seconds that all of them may take
_PAGE = 1_000


class Listed(NamedTuple):
    """An object of a listing."""

    key: str  # below the place
    size: int
    tag: str  # its ETag: changes with its content


class Storage:
    """One place. Every call raises ClusterError; what may go well later is tried again for a while."""

    def __init__(self, place: Target) -> None:
        self.place = place
        self.bytes_read = self.bytes_written = 0

    @property
    def is_local(self) -> bool:
        return self.place.scheme == "file"

    @cached_property
    def _objects(self) -> ObjectStore | None:
        """How errors of object storage are told; None for a local folder."""
        try:
            return None if self.place.scheme == "file" else ObjectStore(self.place, _TIMEOUT, os.environ)
        except PublishError as error:
            raise ClusterError(str(error)) from None

    @cached_property
    def _store(self) -> Any:
        if self._objects is not None:
            return self._objects.store
        from obstore.store import LocalStore

        return LocalStore(self.place.prefix, mkdir=True)

    def get(self, key: str, tag: str = "") -> bytes:
        """A whole object; with ``tag`` only as the listing had it. Raises FileNotFoundError too."""
        return self._got(key, {"if_match": tag} if tag else {})

    def get_range(self, key: str, start: int, length: int, tag: str = "") -> bytes:
        """``length`` bytes from ``start``, fewer at the end. Raises FileNotFoundError too."""
        if length <= 0:
            return b""
        if self._objects is None and not tag:
            return self._local_range(key, start, length)
        options: dict[str, Any] = {"range": (start, start + length)}
        return self._got(key, {**options, "if_match": tag} if tag else options)

    def _local_range(self, key: str, start: int, length: int) -> bytes:
        """A tenth of the time that a request takes, and rendering makes very many."""
        try:
            descriptor = os.open(f"{self.place.prefix}/{key}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                data = os.pread(descriptor, length, start)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ClusterError("cannot use the folder", f"{self.place.prefix}/{key}", _said(error)) from None
        self.bytes_read += len(data)
        return data

    def put(self, key: str, data: bytes) -> None:
        """Write an object, whole or not at all."""
        import obstore

        self._tried(lambda: obstore.put(self._store, self._key(key), data, use_multipart=False), key)
        self.bytes_written += len(data)

    def delete(self, keys: list[str]) -> None:
        """Remove objects; one that is not there is no error."""
        import obstore

        for some in chunks(keys, _PAGE):
            places = [self._key(key) for key in some]
            try:
                self._tried(lambda places=places: obstore.delete(self._store, places), some[0])  # type: ignore[misc]
            except FileNotFoundError:
                continue

    def pages(self, folder: str) -> Iterator[list[Listed]]:
        """All objects below ``folder`` (with a slash, or empty), in pages; object storage keeps order."""
        import obstore

        prefix = self._key(folder).rstrip("/") or None
        after: str | None = None
        stream: Any = None

        def following() -> Any:
            nonlocal stream
            if stream is None:
                stream = iter(obstore.list(self._store, prefix, offset=after, chunk_size=_PAGE))
            try:
                return next(stream, None)
            except BaseException:
                # It would give nothing more, as if it were whole: another one goes on from here.
                stream = None
                raise

        while (page := self._tried(following, folder)) is not None:
            yield [self._listed(found) for found in page]
            after = page[-1]["path"]

    def is_flat(self, folder: str) -> bool:
        """Whether a whole page of objects right below ``folder`` comes first, before any folder."""
        page = next(self.pages(folder), [])
        return len(page) >= _PAGE and not any("/" in found.key.removeprefix(folder) for found in page)

    def folders(self, folder: str) -> tuple[list[str], list[Listed]]:
        """The folders and objects right below ``folder``, in order."""
        import obstore

        def ask() -> Any:
            return obstore.list_with_delimiter(self._store, self._key(folder).rstrip("/") or None)

        found = self._tried(ask, folder)
        folders = [f"{self._below(prefix)}/" for prefix in found["common_prefixes"]]
        return sorted(folders), sorted(map(self._listed, found["objects"]))

    def _got(self, key: str, options: dict[str, Any]) -> bytes:
        import obstore

        def ask() -> bytes:
            return bytes(obstore.get(self._store, self._key(key), options=options or None).bytes())  # type: ignore[arg-type]

        data: bytes = self._tried(ask, key)
        self.bytes_read += len(data)
        return data

    def _tried(self, call: Callable[[], Result], key: str) -> Result:
        from obstore.exceptions import BaseError

        def translated() -> Result:
            try:
                return call()
            except FileNotFoundError as error:
                if self._objects is not None and self._objects.lacks_bucket(error):
                    raise self._objects.no_bucket() from None
                raise
            except (BaseError, OSError) as error:
                if self._objects is None:
                    raise ClusterError(
                        "cannot use the folder", f"{self.place.prefix}/{key}", _said(error)
                    ) from None
                raise self._objects.meaning(error, key) from None

        try:
            return Patience(_DEADLINE, tries=_TRIES).tried(translated, f"cannot use {self.place.url}")
        except ConflictError:
            raise ClusterError(
                "it was changed while it was read", f"{self.place.url}: {key}", "run again"
            ) from None
        except PublishError as error:
            raise ClusterError(str(error)) from None

    def _listed(self, found: Any) -> Listed:
        return Listed(self._below(found["path"]), found["size"], found["e_tag"] or "")

    def _key(self, key: str) -> str:
        if self._objects is None or not self.place.prefix:
            return key
        return f"{self.place.prefix}/{key}"

    def _below(self, key: str) -> str:
        if self._objects is None or not self.place.prefix:
            return key
        return key.removeprefix(f"{self.place.prefix}/")


def _said(error: Exception) -> str:
    """The cause in a message of many lines."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).partition("\n")[0]
