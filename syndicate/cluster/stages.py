"""Stages: what workers do. Each is a function of a context and a small task; results go to the work area."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from syndicate.articles.reader import read_row
from syndicate.articles.rules import MAX_FILE_SIZE
from syndicate.catalog.packing import unpacked_groups
from syndicate.cluster import contest, merging
from syndicate.cluster.contest import Claim, Exchange
from syndicate.cluster.context import Context
from syndicate.cluster.model import (
    Done,
    Entry,
    Partial,
    Partition,
    Piece,
    Read,
    Row,
    Summary,
    decode,
    encode,
    hashed,
    put_pack,
    read_all,
    sections_of,
    shard_of,
    text_hash,
)
from syndicate.cluster.sources import (
    Folder,
    Lister,
    RowsError,
    Source,
    read_files,
    read_rows,
    unreadable_rows,
)
from syndicate.content import File
from syndicate.errors import Problem, Severity
from syndicate.groups import PAIR, PERIODS, commonest, has_feeds
from syndicate.reading import NOT_READ, ReadingJob
from syndicate.run import lost_problem
from syndicate.status import DAYS

if TYPE_CHECKING:
    from syndicate.catalog.rows import ArticleRow, FileRow

MAX_PROBLEMS = 1_000  # of one partition that are told apart
# Sections of a partition's pack; the shards' exchanges come behind them.
ARTICLES, ROWS, PROBLEMS, EXCHANGES = range(4)
# Sections of what was decided: problems, then partial results, then links, a section each for every shard.
LOST, PARTIALS = range(2)


# Listing and reading


def list_folder(context: Context, task: Folder) -> Done:
    """What is in a folder, in partitions."""
    lister = Lister(context.settings, context.roots, context.storage, context.work)
    return Done(None, encode(lister.listing(task)))


class Reading(Struct, array_like=True, frozen=True):
    """A partition to be read."""

    key: str  # of the pack to write
    partition: Partition


def read(context: Context, task: Reading) -> Done:
    """Read a partition: its articles, what they compete by, and what is wrong with them."""
    partition = task.partition
    job = _reading_job(context)
    texts: list[bytes] = []
    rows: list[Row] = []
    problems: list[Problem] = []
    start = lines = 0
    fresh_until = Done(None).fresh_until
    try:
        for found, line in _file_rows(context, partition, job):
            lines = max(lines, line)
            if found is None:
                continue
            if found.mtime_ns == NOT_READ:
                fresh_until = 0  # every run tries again
            problems += found.problems
            for path, article in found.by_path().items():
                rows.append(_row(path, article, start, line))
                texts.append(article.data)
                start += len(article.data)
    except RowsError as error:
        problems.append(unreadable_rows(partition.name, error.said))
        if error.again:
            fresh_until = 0
    count = len(problems)
    if count > MAX_PROBLEMS:
        problems.sort(key=lambda problem: problem.severity is not Severity.ERROR)
        problems[MAX_PROBLEMS:] = [
            Problem(
                partition.name, 0, 0, Severity.WARNING, "file", f"{count - MAX_PROBLEMS:,} more problems",
                "mend these first",
            )
        ]  # fmt: skip
    exchanges = sections_of(context.shards, ((shard_of(row.link, context.shards), row.link) for row in rows))
    hashes = [(text_hash(row.id), row.link) for row in rows]
    ids = sections_of(context.shards, ((shard_of(pair[0], context.shards), pair) for pair in hashes))
    pack = put_pack(
        context.work,
        task.key,
        [
            b"".join(texts),
            encode(rows),
            encode(problems),
            *(encode(Exchange(*exchange)) for exchange in zip(exchanges, ids, strict=True)),
        ],
    )
    return Done(pack, encode(Read(lines, count)), 0, fresh_until)


def _reading_job(context: Context) -> ReadingJob:
    job = context.kept.get("reading")
    if job is None:
        job = context.kept["reading"] = ReadingJob(context.settings.rules, context.grouping, many=True)
    assert isinstance(job, ReadingJob)
    return job


def _file_rows(
    context: Context, partition: Partition, job: ReadingJob
) -> Iterator[tuple[FileRow | None, int]]:
    """What came of each file, or row, of a partition, with its line; None of a line that is blank.

    Raises RowsError.
    """
    root = context.roots[partition.root]
    if partition.kind == "files":
        for file, read_bytes in read_files(partition, root, context.storage, context.work):
            yield job.read(file, read_bytes), 1
        return
    rules = context.settings.rules
    source = Source(root, context.storage, partition.key, partition.size, partition.tag)
    for values, number, place in read_rows(partition, source):
        if values is None:
            problem = Problem(
                partition.name, number, 0, Severity.ERROR, "row", f"longer than {MAX_FILE_SIZE:,} bytes",
                "is it an article? Shorten it",
            )  # fmt: skip
            yield _refused(partition.name, problem), number
        elif isinstance(values, bytes) and not values.strip():
            yield None, number
        else:
            path, reading = read_row(values, partition.name, number, rules, job.providers)
            full = f"{root.shown}/{path}" if path else f"{partition.name}#{place:015}"
            yield job.row(File(full, "", "", 0, 0, 0), reading), number


def _refused(path: str, problem: Problem) -> FileRow:
    from syndicate.catalog.rows import FileRow

    return FileRow(path, 0, 0, 0, (problem,), None)


def _row(path: str, article: ArticleRow, start: int, line: int) -> Row:
    return Row(
        path, article.id, text_hash(article.link), article.published, article.updated, article.quality,
        article.withdrawn, article.derived, article.groups, tuple(map(text_hash, article.related)),
        start, len(article.data), hashed(article.data), line, article.link,
    )  # fmt: skip


# The contest


class Pieces(Struct, array_like=True, frozen=True):
    """Pieces of one shard that a task goes through, in their order."""

    key: str  # of the pack to write
    pieces: list[Piece]


def find_contested(context: Context, task: Pieces) -> Done:
    """The links of one shard that several articles claim, a section for each partition.

    Its value: which links are bound by one id.
    """
    read = (decode(data, Exchange) for data in read_all(context.work, task.pieces))
    found, bound = contest.contested(enumerate(read))
    sections = (encode(sorted(found.get(number, ()))) for number in range(len(task.pieces)))
    return Done(put_pack(context.work, task.key, sections), encode(bound))


class Claiming(Struct, array_like=True, frozen=True):
    """A partition with contested links."""

    key: str
    partition: int
    rows: Piece
    contested: list[Piece]  # its links, by shard
    labels: Piece | None  # of links that are bound by one id


def claim(context: Context, task: Claiming) -> Done:
    """The claims of one partition's contested articles, a section for each shard."""
    rows = decode(task.rows.read(context.work), list[Row])
    wanted: set[bytes] = set()
    for data in read_all(context.work, task.contested):
        wanted.update(decode(data, list[bytes]))
    labels = decode(task.labels.read(context.work), dict[bytes, bytes]) if task.labels else {}
    placed = contest.by_link(rows, wanted, labels, task.partition)
    sections = sections_of(
        context.shards, ((shard_of(label, context.shards), claim) for label, claim in placed)
    )
    return Done(put_pack(context.work, task.key, map(encode, sections)))


class Settling(Struct, array_like=True, frozen=True):
    """One shard's claims."""

    key: str
    partitions: int
    pieces: list[Piece]


def settle(context: Context, task: Settling) -> Done:
    """Who stands, of one shard's contested articles; a section for each partition."""
    claims: list[Claim] = []
    for data in read_all(context.work, task.pieces):
        claims += decode(data, list[Claim])
    verdicts = contest.settled(claims, context.now, context.settings.feeds.min_quality)
    sections = [encode(verdicts.get(number, {})) for number in range(task.partitions)]
    times = (time for claim in claims for time in (claim.published, claim.updated))
    return Done(put_pack(context.work, task.key, sections), b"", *contest.fresh(times, context.now))


class Deciding(Struct, array_like=True, frozen=True):
    """A partition, and what became of its contested articles."""

    key: str
    name: str  # of its file, where its articles are rows of one; else empty
    articles: str  # the key of the pack that holds their texts
    rows: Piece
    verdicts: list[Piece]


class Decided(Struct, array_like=True, frozen=True):
    """What was decided of one partition."""

    live: int  # articles in the feeds, but for related items
    scheduled: int  # that wait for their date
    next_due: int | None
    problems: int
    days: dict[int, int]  # its last ones, by their number since 1970, with their articles


def decide(context: Context, task: Deciding) -> Done:
    """Which articles of a partition stand in the feeds, and its newest of each group."""
    feeds, now = context.settings.feeds, context.now
    rows = decode(task.rows.read(context.work), list[Row])
    verdicts: dict[int, str | None] = {}
    for data in read_all(context.work, task.verdicts):
        verdicts |= decode(data, dict[int, str | None])
    groups = _Groups(context)
    lost: list[Problem] = []
    links: list[tuple[int, tuple[bytes, str]]] = []
    days = Counter[int]()
    live = scheduled = 0
    next_due: int | None = None
    standing: list[tuple[Entry, Row]] = []
    for number, row in enumerate(rows):
        if not contest.allowed(row, now, feeds.min_quality):
            if row.published > now:
                scheduled += 1
                next_due = min(next_due or row.published, row.published)
            continue
        winner = verdicts.get(number)
        if winner is not None:
            if winner and not row.derived:
                where = task.name or row.path
                lost.append(lost_problem(where, row.line, row.shown_link, row.id, winner))
            continue
        due = contest.due_of(row.published, row.updated, now)
        time = row.updated if feeds.order == "updated" and due == 2 else row.published
        entry = Entry(
            time, row.id, row.path, row.published, due, row.digest, task.articles, row.start, row.size,
            row.related,
        )  # fmt: skip
        standing.append((entry, row))
        if not row.withdrawn:
            live += not row.derived
            days[row.published // 86_400] += 1
            links.append((shard_of(row.link, context.shards), (row.link, row.id)))
    standing.sort(key=lambda pair: pair[0].order)
    for entry, row in standing:
        groups.add(entry, row)
    partials = sections_of(
        context.shards,
        ((shard_of(text_hash(found.key), context.shards), found) for found in groups.partials()),
    )
    pack = put_pack(
        context.work,
        task.key,
        [
            encode(lost[:MAX_PROBLEMS]),
            *map(encode, partials),
            *map(encode, sections_of(context.shards, links)),
        ],
    )
    last = dict(sorted(days.items())[-DAYS:])
    value = Decided(live, scheduled, next_due, len(lost), last)
    times = (time for row in rows for time in (row.published, row.updated))
    return Done(pack, encode(value), *contest.fresh(times, now))


class _Groups:
    """The groups of one partition's articles, which come in their order, newest first."""

    def __init__(self, context: Context) -> None:
        feeds = context.settings.feeds
        self._limit = feeds.limit
        self._length = PERIODS.get(feeds.archive, 0)
        self._kinds = feeds.groups
        self._found: dict[str, tuple[Partial, int]] = {}  # by key, with how many of its newest are wanted
        self._periods: dict[tuple[str, str], Partial] = {}

    def add(self, entry: Entry, row: Row) -> None:
        period = _day(entry.published)[: self._length] if self._length else ""
        for key, name in unpacked_groups(row.groups):
            found = self._found.get(key)
            if found is None:
                most = self._limit if has_feeds(key, self._kinds) else 0
                found = self._found[key] = Partial(key, ""), most
            self._put(found[0], entry, name, row.withdrawn, found[1])
            if period and found[1]:
                of_period = self._periods.get((key, period))
                if of_period is None:
                    of_period = self._periods[key, period] = Partial(key, period)
                self._put(of_period, entry, "", row.withdrawn, None)

    @staticmethod
    def _put(partial: Partial, entry: Entry, name: str, withdrawn: bool, most: int | None) -> None:
        entries = partial.buried if withdrawn else partial.entries
        if most is None or len(entries) < most:
            entries.append(entry)
        if withdrawn:
            return
        partial.count += 1
        if partial.newest is None or entry.time > partial.newest:
            partial.newest = entry.time
        if name:
            partial.names[name] = partial.names.get(name, 0) + 1

    def partials(self) -> list[Partial]:
        found = {(key, ""): partial for key, (partial, _) in self._found.items()} | self._periods
        return [partial for _, partial in sorted(found.items())]


def _day(seconds: int) -> str:
    """The date, YYYY-MM-DD, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:10]


# Merging


def merge(context: Context, task: Pieces) -> Done:
    """Some partial results in one."""
    parts = (decode(data, list[Partial]) for data in read_all(context.work, task.pieces))
    found = merging.merged(parts, context.settings.feeds.limit)
    return Done(put_pack(context.work, task.key, [encode(found)]))


def find_wanted(context: Context, task: Pieces) -> Done:
    """The links that the articles of a shard's groups name as related; a section for each shard of links."""
    wanted: set[bytes] = set()
    for piece in task.pieces:
        for partial in decode(piece.read(context.work), list[Partial]):
            for entry in partial.entries:
                wanted.update(entry.related)
    placed = ((shard_of(link, context.shards), link) for link in sorted(wanted))
    return Done(put_pack(context.work, task.key, map(encode, sections_of(context.shards, placed))))


class Relating(Struct, array_like=True, frozen=True):
    """One shard of links, and who asks for some."""

    key: str
    links: list[Piece]
    wanted: list[Piece]  # of each shard of groups


def relate(context: Context, task: Relating) -> Done:
    """The ids of our own articles behind related links; a section for each shard of groups."""
    wanted = [decode(data, list[bytes]) for data in read_all(context.work, task.wanted)]
    asked = set().union(*wanted)
    ids: dict[bytes, str] = {}
    if asked:
        for data in read_all(context.work, task.links):
            found = decode(data, list[tuple[bytes, str]])
            ids |= {link: id for link, id in found if link in asked}
    sections = ({link: ids[link] for link in some if link in ids} for some in wanted)
    return Done(put_pack(context.work, task.key, map(encode, sections)))


class Finishing(Struct, array_like=True, frozen=True):
    """A shard's groups, merged, and the ids behind their related links."""

    key: str
    partials: list[Piece]
    answers: list[Piece]


class Prepared(Struct, array_like=True, frozen=True):
    """What is shown of a group, or of a period of it."""

    entries: list[Entry]
    buried: list[Entry]
    ids: dict[bytes, str]  # of our own articles, by their links


def finish(context: Context, task: Finishing) -> Done:
    """A shard's groups as they are rendered; the pack's first section sums them up."""
    feeds = context.settings.feeds
    length = PERIODS.get(feeds.archive, 0)
    ids: dict[bytes, str] = {}
    for data in read_all(context.work, task.answers):
        ids |= decode(data, dict[bytes, str])
    summaries: list[Summary] = []
    sections: list[bytes] = []
    for piece in task.partials:
        for partial in decode(piece.read(context.work), list[Partial]):
            buried = partial.buried
            if not partial.period:
                buried = merging.tombstones(partial.entries, buried, feeds.limit)
            named = {link: ids[link] for entry in partial.entries for link in entry.related if link in ids}
            prepared = Prepared(partial.entries, buried, named)
            held = Counter(_day(entry.published)[:length] for entry in partial.entries) if length else {}
            name = ""
            if partial.names and PAIR not in partial.key:
                name = commonest(partial.names.items())
            summaries.append(
                Summary(
                    partial.key, partial.period, partial.count, partial.newest, name, _shown(prepared),
                    {} if partial.period else dict(held), len(partial.entries), len(sections) + 1,
                )
            )  # fmt: skip
            sections.append(encode(prepared))
    return Done(put_pack(context.work, task.key, [encode(summaries), *sections]))


def _shown(prepared: Prepared) -> bytes:
    """A digest of what documents show of the articles, wherever those lie."""
    return hashed(
        [
            (
                entry.time,
                entry.id,
                entry.due,
                entry.digest,
                [prepared.ids.get(link, "") for link in entry.related],
            )
            for entry in prepared.entries
        ],
        [(entry.time, entry.id, entry.due, entry.digest) for entry in prepared.buried],
    )
