"""Groups: what one feed is about. Which groups an article is in, and their names, slugs and paths.

A group is known by its key, a text that never changes while its articles do not: ``topic:ai ethics``,
``provider:scmp.com``, both joined by a unit separator for a pair, and empty for the whole site.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syndicate.articles.text import name_key
from syndicate.registry import Organization, Registry, Topic

if TYPE_CHECKING:
    from syndicate.articles.model import Article, Provider

SITE = ""
PAIR = "\x1f"
# Files beside a group's feeds: its page, and below the root the list of all feeds.
PAGE = "index.html"
OPML = "feeds.opml"
PERIODS = {"year": 4, "month": 7, "day": 10}  # how much of YYYY-MM-DD names a period of an archive
_SLUG_BYTES = 100
# Names that Windows gives to devices: a folder may not be called so.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
# Marks that tell names apart, as words: C, C++ and C# are three languages.
_SYMBOL_WORDS = str.maketrans({"+": " plus ", "#": " sharp ", "&": " and "})


@dataclass(frozen=True, slots=True)
class Grouping:
    """What decides an article's groups."""

    groups: tuple[tuple[str, ...], ...]  # of the config: ("topic",), ("topic", "provider")
    shared_domains: frozenset[str]
    registry: Registry
    rollup: bool = False  # a topic's articles are its parents' too


@dataclass(frozen=True, slots=True)
class Group:
    """One group, named."""

    key: str
    path: str  # below feeds_url and out/, without slashes at the ends; empty for the site
    title: str
    description: str = ""
    image: str = ""  # URL


def memberships(article: Article, grouping: Grouping) -> list[tuple[str, str]]:
    """The keys of the groups that ``article`` is in, each with the name that it uses for it.

    Topics and provider are always among them, for their names, even where they have no feeds.
    """
    found: dict[str, list[tuple[str, str]]] = {
        "topic": _topics(article.topics, grouping),
        "provider": _provider(article.provider, grouping),
    }
    for field, names in article.groups:
        found[field] = [(f"{field}:{name_key(name)}", name) for name in names]
    keys = {SITE: ""}
    for singles in found.values():
        for key, name in singles:
            keys.setdefault(key, name)
    for kinds in grouping.groups:
        if len(kinds) == 2:
            for first, _ in found.get(kinds[0], ()):
                for second, _ in found.get(kinds[1], ()):
                    keys.setdefault(f"{first}{PAIR}{second}", "")
    return list(keys.items())


def has_feeds(key: str, groups: Iterable[tuple[str, ...]]) -> bool:
    """Whether the config asks for feeds of the group ``key``."""
    if key == SITE:
        return True
    return kind_of(key) in groups


def document_stem(folder: str, period: str = "") -> str:
    """The path of a group's feed, or of its archive of a period (``2021-01``), without the ending."""
    prefix = f"{folder}/" if folder else ""
    return f"{prefix}archive/{period}" if period else f"{prefix}feed"


def kind_of(key: str) -> tuple[str, ...]:
    """``("topic",)``, or ``("topic", "provider")`` of a pair."""
    return tuple(part.partition(":")[0] for part in key.split(PAIR))


def topic_key(name: str, registry: Registry) -> str:
    return _topic(name, registry)[0]


def provider_key(provider: Provider, grouping: Grouping) -> str:
    return _provider(provider, grouping)[0][0]


def _topics(names: Iterable[str], grouping: Grouping) -> list[tuple[str, str]]:
    registry = grouping.registry
    found = [_topic(name, registry) for name in names]
    if grouping.rollup:
        # A list grows while it is walked: parents of parents follow, each once.
        for key, _ in found:
            topic = registry.topic(key.removeprefix("topic:"))
            parent = registry.topic(name_key(topic.parent)) if topic and topic.parent else None
            if parent and _topic(parent.name, registry) not in found:
                found.append(_topic(parent.name, registry))
    return found


def _topic(name: str, registry: Registry) -> tuple[str, str]:
    key = name_key(name)
    known = registry.topic(key)
    return (f"topic:{name_key(known.name)}", known.name) if known else (f"topic:{key}", name)


def _provider(provider: Provider | None, grouping: Grouping) -> list[tuple[str, str]]:
    if provider is None:
        return []
    domain, name = provider.domain, provider.name
    if not domain:
        known = grouping.registry.organization_named(name_key(name))
        if known is None:
            return [(f"provider:/{name_key(name)}", name)]
        domain, name = known.domain, known.name
    if domain in grouping.shared_domains and name:
        return [(f"provider:{domain}/{name_key(name)}", name)]
    return [(f"provider:{domain}", name or domain)]


def registry_topics(registry: Registry) -> list[tuple[str, str]]:
    """The groups that exist even while they are empty, with their names."""
    return [(f"topic:{name_key(topic.name)}", topic.name) for topic in registry.topics]


def commonest(spellings: Iterable[tuple[str, int]]) -> str:
    """Of names with their counts the commonest; of equals the one that sorts first."""
    return min(spellings, key=lambda pair: (-pair[1], pair[0]))[0]


class Directory:
    """Every group of a run by its key, with names, slugs that never collide, titles and paths."""

    def __init__(
        self, names: Mapping[str, str], registry: Registry, site_title: str, site_description: str
    ) -> None:
        """``names`` gives the shown name of every group that has one kind, by key."""
        self.names = dict(names)
        self.registry = registry
        self.site_title, self.site_description = site_title, site_description
        self.slugs, self.collisions = assign_slugs(self.names, registry)

    def name(self, key: str) -> str:
        kind, _, rest = key.partition(":")
        if kind == "topic":
            topic = self.registry.topic(rest)
            return topic.name if topic else self.names[key]
        if kind == "provider":
            organization = self.registry.organization(rest)
            return organization.name if organization else self.names[key]
        return self.names[key]

    def path(self, key: str) -> str:
        """``topic/ai``, ``topic/ai/provider/scmp.com``; empty for the site."""
        if key == SITE:
            return ""
        return "/".join(f"{part.partition(':')[0]}/{self.slugs[part]}" for part in key.split(PAIR))

    def title(self, key: str) -> str:
        """The name, or both names of a pair."""
        return " – ".join(self.name(part) for part in key.split(PAIR))

    def group(self, key: str) -> Group:
        if key == SITE:
            return Group(SITE, "", self.site_title, self.site_description)
        parts = key.split(PAIR)
        name = self.title(key)
        description, image = self._described(parts[0]) if len(parts) == 1 else ("", "")
        return Group(key, self.path(key), f"{name} – {self.site_title}", description, image)

    def _described(self, key: str) -> tuple[str, str]:
        kind, _, rest = key.partition(":")
        known: Topic | Organization | None = None
        if kind == "topic":
            known = self.registry.topic(rest)
        elif kind == "provider":
            known = self.registry.organization(rest)
        return (known.description, known.image) if known else ("", "")


def assign_slugs(keys: Iterable[str], registry: Registry) -> tuple[dict[str, str], list[tuple[str, ...]]]:
    """A slug for every single-kind key, and the keys that would have shared one.

    Depends on the set of keys alone, never on their order: the registry's slug wins, then the name
    that is its own slug; every other name of a collision gets its hash behind the slug.
    """
    wanted: dict[tuple[str, str], list[str]] = {}
    for key in keys:
        kind = key.partition(":")[0]
        wanted.setdefault((kind, _wanted_slug(key, registry)), []).append(key)
    slugs: dict[str, str] = {}
    collisions = []
    for (_, slug), sharing in wanted.items():
        if len(sharing) == 1:
            slugs[sharing[0]] = slug
            continue
        sharing.sort(key=lambda key: (_slug_claim(key, slug, registry), key))
        collisions.append(tuple(sharing))
        owner = 1 if _slug_claim(sharing[0], slug, registry) < 2 else 0
        for key in sharing[:owner]:
            slugs[key] = slug
        for key in sharing[owner:]:
            apart = f"{slug}-{_digest(key)}"
            taken = (key.partition(":")[0], apart) in wanted  # by somebody who tried
            slugs[key] = f"{slug}-{_digest(key, 64)}" if taken else apart
    return slugs, sorted(collisions)


def _slug_claim(key: str, slug: str, registry: Registry) -> int:
    kind, _, rest = key.partition(":")
    if kind == "topic" and registry.topic(rest) is not None:
        return 0
    return 1 if "-".join(rest.split()) == slug else 2


def _wanted_slug(key: str, registry: Registry) -> str:
    kind, _, rest = key.partition(":")
    if kind == "topic":
        known = registry.topic(rest)
        if known and known.slug:
            return slugify(name_key(known.slug), kind)
    elif kind == "provider":
        domain, slash, name = rest.partition("/")
        if domain:
            return f"{domain}-{slugify(name, kind)}" if slash else domain
        return slugify(name, kind)
    return slugify(rest, kind)


def slugify(key: str, kind: str) -> str:
    """A folder name from a ``name_key``: letters and digits of any script, joined by hyphens.

    Never empty, never longer than 100 bytes, never a device name of Windows.
    """
    words = "".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in key.translate(_SYMBOL_WORDS))
    slug = unicodedata.normalize("NFC", "-".join(words.split()))
    if not slug:
        return f"{kind}-{_digest(key)}"
    if len(slug.encode()) > _SLUG_BYTES:
        cut = slug.encode()[: _SLUG_BYTES - 9].decode(errors="ignore").rstrip("-")
        return f"{cut}-{_digest(key)}"
    return f"{slug}-{kind}" if _DEVICES.fullmatch(slug) else slug


def _digest(key: str, length: int = 8) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:length]
