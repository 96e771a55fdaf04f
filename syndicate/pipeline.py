"""The pipeline of a run, from the content tree to out/ and on to the targets. A run costs what changed."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from syndicate import output
from syndicate.catalog import Catalog, open_catalog, unusable
from syndicate.config import Settings
from syndicate.content import ROW_ENDINGS, Stamp, Tree, scan, shown_path
from syndicate.errors import BrakeError, ConfigError, Problem, Severity
from syndicate.output import Reason
from syndicate.registry import Registry, read_registry, registry_files
from syndicate.run import Progress, Report, Run, config_problem
from syndicate.workers import Pool
from syndicate.writer import Writer

if TYPE_CHECKING:
    from syndicate.publishing.targets import PublishReport

# A file changed within this time before the last look at it may have changed since without showing.
_TICK_NS = 2_000_000_000
# Articles that come and go leave half-empty pages behind: a third of the catalog in a thousand runs.
_COMPACTED_EVERY = 1_000  # runs


def check(settings: Settings, *, progress: Progress | None = None) -> Report:
    """Read every article and report every problem; write nothing. Raises nothing for bad input."""
    _refuse_what_clusters_read(settings)
    registry, problems = read_registry_of(settings)
    tree = _scan(settings, {}, 0)
    problems += [
        Problem(
            shown, 0, 0, Severity.ERROR, "content.roots", "the folder is not there",
            "mend the path, or mount it",
        )
        for shown in tree.missing_roots
    ]  # fmt: skip
    with closing(Catalog(open_catalog(None).connection)) as catalog:
        with Pool() as pool:
            run = Run(settings, registry, catalog, datetime.max.replace(tzinfo=UTC), progress, pool)
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
    with output.locked(settings.state):
        return _build(settings, now, full=full, dry_run=dry_run, force=force, progress=progress)


def publish(
    settings: Settings,
    *,
    target: str | None = None,
    dry_run: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> PublishReport:
    """Upload what changed, to every target or to the one with this URL, and tell edges and hub.

    What goes wrong at a target is in the report. Raises ConfigError, WriteError, LockedError, PublishError.
    """
    with output.locked(settings.state):
        return _publish(settings, target, dry_run=dry_run, force=force, progress=progress)


def build_and_publish(
    settings: Settings, *, now: datetime, force: bool = False, progress: Progress | None = None
) -> tuple[Report, PublishReport]:
    """Build, then publish, under one lock. Raises what these raise; nothing is published then."""
    from syndicate.publishing.targets import chosen

    chosen(settings, None)
    with output.locked(settings.state):
        report = _build(settings, now, full=False, dry_run=False, force=force, progress=progress)
        return report, _publish(settings, None, dry_run=False, force=force, progress=progress)


def _build(
    settings: Settings, now: datetime, *, full: bool, dry_run: bool, force: bool,
    progress: Progress | None,
) -> Report:  # fmt: skip
    state = settings.state
    started, clock = time.time(), time.perf_counter()
    with opened_catalog(settings) as (catalog, set_aside), Pool() as pool:
        run = _prepare(settings, catalog, now, full, force, progress, pool)
        if set_aside:
            run.problems.append(config_problem(settings, "catalog", set_aside, "nothing to do"))
        writer = Writer(settings, catalog, state, dry_run, progress)
        documents = writer.write(run)
        report = run.report(documents)
        if not dry_run:
            number = note_run(catalog, started, time.perf_counter() - clock, report)
            catalog.commit()
            writer.directory.finish()
            if number % _COMPACTED_EVERY == 0:
                catalog.compact()
        return report


def note_run(catalog: Catalog, started: float, seconds: float, report: Report) -> int:
    """Remember a run for ``status``; gives its number."""
    return catalog.add_run(
        started, seconds, report.articles, len(report.problems),
        report.count(Reason.NEW) + report.count(Reason.CHANGED), report.count(Reason.GONE),
        report.bytes_written,
    )  # fmt: skip


def _publish(
    settings: Settings, target: str | None, *, dry_run: bool, force: bool, progress: Progress | None
) -> PublishReport:
    from syndicate.publishing.targets import publish_targets

    with opened_catalog(settings) as (catalog, _):
        directory = output.Directory(settings.output.directory, settings.state)
        report = publish_targets(
            settings, catalog, directory, only=target, dry_run=dry_run, force=force, progress=progress
        )
        if not dry_run:
            catalog.commit()
        return report


@contextmanager
def opened_catalog(settings: Settings) -> Iterator[tuple[Catalog, str]]:
    """The catalog in a transaction, and why an older one was set aside. What is not committed is undone."""
    path = settings.state / "catalog.db"
    opened = open_catalog(path)
    catalog = Catalog(opened.connection)
    try:
        catalog.begin()
        yield catalog, opened.set_aside
    except sqlite3.OperationalError as error:
        raise unusable(path, error) from None
    finally:
        catalog.roll_back()
        catalog.close()


def _scan(settings: Settings, known: dict[str, Stamp], racy_ns: int) -> Tree:
    content = settings.content
    return scan(content.roots, content.include, content.exclude, settings.root, known, racy_ns)


def _refuse_what_clusters_read(settings: Settings) -> None:
    """Raises ConfigError where articles are where only workers look for them."""
    for place in settings.content.stores:
        raise ConfigError(f"content.roots names {place.url}: only a cluster reads that (add --workers 2)")
    for pattern in settings.content.include:
        if pattern.endswith(ROW_ENDINGS):
            raise ConfigError(f"content.include names {pattern}: only a cluster reads rows (add --workers 2)")


def registry_bytes(settings: Settings) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The files of the registries of topics and of providers, by how they are shown. Raises ConfigError."""
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
    return files[0], files[1]


def read_registry_of(settings: Settings) -> tuple[Registry, list[Problem]]:
    """The registry, and what is wrong with it. Raises ConfigError."""
    registry = read_registry(*registry_bytes(settings), settings.site.url)
    return registry, list(registry.problems)


def _prepare(
    settings: Settings,
    catalog: Catalog,
    now: datetime,
    full: bool,
    force: bool,
    progress: Progress | None,
    pool: Pool,
) -> Run:
    """Bring the catalog up to the content tree; find which groups that touches."""
    directory = check_owner(settings, catalog)
    _refuse_what_clusters_read(settings)
    registry, problems = read_registry_of(settings)
    run = Run(settings, registry, catalog, now, progress, pool)
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
    pool.prepare("syndicate.feeds.document")
    if reread:
        catalog.index()
    if regroup and not reread:
        from syndicate.reading import article_groups, stored_article

        catalog.regroup(lambda data: article_groups(stored_article(data), run.grouping))
        run.live_change = -live_before  # all have left their groups, whoever left before
    run.decide(previous_now=int(catalog.meta("now") or 0), everything=regroup)
    live = live_before * (not reread) + run.live_change
    if not force:
        brake_on_loss(settings, live_before, live)
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


def check_owner(settings: Settings, catalog: Catalog) -> str:
    """The output directory, whose catalog this is. Raises ConfigError where it is another one's."""
    owner = catalog.meta("output")
    directory = str(settings.output.directory)
    if owner is not None and owner != directory and os.path.isdir(owner):
        raise ConfigError(
            f"the catalog beside {directory} belongs to {owner} (give each output a parent folder of its own)"
        )
    return directory


def brake_on_loss(settings: Settings, before: int, live: int) -> None:
    """Raises BrakeError where too many published articles would vanish at once."""
    lost = before - live
    if before and lost > settings.output.max_shrink * before:
        raise BrakeError(
            f"{lost:,} of {before:,} published articles would vanish at once",
            "nothing was written",
            "if that is right, run again with --force",
        )


def _brake_on_roots(tree: Tree) -> None:
    for what, roots in (
        ("the content folder is not there", tree.missing_roots),
        ("the content folder holds no articles", tree.empty_roots),
    ):
        for root in roots:
            raise BrakeError(what, root, "nothing was written; if that is right, run again with --force")
