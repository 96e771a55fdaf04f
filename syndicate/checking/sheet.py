"""Sheet: the problems of one document, and the questions that every format asks of a value."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from urllib.parse import urlsplit

from syndicate.articles.reader import image_type
from syndicate.articles.text import forbidden_removed
from syndicate.articles.urls import UrlError, clean_url
from syndicate.errors import Problem, Severity

_RFC822 = re.compile(
    r"(?:(Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?(\d{1,2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r" (\d{4}|\d{2}) (\d{2}):(\d{2})(?::(\d{2}))? (UT|GMT|[ECMP][SD]T|Z|[+-]\d{4})"
)
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ZONES = {"UT": 0, "GMT": 0, "Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6,
          "PST": -8, "PDT": -7}  # fmt: skip
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`\u0080-\U0010ffff]+")
_ENTITY = re.compile(r"&(?:[a-z]{2,8}|#[0-9]{2,6}|#x[0-9a-fA-F]{2,6});")
_FORBIDDEN_TAGS = frozenset(("script", "iframe", "object", "embed", "form"))
_URL_ATTRIBUTES = ("href", "src", "cite", "action", "poster")


class Sheet:
    """What is wrong with one document. ``now`` (aware) is what no date may be after."""

    def __init__(self, path: str, now: datetime) -> None:
        self.path, self.now = path, now
        self.problems: list[Problem] = []

    def error(self, line: int, field: str, what: str, fix: str) -> None:
        self._report(line, Severity.ERROR, field, what, fix)

    def warn(self, line: int, field: str, what: str, fix: str) -> None:
        self._report(line, Severity.WARNING, field, what, fix)

    def _report(self, line: int, severity: Severity, field: str, what: str, fix: str) -> None:
        # What a document says is shown on a terminal: none of its control characters are.
        words = [" ".join(forbidden_removed(text).split()) for text in (field, what, fix)]
        self.problems.append(Problem(self.path, line, min(line, 1), severity, *words))

    # Values

    def url(self, line: int, field: str, value: str | None) -> bool:
        """An absolute http(s) URL that is a valid URI (RFC 3986)."""
        if not value or not value.strip():
            self.error(line, field, "it holds no URL", "write an absolute http(s) URL")
            return False
        try:
            clean = clean_url(value)
        except UrlError as error:
            self.error(line, field, f"{_short(value)}: {error}", "write an absolute http(s) URL")
            return False
        if clean != value:
            self.error(line, field, f"{_short(value)} is no valid URI", f"percent-encode it: {_short(clean)}")
        return True

    def id(self, line: int, field: str, value: str | None, seen: dict[str, int], *, uri: bool) -> None:
        """An id that no other entry of the document has; ``uri``: it must be one (RFC 4287, 4.2.6)."""
        if not value or not value.strip():
            self.error(line, field, "it is missing", "give every entry an id that never changes")
            return
        if uri and not _URI.fullmatch(value):
            self.error(
                line, field, f"{_short(value)} is no absolute URI", "write a tag:, urn: or http(s) URI"
            )
        if value in seen:
            self.error(
                line, field, f"{_short(value)} is the id of line {seen[value]} too", "give each its own id"
            )
        seen.setdefault(value, line)

    def rfc3339(self, line: int, field: str, value: str | None) -> None:
        """A date of Atom or JSON Feed (RFC 3339) that has come."""
        if not value or not _RFC3339.fullmatch(value):
            self.error(
                line, field, f"{_short(value)} is no RFC 3339 date", "write it like 2021-01-25T07:02:00Z"
            )
            return
        try:
            time = datetime.fromisoformat(value.upper())
        except ValueError as error:
            self.error(line, field, f"{_short(value)}: {error}", "write a date of the calendar")
            return
        self._past(line, field, time, value)

    def rfc822(self, line: int, field: str, value: str | None) -> None:
        """A date of RSS (RFC 822, with a year of four digits) that has come."""
        found = _RFC822.fullmatch(value or "")
        if found is None:
            self.error(
                line,
                field,
                f"{_short(value)} is no RFC 822 date",
                "write it like Mon, 25 Jan 2021 07:02:00 +0000",
            )
            return
        name, day, month, year, hour, minute, second, zone = found.groups()
        if len(year) == 2:
            self.warn(line, field, f"{_short(value)} has a year of two digits", "write four")
            year = ("20" if int(year) < 70 else "19") + year
        offset = f"{_ZONES[zone]:+03}:00" if zone in _ZONES else f"{zone[:3]}:{zone[3:]}"
        written = (
            f"{year}-{_MONTHS.index(month) + 1:02}-{int(day):02}T{hour}:{minute}:{second or '00'}{offset}"
        )
        try:
            time = datetime.fromisoformat(written)
        except ValueError as error:
            self.error(line, field, f"{_short(value)}: {error}", "write a date of the calendar")
            return
        if name and name != _DAYS[time.weekday()]:
            self.error(line, field, f"{_short(value)} is a {_DAYS[time.weekday()]}", "mend the weekday")
        self._past(line, field, time, value or "")

    def _past(self, line: int, field: str, time: datetime, value: str) -> None:
        if time > self.now:
            self.error(line, field, f"{_short(value)} is still to come", "publish it when it is due")

    def title(self, line: int, field: str, value: str | None, *, required: bool = True) -> None:
        """Plain text, escaped once, in NFC."""
        if not value or not value.strip():
            if required:
                self.error(line, field, "it is missing, or empty", "write a title")
            return
        if _ENTITY.search(value):
            self.warn(line, field, f"{_short(value)} shows an entity", "escape it once")
        if unicodedata.normalize("NFC", value) != value:
            self.warn(line, field, f"{_short(value)} is not in NFC", "normalise the text")

    def html(self, line: int, field: str, value: str | None) -> None:
        """HTML that readers can show: not empty, no script, every URL absolute."""
        if not value or not value.strip():
            self.error(line, field, "it is empty", "leave it out, or write the text")
            return
        if "<" not in value:
            return
        from lxml import html

        try:
            root = html.fragment_fromstring(value, create_parent="div")
        except (ValueError, html.etree.ParserError) as error:
            self.error(line, field, f"its HTML cannot be read: {error}", "mend it")
            return
        for element in root.iter():
            if not isinstance(element.tag, str):
                continue
            if element.tag in _FORBIDDEN_TAGS:
                self.error(line, field, f"it holds <{element.tag}>", "readers remove it; link to it instead")
            for name, written in element.attrib.items():
                if name.startswith("on"):
                    self.error(line, field, f"<{element.tag}> has {name}", "take it out")
                elif name in _URL_ATTRIBUTES and not _in_text(written):
                    self.error(
                        line, field, f"<{element.tag} {name}> is {_short(written)}", "write it absolute"
                    )

    def enclosure(self, line: int, field: str, url: str | None, type: str | None, length: str | None) -> None:
        """A file beside an entry: address, type and length in bytes."""
        if self.url(line, f"{field}.url", url):
            told = image_type(url or "")
            if type and told and type != told:
                self.warn(line, f"{field}.type", f"{type} for {_short(url)}", f"its name says {told}")
        if not type or not re.fullmatch(r"[a-z]+/[\w.+-]+", type):
            self.error(line, f"{field}.type", f"{_short(type)} is no media type", "write one like image/jpeg")
        if length is not None and not re.fullmatch(r"\d+", length):
            self.error(line, f"{field}.length", f"{_short(length)} is no number", "write bytes, or 0")

    def language(self, line: int, field: str, value: str | None) -> None:
        if value is not None and not re.fullmatch(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*", value):
            self.error(line, field, f"{_short(value)} is no language tag", "write one like en-GB")


def _in_text(url: str) -> bool:
    """Whether a URL may stand in HTML: absolute, of a kind that readers open."""
    parts = urlsplit(url)
    return parts.scheme == "mailto" or (parts.scheme in ("http", "https") and bool(parts.netloc))


def _short(value: str | None) -> str:
    if value is None or not value.strip():
        return "nothing"
    text = " ".join(value.split())
    return f"“{text[:80]}…”" if len(text) > 80 else f"“{text}”"
