"""Source: the documents of the last build, as they are to be published. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from syndicate.errors import PublishError
from syndicate.output import Directory, digest


@dataclass(frozen=True, slots=True)
class Source:
    """Which documents there are, by path: SHA-256 and size."""

    fetch: Callable[[str, bytes], bytes]  # a document's bytes by path and digest; raises PublishError
    documents: Mapping[str, tuple[bytes, int]]
    kept: set[str]  # documents that the build refused and that are not here: elsewhere they stay as they are

    def read(self, path: str) -> bytes:
        """A document's bytes, which are those that were planned. Raises PublishError."""
        return self.fetch(path, self.documents[path][0])


def read_source(directory: Directory, known: Mapping[str, tuple[str, bytes | None, int, int]]) -> Source:
    """``known``: the catalog's documents. Raises PublishError where the disk shows others than were built."""
    documents: dict[str, tuple[bytes, int]] = {}
    kept = set()
    for path, (_, known_digest, size, mtime) in known.items():
        if known_digest is None:
            # It was refused; what was there before stays, here and on the targets.
            standing = directory.current_digest(path)
            stamp = directory.stamp(path)
            if standing is None or stamp is None:
                kept.add(path)
            else:
                documents[path] = standing, stamp[0]
        elif directory.stamp(path) == (size, mtime) or directory.current_digest(path) == known_digest:
            documents[path] = known_digest, size
        else:
            raise _altered(directory.full(path), "")

    def fetch(path: str, wanted: bytes) -> bytes:
        try:
            with open(directory.full(path), "rb") as file:
                data = file.read()
        except OSError as error:
            raise _altered(directory.full(path), error.strerror or "") from None
        if digest(data) != wanted:
            raise _altered(directory.full(path), "")
        return data

    return Source(fetch, documents, kept)


def _altered(path: str, why: str) -> PublishError:
    return PublishError(
        "a document is not as it was built", path, f"{why + '; ' if why else ''}run `syndicate build`"
    )
