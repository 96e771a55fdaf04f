"""Documents to check: a file, the files of a folder, or what a URL answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from syndicate.checking.sheet import Sheet
from syndicate.errors import Problem, Severity, SyndicateError

ENDINGS = (".rss", ".atom", ".json", ".xml", ".opml", ".rdf")
MAX_SIZE = 50 * 1024 * 1024  # bytes
_MEDIA_TYPES = {
    "application/rss+xml", "application/atom+xml", "application/feed+json", "text/x-opml", "application/json",
    "application/xml", "text/xml",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a URL answered."""

    url: str  # after redirections
    content_type: str
    data: bytes


Fetch = Callable[[str], Fetched]


def check_feeds(source: str, *, now: datetime, fetch: Fetch | None = None) -> tuple[int, tuple[Problem, ...]]:
    """The number of documents at ``source`` (a folder, a file or a URL) and their problems, sorted.

    ``now`` (aware) is what no date may be after; ``fetch`` gets URLs. Raises SyndicateError.
    """
    if source.startswith(("http://", "https://")):
        answer = (fetch or fetched)(source)
        sheet = Sheet(source, now)
        kind = answer.content_type.partition(";")[0].strip().lower()
        if kind not in _MEDIA_TYPES:
            sheet.warn(
                0, "Content-Type", f"the server says {kind or 'nothing'}",
                "application/rss+xml, application/atom+xml or application/feed+json tell readers what it is",
            )  # fmt: skip
        _check(answer.data, sheet, answer.url)
        return 1, tuple(sorted(sheet.problems, key=lambda problem: problem.sort_key))
    count, problems = 0, []
    for path in _files(Path(source)):
        count += 1
        sheet = Sheet(path.as_posix(), now)
        try:
            if path.stat().st_size > MAX_SIZE:
                sheet.error(0, "document", f"it is larger than {MAX_SIZE:,} bytes", "split it")
            else:
                _check(path.read_bytes(), sheet, None)
        except OSError as error:
            sheet.problems.append(
                Problem(path.as_posix(), 0, 0, Severity.ERROR, "file", f"cannot be read: {error.strerror}")
            )
        problems += sheet.problems
    return count, tuple(sorted(problems, key=lambda problem: problem.sort_key))


def _files(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise SyndicateError("nothing to check", str(path), "it is not there")
    if path.is_dir():
        for found in sorted(path.rglob("*")):
            hidden = any(step.startswith(".") for step in found.relative_to(path).parts)  # a program's notes
            if found.suffix in ENDINGS and not hidden and found.is_file():
                yield found
    else:
        yield path


def _check(data: bytes, sheet: Sheet, url: str | None) -> None:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        from syndicate.checking.jsonfeeds import check_json

        check_json(data, sheet, url)
    else:
        from syndicate.checking.xmlfeeds import check_xml

        check_xml(data, sheet, url)


def fetched(url: str) -> Fetched:
    """Get ``url``. Raises SyndicateError."""
    import http.client
    import urllib.error
    import urllib.request

    request = urllib.request.Request(url, headers={"User-Agent": "Syndicate", "Accept": "*/*"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # the caller saw to http(s)
            data = answer.read(MAX_SIZE + 1)
            if len(data) > MAX_SIZE:
                raise SyndicateError("cannot check", url, f"it is larger than {MAX_SIZE:,} bytes")
            return Fetched(answer.url, answer.headers.get("Content-Type", ""), data)
    except urllib.error.HTTPError as error:
        error.close()  # it is an answer too
        raise SyndicateError("cannot get", url, f"the server answers {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise SyndicateError("cannot get", url, str(reason)) from None
