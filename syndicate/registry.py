"""Registries: what a site says of its topics and providers, from a folder of small files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from syndicate.articles import text, urls
from syndicate.articles.frontmatter import FrontMatterError, Value, decode, parse_yaml, split
from syndicate.errors import Problem, Severity

_AFTER_FIRST = re.compile(r"(?ms)(?<=\n)---[ \t]*$.*")
SUFFIXES = (".yaml", ".yml", ".md")


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of the registry."""

    name: str
    slug: str  # ``_id``; empty: made from the name
    shortname: str = ""
    parent: str = ""
    description: str = ""
    image: str = ""  # URL


@dataclass(frozen=True, slots=True)
class Organization:
    """One provider of the registry."""

    name: str
    domain: str
    other_names: tuple[str, ...] = ()
    description: str = ""
    image: str = ""  # URL of the largest picture


@dataclass(frozen=True, slots=True)
class Registry:
    """All topics and providers that the site describes, found by name."""

    topics: tuple[Topic, ...] = ()
    organizations: tuple[Organization, ...] = ()
    problems: tuple[Problem, ...] = ()
    _topic_keys: Mapping[str, Topic] = field(default_factory=dict, compare=False, repr=False)
    _domains: Mapping[str, Organization] = field(default_factory=dict, compare=False, repr=False)
    _names: Mapping[str, Organization] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        topics: dict[str, Topic] = {}
        # A full name beats another topic's short name or slug.
        for topic in self.topics:
            topics.setdefault(text.name_key(topic.name), topic)
        for topic in self.topics:
            for name in (topic.shortname, topic.slug):
                if name:
                    topics.setdefault(text.name_key(name), topic)
        names: dict[str, Organization] = {}
        for organization in self.organizations:
            names.setdefault(text.name_key(organization.name), organization)
        for organization in self.organizations:
            for name in organization.other_names:
                names.setdefault(text.name_key(name), organization)
        domains: dict[str, Organization] = {}
        for organization in self.organizations:
            domains.setdefault(organization.domain, organization)
        object.__setattr__(self, "_topic_keys", topics)
        object.__setattr__(self, "_domains", domains)
        object.__setattr__(self, "_names", names)

    def topic(self, key: str) -> Topic | None:
        """The topic whose name, short name or slug has this ``text.name_key``."""
        return self._topic_keys.get(key)

    def organization(self, domain: str) -> Organization | None:
        return self._domains.get(domain)

    def organization_named(self, key: str) -> Organization | None:
        return self._names.get(key)


def registry_files(folder: Path | None) -> list[Path]:
    """The registry's files in the order of their names. Raises OSError when it cannot be listed."""
    if folder is None:
        return []
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)


def read_registry(topics: Mapping[str, bytes], providers: Mapping[str, bytes], site_url: str) -> Registry:
    """The registry in these files (name as shown in problems: bytes). Never raises for their content."""
    problems: list[Problem] = []
    return Registry(
        _items(topics, problems, lambda fields: _topic(fields, site_url)),
        _items(providers, problems, lambda fields: _organization(fields, site_url)),
        tuple(problems),
    )


T = TypeVar("T")


def _items(
    files: Mapping[str, bytes], problems: list[Problem], read: Callable[[dict[str, Value]], T]
) -> tuple[T, ...]:
    items = []
    for path, data in files.items():
        try:
            content, _ = decode(data)
            if path.endswith(".md"):
                items.append(read(split(content).values))
            else:
                # The first document; real registries often end with a line of ---.
                items.append(read(parse_yaml(_AFTER_FIRST.sub("", content))))
        except FrontMatterError as error:
            problems.append(
                Problem(
                    path, error.line, error.column, Severity.WARNING, "registry",
                    f"{error.what}; left out", error.fix,
                )
            )  # fmt: skip
        except ValueError as error:
            problems.append(
                Problem(path, 1, 1, Severity.WARNING, "registry", f"{error}; left out", "mend it")
            )
    return tuple(items)


def _line(value: Value) -> str:
    return text.one_line(text.clean(value)) if isinstance(value, str) else ""


def _topic(fields: dict[str, Value], site_url: str) -> Topic:
    name = _line(fields.get("name")) or _line(fields.get("_id"))
    if not name:
        raise ValueError("neither name nor _id")
    return Topic(
        name=name,
        slug=_line(fields.get("_id")),
        shortname=_line(fields.get("shortname")),
        parent=_line(fields.get("parent")),
        description=_line(fields.get("description")),
        image=_picture(fields.get("images"), site_url),
    )


def _organization(fields: dict[str, Value], site_url: str) -> Organization:
    domain = urls.clean_domain(_line(fields.get("domain")) or _line(fields.get("_id")))
    others = fields.get("otherNames")
    return Organization(
        name=_line(fields.get("name")) or domain,
        domain=domain,
        other_names=tuple(_line(name) for name in others) if isinstance(others, list) else (),
        description=_line(fields.get("description")),
        image=_picture(fields.get("images"), site_url),
    )


def _picture(value: Value, site_url: str) -> str:
    """The widest of the pictures; the first where no widths are given."""
    best, best_width = "", -1
    for item in value if isinstance(value, list) else [value]:
        written = item.get("url") if isinstance(item, dict) else item
        width = item.get("width") if isinstance(item, dict) else None
        size = int(width) if isinstance(width, str) and width.isascii() and width.isdigit() else 0
        if not isinstance(written, str) or size <= best_width:
            continue
        try:
            best, best_width = urls.joined(site_url, written), size
        except urls.UrlError:
            continue
    return best
