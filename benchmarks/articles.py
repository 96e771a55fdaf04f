"""Makes the benchmark's articles: N files of about 3.5 KB, the same for the same N on any machine.

40 topics (1 to 3 an article), 400 providers (Zipf), 1 to 2 images, 0 to 3 related items, a tenth of them
unpublished. ``providers`` repeats the provider's domain as a list, which is the form Hugo groups by.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path

TOPICS = 40
PROVIDERS = 400
START = datetime(2015, 1, 1, tzinfo=UTC)
WORDS = [
    "data",
    "model",
    "people",
    "world",
    "study",
    "research",
    "system",
    "network",
    "market",
    "science",
    "report",
    "public",
    "city",
    "power",
    "energy",
    "health",
    "water",
    "light",
    "machine",
    "learning",
    "team",
    "company",
    "school",
    "court",
    "music",
    "ocean",
    "forest",
    "river",
    "bridge",
    "engine",
    "signal",
    "pattern",
    "method",
    "result",
    "number",
    "question",
    "answer",
    "future",
    "memory",
    "language",
    "picture",
    "voice",
]
_SECRET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@cache
def _weights(providers: int) -> list[float]:
    return list(accumulate(1 / rank for rank in range(1, providers + 1)))


def words(source: random.Random, count: int) -> str:
    return " ".join(source.choices(WORDS, k=count))


def article(number: int, total: int, edition: int = 0, providers: int = PROVIDERS) -> tuple[str, str]:
    """Path below the root and text of article ``number``; another ``edition`` has another title."""
    source = random.Random(number)
    date = START + timedelta(minutes=number * 37 % (60 * 24 * 365 * 8))
    stamp = date.strftime("%Y-%m-%dT%H:%M:%SZ")
    [provider] = source.choices(range(providers), cum_weights=_weights(providers))
    topics = source.sample(range(TOPICS), source.randint(1, 3))
    title = words(source, 9).capitalize() + (f" – edition {edition}" if edition else "")
    lines = [
        "---",
        "category: news",
        f'title: "{title}"',
        f'excerpt: "{words(source, 28).capitalize()}&#8217;s end."',
        f"publishedDateTime: {stamp}",
        f'originalUrl: "https://provider{provider}.example/articles/{number}?source=feed&amp;id={number}"',
        f'webUrl: "https://provider{provider}.example/articles/{number}"',
        f'ampWebUrl: "https://amp.provider{provider}.example/articles/{number}"',
        f'cdnAmpWebUrl: "https://provider{provider}-example.cdn.example/c/s/amp.provider{provider}.example/{number}"',
        "type: article",
        f"quality: {source.randint(10, 100)}",
        f"heat: {source.randint(-1, 100)}",
        f"published: {'false' if number % 10 == 7 else 'true'}",
        "",
        "provider:",
        f"  name: Provider {provider}",
        f"  domain: provider{provider}.example",
        "  images:",
        f'    - url: "https://pictures.example/providers/provider{provider}-50x50.jpg"',
        "      width: 50",
        "      height: 50",
        f"providers: [provider{provider}.example]",
        "",
        "topics:",
        *(f"  - Topic {topic}" for topic in topics),
        "",
        "images:",
    ]
    for image in range(source.randint(1, 2)):
        lines += [
            f'  - url: "https://pictures.example/{number}/{image}/{words(source, 5).replace(" ", "-")}.jpg?w=1200&#038;strip=all"',
            "    width: 1200",
            "    height: 630",
            "    isCached: true",
        ]
    related = source.randint(0, 3)
    if related:
        lines += ["", "related:"]
    for _ in range(related):
        other = source.randrange(total)
        [home] = random.Random(other).choices(range(providers), cum_weights=_weights(providers))
        lines += [
            f'  - title: "{words(source, 8).capitalize()}"',
            f'    excerpt: "{words(source, 22).capitalize()}."',
            f"    publishedDateTime: {stamp}",
            f'    webUrl: "https://provider{home}.example/articles/{other}"',
            "    type: article",
            "    provider:",
            f"      name: Provider {home}",
            f"      domain: provider{home}.example",
            f"    quality: {source.randint(10, 100)}",
            "    images:",
            f'      - url: "https://pictures.example/{other}/related.jpg"',
            "        width: 1200",
            "        height: 630",
            "        isCached: true",
        ]
    secret = "".join(source.choices(_SECRET, k=max(200, 3_300 - sum(len(line) + 1 for line in lines))))
    lines += ["", f'secured: "{secret}"', "---", ""]
    return f"{date:%Y-%m}/{date:%Y-%m-%d}-article-{number}.md", "\n".join(lines)


def make(root: Path, count: int) -> None:
    """Write ``count`` articles below ``root``."""
    folders = set()
    for number in range(count):
        name, text = article(number, count)
        path = root / name
        if path.parent not in folders:
            path.parent.mkdir(parents=True, exist_ok=True)
            folders.add(path.parent)
        path.write_bytes(text.encode())
