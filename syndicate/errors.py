"""What can go wrong: the exception tree, and Problem, a fault in one input. No handling here."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

# They make a line read as another (Unicode Standard Annex 9, section 2).
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Severity(enum.Enum):
    """How much a problem matters. An error leaves the article out; a notice is shown with -v only."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in one input file: where, what, and how to mend it."""

    path: str  # relative to the project root, with forward slashes
    line: int  # from 1; 0 when the whole file is meant
    column: int  # from 1, in characters; 0 when the whole line is meant
    severity: Severity
    field: str  # key path such as ``related[2].webUrl``, or what else is at fault
    what: str
    fix: str = ""

    def __str__(self) -> str:
        fix = f" ({self.fix})" if self.fix else ""
        place = f"{self.path}:{self.line}:{self.column}"
        return printable(f"{place}: {self.severity.value}: {self.field}: {self.what}{fix}")

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        return (self.path, self.line, self.column, self.field, self.what)


def printable(text: str) -> str:
    """``text`` on one line, with escapes for what would move the cursor or turn the direction of a line."""
    if text.isprintable():
        return text
    from unicodedata import category

    def shown(character: str) -> str:
        turns = category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _DIRECTIONS
        return character.encode("unicode_escape").decode() if turns else character

    return "".join(map(shown, text))


class SyndicateError(Exception):
    """Base of everything that stops a command: *what*: *which*: *why*.

    ``exit_code`` is the command's exit code (docs/reference.md lists them).
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, which: str = "", why: str = "") -> None:
        super().__init__(printable(": ".join(part for part in (what, which, why) if part)))


class ConfigError(SyndicateError):
    """The config cannot be used; ``problems`` holds everything wrong with it."""

    exit_code = 2

    def __init__(self, message: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class BrakeError(SyndicateError):
    """A safety brake refused the run: nothing was written."""

    exit_code = 3


class WriteError(SyndicateError):
    """The output could not be written."""

    exit_code = 4


class PublishError(SyndicateError):
    """Documents could not be uploaded, or an edge or a hub could not be told."""

    exit_code = 4


class ClusterError(SyndicateError):
    """The cluster, or what its workers share, could not be used."""

    exit_code = 4


class LockedError(SyndicateError):
    """Another run holds the output's lock."""

    exit_code = 75


# What each exit code says, for the documentation.
EXIT_CODES = {
    0: "done; articles with errors were left out and reported",
    1: "an input was bad (`check`, `build --strict`), or a worker process died",
    2: "usage or config",
    3: "refused by a safety brake: nothing was written",
    4: "could not write or upload, or tell an edge or the hub, or use the cluster; every document is whole,"
    " and the next run goes on from there",
    75: "another run holds the lock, or another publisher is at work on the target",
    130: "stopped by Ctrl-C (SIGINT); every document is whole, and the next run goes on",
    143: "stopped by SIGTERM; the same",
}
