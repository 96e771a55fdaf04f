"""Simulates the merge of a very large build: one shard of its groups, through every level of the tree.

    python benchmarks/scale.py [--articles 100000000] [--partition 50000] [--providers 50000] [--fan-in 4,16,64]

Partial results are made as they would come of so many articles (each in the site, in 1 to 3 of 40 topics, and with a
provider, by Zipf), and are merged by the program's own function and encoding. Prints, for each level, how many tasks
there are in all shards, how large what they read and write is, how long one takes, and the largest message.
"""

from __future__ import annotations

import argparse
import math
import random
import resource
import sys
import time
from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from syndicate.cluster import merging
from syndicate.cluster.model import Entry, Partial, decode, encode, shard_of, text_hash

TOPICS = 40
LIMIT = 50


def shares(providers: int) -> dict[str, float]:
    """Of each group the share of all articles that are in it."""
    weights = [1 / rank for rank in range(1, providers + 1)]
    total = sum(weights)
    found = {"": 1.0}
    found |= {f"topic:topic {n}": 2 / TOPICS for n in range(TOPICS)}
    found |= {f"provider:provider{n}.example": weight / total for n, weight in enumerate(weights)}
    return found


def count_of(source: random.Random, mean: float) -> int:
    """How many of a partition's articles are in a group: Poisson, or normal where that is as good."""
    if mean > 50:
        return max(0, round(source.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), source.random(), 0
    while product > limit:
        product *= source.random()
        count += 1
    return count


def partial(source: random.Random, key: str, count: int, partition: int) -> Partial:
    """What a partition with ``count`` articles in a group says of it: its newest, as they would be."""
    # The newest of many times that are spread evenly: each is a little older than the one before.
    time_of, entries = 1.0, []
    for rank in range(min(count, LIMIT)):
        time_of *= source.random() ** (1 / (count - rank))
        number = source.randrange(10**8)
        related = tuple(source.randbytes(16) for _ in range(source.randint(0, 3)))
        entries.append(
            Entry(
                int(time_of * 2**31), f"tag:example.org,2020:2020-01/2020-01-02-article-{number}", f"rows/2020-01/2020-01-02-article-{number}.md",
                int(time_of * 2**31), 2, source.randbytes(16), f"reading/{partition:032x}", number, 1_500, related,
            )
        )  # fmt: skip
    entries.sort(key=lambda entry: entry.order)
    return Partial(key, "", count, entries[0].time, {key: count}, entries, [])


def leaves(total: int, size: int, groups: dict[str, float]) -> list[bytes]:
    """The partial results of every partition."""
    source = random.Random(1)
    found = []
    rare = sorted(((share, key) for key, share in groups.items() if share * size < 1), reverse=True)
    common = [(key, share) for key, share in groups.items() if share * size >= 1]
    cumulated = list(accumulate(share for share, _ in rare))
    for partition in range(total // size):
        parts = []
        for key, share in common:
            count = count_of(source, share * size)
            if count:
                parts.append(partial(source, key, count, partition))
        if rare:
            # Most of them have none: those that have one are drawn.
            counts: dict[str, int] = {}
            for _ in range(count_of(source, cumulated[-1] * size)):
                key = rare[min(bisect(cumulated, source.random() * cumulated[-1]), len(rare) - 1)][1]
                counts[key] = counts.get(key, 0) + 1
            parts += [partial(source, key, count, partition) for key, count in counts.items()]
        found.append(encode(sorted(parts, key=lambda part: part.key)))
    return found


@dataclass
class Totals:
    """What all shards together take."""

    tasks: int = 0
    read: int = 0
    written: int = 0
    largest: int = 0


def simulate(data: list[bytes], fan_in: int, shards: int, totals: Totals, *, quiet: bool) -> None:
    """Merge until one is left, and say what each level takes, in as many shards as this one."""
    if not quiet:
        print(f"\nfan-in {fan_in}, {shards} shards")
        print(
            f"  partitions {len(data):8,}            write {sum(map(len, data)) * shards / 1e9:8.2f} GB, largest {max(map(len, data)) / 1e6:6.2f} MB"
        )
    level = 0
    while len(data) > 1:
        level += 1
        heaps = [data[start : start + fan_in] for start in range(0, len(data), fan_in)]
        seconds = []
        merged = []
        for heap in heaps:
            started = time.perf_counter()
            found = merging.merged((decode(part, list[Partial]) for part in heap), LIMIT)
            merged.append(encode(found))
            seconds.append(time.perf_counter() - started)
        read, written = sum(map(len, data)), sum(map(len, merged))
        largest = max(sum(map(len, heap)) for heap in heaps)
        totals.tasks += len(heaps)
        totals.read += read
        totals.written += written
        totals.largest = max(totals.largest, largest)
        if not quiet:
            print(
                f"  level {level}: {len(heaps) * shards:10,} tasks   read {read * shards / 1e9:8.2f} GB, write {written * shards / 1e9:8.2f} GB,"
                f" one reads at most {largest / 1e6:7.2f} MB, takes {max(seconds):6.2f} s, {sum(seconds) * shards:9,.0f} s in all"
            )
        data = merged
    if not quiet:
        print(
            f"  the last result: {len(data[0]) / 1e6:.2f} MB a shard, {len(data[0]) * shards / 1e9:.2f} GB in all"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=100_000_000)
    parser.add_argument("--partition", type=int, default=50_000)
    parser.add_argument("--providers", type=int, default=50_000)
    parser.add_argument("--shards", type=int, default=256)
    parser.add_argument("--fan-in", default="4,16,64")
    parser.add_argument(
        "--shard", help="which one is simulated, or all; that of the site where it is not given"
    )
    arguments = parser.parse_args()
    groups = shares(arguments.providers)
    chosen = [shard_of(text_hash(""), arguments.shards)]
    if arguments.shard:
        chosen = list(range(arguments.shards)) if arguments.shard == "all" else [int(arguments.shard)]
    fan_ins = list(map(int, arguments.fan_in.split(",")))
    totals = {fan_in: Totals() for fan_in in fan_ins}
    for wanted in chosen:
        mine = {
            key: share
            for key, share in groups.items()
            if shard_of(text_hash(key), arguments.shards) == wanted
        }
        data = leaves(arguments.articles, arguments.partition, mine)
        if len(chosen) == 1:
            print(
                f"shard {wanted}: {len(mine):,} of {len(groups):,} groups, {sum(mine.values()):.4f} places an article"
            )
        for fan_in in fan_ins:
            simulate(data, fan_in, arguments.shards, totals[fan_in], quiet=len(chosen) > 1)
    if len(chosen) > 1:
        for fan_in, total in totals.items():
            print(
                f"fan-in {fan_in}: {total.tasks:,} tasks, read {total.read / 1e6:,.0f} MB, write {total.written / 1e6:,.0f} MB,"
                f" one reads at most {total.largest / 1e6:.1f} MB"
            )
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
