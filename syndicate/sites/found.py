"""Found: what was found out about a site, as values of the config."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from syndicate.articles.urls import UrlError


@dataclass
class Found:
    """What was found out about a site, as values of the config."""

    generator: str = ""  # as its makers write it; empty: none was recognised
    values: dict[str, str | list[str]] = field(default_factory=dict)  # by key
    sources: dict[str, str] = field(default_factory=dict)  # where a value is from, by key
    advice: list[str] = field(default_factory=list)  # what a person should do, a sentence each

    def take(self, key: str, value: object, source: str, parse: Callable[[str], str] = str.strip) -> None:
        """Note the value of ``key``, if it is a usable text and none is known yet."""
        if not isinstance(value, str) or not value.strip() or key in self.values:
            return
        try:
            self.values[key] = parse(value)
            self.sources[key] = source
        except (ValueError, UrlError):
            self.advice.append(f"set {key}: {source} says something else than it may be")


def one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def language(written: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*", written):
        raise ValueError
    return written.replace("_", "-")


def zone(written: str) -> str:
    import pytz

    try:
        return str(pytz.timezone(written).zone)
    except pytz.UnknownTimeZoneError:
        raise ValueError from None
