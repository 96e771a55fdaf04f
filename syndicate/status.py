"""Status: what the last runs did, and what is on each target. The catalog is asked, nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from syndicate.catalog import view_catalog
from syndicate.config import Settings
from syndicate.errors import Problem


@dataclass(frozen=True, slots=True)
class BuildStatus:
    """One run of ``build``."""

    started: datetime
    seconds: float
    articles: int  # in the feeds
    problems: int
    written: int  # documents
    removed: int
    bytes: int  # written


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """One target, as the last publishing left it."""

    url: str
    published: datetime | None  # when all was well there the last time
    documents: int | None  # there, then
    bytes: int | None
    pending_purges: int  # documents of which an edge is still to be told
    pending_pings: int  # feeds of which the hub is still to be told
    tried: datetime | None
    error: str  # of the last try


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a project, newest first."""

    builds: tuple[BuildStatus, ...]
    documents: int
    problems: tuple[Problem, ...]  # of the content files
    targets: tuple[TargetStatus, ...]  # of the config


def read_status(settings: Settings, *, builds: int = 5) -> Status:
    """What the catalog knows. Raises WriteError, LockedError where it cannot be read."""
    with view_catalog(settings.state / "catalog.db") as catalog:
        if catalog is None:
            return Status((), 0, (), tuple(_target(target.url, {}) for target in settings.publish.targets))
        known = catalog.targets()
        return Status(
            builds=tuple(_build(*row) for row in catalog.runs(builds)),
            documents=len(catalog.documents()),
            problems=tuple(sorted(catalog.problems(), key=lambda problem: problem.sort_key)),
            targets=tuple(_target(target.url, known) for target in settings.publish.targets),
        )


def _build(
    started: float, seconds: float, articles: int, problems: int, written: int, removed: int, size: int
) -> BuildStatus:
    moment = datetime.fromtimestamp(int(started), UTC)
    return BuildStatus(moment, seconds, articles, problems, written, removed, size)


def _target(
    url: str, known: Mapping[str, tuple[float | None, int | None, int | None, int, int, float, str]]
) -> TargetStatus:
    if url not in known:
        return TargetStatus(url, None, None, None, 0, 0, None, "")
    published, documents, size, purges, pings, tried, error = known[url]
    return TargetStatus(url, _moment(published), documents, size, purges, pings, _moment(tried), error)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC)
