"""Merging: the newest of each group, from partial results. Associative: any tree gives the same. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from heapq import merge
from itertools import islice

from syndicate.cluster.model import Entry, Partial


def merged(parts: Iterable[Iterable[Partial]], limit: int) -> list[Partial]:
    """The groups of all ``parts``, by key and period. ``limit``: how many of a group's newest are kept.

    Of a period all are kept.
    """
    found: dict[tuple[str, str], list[Partial]] = {}
    for part in parts:
        for partial in part:
            found.setdefault((partial.key, partial.period), []).append(partial)
    return [_joined(same, limit) for _, same in sorted(found.items())]


def _joined(same: list[Partial], limit: int) -> Partial:
    if len(same) == 1:
        return same[0]
    first = same[0]
    names = Counter[str]()
    for partial in same:
        names.update(partial.names)
    most = None if first.period else limit
    return Partial(
        first.key,
        first.period,
        sum(partial.count for partial in same),
        max((partial.newest for partial in same if partial.newest is not None), default=None),
        dict(sorted(names.items())),
        _first((partial.entries for partial in same), most),
        _first((partial.buried for partial in same), most),
    )


def _first(lists: Iterable[list[Entry]], most: int | None) -> list[Entry]:
    return list(islice(merge(*lists, key=lambda entry: entry.order), most))


def tombstones(entries: list[Entry], buried: list[Entry], limit: int) -> list[Entry]:
    """Of a group's withdrawn articles those that would be among its newest. Both newest first."""
    found = []
    for rank, grave in enumerate(buried):
        newer = sum((-entry.time, entry.id) < (-grave.time, grave.id) for entry in entries)
        if newer + rank >= limit:
            break
        found.append(grave)
    return found
