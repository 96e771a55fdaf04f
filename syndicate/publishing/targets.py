"""Targets: all of a config's, brought up to date; then edges and hub are told. The result is a report."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from syndicate.catalog import Catalog
from syndicate.config import Settings, Target
from syndicate.errors import ConfigError, SyndicateError
from syndicate.output import Directory
from syndicate.publishing.plan import Reason, Step
from syndicate.publishing.publisher import Publication, Publisher, Send, send_from_here
from syndicate.publishing.purge import check_edge
from syndicate.publishing.retry import Patience
from syndicate.publishing.source import Source, read_source
from syndicate.publishing.stores import Store, open_store
from syndicate.publishing.telling import Teller

Progress = Callable[[str, int, int], None]  # stage, done, of how many


@dataclass(frozen=True, slots=True)
class TargetReport:
    """What was done, or would be done, at one target."""

    url: str
    steps: tuple[Step, ...]  # every document, with the reason for what became of it
    bytes_sent: int
    pending_purges: int  # documents that some edge was not told of
    pending_pings: int  # feeds that the hub was not told of
    warnings: tuple[str, ...]
    errors: tuple[SyndicateError, ...]

    def count(self, reason: Reason) -> int:
        return sum(step.reason is reason for step in self.steps)


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What was done, or would be done, at all targets."""

    targets: tuple[TargetReport, ...]
    purged: int  # documents that edges were told of
    pinged: int  # feeds that the hub was told of
    errors: tuple[SyndicateError, ...]  # of edges and hub

    @property
    def all_errors(self) -> tuple[SyndicateError, ...]:
        return (*(error for target in self.targets for error in target.errors), *self.errors)

    @property
    def exit_code(self) -> int:
        """0, or that of the error that a person has to look at first."""
        codes = {error.exit_code for error in self.all_errors}
        return next((code for code in (2, 3, 4, 75, 1) if code in codes), 0)


def publish_targets(
    settings: Settings,
    catalog: Catalog,
    directory: Directory,
    *,
    only: str | None,
    dry_run: bool,
    force: bool,
    progress: Progress | None,
    source: Source | None = None,
    send: Send = send_from_here,
    environment: Mapping[str, str] = os.environ,
    now: Callable[[], float] = time.time,
) -> PublishReport:
    """Bring targets up to date: all, or the ``only`` one. The catalog takes what came of it.

    ``source`` and ``send``: the documents, and who uploads them, where they are not in ``directory``.

    Raises ConfigError, and PublishError where the output directory is not as it was built. What goes wrong
    at a target, an edge or the hub is in the report.
    """
    targets = chosen(settings, only)
    for edge in settings.publish.purge:
        check_edge(edge, environment)
    source = source or read_source(directory, catalog.documents())
    owner = catalog.meta("publisher")
    if owner is None:
        owner = uuid.uuid4().hex
        if not dry_run:
            catalog.set_meta("publisher", owner)
            catalog.commit()  # a run that is killed must know its own claim again
            catalog.begin()
    run = uuid.uuid4().hex
    attempts = []
    for target in targets:
        publisher = Publisher(owner, run, now, lambda: Patience(settings.publish.deadline), progress, send)
        attempts.append(_Attempt(settings, target, source, publisher, environment))
    for attempt in attempts:
        attempt.go(lambda publication: publication.plan(force=force))
    teller = Teller(settings, lambda: Patience(settings.publish.deadline), environment)
    if not dry_run:
        _carry_out(attempts, teller)
        for attempt in attempts:
            attempt.remember(catalog, now(), teller.errors)
    return PublishReport(
        tuple(attempt.report() for attempt in attempts), teller.purged, teller.pinged, tuple(teller.errors)
    )


def chosen(settings: Settings, only: str | None) -> Sequence[Target]:
    """The targets to publish to. Raises ConfigError."""
    targets = settings.publish.targets
    if not targets:
        raise ConfigError("there is nowhere to publish to (name a target in publish.targets)")
    if only is None:
        return targets
    found = [target for target in targets if target.url.rstrip("/") == only.rstrip("/")]
    if not found:
        known = ", ".join(target.url for target in targets)
        raise ConfigError(f"no such target: {only} (publish.targets names {known})")
    return found


def _carry_out(attempts: Sequence[_Attempt], teller: Teller) -> None:
    """Documents, manifests, purges, pings, deletes; then the purges of what was deleted."""
    for attempt in attempts:
        attempt.go(Publication.upload)
    fine = [attempt for attempt in attempts if not attempt.errors]
    publications = [attempt.publication for attempt in fine if attempt.publication]
    manifests = [publication.manifest for publication in publications]
    # An edge that forgets a document before it is removed would fetch it again.
    removing = set().union(*(publication.removing for publication in publications))
    teller.purge(manifests, but=removing)
    teller.ping(manifests, but=removing)
    for attempt in attempts:
        attempt.go(Publication.remove)
    teller.purge(manifests, but=set())
    # Also where removing failed: what was uploaded and told stays known, and the target is given free.
    for attempt in fine:
        attempt.go(Publication.finish, always=True)


class _Attempt:
    """One target, and what went wrong there: that stops its own steps, and no other target's."""

    def __init__(
        self, settings: Settings, target: Target, source: Source, publisher: Publisher,
        environment: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.url = target.url
        self.errors: list[SyndicateError] = []
        self.publication: Publication | None = None
        try:
            store: Store = open_store(target, settings.publish.timeout, environment)
        except SyndicateError as error:
            self.errors.append(error)
        else:
            self.publication = Publication(settings, target, store, source, publisher)

    def go(self, step: Callable[[Publication], None], *, always: bool = False) -> None:
        """Take a step, unless one went wrong before."""
        if self.publication is None or (self.errors and not always):
            return
        try:
            step(self.publication)
        except SyndicateError as error:
            self.errors.append(error)

    def report(self) -> TargetReport:
        publication = self.publication
        if publication is None:
            return TargetReport(self.url, (), 0, 0, 0, (), tuple(self.errors))
        manifest = publication.manifest
        return TargetReport(
            url=self.url,
            steps=tuple(publication.steps),
            bytes_sent=publication.bytes_sent,
            pending_purges=len(set().union(*manifest.purge.values())),
            pending_pings=len(manifest.ping),
            warnings=tuple(publication.warnings),
            errors=(*self.errors, *sorted(publication.errors, key=str)),
        )

    def remember(self, catalog: Catalog, now: float, told_errors: Sequence[SyndicateError]) -> None:
        """Note in the catalog what ``syndicate status`` shows; ``told_errors`` are of edges and hub."""
        report = self.report()
        errors = (*report.errors, *told_errors)
        error = str(errors[0]) if errors else ""
        held = None
        if self.publication is not None and not report.errors:
            objects = self.publication.manifest.objects.values()
            held = len(objects), sum(item.size for item in objects)
        catalog.put_target(self.url, now, held, (report.pending_purges, report.pending_pings), error)
