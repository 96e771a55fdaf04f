"""A build on a cluster, as a whole: connect, survey, render, write or upload, remember."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from syndicate import output
from syndicate.catalog import Catalog
from syndicate.cluster.context import CURRENT, Told
from syndicate.cluster.engine import Cluster, Engine, StageCost
from syndicate.cluster.memory import clean, load_memory, save_memory
from syndicate.cluster.model import decode
from syndicate.cluster.rendering import Upload, Uploaded, Uploading, staged, staged_key
from syndicate.cluster.storage import Storage
from syndicate.cluster.survey import Surveyor
from syndicate.cluster.writing import ClusterWriter, StagingWriter, name_groups, totals
from syndicate.config import Settings, local_place
from syndicate.content import shown_path
from syndicate.errors import ClusterError, ConfigError, PublishError, WriteError
from syndicate.groups import registry_topics
from syndicate.output import Reason
from syndicate.pipeline import brake_on_loss, check_owner, note_run, opened_catalog, registry_bytes
from syndicate.registry import read_registry
from syndicate.run import Progress, Report, Run, config_problem, depended_on
from syndicate.workers import Pool, chunks

if TYPE_CHECKING:
    from syndicate.publishing.plan import Step
    from syndicate.publishing.publisher import Publication
    from syndicate.publishing.targets import PublishReport

_UPLOADED_AT_ONCE = 64  # documents


@dataclass(frozen=True, slots=True)
class Cost:
    """What a build on a cluster took."""

    stages: tuple[StageCost, ...]
    memory: Mapping[str, int]  # bytes: the most that each worker has held, by its address
    dashboard: str  # URL


def build_on_cluster(
    settings: Settings, cluster: Cluster, *, now: datetime, full: bool = False, dry_run: bool = False,
    force: bool = False, progress: Progress | None = None, say: Callable[[str], None] | None = None,
) -> tuple[Report, Cost]:  # fmt: skip
    """Regenerate the documents that changed, with the workers of a cluster. ``say`` is told of its dashboard.

    The same documents as ``build`` writes. Raises what that raises, and ClusterError.
    """
    with output.locked(settings.state), _opened(settings, cluster, say) as (work, engine):
        build = _Build(settings, work, engine, now, progress)
        with opened_catalog(settings) as (catalog, set_aside):
            report = build.write(catalog, set_aside, full=full, dry_run=dry_run, force=force)
        return report, build.cost(engine)


def build_and_publish_on_cluster(
    settings: Settings, cluster: Cluster, *, now: datetime, force: bool = False,
    progress: Progress | None = None, say: Callable[[str], None] | None = None,
) -> tuple[Report, PublishReport, Cost]:  # fmt: skip
    """Build, and have workers upload the documents to every target; nothing goes to the output directory.

    Raises what ``build_and_publish`` raises, and ClusterError; nothing is published then.
    """
    from syndicate.publishing.targets import chosen

    chosen(settings, None)
    with output.locked(settings.state), _opened(settings, cluster, say) as (work, engine):
        build = _Build(settings, work, engine, now, progress)
        with opened_catalog(settings) as (catalog, set_aside):
            report = build.stage(catalog, set_aside, force=force)
        with opened_catalog(settings) as (catalog, _):
            published = build.publish(catalog, report, force=force)
            catalog.commit()
        return report, published, build.cost(engine)


@contextmanager
def _opened(
    settings: Settings, cluster: Cluster, say: Callable[[str], None] | None
) -> Iterator[tuple[Storage, Engine]]:
    """The work area, and the engine that uses it."""
    work = Storage(settings.cluster.work or local_place(settings.state / "cluster"))
    with cluster.connected(work.place) as engine:
        if say and engine.dashboard:
            say(engine.dashboard)
        yield work, engine


def _begin_run(work: Storage, settings: Settings) -> str:
    """Say in the work area, and beside the output, which run is under way now; gives its number."""
    run = os.urandom(8).hex()
    work.put(CURRENT, run.encode())
    try:
        (settings.state / CURRENT).write_text(run)
    except OSError as error:
        raise WriteError("cannot write", str(settings.state / CURRENT), error.strerror or "") from None
    return run


class _Build:
    """One build, from connecting to remembering."""

    def __init__(
        self, settings: Settings, work: Storage, engine: Engine, now: datetime, progress: Progress | None
    ) -> None:
        self.settings, self.work, self.engine = settings, work, engine
        self.now, self.progress = now, progress
        self.memory = load_memory(work, settings.site.feeds_url)
        self.surveyor: Surveyor | None = None

    def write(self, catalog: Catalog, set_aside: str, *, full: bool, dry_run: bool, force: bool) -> Report:
        """Build into the output directory."""
        return self._build(
            catalog, set_aside, ClusterWriter, publishes=False, full=full, dry_run=dry_run, force=force
        )

    def stage(self, catalog: Catalog, set_aside: str, *, force: bool) -> Report:
        """Build into the work area."""
        return self._build(
            catalog, set_aside, StagingWriter, publishes=True, full=False, dry_run=False, force=force
        )

    def _build(
        self, catalog: Catalog, set_aside: str, kind: type[ClusterWriter], *, publishes: bool, full: bool,
        dry_run: bool, force: bool,
    ) -> Report:  # fmt: skip
        settings, memory = self.settings, self.memory
        started, clock = time.time(), time.perf_counter()
        topics, providers = registry_bytes(settings)
        registry = read_registry(topics, providers, settings.site.url)
        keys = depended_on(settings, registry)
        directory = check_owner(settings, catalog)
        shown = memory.shown("targets" if publishes else directory)
        if full:
            memory.results.clear()
            shown.parts.clear()
        try:
            config = settings.path.read_bytes()
        except OSError as error:
            raise ConfigError(f"cannot read the config: {settings.path}: {error.strerror}") from None
        told = Told(
            config, str(settings.path), shown_path(settings.path, settings.root), topics, providers,
            int(self.now.timestamp()), 1, publishes, _begin_run(self.work, settings),
        )  # fmt: skip
        surveyor = self.surveyor = Surveyor(
            settings, told, keys, self.work, self.engine, memory, self.progress
        )
        survey = surveyor.survey(force=force)
        if not force:
            brake_on_loss(settings, int(catalog.meta("live") or shown.live), survey.live)
        catalog.forget()
        catalog.index()
        with Pool() as pool:
            run = Run(settings, registry, catalog, self.now, self.progress, pool)
            run.everything = True
            run.live, run.files, run.files_read = survey.live, survey.files, survey.files_read
            name_groups(run, survey, dict(registry_topics(registry)))
            writer = kind(
                settings, catalog, dry_run, self.progress, surveyor, survey, shown, keys["rendering"]
            )
            begun = time.perf_counter()
            documents = writer.write(run)
            surveyor.begin("writing").seconds = (
                time.perf_counter() - begun - surveyor.begin("rendering").seconds
            )
            run.problems = survey.problems + list(registry.problems)
            if set_aside:
                run.problems.append(config_problem(settings, "catalog", set_aside, "nothing to do"))
            report = run.report(documents)
        if dry_run:
            return report
        catalog.set_meta("output", directory)
        catalog.set_meta("live", str(survey.live))
        catalog.set_meta("now", str(told.now))
        catalog.set_meta("cluster", totals(survey, documents, staged=publishes))
        catalog.put_problems(survey.problems)
        note_run(catalog, started, time.perf_counter() - clock, report)
        catalog.commit()
        writer.directory.finish()
        shown.live = survey.live
        memory.results = surveyor.used
        save_memory(self.work, memory, told.run)
        kept = surveyor.kept | {
            staged_key(digest)
            for there in memory.outputs.values()
            for _, digest, _ in there.documents.values()
        }
        clean(self.work, memory, kept, told.run)
        return report

    def publish(self, catalog: Catalog, report: Report, *, force: bool) -> PublishReport:
        """Upload what is staged, by workers."""
        from syndicate.publishing.source import Source
        from syndicate.publishing.targets import publish_targets

        there = self.memory.shown("targets").documents
        kept = {document.path for document in report.documents if document.reason is Reason.REFUSED} - set(
            there
        )

        def fetch(_: str, digest: bytes) -> bytes:
            return staged(self.work, digest)

        source = Source(fetch, {path: (digest, size) for path, (_, digest, size) in there.items()}, kept)
        return publish_targets(
            self.settings, catalog, output.Directory(self.settings.output.directory, self.settings.state),
            only=None, dry_run=False, force=force, progress=self.progress, source=source, send=self._send,
        )  # fmt: skip

    def _send(
        self, publication: Publication, steps: Sequence[Step]
    ) -> Iterator[tuple[Step, int | PublishError]]:
        """Have workers upload documents: of each the bytes that were sent, or what went wrong."""
        from syndicate.publishing.publisher import ForeignError, send_from_here

        assert self.surveyor
        if publication.target.scheme == "file":
            # The folder is this machine's: workers elsewhere may have another one of its name.
            yield from send_from_here(publication, steps)
            return
        by_path = {step.path: step for step in steps}
        uploads = [
            Upload(step.path, step.reason.value, step.object.sha256, publication.headers[step.path])
            for step in steps
        ]
        target = self.settings.publish.targets.index(publication.target)
        tasks = [(some[0].path, Uploading(target, list(some))) for some in chunks(uploads, _UPLOADED_AT_ONCE)]
        fine = True
        try:
            for _, result in self.surveyor.each("uploading", tasks):
                for item in decode(result.value, list[Uploaded]):
                    fine = fine and (not item.error or item.foreign)
                    error = ForeignError(item.error) if item.foreign else PublishError(item.error)
                    yield by_path[item.path], error if item.error else item.sent
                if not fine:
                    return  # what is under way stays in doubt; nothing more is begun
        except ClusterError as error:
            raise PublishError(str(error)) from None

    def cost(self, engine: Engine) -> Cost:
        """What it took."""
        assert self.surveyor
        return Cost(tuple(self.surveyor.costs), dict(sorted(engine.memory.items())), engine.dashboard)
