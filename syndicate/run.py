"""Run: what one run finds out, from the changed files to the groups that they touch. Nothing is rendered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from syndicate import workers
from syndicate.articles.rules import READING_VERSION, Rules
from syndicate.catalog import Candidate, Catalog
from syndicate.catalog.packing import unpacked_groups
from syndicate.config import Settings
from syndicate.content import Tree, shown_path
from syndicate.errors import Problem, Severity
from syndicate.groups import PAIR, SITE, Directory, Grouping, commonest, registry_topics
from syndicate.output import Reason, Written
from syndicate.registry import Registry
from syndicate.version import VERSION

if TYPE_CHECKING:
    from syndicate.catalog.rows import ArticleRow, FileRow

READ_CHUNK = 128  # files a worker reads at a time
WORTH_FORKING = 256  # files
_JOINED_AT_ONCE = 6_000  # memberships

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


@dataclass
class Run:
    """The state of one run while it goes through the rooms."""

    settings: Settings
    registry: Registry
    catalog: Catalog
    now: datetime
    progress: Progress | None
    pool: workers.Pool
    problems: list[Problem] = field(default_factory=list)
    live: int = 0
    live_change: int = 0
    files: int = 0
    files_read: int = 0
    everything: bool = False  # every document is to be rendered
    changed: set[int] = field(default_factory=set)  # articles by number
    dirty: set[str] = field(default_factory=set)  # groups by key
    # Where there are archives: the dates that were touched, by group.
    dates: dict[str, set[int]] = field(default_factory=dict)
    # Groups of which every archive document is touched.
    reshown: set[str] = field(default_factory=set)
    _numbers: dict[str, int] = field(default_factory=dict)  # of groups by key
    _moved_from: dict[str, tuple[str, str]] = field(default_factory=dict)

    @cached_property
    def grouping(self) -> Grouping:
        return Grouping(
            self.settings.feeds.groups,
            self.settings.content.shared_domains,
            self.registry,
            self.settings.feeds.rollup,
        )

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
        return depended_on(self.settings, self.registry)

    # Articles

    def drop(self, paths: Iterable[str]) -> None:
        """Forget files that are gone."""
        for path in paths:
            for dropped in (path, *self.catalog.derived(path)):
                self._drop_article(dropped)
            self.catalog.drop_file(path)

    def _drop_article(self, path: str) -> None:
        known = self.catalog.article(path)
        if known is None:
            return
        n, _, _, _, link, id = known
        self.catalog.touch(link, id)
        if self._leave(n):
            self._moved_from[link] = (path, id)
        self.catalog.drop_article(n)

    def _leave(self, n: int) -> bool:
        """Take an article, or its tombstone, out of the feeds; says whether it was live."""
        keys, date, live = self.catalog.leave(n)
        self._touch((key, date) for key in keys)
        self.live_change -= live
        return live

    def _touch(self, places: Iterable[tuple[str, int]]) -> None:
        """These groups' documents are to be rendered, those of archives for these dates."""
        if self.settings.feeds.archive == "none":
            self.dirty.update(key for key, _ in places)
            return
        for key, date in places:
            self.dirty.add(key)
            self.dates.setdefault(key, set()).add(date)

    def read(self, tree: Tree, *, everything: bool) -> None:
        """Read the files that changed, and put what changed in them into the catalog."""
        files = [tree.changed[path] for path in sorted(tree.changed)]
        self.files, self.files_read = tree.count, len(files)
        if not files:
            return
        from syndicate.reading import ReadingJob, decoded_rows, encoded_files

        parallel = len(files) >= WORTH_FORKING
        job = ReadingJob(self.settings.rules, self.grouping, many=parallel)
        done = 0
        chunks = map(encoded_files, workers.chunks(files, READ_CHUNK))
        for encoded in self.pool.mapped(job, chunks, parallel=parallel):
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
        before = set(self.catalog.derived(row.path))
        self.catalog.put_file(row)
        articles = row.by_path()
        for path in before - articles.keys():
            self._drop_article(path)
        if row.article is None:
            self._drop_article(row.path)
        for path, article in articles.items():
            self._take_article(path, article)

    def _take_article(self, path: str, article: ArticleRow) -> None:
        catalog = self.catalog
        known = catalog.article(path)
        n = None
        if known is not None:
            n, data, updated, quality, link, id = known
            same = (data, updated) == (article.data, article.updated)
            if same and quality == article.quality:
                return
            catalog.touch(link, id)
            if same:
                # Only whether it is good enough may have changed: its place and its text did not.
                catalog.set_quality(n, article.quality)
                return
            self._leave(n)
        elif not article.derived:
            self._report_move(path, article)
        catalog.touch(article.link, article.id)
        self.changed.add(catalog.put_article(path, article, n))

    def _report_move(self, path: str, article: ArticleRow) -> None:
        before = self._moved_from.get(article.link)
        if before and before[1] != article.id and not article.withdrawn:
            self.problems.append(
                Problem(
                    path, 1, 1, Severity.WARNING, "id",
                    f"the file was {before[0]}: with its new id readers show it as unread",
                    f"to keep its identity, add the line `id: {before[1]}`",
                )
            )  # fmt: skip

    def decide(self, *, previous_now: int, everything: bool) -> None:
        """Decide which articles stand in the feeds, and put them into their groups.

        With ``everything``, of all articles, none of which is in a group yet.
        """
        now = int(self.now.timestamp()) if self.now.year < 9999 else 2**62
        catalog = self.catalog
        if not everything:
            catalog.wake(now, previous_now)
        links: dict[str, str] = {}
        ids: dict[str, str] = {}
        least = self.settings.feeds.min_quality
        places: list[tuple[int, int | None, int | None, int | None, str | None, int]] = []
        members: list[tuple[int, int, int, str]] = []
        for c in catalog.candidates(now, everything=everything):
            poor = least is not None and c.quality is not None and c.quality < least
            # A related item waits for the article that names it, whose date is its second one.
            allowed = c.due > (1 if c.derived else 0) and not poor
            winner = links.get(c.link) or ids.get(c.id) if allowed and not c.withdrawn else None
            live = allowed and winner is None and not c.withdrawn
            buried = allowed and bool(c.withdrawn) and c.id not in ids
            if live:
                links[c.link] = ids[c.id] = c.path
            elif buried:
                links.setdefault(c.link, c.path)  # no related item brings it back
            if not everything:
                before = (c.was_due, c.time is not None, c.buried is not None, c.lost_to)
                same = (c.due, live, buried, winner) == before
                if same and (live or c.n not in self.changed):
                    continue
                if c.time is not None or c.buried is not None:
                    self._leave(c.n)
                if live or buried:
                    self._touch((key, c.published) for key, _ in unpacked_groups(c.groups))
            wake = c.published if c.due == 0 else c.updated if c.due == 1 else None
            time = self._join(c, members) if live else None
            grave = self._bury(c) if buried else None
            # Of all articles, most are noted already as what they are: due, and never to be woken.
            noted = everything and c.due == 2
            if not noted or (c.was_due, c.time, c.buried, c.lost_to) != (2, time, grave, winner):
                places.append((c.due, wake, time, grave, winner, c.n))
            if len(members) >= _JOINED_AT_ONCE:
                catalog.place(places)
                catalog.join(members)
                places, members = [], []
        catalog.place(places)
        catalog.join(members)
        if not everything:
            for link in catalog.links_that_changed_hands():
                self._touch(catalog.places_relating(link))

    def _join(self, c: Candidate, members: list[tuple[int, int, int, str]]) -> int:
        """Note an article's place in each of its groups; returns the time by which it stands there."""
        time = self._time(c)
        for key, name in unpacked_groups(c.groups):
            number = self._numbers.get(key)
            if number is None:
                number = self._numbers[key] = self.catalog.group_number(key, name)
            members.append((number, time, c.n, name))
        self.live_change += not c.derived
        return time

    def _bury(self, c: Candidate) -> int:
        """Put a withdrawn article's tombstone into its groups; returns the time by which it stands there."""
        time = self._time(c)
        self.catalog.bury([(key, time, c.n) for key, _ in unpacked_groups(c.groups)])
        return time

    def _time(self, c: Candidate) -> int:
        """The time that decides an article's place among the newest."""
        return c.updated if self.settings.feeds.order == "updated" and c.due == 2 else c.published

    # Groups

    def name_groups(self, *, everything: bool) -> None:
        """Name the groups that this run touched, drop the empty ones, and find whom that shows."""
        catalog = self.catalog
        catalog.group_number(SITE, "")
        always = dict(registry_topics(self.registry))
        if everything:
            self.dirty.update(catalog.groups())
            self.reshown.update(catalog.groups())
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
            now = shown_as(self.directory, key)
            if now != before:
                shown.append((now, key))
                if before is not None:
                    self._touch(catalog.places_beside(key))
                self.dirty.add(key)
                self.reshown.add(key)
        catalog.show_groups(shown)
        if self.dirty:
            self.dirty.add(SITE)  # whose documents list all groups

    def refused(self, documents: Iterable[Written]) -> None:
        """Report the articles because of which documents were not written."""
        self.problems += refused_problems(
            (self.catalog.path(document.culprit), document.why, document.path)
            for document in documents
            if document.reason is Reason.REFUSED
        )

    def report(self, documents: list[Written]) -> Report:
        """The run's report: every known problem of every file, sorted."""
        found = self.problems + known_problems(self.catalog)
        for keys in self.directory.collisions:
            names = ", ".join(f"“{self.directory.name(key)}”" for key in keys)
            paths = ", ".join(self.directory.path(key) for key in keys)
            found.append(
                config_problem(
                    self.settings, "slug", f"{names} would share one address; kept apart as {paths}",
                    "give them slugs (`_id`) in the registry",
                )
            )  # fmt: skip
        return Report(
            tuple(sorted(set(found), key=lambda problem: problem.sort_key)),
            tuple(documents), self.live, self.files, self.files_read,
        )  # fmt: skip


def known_problems(catalog: Catalog) -> list[Problem]:
    """The problems of every content file, whether it was read in this run or in an earlier one."""
    return catalog.problems() + [
        lost_problem(path, 1, link, id, winner) for path, link, id, winner in catalog.lost()
    ]


def lost_problem(path: str, line: int, link: str, id: str, winner: str) -> Problem:
    """An article that another one, ``winner``, keeps out."""
    return Problem(
        path, line, 1, Severity.WARNING, "link",
        f"{winner} has the same link or id ({link}, {id}); this one is left out",
        "remove one, or give it its own link and id",
    )  # fmt: skip


def refused_problems(refused: Iterable[tuple[str, str, str]]) -> list[Problem]:
    """Of refused documents (the article's path, why, the document's path) a problem of each article."""
    because: dict[tuple[str, str], list[str]] = {}
    for culprit, why, path in refused:
        because.setdefault((culprit, why), []).append(path)
    return [
        Problem(
            culprit, 0, 0, Severity.ERROR, "entry",
            f"{why}; so {paths[0]} and {len(paths) - 1:,} more documents stay as they were",
            "change the article, and please report this: reading it should have found that",
        )
        for (culprit, why), paths in because.items()
    ]  # fmt: skip


def shown_as(directory: Directory, key: str) -> str:
    """How documents show a group: its name and its path, as one text."""
    return json.dumps([directory.name(key), directory.path(key)], ensure_ascii=False)


def depended_on(settings: Settings, registry: Registry) -> dict[str, str]:
    """A digest for each step of a run: of all that decides its result, besides its input."""
    described = [repr(registry.topics), repr(registry.organizations)]
    shared = sorted(settings.content.shared_domains)
    feeds = settings.feeds
    parts = {
        "reading": [READING_VERSION, _rules_key(settings.rules)],
        "grouping": [feeds.groups, feeds.rollup, feeds.order, feeds.min_quality, shared, *described],
        "rendering": [
            VERSION,
            settings.site,
            feeds,
            settings.publish.max_age,
            settings.publish.hub,
            settings.output.compress,
            *described,
        ],
    }
    return {name: hashlib.sha256(repr(part).encode()).hexdigest() for name, part in parts.items()}


def _rules_key(rules: Rules) -> str:
    return repr(
        (sorted(rules.fields.items()), rules.tag, rules.site_url, str(rules.zone), rules.permalink,
         rules.fix_encoding, rules.group_fields, sorted(rules.defaults.items()), rules.related_entries)
    )  # fmt: skip


def config_problem(settings: Settings, name: str, what: str, fix: str) -> Problem:
    """A warning about the whole site, which is put down to the config."""
    path = shown_path(settings.path, settings.root)
    return Problem(path, 0, 0, Severity.WARNING, name, what, fix)
