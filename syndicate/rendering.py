"""Rendering many groups: the job of worker processes, from articles to prepared documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from syndicate import output
from syndicate.config import Settings
from syndicate.feeds.faults import BrokenEntryError
from syndicate.feeds.model import Archive
from syndicate.groups import PAGE, Directory, Group, Grouping, document_stem
from syndicate.output import Reason, Written
from syndicate.reading import stored_article

if TYPE_CHECKING:
    from syndicate.articles.model import Article
    from syndicate.feeds.document import Renderer


@dataclass(frozen=True, slots=True)
class Part:
    """What is rendered at once: a group's feed in every format, or one period of its archive."""

    group: Group
    numbers: list[int]  # of its articles, newest first
    buried: list[int]  # of withdrawn ones
    archive: Archive


@dataclass(frozen=True, slots=True)
class Batch:
    """Some parts to render, with the articles that they need."""

    parts: list[Part]
    articles: dict[int, tuple[bytes, int]]  # data and due by number
    ids: dict[int, dict[str, str]]  # of our own articles behind related links, by number


class Prepared(Protocol):
    """Where documents are prepared, to be put in place when all of them are."""

    def current_digest(self, path: str) -> bytes | None:
        """The digest of what stands there, or None."""

    def prepare(self, path: str, data: bytes) -> None:
        """Keep a document for its place. Raises SyndicateError, OSError."""


@dataclass
class RenderingJob:
    """Renders a batch of groups and prepares what differs."""

    settings: Settings
    grouping: Grouping
    directory: Directory
    target: Prepared
    digests: Mapping[str, bytes | None]  # of the documents of the last run
    shared: set[int]  # articles that stand in several groups
    empty: bool  # there is no output directory yet: nobody need look for what stands in it
    dry_run: bool
    _renderer: Renderer | None = None

    def __call__(self, batch: Batch) -> list[Written]:
        if self._renderer is None:
            # In the worker: its parent never loads what builds documents.
            from syndicate.feeds.document import Renderer
            from syndicate.feeds.entry import EntryMaker

            feeds = self.settings.feeds
            maker = EntryMaker(self.settings, self.grouping, self.directory)
            self._renderer = Renderer(maker, feeds.formats, feeds.max_bytes, self.shared)
        articles = {n: _due_part(data, due) for n, (data, due) in batch.articles.items()}
        written: list[Written] = []
        for part in batch.parts:
            found = [(n, articles[n]) for n in part.numbers]
            withdrawn = [articles[n] for n in part.buried]
            documents = self._renderer.documents(part.group, found, withdrawn, batch.ids, part.archive)
            try:
                for path, data in documents:
                    written.extend(self.compared(part.group.key, path, data))
            except BrokenEntryError as error:
                written.extend(
                    Written(path, part.group.key, Reason.REFUSED, culprit=error.number, why=error.why)
                    for path in document_paths(self.settings, part.group.path, part.archive.period)
                )
        return written

    def compared(self, group: str, path: str, data: bytes) -> Iterator[Written]:
        """Prepare a document and its siblings where they differ from what is there."""
        for full_path, content in output.siblings(path, data, self.settings.output.compress):
            digest = output.digest(content)
            there = self.digests.get(full_path)
            if there is None and not self.empty:
                there = self.target.current_digest(full_path)
            if there == digest:
                reason = Reason.UNCHANGED
            else:
                reason = Reason.NEW if there is None else Reason.CHANGED
                if not self.dry_run:
                    self.target.prepare(full_path, content)
            yield Written(full_path, group, reason, digest, len(content))


def document_paths(settings: Settings, folder: str, period: str) -> Iterator[str]:
    """The paths of a group's documents, or of those of a period of its archive, with their siblings."""
    for name in settings.feeds.formats:
        yield from with_siblings(settings, f"{document_stem(folder, period)}.{name}")
    if settings.feeds.html and folder and not period:
        yield from with_siblings(settings, f"{folder}/{PAGE}")


def with_siblings(settings: Settings, path: str) -> Iterator[str]:
    """A document's path, and those of its compressed siblings."""
    yield path
    for kind in settings.output.compress:
        yield path + output.ENDINGS[kind]


def _due_part(data: bytes, due: int) -> Article:
    """The article as it stands now: an update that is still to come is not shown."""
    article = stored_article(data)
    return article if due == 2 else replace(article, updated=article.published)
