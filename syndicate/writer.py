"""Writer: from the groups that a run touched to documents on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from syndicate import output
from syndicate.catalog import Catalog
from syndicate.config import Settings
from syndicate.errors import WriteError
from syndicate.groups import OPML, PAGE, PERIODS, SITE, document_stem, has_feeds
from syndicate.output import Reason, Written
from syndicate.run import Progress, Run

if TYPE_CHECKING:
    from syndicate.rendering import Batch, Part

RENDER_CHUNK = 256  # entries a worker renders at a time, about
WORTH_FORKING = 1_024  # entries


class Writer:
    """From the groups that a run touched to documents on disk."""

    def __init__(
        self, settings: Settings, catalog: Catalog, state: Path, dry_run: bool,
        progress: Progress | None, number: str = "",
    ) -> None:  # fmt: skip
        """``number``: the run's, where its workers may outlive it."""
        self.settings, self.catalog, self.dry_run = settings, catalog, dry_run
        self.progress = progress
        self.directory = output.Directory(settings.output.directory, state, number)
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
            self._report_refused(run, plan)
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
        from syndicate.rendering import RenderingJob, document_paths

        plan: list[Written] = []
        parts = [part for key in keys for part in self._parts(run, key, plan)]
        counts = Counter(n for part in parts for n in part.numbers)
        job = RenderingJob(
            self.settings, run.grouping, run.directory, self.directory,
            {path: digest for path, (_, digest, _, _) in self.known.items()},
            {n for n, count in counts.items() if count > 1}, not self.directory.root.exists(), self.dry_run,
        )  # fmt: skip
        parallel = sum(counts.values()) >= WORTH_FORKING
        paths = [
            path
            for part in parts
            for path in document_paths(self.settings, part.group.path, part.archive.period)
        ]
        if SITE in keys:
            paths.extend(self._lists_paths())
        if not self.dry_run:
            # Also what a killed run left: should this one be killed too, that must stay known.
            self.directory.begin([*paths, *self.left_over])
        done = 0
        try:
            for written in run.pool.mapped(job, self._batches(parts), parallel=parallel):
                plan.extend(written)
                done += len(written)
                if self.progress:
                    self.progress("rendering", done, len(paths))
            if SITE in keys:
                for path, data in self._lists(run):
                    plan.extend(job.compared(SITE, path, data))
        except BaseException:
            run.pool.close()  # or a worker would go on writing
            self.directory.discard(paths)
            raise
        return plan

    def _parts(self, run: Run, key: str, unchanged: list[Written]) -> Iterator[Part]:
        """What of a group is to be rendered; documents of its archive that are not go to ``unchanged``."""
        from syndicate.feeds.model import Archive
        from syndicate.rendering import Part, document_paths

        feeds = self.settings.feeds
        group = run.directory.group(key)
        numbers = self.catalog.newest(key, feeds.limit)
        periods: dict[str, list[int]] = {}
        if feeds.archive != "none":
            length = PERIODS[feeds.archive]
            # What the feed's own document holds is known before it is rendered, but for its bytes.
            held = set(numbers) if feeds.max_bytes is None else set()
            by_period = self.catalog.by_period(key, length)
            periods = {name: found for name, found in by_period.items() if not held.issuperset(found)}
        names = ["", *periods, ""]
        yield Part(group, numbers, self.catalog.buried(key, feeds.limit), Archive(previous=names[-2]))
        if not periods:
            return
        buried = self.catalog.by_period(key, length, buried=True)
        touched = {datetime.fromtimestamp(date, UTC).isoformat()[:length] for date in run.dates.get(key, ())}
        before = ["", *self._archived(group.path), ""]
        neighbours = dict(zip(before[1:-1], zip(before, before[2:], strict=False), strict=False))
        for previous, period, following in zip(names, names[1:], names[2:], strict=False):
            paths = list(document_paths(self.settings, group.path, period))
            stays = (
                not run.everything
                and key not in run.reshown
                and period not in touched
                and neighbours.get(period) == (previous, following)
                and all(path in self.known and self.known[path][1] for path in paths)
            )
            if stays:
                for path in paths:
                    _, digest, size, _ = self.known[path]
                    unchanged.append(Written(path, key, Reason.UNCHANGED, digest or b"", size))
            else:
                archive = Archive(period, previous, following)
                yield Part(group, periods[period], buried.get(period, []), archive)

    def _archived(self, folder: str) -> list[str]:
        """The periods of which a folder's archive had documents, the oldest first."""
        ending = self.settings.feeds.formats[0]
        prefix = document_stem(folder, "x").removesuffix("x")
        return sorted(
            path.removeprefix(prefix).removesuffix(f".{ending}")
            for path in self._archives.get(prefix, ())
            if path.endswith(f".{ending}")
        )

    @cached_property
    def _archives(self) -> dict[str, list[str]]:
        """The archive documents of the last run, by folder."""
        found: dict[str, list[str]] = {}
        for path in self.known:
            folder, slash, _ = path.rpartition("/")
            if folder.endswith("archive"):
                found.setdefault(folder + slash, []).append(path)
        return found

    def _lists_paths(self) -> Iterator[str]:
        """The paths of the documents that list all groups."""
        from syndicate.rendering import with_siblings

        yield from with_siblings(self.settings, OPML)
        if self.settings.feeds.html:
            yield from with_siblings(self.settings, PAGE)

    def _lists(self, run: Run) -> Iterator[tuple[str, bytes]]:
        """The documents that list all groups."""
        from syndicate.feeds import html, opml
        from syndicate.feeds.entry import EntryMaker

        feeds = self.settings.feeds
        maker = EntryMaker(self.settings, run.grouping, run.directory)
        counts = {
            key: (count, None if newest is None else datetime.fromtimestamp(newest, UTC))
            for key, (count, newest) in self._counts().items()
        }
        site = maker.feed(run.directory.group(SITE), [])
        groups = maker.listed(counts)
        yield OPML, opml.render_opml(site, feeds.formats, groups)
        if feeds.html:
            yield PAGE, html.render_index(site, feeds.formats, groups)

    def _report_refused(self, run: Run, plan: list[Written]) -> None:
        """Name the articles because of which documents were not written."""
        run.refused(plan)

    def _counts(self) -> dict[str, tuple[int, int | None]]:
        """Of each group the number of its articles and the newest one's time, by key."""
        return self.catalog.counts()

    def _batches(self, parts: list[Part]) -> Iterator[Batch]:
        taken: list[Part] = []
        size = 0
        for part in parts:
            taken.append(part)
            size += len(part.numbers) + 5  # a feed's head costs about as much as five entries
            if size >= RENDER_CHUNK:
                yield self._batch(taken)
                taken, size = [], 0
        if taken:
            yield self._batch(taken)

    def _batch(self, parts: list[Part]) -> Batch:
        from syndicate.rendering import Batch

        numbers = {n for part in parts for n in part.numbers}
        buried = {n for part in parts for n in part.buried}
        return Batch(parts, self.catalog.load(numbers | buried), self.catalog.related_ids(numbers))

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
        rows: list[tuple[str, str, bytes | None, int, int]] = []
        for document in plan:
            if document.reason is Reason.GONE:
                continue
            if document.reason is Reason.REFUSED:
                # No stamp of the disk is this: every run tries again, until it can be written.
                rows.append((document.path, document.group, None, -1, 0))
                continue
            known = self.known.get(document.path)
            if document.reason is Reason.UNCHANGED and known and known[1] == document.digest:
                continue
            size, mtime = self.directory.stamp(document.path) or (0, 0)
            rows.append((document.path, document.group, document.digest, size, mtime))
        self.catalog.put_documents(rows)
        self.catalog.drop_documents(gone)
