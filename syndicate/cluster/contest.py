"""Contest: which of the articles with one link, or one id, stands in the feeds. Pure.

An article loses to any newer one that stands and has its link or its id, and what loses keeps nobody out:
who stands is settled from the newest on, among all that are bound by links and ids. Hardly any article is
bound to another. So shards first find the links that are contested, from hashes alone; then only the
articles with such links are compared, and those that may be bound always in one shard.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from msgspec import Struct

from syndicate.cluster.model import Row, text_hash


class Claim(Struct, array_like=True, frozen=True):
    """A contested article, as it competes."""

    derived: bool
    withdrawn: bool
    published: int
    path: str
    link: bytes
    id: bytes
    updated: int
    quality: int | None
    partition: int
    row: int

    @property
    def order(self) -> tuple[bool, bool, int, str]:
        return (self.derived, self.withdrawn, -self.published, self.path)


class Exchange(Struct, array_like=True, frozen=True):
    """What one partition tells one shard."""

    links: list[bytes]  # of its articles, hashed
    ids: list[tuple[bytes, bytes]]  # hashed, each with the link that goes with it


def contested(
    exchanges: Iterable[tuple[int, Exchange]],
) -> tuple[dict[int, set[bytes]], list[list[bytes]]]:
    """Of each partition its links that several articles have, or that share an id; and what shares one."""
    first: dict[bytes, int] = {}
    found: dict[int, set[bytes]] = {}
    first_of_id: dict[bytes, tuple[bytes, int]] = {}
    bound: dict[bytes, set[bytes]] = {}
    for partition, exchange in exchanges:
        mine: set[bytes] = set()
        for link in exchange.links:
            other = first.setdefault(link, partition)
            if other != partition or link in mine:
                found.setdefault(other, set()).add(link)
                found.setdefault(partition, set()).add(link)
            mine.add(link)
        for id, link in exchange.ids:
            known, there = first_of_id.setdefault(id, (link, partition))
            if known != link:
                bound.setdefault(id, {known}).add(link)
                found.setdefault(there, set()).add(known)
                found.setdefault(partition, set()).add(link)
    return found, [sorted(links) for _, links in sorted(bound.items())]


def labels(bound: Iterable[list[bytes]]) -> dict[bytes, bytes]:
    """For links that ids bind together, one link that stands for all of them."""
    above: dict[bytes, bytes] = {}

    def root(link: bytes) -> bytes:
        while (higher := above.get(link, link)) != link:
            above[link] = above.get(higher, higher)
            link = higher
        return link

    for links in bound:
        least = min(map(root, links))
        for link in links:
            above[root(link)] = least
            above.setdefault(link, least)
    return {link: root(link) for link in above}


def due_of(published: int, updated: int, now: int) -> int:
    """0: not in the feeds yet; 1: published, its update is to come; 2: all of it is due."""
    return 0 if published > now else 1 if updated > now else 2


def allowed(row: Row | Claim, now: int, least: int | None) -> bool:
    """Whether an article may stand, if no other keeps it out. ``least``: feeds.min_quality."""
    poor = least is not None and row.quality is not None and row.quality < least
    # A related item waits for the article that names it, whose date is its second one.
    return due_of(row.published, row.updated, now) > (1 if row.derived else 0) and not poor


def settled(claims: Iterable[Claim], now: int, least: int | None) -> dict[int, dict[int, str | None]]:
    """For each partition and row what keeps it out: the winner's path, or empty; None where it stands."""
    links: dict[bytes, str] = {}
    ids: dict[bytes, str] = {}
    found: dict[int, dict[int, str | None]] = {}
    for claim in sorted(claims, key=lambda claim: claim.order):
        if not allowed(claim, now, least):
            continue
        verdict: str | None
        if claim.withdrawn:
            verdict = "" if claim.id in ids else None
            if verdict is None:
                links.setdefault(claim.link, claim.path)  # no related item brings it back
        else:
            verdict = links.get(claim.link) or ids.get(claim.id)
            if verdict is None:
                links[claim.link] = ids[claim.id] = claim.path
        found.setdefault(claim.partition, {})[claim.row] = verdict
    return found


def fresh(times: Iterable[int], now: int) -> tuple[int, int]:
    """From when to when no article's being due changes, given all its times."""
    before, after = 0, 2**62
    for time in times:
        if time <= now:
            before = max(before, time)
        else:
            after = min(after, time)
    return before, after


def by_link(
    rows: Iterable[Row], wanted: Container[bytes], labels: Mapping[bytes, bytes], partition: int
) -> list[tuple[bytes, Claim]]:
    """The claims of contested rows, each with the label of its link."""
    return [
        (
            labels.get(row.link, row.link),
            Claim(
                row.derived, row.withdrawn, row.published, row.path, row.link, text_hash(row.id),
                row.updated, row.quality, partition, number,
            ),
        )
        for number, row in enumerate(rows)
        if row.link in wanted
    ]  # fmt: skip
