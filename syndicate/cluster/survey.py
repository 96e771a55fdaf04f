"""Survey: from the sources to groups that can be rendered, stage by stage, as the client sees it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from math import log2, sqrt
from typing import Any, NamedTuple

from msgspec import structs

from syndicate.articles.rules import READING_VERSION
from syndicate.cluster import stages
from syndicate.cluster.contest import labels
from syndicate.cluster.context import Told, put_context, versions
from syndicate.cluster.engine import Engine, StageCost
from syndicate.cluster.memory import Memory, check_current, save_memory
from syndicate.cluster.model import (
    FORMAT,
    Done,
    Listing,
    Pack,
    Partition,
    Piece,
    Read,
    Summary,
    decode,
    encode,
    hashed,
    piece,
    put_pack,
    read_all,
)
from syndicate.cluster.sources import Root, folders_to_list, roots_of
from syndicate.cluster.storage import Storage
from syndicate.config import Settings, Target
from syndicate.errors import BrakeError, ClusterError, Problem
from syndicate.run import Progress
from syndicate.workers import chunks

# Shards for a gigabyte of articles; for four times as much twice as many: so what a task holds, and how many
# tasks there are, both grow slowly.
_SHARDS = 4
_MOST_SHARDS = 256
_KEPT_EVERY = 30  # seconds after which results are kept
_EMPTY = 1  # bytes of an empty list or mapping


class Item(NamedTuple):
    """A task: what it is called, what its result hangs on, and itself with the key of its pack."""

    name: str
    inputs: tuple[Any, ...]
    task: Any  # a function of the pack's key


@dataclass
class Survey:
    """What a run found out."""

    files: int = 0
    files_read: int = 0
    live: int = 0  # articles in the feeds, but for related items
    scheduled: int = 0
    next_due: int | None = None
    days: Counter[int] = field(default_factory=Counter)  # articles by the number of their day since 1970
    problems: list[Problem] = field(default_factory=list)
    groups: dict[str, tuple[Summary, Piece]] = field(default_factory=dict)  # by key
    periods: dict[str, dict[str, tuple[Summary, Piece]]] = field(default_factory=dict)  # by key and period


class Surveyor:
    """Runs the stages, and does nothing twice."""

    def __init__(
        self, settings: Settings, told: Told, keys: dict[str, str], work: Storage, engine: Engine,
        memory: Memory, progress: Progress | None,
    ) -> None:  # fmt: skip
        """``keys``: digests of what reading and grouping hang on; ``told`` still has no shards."""
        self.settings, self.told, self.work, self.engine = settings, told, work, engine
        self.memory, self.progress = memory, progress
        self.costs: list[StageCost] = []
        self.kept: set[str] = set()  # of the work area, besides results
        self.used: dict[bytes, Done] = {}  # results of this run
        self.made_now: set[int] = set()  # those of the last stage that no earlier run had, by number
        self._reading = hashed(
            FORMAT, READING_VERSION, sorted(versions().items()), keys["reading"], keys["grouping"]
        )
        self._base = b""
        self._saved = time.monotonic()
        self.context = ""
        self.shards = 1

    # Stages

    def run(self, stage: str, tasks: Sequence[tuple[str, Any]]) -> list[Done]:
        """Do tasks, each with its name; results in order."""
        found = dict(self.each(stage, tasks))
        return [found[index] for index in range(len(tasks))]

    def each(self, stage: str, tasks: Sequence[tuple[str, Any]]) -> Iterator[tuple[int, Done]]:
        """Do tasks, each with its name; results by number, as they come.

        Who stops listening stops the rest. Raises ClusterError, LockedError.
        """
        cost = self.begin(stage)
        started = time.perf_counter()
        sent = [(name, encode(task)) for name, task in tasks]
        try:
            with closing(self.engine.map(self.context, stage, sent, cost)) as results:
                for done, (index, result) in enumerate(results, 1):
                    cost.tasks += 1
                    cost.seconds += time.perf_counter() - started
                    started = time.perf_counter()
                    if self.progress:
                        self.progress(stage, done, len(tasks))
                    yield index, result
        except ClusterError:
            check_current(self.work, self.told.run)  # a later run may have removed what this one wants
            raise

    def begin(self, stage: str) -> StageCost:
        """The cost of a stage that begins now, or goes on."""
        found = next((cost for cost in self.costs if cost.name == stage), None)
        if found is None:
            found = StageCost(stage)
            self.costs.append(found)
        return found

    def _made(self, stage: str, items: Iterable[Item]) -> list[Done]:
        """Results of tasks, in order: of earlier runs where they hold, and of this one."""
        cost = self.begin(stage)
        results = self.memory.results
        base = self._reading if stage == "reading" else self._base
        wanted = [(item, hashed(base, stage, *item.inputs)) for item in items]
        missing: list[tuple[Item, bytes]] = []
        self.made_now = set()
        for index, (item, key) in enumerate(wanted):
            known = results.get(key)
            if known and known.fresh_from <= self.told.now < known.fresh_until:
                self.used[key] = known
                cost.reused += 1
            elif key not in self.used:
                missing.append((item, key))
                self.made_now.add(index)
        tasks = [(item.name, item.task(f"{stage}/{key.hex()}")) for item, key in missing]
        for index, result in self.each(stage, tasks):
            key = missing[index][1]
            self.used[key] = results[key] = result
            self._keep()
        return [self.used[key] for _, key in wanted]

    def _keep(self, *, now: bool = False) -> None:
        """Keep what is done: a run after one that is ended here goes on from there."""
        if now or time.monotonic() - self._saved > _KEPT_EVERY:
            save_memory(self.work, self.memory, self.told.run)
            self._saved = time.monotonic()

    # The survey

    def survey(self, *, force: bool) -> Survey:
        """All stages up to groups that can be rendered. Raises BrakeError, ClusterError."""
        found = Survey()
        self.context = self._told(1)
        roots = roots_of(self.settings)
        partitions = self._list(roots, found, force=force)
        reads = self._made("reading", (self._reading_of(partition) for partition in partitions))
        read_now = self.made_now
        self._keep(now=True)
        packs = [_pack(done) for done in reads]
        counts = [decode(done.value, Read) for done in reads]
        found.files_read = sum(
            partition.count if partition.kind == "files" else 1
            for index, partition in enumerate(partitions)
            if index in read_now
        )
        verdicts = self._contest(partitions, packs)
        decided = self._made("deciding", (
            self._deciding(partition, pack, verdicts.get(index, []))
            for index, (partition, pack) in enumerate(zip(partitions, packs, strict=True))
        ))  # fmt: skip
        self._keep(now=True)
        self._count(found, partitions, packs, counts, decided)
        merged = self._merge([_pack(done) for done in decided])
        answers = self._relate([_pack(done) for done in decided], merged)
        finished = self._made("finishing", (
            Item(
                f"shard {shard}",
                ([part.digest for part in merged[shard]], [part.digest for part in answers[shard]]),
                lambda key, shard=shard: stages.Finishing(key, merged[shard], answers[shard]),
            )
            for shard in range(self.shards)
        ))  # fmt: skip
        self._keep(now=True)
        packs = [_pack(done) for done in finished]
        summed = read_all(self.work, [piece(pack, 0) for pack in packs])
        for pack, data in zip(packs, summed, strict=True):
            for summary in decode(data, list[Summary]):
                place = summary, piece(pack, summary.section)
                if summary.period:
                    found.periods.setdefault(summary.key, {})[summary.period] = place
                else:
                    found.groups[summary.key] = place
        return found

    def _told(self, shards: int) -> str:
        self.shards = shards
        self.told = structs.replace(self.told, shards=shards)
        key = put_context(self.work, self.told)
        self.kept.add(key)
        return key

    def _list(self, roots: list[Root], found: Survey, *, force: bool) -> list[Partition]:
        storages: dict[Target, Storage] = {}

        def storage(place: Target) -> Storage:
            return storages.setdefault(place, Storage(place))

        there = []
        for index, root in enumerate(roots):
            if root.folder is not None and not root.folder.is_dir():
                if not force:
                    _brake("the content folder is not there", root)
            else:
                there.append(index)
        folders = folders_to_list([(index, roots[index]) for index in there], storage)
        names = [f"{roots[folder.root].shown}/{folder.below}" for folder in folders]
        listings = [
            decode(done.value, Listing)
            for done in self.run("listing", list(zip(names, folders, strict=True)))
        ]
        for index in there:
            count = sum(
                listing.files
                for listing, folder in zip(listings, folders, strict=True)
                if folder.root == index
            )
            if not count and not force:
                _brake("the content folder holds no articles", roots[index])
        found.files = sum(listing.files for listing in listings)
        found.problems += [problem for listing in listings for problem in listing.problems]
        partitions = [partition for listing in listings for partition in listing.partitions]
        self.kept |= {partition.files.key for partition in partitions if partition.files}
        self._base_on(sum(listing.bytes for listing in listings))
        return partitions

    def _base_on(self, size: int) -> None:
        """Choose the number of shards for ``size`` bytes of articles: that of the last run while it fits."""
        wanted = min(_MOST_SHARDS, 2 ** max(0, round(log2(max(1, _SHARDS * sqrt(size / 1e9))))))
        before = self.memory.shards
        shards = before if before and wanted / 4 <= before <= wanted * 4 else wanted
        self.memory.shards = shards
        self.context = self._told(shards)
        self._reading = hashed(self._reading, shards)
        self._base = hashed(self._reading, repr(self.settings.feeds))

    def _reading_of(self, partition: Partition) -> Item:
        return Item(
            partition.name, (partition.kind, partition.digest), lambda key: stages.Reading(key, partition)
        )

    def _deciding(self, partition: Partition, pack: Pack, verdicts: list[Piece]) -> Item:
        rows = piece(pack, stages.ROWS)
        name = "" if partition.kind == "files" else partition.name
        return Item(
            partition.name,
            (name, pack.key, rows.digest, [verdict.digest for verdict in verdicts]),
            lambda key: stages.Deciding(key, name, pack.key, rows, verdicts),
        )

    def _contest(self, partitions: list[Partition], packs: list[Pack]) -> dict[int, list[Piece]]:
        """Of partitions with contested articles, by number, what became of these."""
        compared = self._made("comparing", (
            self._comparing(shard, [piece(pack, stages.EXCHANGES + shard) for pack in packs])
            for shard in range(self.shards)
        ))  # fmt: skip
        found = [_pack(done) for done in compared]
        contested = {
            number: [part for pack in found if (part := piece(pack, number)).size > _EMPTY]
            for number in range(len(partitions))
        }
        numbers = [number for number, pieces in contested.items() if pieces]
        if not numbers:
            return {}
        bound = labels(links for done in compared for links in decode(done.value, list[list[bytes]]))
        told: Piece | None = None
        if bound:
            section = encode(dict(sorted(bound.items())))
            pack = put_pack(self.work, f"labels/{hashed(section).hex()}", [section])
            self.kept.add(pack.key)
            told = piece(pack, 0)
        claims = self._made("claiming", (
            self._claiming(
                partitions[number].name, number, piece(packs[number], stages.ROWS), contested[number], told
            )
            for number in numbers
        ))  # fmt: skip
        settled = self._made("settling", (
            self._settling(shard, len(packs), [piece(_pack(done), shard) for done in claims])
            for shard in range(self.shards)
        ))  # fmt: skip
        verdicts: dict[int, list[Piece]] = {}
        for number in numbers:
            pieces = (piece(_pack(done), number) for done in settled)
            verdicts[number] = [verdict for verdict in pieces if verdict.size > _EMPTY]
        return verdicts

    @staticmethod
    def _comparing(shard: int, pieces: list[Piece]) -> Item:
        inputs = [part.digest for part in pieces]
        return Item(f"shard {shard}", (inputs,), lambda key: stages.Pieces(key, pieces))

    @staticmethod
    def _claiming(name: str, number: int, rows: Piece, contested: list[Piece], bound: Piece | None) -> Item:
        return Item(
            name,
            (number, rows.digest, [part.digest for part in contested], bound and bound.digest),
            lambda key: stages.Claiming(key, number, rows, contested, bound),
        )

    @staticmethod
    def _settling(shard: int, partitions: int, pieces: list[Piece]) -> Item:
        inputs = [part.digest for part in pieces]
        return Item(
            f"shard {shard}", (partitions, inputs), lambda key: stages.Settling(key, partitions, pieces)
        )

    def _count(
        self, found: Survey, partitions: list[Partition], packs: list[Pack], reads: list[Read],
        decided: list[Done],
    ) -> None:  # fmt: skip
        """What partitions say of themselves, together, with all their problems."""
        lines_before: Counter[str] = Counter()
        told: list[tuple[Piece, int]] = []  # problems, with how many lines come before their range
        for partition, pack, read, done in zip(partitions, packs, reads, decided, strict=True):
            value = decode(done.value, stages.Decided)
            found.live += value.live
            found.scheduled += value.scheduled
            if value.next_due is not None:
                found.next_due = min(found.next_due or value.next_due, value.next_due)
            found.days.update(value.days)
            before = lines_before[partition.name]
            if partition.kind == "ndjson":  # a range counts its own lines
                lines_before[partition.name] += read.lines
            if read.problems:
                told.append((piece(pack, stages.PROBLEMS), before))
            if value.problems:
                told.append((piece(_pack(done), stages.LOST), before))
        pieces = [part for part, _ in told]
        for (_, before), data in zip(told, read_all(self.work, pieces), strict=True):
            found.problems += [_moved(problem, before) for problem in decode(data, list[Problem])]

    def _merge(self, packs: list[Pack]) -> list[list[Piece]]:
        """Partial results of each shard, merged until one is left; none where there was none."""
        fan_in = self.settings.cluster.fan_in
        level = [
            [part for pack in packs if (part := piece(pack, stages.PARTIALS + shard)).size > _EMPTY]
            for shard in range(self.shards)
        ]
        while any(len(pieces) > 1 for pieces in level):
            heaps = [
                (shard, list(some)) for shard, pieces in enumerate(level) for some in chunks(pieces, fan_in)
            ]
            done = iter(self._made("merging", [_merging(s, some) for s, some in heaps if len(some) > 1]))
            level = [[] for _ in level]
            for shard, some in heaps:
                level[shard].append(piece(_pack(next(done)), 0) if len(some) > 1 else some[0])
        return level

    def _relate(self, packs: list[Pack], merged: list[list[Piece]]) -> list[list[Piece]]:
        """For each shard of groups the ids behind its related links, from every shard of links."""
        asked = [
            _pack(done)
            for done in self._made("asking", [_merging(shard, some) for shard, some in enumerate(merged)])
        ]
        answers: list[list[Piece]] = [[] for _ in merged]
        items = []
        for shard in range(self.shards):
            wanted = [piece(pack, shard) for pack in asked]
            if any(part.size > _EMPTY for part in wanted):
                links = [piece(pack, stages.PARTIALS + self.shards + shard) for pack in packs]
                items.append(_relating(shard, [part for part in links if part.size > _EMPTY], wanted))
        for done in self._made("relating", items):
            for shard in range(self.shards):
                part = piece(_pack(done), shard)
                if part.size > _EMPTY:
                    answers[shard].append(part)
        return answers


def _merging(shard: int, pieces: list[Piece]) -> Item:
    return Item(f"shard {shard}", ([part.digest for part in pieces],), lambda key: stages.Pieces(key, pieces))


def _relating(shard: int, links: list[Piece], wanted: list[Piece]) -> Item:
    inputs = [part.digest for part in links], [part.digest for part in wanted]
    return Item(f"shard {shard}", inputs, lambda key: stages.Relating(key, links, wanted))


def _pack(done: Done) -> Pack:
    assert done.pack
    return done.pack


def _moved(problem: Problem, lines: int) -> Problem:
    if not problem.line or not lines:
        return problem
    return replace(problem, line=problem.line + lines)


def _brake(what: str, root: Root) -> None:
    raise BrakeError(what, root.shown, "nothing was written; if that is right, run again with --force")
