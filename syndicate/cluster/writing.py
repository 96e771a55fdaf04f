"""Writing: documents rendered by workers, put in place by the client, or left where uploaders find them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from msgspec import structs

from syndicate import output
from syndicate.catalog import Catalog
from syndicate.cluster.context import put_names
from syndicate.cluster.memory import Shown
from syndicate.cluster.model import Summary, decode, hashed
from syndicate.cluster.rendering import PartTask, Rendered, Rendering, Staging
from syndicate.cluster.survey import Survey, Surveyor
from syndicate.config import Settings
from syndicate.groups import PAIR, SITE, Group
from syndicate.output import Reason, Written
from syndicate.rendering import RenderingJob, document_paths
from syndicate.run import Progress, Run, refused_problems, shown_as
from syndicate.status import DAYS
from syndicate.writer import Writer

_BATCH = 512  # entries that are rendered at once, about


class ClusterWriter(Writer):
    """A Writer whose documents are rendered by workers."""

    def __init__(
        self, settings: Settings, catalog: Catalog, dry_run: bool, progress: Progress | None,
        surveyor: Surveyor, survey: Survey, shown: Shown, rendering_key: str,
    ) -> None:  # fmt: skip
        """``shown``: what the output holds, which is brought up to date."""
        super().__init__(settings, catalog, settings.state, dry_run, progress, surveyor.told.run)
        self.surveyor, self.survey, self.shown = surveyor, survey, shown
        self._rendering_key = rendering_key
        self._found: list[Rendered] = []

    # What Writer asks for

    def _render(self, run: Run, keys: list[str]) -> list[Written]:
        names = {key: shown_as(run.directory, key) for key in run.directory.names}
        # Entries name the groups of their articles: whose name changed shows in documents of others.
        renamed = any(names.get(key, shown) != shown for key, shown in self.shown.names.items())
        plan: list[Written] = []
        parts: list[tuple[PartTask, int]] = []
        made_of: dict[str, tuple[bytes, list[str]]] = {}
        paths: list[str] = []  # of what is rendered
        for key in keys:
            for part, summary, own in self._parts_of(run, key):
                group = run.directory.group(key)
                archive = (part.period, part.previous, part.following)
                digest = hashed(
                    self._rendering_key, _plain(group), archive, summary.digest if summary else b""
                )
                name = f"{key}\0{part.period}"
                made_of[name] = digest, own
                known = {path: found for path in own if path in self.known and (found := self.known[path][1])}
                # The same articles, and the documents are those that were made of them then.
                if not renamed and (digest, _together(known, own) or None) == self.shown.parts.get(name):
                    plan += [
                        Written(path, key, Reason.UNCHANGED, known[path], self.known[path][2]) for path in own
                    ]
                else:
                    parts.append((structs.replace(part, known=known), summary.entries if summary else 0))
                    paths += own
        paths += self._lists_paths()
        if not self.dry_run:
            self.directory.begin([*paths, *self.left_over])
        try:
            plan += self._rendered(run, parts)
            plan += self._listed(run)
        except BaseException:
            self.directory.discard(paths)
            raise
        written = {document.path: document.digest for document in plan}
        self.shown.parts = {
            name: (digest, _together(written, own)) for name, (digest, own) in made_of.items()
        }
        self.shown.names = names
        return plan

    def _counts(self) -> dict[str, tuple[int, int | None]]:
        found = {key: (summary.count, summary.newest) for key, (summary, _) in self.survey.groups.items()}
        return {key: found.get(key, (0, None)) for key in self.catalog.groups()}

    # Parts

    def _parts_of(self, run: Run, key: str) -> Iterator[tuple[PartTask, Summary | None, list[str]]]:
        """What of a group is rendered apart, with the paths of its documents."""
        feeds, path = self.settings.feeds, run.directory.path(key)
        summary, prepared = self.survey.groups.get(key, (None, None))
        periods = self.survey.periods.get(key, {}) if feeds.archive != "none" else {}
        # A period that the feed's own document holds whole has none of its own.
        held: Mapping[str, int] = summary.held if summary and feeds.max_bytes is None else {}
        names = [
            "",
            *sorted(name for name, (part, _) in periods.items() if part.count > held.get(name, 0)),
            "",
        ]
        own = PartTask(key, "", names[-2], "", prepared, {})
        yield own, summary, list(document_paths(self.settings, path, ""))
        for previous, period, following in zip(names, names[1:], names[2:], strict=False):
            part, prepared = periods[period]
            task = PartTask(key, period, previous, following, prepared, {})
            yield task, part, list(document_paths(self.settings, path, period))

    def _rendered(self, run: Run, parts: list[tuple[PartTask, int]]) -> list[Written]:
        if not parts:
            return []
        names = put_names(self.surveyor.work, dict(run.directory.names))
        self.surveyor.kept.add(f"names/{names.hex()}")
        batches: list[list[PartTask]] = [[]]
        size = 0
        for part, entries in parts:
            if size >= _BATCH:
                batches.append([])
                size = 0
            batches[-1].append(part)
            size += entries + 5  # a feed's head costs about as much as five entries
        empty = not self.known and not self.directory.root.exists()
        done = self.surveyor.run(
            "rendering",
            [
                (
                    run.directory.path(batch[0].group) or "the site",
                    Rendering(names, empty, self.dry_run, batch),
                )
                for batch in batches
            ],
        )
        self._found = [item for result in done for item in decode(result.value, list[Rendered])]
        return [item.written for item in self._found]

    def _report_refused(self, run: Run, plan: list[Written]) -> None:  # as Writer has it
        self.survey.problems += refused_problems(
            (item.culprit, item.why, item.path) for item in self._found if item.culprit
        )

    def _listed(self, run: Run) -> list[Written]:
        """The documents that list all groups, which the client renders."""
        digests = {path: digest for path, (_, digest, _, _) in self.known.items()}
        job = RenderingJob(
            self.settings, run.grouping, run.directory, self._target, digests, set(), False, self.dry_run
        )
        found: list[Written] = []
        for path, data in self._lists(run):
            found.extend(job.compared(SITE, path, data))
        return found

    @property
    def _target(self) -> output.Directory | Staging:
        return self.directory


class StagingDirectory(output.Directory):
    """No output directory: documents wait in the work area until they are uploaded."""

    def __init__(self, state: Path) -> None:
        super().__init__(state / "nowhere", state)

    def begin(self, paths: object) -> None: ...

    def finish(self) -> None: ...

    def interrupted(self) -> list[str]:
        return []

    def discard(self, paths: object) -> None: ...


class StagingWriter(ClusterWriter):
    """A ClusterWriter whose documents wait in the work area."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.directory = StagingDirectory(self.settings.state)

    def _known(self, run: Run) -> dict[str, tuple[str, bytes | None, int, int]]:
        return {
            path: (group, digest or None, size, 0)
            for path, (group, digest, size) in self.shown.documents.items()
        }

    def _replace(self, plan: list[Written]) -> None:
        before = self.shown.documents
        self.shown.documents = {}
        for document in plan:
            if document.reason is Reason.REFUSED and document.path in before:
                self.shown.documents[document.path] = before[document.path]
            elif document.reason is not Reason.GONE:
                self.shown.documents[document.path] = document.group, document.digest, document.size

    @property
    def _target(self) -> Staging:
        return Staging(self.surveyor.work)


def _together(digests: Mapping[str, bytes], paths: list[str]) -> bytes:
    """A digest of some documents; empty where one is not there, or was refused."""
    found = [digests.get(path, b"") for path in paths]
    return hashed(found) if all(found) else b""


def _plain(group: Group) -> tuple[str, ...]:
    return (group.key, group.path, group.title, group.description, group.image)


def name_groups(run: Run, survey: Survey, always: Mapping[str, str]) -> None:
    """Put the groups that there are into the catalog, with their names."""
    catalog = run.catalog
    catalog.group_number(SITE, "")
    for key, name in always.items():
        catalog.group_number(key, name)
    for key, (summary, _) in survey.groups.items():
        if summary.count and key not in always:
            catalog.group_number(key, summary.name)
    run.__dict__.pop("directory", None)
    directory = run.directory
    catalog.show_groups(
        [(shown_as(directory, key), key) for key in catalog.groups() if key != SITE and PAIR not in key]
    )


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()


def totals(survey: Survey, documents: Iterable[Written], *, staged: bool) -> str:
    """What ``syndicate status`` shows of a build, as the catalog keeps it (JSON).

    ``staged``: the documents are not in the output directory, of which the catalog knows itself.
    """
    sizes: dict[str, list[int]] = {}
    for document in documents if staged else ():
        if document.reason is not Reason.GONE:
            sizes.setdefault(document.group, []).append(document.size)
    return json.dumps(
        {
            "staged": {group: [len(found), sum(found)] for group, found in sizes.items()} if staged else None,
            "groups": {key: [summary.count, summary.newest] for key, (summary, _) in survey.groups.items()},
            "days": [[_date(day), count] for day, count in sorted(survey.days.items())[-DAYS:]],
            "scheduled": [survey.scheduled, survey.next_due],
        }
    )
