"""Status: what the last runs did, and what is on each target. The catalog is asked, nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from syndicate.catalog import Catalog, view_catalog
from syndicate.config import Settings
from syndicate.errors import Problem
from syndicate.groups import PAIR, SITE, has_feeds
from syndicate.run import known_problems

DAYS = 30  # the last ones, of which the articles are counted


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
class GroupStatus:
    """One group that has feeds."""

    name: str
    kind: str  # site, topic, provider or another field; both of a pair, with a slash between
    path: str  # below the output directory; empty for the site
    articles: int
    newest: datetime | None
    bytes: int  # of its documents


@dataclass(frozen=True, slots=True)
class DayStatus:
    """One day, UTC."""

    date: str  # YYYY-MM-DD
    articles: int  # in the feeds, published on it


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a project, newest first."""

    builds: tuple[BuildStatus, ...]
    articles: int  # in the feeds
    scheduled: int  # that wait for their date
    next_due: datetime | None  # when the first of them comes
    documents: int
    bytes: int  # of all documents
    groups: tuple[GroupStatus, ...]  # the site, then those with the most articles
    days: tuple[DayStatus, ...]  # the 30 that end with the newest article's, oldest first
    problems: tuple[Problem, ...]  # of the content files
    targets: tuple[TargetStatus, ...]  # of the config


def read_status(settings: Settings, *, builds: int = 5) -> Status:
    """What the catalog knows. Raises WriteError, LockedError where it cannot be read."""
    with view_catalog(settings.state / "catalog.db") as catalog:
        if catalog is None:
            targets = tuple(_target(target.url, {}) for target in settings.publish.targets)
            return Status((), 0, 0, None, 0, 0, (), (), (), targets)
        known = catalog.targets()
        # A cluster keeps its articles elsewhere, and leaves word of how many they are.
        told = json.loads(catalog.meta("cluster") or "null")
        sizes: dict[str, list[int]] = {}  # of each group's documents
        for group, _, size, _ in catalog.documents().values():
            sizes.setdefault(group, []).append(size)
        held = {group: (len(found), sum(found)) for group, found in sizes.items()}
        if told and told["staged"] is not None:
            held = {group: (count, size) for group, (count, size) in told["staged"].items()}
        scheduled, next_due = told["scheduled"] if told else catalog.scheduled()
        counts = told["groups"] if told else catalog.counts()
        days = sorted(told["days"], reverse=True)[:DAYS] if told else catalog.days(DAYS)
        return Status(
            builds=tuple(_build(*row) for row in catalog.runs(builds)),
            articles=int(catalog.meta("live") or 0),
            scheduled=scheduled,
            next_due=_moment(next_due),
            documents=sum(count for count, _ in held.values()),
            bytes=sum(size for _, size in held.values()),
            groups=tuple(_groups(settings, catalog, counts, held)),
            days=tuple(_days(days)),
            problems=tuple(sorted(known_problems(catalog), key=lambda problem: problem.sort_key)),
            targets=tuple(_target(target.url, known) for target in settings.publish.targets),
        )


def _groups(
    settings: Settings,
    catalog: Catalog,
    counts: Mapping[str, Sequence[int | None]],
    held: Mapping[str, tuple[int, int]],
) -> list[GroupStatus]:
    shown: dict[str, tuple[str, str]] = {SITE: (settings.site.title, "")}
    for key, (_, written) in catalog.groups().items():
        if written:
            name, path = json.loads(written)
            shown[key] = (name, path)
    found = []
    for key in catalog.groups():
        count, newest = counts.get(key, (0, None))
        parts = [shown.get(part) for part in key.split(PAIR)]
        if has_feeds(key, settings.feeds.groups) and all(parts):
            found.append(
                GroupStatus(
                    name=" – ".join(part[0] for part in parts if part),
                    kind="/".join(part.partition(":")[0] for part in key.split(PAIR)) or "site",
                    path="/".join(part[1] for part in parts if part),
                    articles=count or 0,
                    newest=_moment(newest),
                    bytes=held.get(key, (0, 0))[1],
                )
            )
    return sorted(found, key=lambda group: (group.kind != "site", -group.articles, group.path))


def _days(counted: Sequence[Sequence[Any]]) -> list[DayStatus]:
    if not counted:
        return []
    counts: dict[str, int] = dict(counted)  # type: ignore[arg-type]
    last = date.fromisoformat(counted[0][0])
    names = [(last - timedelta(days=ago)).isoformat() for ago in range(DAYS - 1, -1, -1)]
    return [DayStatus(name, counts.get(name, 0)) for name in names]


def _build(
    started: float, seconds: float, articles: int, problems: int, written: int, removed: int, size: int
) -> BuildStatus:
    return BuildStatus(
        datetime.fromtimestamp(started, UTC), seconds, articles, problems, written, removed, size
    )


def _target(
    url: str, known: Mapping[str, tuple[float | None, int | None, int | None, int, int, float, str]]
) -> TargetStatus:
    if url not in known:
        return TargetStatus(url, None, None, None, 0, 0, None, "")
    published, documents, size, purges, pings, tried, error = known[url]
    return TargetStatus(url, _moment(published), documents, size, purges, pings, _moment(tried), error)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC)
