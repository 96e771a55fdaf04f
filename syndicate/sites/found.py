"""Found: what was found out about a site, as values of the config."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from syndicate.config import language_tag


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
        except ValueError:
            self.advice.append(f"set {key}: {source} says something else than it may be")

    def take_author(self, author: object, source: str) -> None:
        """Note the author: a name, or a mapping with ``name`` and ``email``."""
        if isinstance(author, dict):
            self.take("site.author", author.get("name"), source)
            self.take("site.author_email", author.get("email"), source)
        else:
            self.take("site.author", author, source)


def one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def language(written: str) -> str:
    """A language tag; generators write ``en_GB`` too. Raises ValueError."""
    return language_tag(written.replace("_", "-"))
