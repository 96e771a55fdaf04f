"""The pipeline of a run, from the content tree to out/. A run costs what changed."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from syndicate import output, workers
from syndicate.articles.rules import READING_VERSION, Rules
from syndicate.catalog import Candidate, Catalog, open_catalog, unusable
from syndicate.config import Settings
from syndicate.content import Stamp, Tree, scan, shown_path
from syndicate.errors import BrakeError, ConfigError, Problem, Severity, WriteError
from syndicate.groups import (
    PAIR,
    SITE,
    Directory,
    Group,
    Grouping,
    commonest,
    has_feeds,
    registry_topics,
)
from syndicate.output import Reason, Written
from syndicate.registry import Registry, read_registry, registry_files
from syndicate.version import VERSION

if TYPE_CHECKING:
    from syndicate.articles.model import Article
    from syndicate.catalog.rows import ArticleRow, FileRow
    from syndicate.feeds.document import Renderer

# A file changed within this time before the last look at it may have changed since without showing.
_TICK_NS = 2_000_000_000
_READ_CHUNK = 128  # files a worker reads at a time
_RENDER_CHUNK = 512  # entries a worker renders at a time, about
_WORTH_FORKING = 256
_PLACED_AT_ONCE = 2_000

Progress = Callable[[str, int, int], None]  # stage, done, of how many


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did, or would do."""

    problems: tuple[Problem, ...]
    documents: tuple[Written, ...]  # every document, with the reason for what became of it
    articles: int  # in the feeds
    files: int  # content files
    read: int  # of which this run read

    def count(self, reason: Reason) -> int:
        return sum(document.reason is reason for document in self.documents)

    @property
    def bytes_written(self) -> int:
        return sum(d.size for d in self.documents if d.reason in (Reason.NEW, Reason.CHANGED))

    @property
    def errors(self) -> int:
        return sum(problem.severity is Severity.ERROR for problem in self.problems)


def check(settings: Settings, *, progress: Progress | None = None) -> Report:
    """Read every article and report every problem; write nothing. Raises nothing for bad input."""
    registry, problems = _read_registry(settings)
    tree = _scan(settings, {}, 0)
    problems += [
        Problem(
            shown, 0, 0, Severity.ERROR, "content.roots", "the folder is not there",
            "mend the path, or mount it",
        )
        for shown in tree.missing_roots
    ]  # fmt: skip
    catalog = Catalog(open_catalog(None).connection)
    run = _Run(settings, registry, catalog, datetime.max.replace(tzinfo=UTC), progress)
    catalog.begin()
    run.read(tree, everything=True)
    run.decide(previous_now=0, everything=True)
    run.name_groups(everything=True)
    run.live = run.live_change
    run.problems = problems + tree.problems
    return run.report([])


def build(
    settings: Settings,
    *,
    now: datetime,
    full: bool = False,
    dry_run: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Regenerate the documents that changed. ``now`` (aware) decides which articles are due.

    Raises BrakeError, WriteError, LockedError, ConfigError.
    """
    state = settings.output.directory.parent / ".syndicate"
    with output.locked(state):
        started, clock = time.time(), time.perf_counter()
        opened = open_catalog(state / "catalog.db")
        catalog = Catalog(opened.connection)
        try:
            catalog.begin()
            run = _prepare(settings, catalog, now, full, force, progress)
            if opened.set_aside:
                run.problems.append(_run_problem(settings, "catalog", opened.set_aside, "nothing to do"))
            writer = _Writer(settings, catalog, state, dry_run, progress)
            documents = writer.write(run)
            report = run.report(documents)
            if dry_run:
                catalog.roll_back()
            else:
                catalog.add_run(
                    started, time.perf_counter() - clock, report.articles, len(report.problems),
                    report.count(Reason.NEW) + report.count(Reason.CHANGED),
                    report.count(Reason.GONE), report.bytes_written,
                )  # fmt: skip
                catalog.commit()
                writer.directory.finish()
            return report
        except sqlite3.OperationalError as error:
            raise unusable(state / "catalog.db", error) from None
        finally:
            catalog.roll_back()
            catalog.close()


def _scan(settings: Settings, known: dict[str, Stamp], racy_ns: int) -> Tree:
    content = settings.content
    return scan(content.roots, content.include, content.exclude, settings.root, known, racy_ns)


def _read_registry(settings: Settings) -> tuple[Registry, list[Problem]]:
    """The registry, and what is wrong with it and with the config. Raises ConfigError."""
    files: list[dict[str, bytes]] = []
    content = settings.content
    for name, folder in (("topics", content.topics), ("providers", content.providers)):
        found: dict[str, bytes] = {}
        try:
            for path in registry_files(folder):
                found[shown_path(path, settings.root)] = path.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"cannot read the registry content.{name}: {error.filename}: {error.strerror}"
            ) from None
        files.append(found)
    registry = read_registry(files[0], files[1], settings.site.url)
    return registry, [*settings.warnings, *registry.problems]


def _prepare(
    settings: Settings,
    catalog: Catalog,
    now: datetime,
    full: bool,
    force: bool,
    progress: Progress | None,
) -> _Run:
    """Bring the catalog up to the content tree; find which groups that touches."""
    owner = catalog.meta("output")
    directory = str(settings.output.directory)
    if owner is not None and owner != directory and os.path.isdir(owner):
        raise ConfigError(
            f"the catalog beside {directory} belongs to {owner} (give each output a parent folder of its own)"
        )
    registry, problems = _read_registry(settings)
    run = _Run(settings, registry, catalog, now, progress)
    keys = run.keys()
    live_before = int(catalog.meta("live") or 0)
    reread = full or catalog.meta("reading") != keys["reading"]
    racy = int(catalog.meta("scanned") or 0) - _TICK_NS
    if reread:
        catalog.forget()
    regroup = catalog.meta("grouping") != keys["grouping"]
    scanned = time.time_ns()
    tree = _scan(settings, {} if reread else catalog.stamps(), racy)
    run.problems = problems + tree.problems
    if not force:
        _brake_on_roots(tree)
    run.drop(tree.gone)
    run.read(tree, everything=reread)
    if regroup and not reread:
        from syndicate.reading import groups_json, stored_article

        catalog.regroup(lambda data: groups_json(stored_article(data), run.grouping))
        run.live_change = -live_before  # all have left their groups, whoever left before
    run.decide(previous_now=int(catalog.meta("now") or 0), everything=regroup)
    live = live_before * (not reread) + run.live_change
    lost = live_before - live
    if not force and live_before and lost > settings.output.max_shrink * live_before:
        raise BrakeError(
            f"{lost:,} of {live_before:,} published articles would vanish at once",
            "nothing was written",
            "if that is right, run again with --force",
        )
    run.live = live
    run.name_groups(everything=regroup)
    run.everything = reread or catalog.meta("rendering") != keys["rendering"]
    for key, value in keys.items():
        catalog.set_meta(key, value)
    catalog.set_meta("output", directory)
    catalog.set_meta("live", str(live))
    catalog.set_meta("now", str(int(now.timestamp())))
    catalog.set_meta("scanned", str(scanned))
    return run


def _brake_on_roots(tree: Tree) -> None:
    for what, roots in (
        ("the content folder is not there", tree.missing_roots),
        ("the content folder holds no articles", tree.empty_roots),
    ):
        for root in roots:
            raise BrakeError(what, root, "nothing was written; if that is right, run again with --force")


def _run_problem(settings: Settings, name: str, what: str, fix: str) -> Problem:
    path = shown_path(settings.path, settings.root)
    return Problem(path, 0, 0, Severity.WARNING, name, what, fix)


@dataclass
class _Run:
    """The state of one run while it goes through the rooms."""

    settings: Settings
    registry: Registry
    catalog: Catalog
    now: datetime
    progress: Progress | None
    problems: list[Problem] = field(default_factory=list)
    live: int = 0
    live_change: int = 0
    files: int = 0
    files_read: int = 0
    everything: bool = False  # every document is to be rendered
    changed: set[int] = field(default_factory=set)  # articles by number
    dirty: set[str] = field(default_factory=set)  # groups by key
    _numbers: dict[str, int] = field(default_factory=dict)  # of groups by key
    _moved_from: dict[str, tuple[str, str]] = field(default_factory=dict)

    @cached_property
    def grouping(self) -> Grouping:
        return Grouping(self.settings.feeds.groups, self.settings.content.shared_domains, self.registry)

    @cached_property
    def directory(self) -> Directory:
        """Every group's name and place; complete after ``name_groups``."""
        names = {
            key: name for key, (name, _) in self.catalog.groups().items() if key != SITE and PAIR not in key
        }
        site = self.settings.site
        return Directory(names, self.registry, site.title, site.description)

    def keys(self) -> dict[str, str]:
        """What the catalog's content hangs on, besides the files: a change of one redoes its step."""
        settings, registry = self.settings, self.registry
        described = [repr(registry.topics), repr(registry.organizations)]
        shared = sorted(settings.content.shared_domains)
        feeds = settings.feeds
        parts = {
            "reading": [READING_VERSION, _rules_key(settings.rules)],
            "grouping": [feeds.groups, feeds.order, feeds.min_quality, shared, *described],
            "rendering": [VERSION, settings.site, feeds, settings.output.compress, *described],
        }
        return {name: hashlib.sha256(repr(part).encode()).hexdigest() for name, part in parts.items()}

    # Articles

    def drop(self, paths: Iterable[str]) -> None:
        """Forget files that are gone."""
        for path in paths:
            self._drop_article(path)
            self.catalog.drop_file(path)

    def _drop_article(self, path: str) -> None:
        known = self.catalog.article(path)
        if known is None:
            return
        n, _, _, link, id = known
        self.catalog.touch(link, id)
        if self._leave(n):
            self._moved_from[link] = (path, id)
        self.catalog.drop_article(n)

    def _leave(self, n: int) -> bool:
        """Take an article out of the feeds; says whether it was in them."""
        keys = self.catalog.leave(n)
        if keys is None:
            return False
        self.dirty.update(keys)
        self.live_change -= 1
        return True

    def read(self, tree: Tree, *, everything: bool) -> None:
        """Read the files that changed, and put what changed in them into the catalog."""
        files = [tree.changed[path] for path in sorted(tree.changed)]
        self.files, self.files_read = tree.count, len(files)
        if not files:
            return
        from syndicate.reading import ReadingJob, decoded_rows

        parallel = len(files) >= _WORTH_FORKING
        job = ReadingJob(self.settings.rules, self.grouping, many=parallel)
        done = 0
        chunks = workers.chunks(files, _READ_CHUNK)
        for encoded in workers.mapped(job, chunks, parallel=parallel):
            rows = decoded_rows(encoded)
            if everything:
                self.catalog.put_new(rows)
            else:
                for row in rows:
                    self._take(row)
            done += len(rows)
            if self.progress:
                self.progress("reading", done, len(files))

    def _take(self, row: FileRow) -> None:
        catalog = self.catalog
        known = catalog.article(row.path)
        catalog.put_file(row)
        if row.article is None:
            self._drop_article(row.path)
            return
        n = None
        if known is not None:
            n, data, quality, link, id = known
            if (data, quality) == (row.article.data, row.article.quality):
                return
            catalog.touch(link, id)
            if data == row.article.data:
                # Only whether it is good enough may have changed: its place and its text did not.
                catalog.set_quality(n, row.article.quality)
                return
            self._leave(n)
        else:
            self._report_move(row.path, row.article)
        catalog.touch(row.article.link, row.article.id)
        self.changed.add(catalog.put_article(row.path, row.article, n))

    def _report_move(self, path: str, article: ArticleRow) -> None:
        before = self._moved_from.get(article.link)
        if before and before[1] != article.id:
            self.problems.append(
                Problem(
                    path, 1, 1, Severity.WARNING, "id",
                    f"the file was {before[0]}: with its new id readers show it as unread",
                    f"to keep its identity, add the line `id: {before[1]}`",
                )
            )  # fmt: skip

    def decide(self, *, previous_now: int, everything: bool) -> None:
        """Decide which articles stand in the feeds, and put them into their groups."""
        now = int(self.now.timestamp()) if self.now.year < 9999 else 2**62
        catalog = self.catalog
        if not everything:
            catalog.wake(now, previous_now)
        links: dict[str, str] = {}
        ids: dict[str, str] = {}
        least = self.settings.feeds.min_quality
        places: list[tuple[int, int | None, int | None, str | None, int]] = []
        members: list[tuple[int, int, int, str]] = []
        for c in catalog.candidates(now, everything=everything):
            poor = least is not None and c.quality is not None and c.quality < least
            allowed = c.due > 0 and not poor
            winner = links.get(c.link) or ids.get(c.id) if allowed else None
            live = allowed and winner is None
            if live:
                links[c.link] = ids[c.id] = c.path
            same = (c.due, live, winner) == (c.was_due, c.time is not None, c.lost_to)
            if same and not everything and (live or c.n not in self.changed):
                continue
            if c.time is not None:
                self._leave(c.n)
            wake = c.published if c.due == 0 else c.updated if c.due == 1 else None
            time = self._join(c, members) if live else None
            places.append((c.due, wake, time, winner, c.n))
            if len(places) == _PLACED_AT_ONCE:
                catalog.place(places)
                catalog.join(members)
                places, members = [], []
        catalog.place(places)
        catalog.join(members)
        if not everything:
            for link in catalog.links_that_changed_hands():
                self.dirty |= catalog.groups_relating(link)

    def _join(self, c: Candidate, members: list[tuple[int, int, int, str]]) -> int:
        """Note an article's place in each of its groups; returns the time by which it stands there."""
        by_update = self.settings.feeds.order == "updated" and c.due == 2
        time = c.updated if by_update else c.published
        for key, name in json.loads(c.groups):
            number = self._numbers.get(key)
            if number is None:
                number = self._numbers[key] = self.catalog.group_number(key, name)
            members.append((number, time, c.n, name))
            self.dirty.add(key)
        self.live_change += 1
        return time

    # Groups

    def name_groups(self, *, everything: bool) -> None:
        """Name the groups that this run touched, drop the empty ones, and find whom that shows."""
        catalog = self.catalog
        catalog.group_number(SITE, "")
        always = dict(registry_topics(self.registry))
        if everything:
            self.dirty.update(catalog.groups())
        for key, name in always.items():
            catalog.group_number(key, name)
        singles = [key for key in self.dirty if key != SITE and PAIR not in key]
        for key, spellings in catalog.spellings(sorted(singles)):
            if key in always:
                catalog.rename_group(key, always[key])
            elif spellings:
                catalog.rename_group(key, commonest(spellings))
            else:
                catalog.drop_group(key)
        for key in sorted(self.dirty):
            if PAIR in key and catalog.is_empty(key):
                catalog.drop_group(key)
        self.__dict__.pop("directory", None)
        shown = []
        for key, (_, before) in catalog.groups().items():
            if key == SITE or PAIR in key:
                continue
            now = json.dumps([self.directory.name(key), self.directory.path(key)], ensure_ascii=False)
            if now != before:
                shown.append((now, key))
                if before is not None:
                    self.dirty |= catalog.groups_beside(key)
                self.dirty.add(key)
        catalog.show_groups(shown)

    def report(self, documents: list[Written]) -> Report:
        """The run's report: every known problem of every file, sorted."""
        found = self.problems + self.catalog.problems()
        for path, link, id, winner in self.catalog.lost():
            found.append(
                Problem(
                    path, 1, 1, Severity.WARNING, "link",
                    f"{winner} has the same link or id ({link}, {id}); this one is left out",
                    "remove one, or give it its own link and id",
                )
            )  # fmt: skip
        for keys in self.directory.collisions:
            names = ", ".join(f"“{self.directory.name(key)}”" for key in keys)
            paths = ", ".join(self.directory.path(key) for key in keys)
            found.append(
                _run_problem(
                    self.settings, "slug", f"{names} would share one address; kept apart as {paths}",
                    "give them slugs (`_id`) in the registry",
                )
            )  # fmt: skip
        return Report(
            tuple(sorted(set(found), key=lambda problem: problem.sort_key)),
            tuple(documents), self.live, self.files, self.files_read,
        )  # fmt: skip


def _rules_key(rules: Rules) -> str:
    return repr(
        (sorted(rules.fields.items()), rules.tag, rules.site_url, str(rules.zone), rules.permalink,
         rules.fix_encoding, rules.group_fields, sorted(rules.defaults.items()))
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some groups to render, with the articles that they need."""

    groups: list[tuple[Group, list[int]]]
    articles: dict[int, tuple[bytes, int]]
    ids: dict[int, dict[str, str]]


class _Writer:
    """From the groups that a run touched to documents on disk."""

    def __init__(
        self, settings: Settings, catalog: Catalog, state: Path, dry_run: bool,
        progress: Progress | None,
    ) -> None:  # fmt: skip
        self.settings, self.catalog, self.dry_run = settings, catalog, dry_run
        self.progress = progress
        self.directory = output.Directory(settings.output.directory, state)
        self.known: dict[str, tuple[str, bytes | None, int, int]] = {}

    def write(self, run: _Run) -> list[Written]:
        """Render, compare, and put in place what differs. Raises WriteError."""
        try:
            left_over = self.directory.interrupted() if not self.dry_run else []
            self.known = self._known(run, left_over)
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
                f"{error.strerror}; the documents are as they were",
            ) from None  # fmt: skip

    def _known(self, run: _Run, left_over: list[str]) -> dict[str, tuple[str, bytes | None, int, int]]:
        """The documents of the last run; one that the disk does not show as it was has no digest."""
        known = self.catalog.documents()
        for path, (group, _, size, mtime) in known.items():
            if self.directory.stamp(path) != (size, mtime):
                known[path] = (group, None, size, mtime)
                run.dirty.add(group)
        if not known:
            # A lost catalog must not leave behind the documents of groups that are gone by now.
            left_over = left_over + list(self.directory.claimed(self.settings.site.feeds_url))
        for path in left_over:
            known.setdefault(path, ("\0", None, 0, 0))
        return known

    def _render(self, run: _Run, keys: list[str]) -> list[Written]:
        if not keys:
            return []
        limit = self.settings.feeds.limit
        newest = {key: self.catalog.newest(key, limit) for key in keys}
        counts = Counter(n for numbers in newest.values() for n in numbers)
        from syndicate.feeds.document import Renderer
        from syndicate.feeds.entry import EntryMaker

        maker = EntryMaker(self.settings, run.grouping, run.directory)
        renderer = Renderer(
            maker, self.settings.feeds.formats, self.settings.feeds.max_bytes,
            {n for n, count in counts.items() if count > 1},
        )  # fmt: skip
        job = _RenderingJob(renderer, self)
        parallel = sum(counts.values()) >= 4 * _WORTH_FORKING
        plan: list[Written] = []
        done = 0
        paths = [path for key in keys for path in self._paths(run.directory.path(key))]
        if not self.dry_run:
            self.directory.begin(paths)
        try:
            for batch in workers.mapped(job, self._batches(run, newest), parallel=parallel):
                plan.extend(batch)
                done += len({document.group for document in batch})
                if self.progress:
                    self.progress("rendering", done, len(keys))
        except BaseException:
            self.directory.discard(paths)
            raise
        return plan

    def _paths(self, folder: str) -> Iterator[str]:
        prefix = f"{folder}/" if folder else ""
        for name in self.settings.feeds.formats:
            yield f"{prefix}feed.{name}"
            for ending in self.settings.output.compress:
                yield f"{prefix}feed.{name}.{'gz' if ending == 'gzip' else 'br'}"

    def _batches(self, run: _Run, newest: dict[str, list[int]]) -> Iterator[_Batch]:
        groups: list[tuple[Group, list[int]]] = []
        size = 0
        for key, numbers in newest.items():
            groups.append((run.directory.group(key), numbers))
            size += len(numbers) + 5  # a feed's head costs about as much as five entries
            if size >= _RENDER_CHUNK:
                yield self._batch(groups)
                groups, size = [], 0
        if groups:
            yield self._batch(groups)

    def _batch(self, groups: list[tuple[Group, list[int]]]) -> _Batch:
        numbers = {n for _, found in groups for n in found}
        return _Batch(groups, self.catalog.load(numbers), self.catalog.related_ids(numbers))

    def compare(self, group: str, path: str, data: bytes) -> Iterator[Written]:
        """Prepare a document and its siblings where they differ from what is there."""
        for full_path, content in output.siblings(path, data, self.settings.output.compress):
            digest = output.digest(content)
            known = self.known.get(full_path)
            there = known[1] if known else None
            if there is None:
                there = self.directory.current_digest(full_path)
            if there == digest:
                reason = Reason.UNCHANGED
            else:
                reason = Reason.NEW if there is None else Reason.CHANGED
                if not self.dry_run:
                    self.directory.prepare(full_path, content)
            yield Written(full_path, group, reason, digest, len(content))

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


class _RenderingJob:
    """Renders a batch of groups and prepares what differs; runs in workers."""

    def __init__(self, renderer: Renderer, writer: _Writer) -> None:
        self.renderer, self.writer = renderer, writer

    def __call__(self, batch: _Batch) -> list[Written]:
        articles = {n: _due_part(data, due) for n, (data, due) in batch.articles.items()}
        written: list[Written] = []
        for group, numbers in batch.groups:
            found = [(n, articles[n]) for n in numbers]
            for path, data in self.renderer.documents(group, found, batch.ids):
                written.extend(self.writer.compare(group.key, path, data))
        return written


def _due_part(data: bytes, due: int) -> Article:
    """The article as it stands now: an update that is still to come is not shown."""
    from msgspec.structs import replace

    from syndicate.reading import stored_article

    article = stored_article(data)
    return article if due == 2 else replace(article, updated=article.published)
