"""Writer: from the groups that a run touched to documents on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from syndicate import output
from syndicate.catalog import Catalog
from syndicate.config import Settings
from syndicate.errors import WriteError
from syndicate.groups import OPML, PAGE, SITE, Group, has_feeds
from syndicate.output import Reason, Written
from syndicate.run import Progress, Run

if TYPE_CHECKING:
    from syndicate.rendering import Batch

RENDER_CHUNK = 256  # entries a worker renders at a time, about
WORTH_FORKING = 1_024  # entries


class Writer:
    """From the groups that a run touched to documents on disk."""

    def __init__(
        self, settings: Settings, catalog: Catalog, state: Path, dry_run: bool,
        progress: Progress | None,
    ) -> None:  # fmt: skip
        self.settings, self.catalog, self.dry_run = settings, catalog, dry_run
        self.progress = progress
        self.directory = output.Directory(settings.output.directory, state)
        self.known: dict[str, tuple[str, bytes | None, int, int]] = {}
        self.left_over: list[str] = []  # documents that no catalog knows

    def write(self, run: Run) -> list[Written]:
        """Render, compare, and put in place what differs. Raises WriteError."""
        try:
            self.left_over = self.directory.interrupted() if not self.dry_run else []
            self.known = self._known(run)
            keys = run.catalog.groups().keys()
            with_feeds = [key for key in keys if has_feeds(key, self.settings.feeds.groups)]
            if run.everything:
                rendered = with_feeds
            else:
                rendered = [key for key in with_feeds if key in run.dirty]
            plan = self._render(run, rendered)
            plan += self._untouched(plan, set(with_feeds), set(rendered))
            if not self.dry_run:
                self._replace(plan)
            return sorted(plan, key=lambda document: document.path)
        except OSError as error:
            raise WriteError(
                "cannot write", str(error.filename or self.directory.root),
                f"{error.strerror}; every document is whole, and the next run goes on from here",
            ) from None  # fmt: skip

    def _known(self, run: Run) -> dict[str, tuple[str, bytes | None, int, int]]:
        """The documents of the last run; one that the disk does not show as it was has no digest."""
        known = self.catalog.documents()
        for path, (group, _, size, mtime) in known.items():
            if self.directory.stamp(path) != (size, mtime):
                known[path] = (group, None, size, mtime)
                run.dirty.add(group)
        if not known:
            # A lost catalog must not leave behind the documents of groups that are gone by now.
            self.left_over += self.directory.claimed(self.settings.site.feeds_url)
        for path in self.left_over:
            known.setdefault(path, ("\0", None, 0, 0))
        return known

    def _render(self, run: Run, keys: list[str]) -> list[Written]:
        if not keys:
            return []
        limit = self.settings.feeds.limit
        newest = {key: self.catalog.newest(key, limit) for key in keys}
        counts = Counter(n for numbers in newest.values() for n in numbers)
        from syndicate.rendering import RenderingJob

        job = RenderingJob(
            self.settings, run.grouping, run.directory, self.directory,
            {path: digest for path, (_, digest, _, _) in self.known.items()},
            {n for n, count in counts.items() if count > 1}, self.dry_run,
        )  # fmt: skip
        parallel = sum(counts.values()) >= WORTH_FORKING
        plan: list[Written] = []
        done = 0
        paths = [path for key in keys for path in self._paths(run.directory.path(key))]
        if SITE in newest:
            paths.extend(self._with_siblings(OPML))
        if not self.dry_run:
            # Also what a killed run left: should this one be killed too, that must stay known.
            self.directory.begin([*paths, *self.left_over])
        try:
            for batch in run.pool.mapped(job, self._batches(run, newest, limit), parallel=parallel):
                plan.extend(batch)
                done += len({document.group for document in batch})
                if self.progress:
                    self.progress("rendering", done, len(keys))
            if SITE in newest:
                for path, data in self._lists(run):
                    plan.extend(job.compared(SITE, path, data))
        except BaseException:
            run.pool.close()  # or a worker would go on writing
            self.directory.discard(paths)
            raise
        return plan

    def _paths(self, folder: str) -> Iterator[str]:
        """The paths of a group's documents."""
        prefix = f"{folder}/" if folder else ""
        for name in self.settings.feeds.formats:
            yield from self._with_siblings(f"{prefix}feed.{name}")
        if self.settings.feeds.html:
            yield from self._with_siblings(f"{prefix}{PAGE}")

    def _with_siblings(self, path: str) -> Iterator[str]:
        yield path
        for kind in self.settings.output.compress:
            yield path + output.ENDINGS[kind]

    def _lists(self, run: Run) -> Iterator[tuple[str, bytes]]:
        """The documents that list all groups."""
        from syndicate.feeds import html, opml
        from syndicate.feeds.entry import EntryMaker

        feeds = self.settings.feeds
        maker = EntryMaker(self.settings, run.grouping, run.directory)
        counts = {
            key: (count, None if newest is None else datetime.fromtimestamp(newest, UTC))
            for key, (count, newest) in self.catalog.counts().items()
        }
        site = maker.feed(run.directory.group(SITE), [])
        groups = maker.listed(counts)
        yield OPML, opml.render_opml(site, feeds.formats, groups, pages=feeds.html)
        if feeds.html:
            yield PAGE, html.render_index(site, feeds.formats, groups)

    def _batches(self, run: Run, newest: dict[str, list[int]], limit: int) -> Iterator[Batch]:
        groups: list[tuple[Group, list[int], list[int]]] = []
        size = 0
        for key, numbers in newest.items():
            groups.append((run.directory.group(key), numbers, self.catalog.buried(key, limit)))
            size += len(numbers) + 5  # a feed's head costs about as much as five entries
            if size >= RENDER_CHUNK:
                yield self._batch(groups)
                groups, size = [], 0
        if groups:
            yield self._batch(groups)

    def _batch(self, groups: list[tuple[Group, list[int], list[int]]]) -> Batch:
        from syndicate.rendering import Batch

        numbers = {n for _, found, _ in groups for n in found}
        buried = {n for _, _, found in groups for n in found}
        return Batch(groups, self.catalog.load(numbers | buried), self.catalog.related_ids(numbers))

    def _untouched(self, plan: list[Written], with_feeds: set[str], rendered: set[str]) -> list[Written]:
        """The documents that were not rendered: those of groups left alone, and those to go."""
        planned = {document.path for document in plan}
        rest = []
        for path, (group, digest, size, _) in self.known.items():
            if path in planned:
                continue
            stays = group in with_feeds and group not in rendered
            reason = Reason.UNCHANGED if stays else Reason.GONE
            rest.append(Written(path, group, reason, digest or b"", size))
        return rest

    def _replace(self, plan: list[Written]) -> None:
        written = [d.path for d in plan if d.reason in (Reason.NEW, Reason.CHANGED)]
        gone = [d.path for d in plan if d.reason is Reason.GONE]
        if written or gone:
            self.directory.replace(written, gone)
        rows = []
        for document in plan:
            if document.reason is Reason.GONE:
                continue
            known = self.known.get(document.path)
            if document.reason is Reason.UNCHANGED and known and known[1] == document.digest:
                continue
            size, mtime = self.directory.stamp(document.path) or (0, 0)
            rows.append((document.path, document.group, document.digest, size, mtime))
        self.catalog.put_documents(rows)
        self.catalog.drop_documents(gone)
