"""From one file's bytes to an Article or to the problems that keep it out. Pure: no clock, no disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, TypeGuard, TypeVar
from unicodedata import combining

import msgspec

from syndicate.articles import markup, text, urls
from syndicate.articles.dates import DateError, date_in_name, parse_date
from syndicate.articles.frontmatter import (
    FrontMatter,
    FrontMatterError,
    KeyPath,
    QuickParser,
    Value,
    decode,
    json_row,
    split,
    table_row,
)
from syndicate.articles.model import Article, Image, Provider, Related, Video
from syndicate.articles.rules import MAX_FILE_SIZE, Rules
from syndicate.content import file_stem
from syndicate.errors import Problem, Severity

MAX_LIST = 50  # topics, images or related items of one article
MAX_PROVIDERS = 10_000  # that are remembered
MAX_TITLE = 2_000  # characters
SUMMARY_LENGTH = 300  # characters of a summary made from the body

_TRUE = frozenset(("true", "yes", "on"))
_FALSE = frozenset(("false", "no", "off"))
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~!$&'()*+,;=:@/?#%-]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_DATE_PREFIX = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}-")
# What a permalink is made of.
PLACEHOLDERS = (
    "year", "short_year", "month", "i_month", "day", "i_day", "y_day", "hour", "minute", "second",
    "slug", "title", "path", "hugo_path", "eleventy_path", "section", "categories",
)  # fmt: skip
_PLACEHOLDER = re.compile(rf":({'|'.join(PLACEHOLDERS)})\b")
# The file name in a URL's path decides an image's type, never the query.
IMAGE_TYPES: Mapping[str, str] = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "svg": "image/svg+xml",
    "bmp": "image/bmp",
    "tif": "image/tiff",
    "tiff": "image/tiff",
}
_IMAGE_NAME = re.compile(r"https?://[^/?#]+/[^?#]*\.([A-Za-z]{3,4})(?:[?#]|$)")
_IMAGE_URLS = ("src", "path", "image")
_WHOLE_NUMBER = re.compile(r"\s*-?[0-9]{1,18}\s*")
_MEDIA_TYPE = re.compile(r"image/[a-z0-9.+-]+")


class Reading(msgspec.Struct, frozen=True):
    """What came of one file."""

    article: Article | None  # None: not to be published, or a problem keeps it out
    quality: int | None = None
    problems: tuple[Problem, ...] = ()


Read = TypeVar("Read")
_encode = msgspec.msgpack.Encoder().encode


class _RefusedError(Exception):
    """The article stays out; its problem has been reported."""


# Providers without problems, as they were read under the same rules, by how they were written.
Providers = dict[bytes, Provider]


def read_article(
    data: bytes, path: str, stem: str, rules: Rules,
    quick: QuickParser | None = None, providers: Providers | None = None,
) -> Reading:  # fmt: skip
    """Read one content file.

    ``path`` names the file in problems; ``stem`` is its path below its content root without the
    ending, with forward slashes: it makes the id. ``quick`` may read YAML faster (quickyaml.py);
    ``providers`` is filled, for the next article that names the same. Never raises for any ``data``.
    """
    reader = _Reader(path, stem, rules, {} if providers is None else providers)
    try:
        article = reader.read(data, quick)
    except _RefusedError:
        article = None
    except RecursionError:
        reader.report(1, 1, Severity.ERROR, "front matter", "nested too deep", "make it flatter")
        article = None
    return reader.reading(article)


def read_row(
    row: bytes | dict[str, Any], file: str, line: int, rules: Rules, providers: Providers
) -> tuple[str, Reading]:
    """Read one row of a table: a line of JSON, or the values of its columns.

    ``file`` and ``line`` (from 1) name it in problems. Its fields are those of a file; ``path`` says which
    file it would be, below a content root, and ``body`` is the Markdown below the fields. Returns that
    path, empty without one, and what came of it. Never raises for any ``row``.
    """
    reader = _Reader(file, "", rules, providers)
    article, path = None, ""
    try:
        path, control_line = reader.begin_row(row, line)
        article = reader.article(control_line)
    except FrontMatterError as error:
        reader.report(error.line, error.column, Severity.ERROR, "row", error.what, error.fix)
    except _RefusedError:
        pass
    except RecursionError:
        reader.report(line, 1, Severity.ERROR, "row", "nested too deep", "make it flatter")
    return path, reader.reading(article)


def too_large(path: str, size: int) -> Reading:
    """The reading of a file that is too large to be opened."""
    return Reading(
        None,
        problems=(
            Problem(
                path, 0, 0, Severity.ERROR, "file",
                f"{size:,} bytes are more than the {MAX_FILE_SIZE:,} allowed",
                "is it an article? Exclude it, or shorten it",
            ),
        ),
    )  # fmt: skip


def unreadable(path: str, why: str) -> Reading:
    """The reading of a file that the system does not let us open."""
    return Reading(
        None,
        problems=(Problem(path, 0, 0, Severity.ERROR, "file", why, "mend its permissions"),),
    )


class _Reader:
    """The state of one reading: the front matter, and the problems met so far."""

    def __init__(self, path: str, stem: str, rules: Rules, providers: Providers) -> None:
        self.path, self.stem, self.rules, self.providers = path, stem, rules, providers
        self.problems: list[Problem] = []
        self.quality: int | None = None
        self.front: FrontMatter

    def reading(self, article: Article | None) -> Reading:
        """What came of the file or row."""
        return Reading(
            article,
            self.quality if article else None,
            tuple(sorted(self.problems, key=lambda problem: problem.sort_key)),
        )

    # Problems

    def report(self, line: int, column: int, severity: Severity, name: str, what: str, fix: str) -> None:
        self.problems.append(
            Problem(self.path, line, column, severity, name, text.forbidden_removed(what), fix)
        )

    def at(self, key: KeyPath, severity: Severity, what: str, fix: str) -> None:
        """Report a problem of the value at ``key``."""
        line, column = self.front.locate(key) if key else (self.front.article_line, 1)
        name = "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in key).lstrip(".")
        name = name or "content.defaults"  # a value without a key comes from there
        self.report(line, column, severity, name, what, fix)

    def warn(self, key: KeyPath, what: str, fix: str) -> None:
        self.at(key, Severity.WARNING, what, fix)

    def refuse(self, key: KeyPath, what: str, fix: str) -> _RefusedError:
        self.at(key, Severity.ERROR, what, fix)
        return _RefusedError()

    def missing(self, name: str, what: str, example: str, otherwise: str = "") -> _RefusedError:
        """Report that a field is not there, or is empty."""
        key = self.rules.fields[name][0]
        there = key in self.front.values
        line, column = self.front.locate((key,)) if there else (self.front.article_line, 1)
        self.report(
            line, column, Severity.ERROR, key, what, f"add a line such as `{key}: {example}`{otherwise}"
        )
        return _RefusedError()

    # Fields

    def find(self, name: str) -> tuple[KeyPath, Value]:
        """The key and value of a field: of its front-matter keys the first that is set."""
        values = self.front.values
        for key in self.rules.fields[name]:
            value = values.get(key)
            if value is not None and value != "":
                return (key,), value
        return (), self.rules.defaults.get(name)

    def string(self, key: KeyPath, value: Value) -> str:
        """Clean text, or empty (reported) where ``value`` is no text."""
        if value is None:
            return ""
        if not isinstance(value, str):
            kind = "a list" if isinstance(value, list) else "a mapping"
            self.warn(key, f"{kind} stands where text belongs; left out", "write one text")
            return ""
        cleaned = text.clean(value, fix_encoding=self.rules.fix_encoding)
        if self.rules.fix_encoding and not value.isascii():
            self.notice_mojibake(key, value)
        return cleaned

    def notice_mojibake(self, key: KeyPath, value: str) -> None:
        mended = text.mojibake_mended(value)
        if mended != value:
            short = text.shortened(text.one_line(mended), 60)
            self.at(key, Severity.NOTICE, f"broken encoding mended to “{short}”", "save it so")

    def line(self, key: KeyPath, value: Value) -> str:
        if _is_plain(value):
            return text.one_line(value)
        return text.one_line(self.string(key, value))

    def paragraphs(self, key: KeyPath, value: Value) -> str:
        if _is_plain(value):
            return text.one_line(value)
        return text.paragraphs(self.string(key, value))

    def field_line(self, name: str) -> str:
        return self.line(*self.find(name))

    def boolean(self, name: str, default: bool) -> bool:
        key, value = self.find(name)
        if value is None:
            return default
        word = value.strip().lower() if isinstance(value, str) else ""
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise self.refuse(key, f"{_shown(value)} is neither true nor false", "write true or false")

    def items(self, key: KeyPath, value: Value) -> list[tuple[KeyPath, Value]]:
        """The items of a list, or of one value that stands for a list; bounded."""
        if value is None:
            return []
        if not isinstance(value, list):
            return [(key, value)]
        if len(value) > MAX_LIST:
            self.warn(key, f"{len(value):,} items; the first {MAX_LIST} are used", "shorten the list")
        return [((*key, n), item) for n, item in enumerate(value[:MAX_LIST]) if item is not None]

    def url(self, key: KeyPath, value: Value, *, base: str | None = None) -> str | None:
        """A clean URL, or None (reported). Relative ones are allowed where there is a ``base``."""
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.warn(key, "no URL; left out", "write one absolute http(s) URL")
            return None
        try:
            return urls.joined(base, value) if base else urls.clean_url(value)
        except urls.UrlError as error:
            self.warn(key, f"{_shown(value)}: {error}; left out", "write an absolute http(s) URL")
            return None

    def date(self, key: KeyPath, value: Value) -> datetime | None:
        """A UTC time, or None (reported)."""
        if value is None or value == "":
            return None
        try:
            if not isinstance(value, str):
                raise DateError("not a date")
            time, warning = parse_date(value, self.rules.zone)
        except DateError as error:
            self.warn(key, f"{_shown(value)} is {error}", "write it like 2021-01-25T07:02:00Z")
            return None
        if warning:
            self.warn(key, warning, "add the zone, such as -08:00")
        return time

    def whole_number(self, key: KeyPath, value: Value, most: int) -> int | None:
        if value is None:
            return None
        if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
            number = int(value.strip())
            return number if number <= most else None
        self.warn(key, f"{_shown(value)} is not a whole number; left out", "write digits only")
        return None

    # The article

    def read(self, data: bytes, quick: QuickParser | None) -> Article | None:
        try:
            content, control_line = decode(data)
            self.front = split(content, quick)
        except FrontMatterError as error:
            self.report(error.line, error.column, Severity.ERROR, "front matter", error.what, error.fix)
            return None
        return self.article(control_line)

    def begin_row(self, row: bytes | dict[str, Any], line: int) -> tuple[str, int]:
        """Take a row's fields; gives its path, and the line of a control character, 0 without one.

        Raises FrontMatterError, _RefusedError.
        """
        control_line = 0
        if isinstance(row, bytes):
            try:
                content, control_line = decode(row)
            except FrontMatterError as error:
                raise FrontMatterError(line, error.column, error.what, error.fix) from None
            self.front = json_row(content, line)
        else:
            self.front = table_row(row, line)
        written = self.front.values.pop("path", None)
        path = self.line(("path",), written).lstrip("/").removeprefix("./")
        self.stem = file_stem(path if "." in PurePosixPath(path).name else f"{path}.md")
        if not path and self.find("id")[1] is None:
            self.report(
                line, 1, Severity.ERROR, "path", "the row has neither a path nor an id",
                "add one: it is what the article's identity is made of",
            )  # fmt: skip
            raise _RefusedError
        return path, line if control_line else 0

    def article(self, control_line: int) -> Article | None:
        """The article in the fields that were begun."""
        if not self.boolean("published", True) or self.boolean("draft", False):
            return None
        withdrawn = self.boolean("removed", False) or self.boolean("deleted", False)
        if control_line:
            self.report(control_line, 1, Severity.NOTICE, "file", "control characters removed", "delete them")
        # What is wrong with one field keeps no other from being checked: all problems come in one run.
        title = self.tried(self.title)
        dates = self.tried(self.dates)
        link = self.tried(lambda: self.link(dates))
        own_html, videos = self.html(link or self.rules.site_url)
        excerpt = self.excerpt(own_html)
        key, value = self.find("quality")
        self.quality = self.whole_number(key, value, 10**9)
        original = self.url(*self.find("original"))
        id = self.id()
        amp = self.url(*self.find("amp"))
        provider = self.provider(*self.find("provider"))
        author, language, topics = self.author(), self.language(), self.topics()
        images, related = self.images(*self.find("images")), self.related()
        groups = self.other_groups()
        if withdrawn:
            self.problems.clear()  # nobody is to mend what nobody is to read
        if title is None or dates is None or link is None:
            return None
        return Article(
            id=id,
            title=title,
            link=link,
            published=dates[0],
            updated=dates[1],
            excerpt=excerpt,
            html=own_html,
            via=original if original != link else None,
            amp=amp,
            provider=provider,
            author=author,
            language=language,
            topics=topics,
            images=images,
            videos=videos,
            related=related,
            groups=groups,
            withdrawn=withdrawn,
        )

    def tried(self, field: Callable[[], Read]) -> Read | None:
        """A field without which there is no article, or None (reported)."""
        try:
            return field()
        except _RefusedError:
            return None

    def title(self) -> str:
        key, value = self.find("title")
        if value is not None and not isinstance(value, str):
            raise self.refuse(key, "the title is not text", "write the title as one text")
        title = self.line(key, value)
        if not title:
            raise self.missing("title", "the title is missing", "…")
        if len(title) > MAX_TITLE:
            self.warn(key, f"{len(title):,} characters; cut to {MAX_TITLE:,}", "shorten it")
            title = text.shortened(title, MAX_TITLE)
        return title

    def dates(self) -> tuple[datetime, datetime]:
        key, value = self.find("date")
        if value is None:
            key, value = (), date_in_name(PurePosixPath(self.stem).name)
        if value is None:
            raise self.missing("date", "the date is missing", "2021-01-25T07:02:00Z")
        before = len(self.problems)
        published = self.date(key, value)
        if published is None:
            # The date decides whether an article is due: it cannot be left out as other fields are.
            warning = self.problems.pop(before)
            self.report(
                warning.line, warning.column, Severity.ERROR, warning.field or "date",
                warning.what, warning.fix,
            )  # fmt: skip
            raise _RefusedError
        updated = self.date(*self.find("updated"))
        return published, max(updated, published) if updated else published

    def link(self, dates: tuple[datetime, datetime] | None) -> str:
        key, value = self.find("link")
        if value is None:
            key, value = self.find("original")
        if value is None:
            return self.permalink(dates)
        try:
            if not isinstance(value, str):
                raise urls.UrlError("not one URL")
            return urls.clean_url(value)
        except urls.UrlError as error:
            raise self.refuse(key, f"{_shown(value)}: {error}", "write an absolute http(s) URL") from None

    def permalink(self, dates: tuple[datetime, datetime] | None) -> str:
        """The link of an article of the site's own."""
        base = self.rules.site_url.rstrip("/") + "/"
        key, value = self.find("permalink")
        pattern = value if isinstance(value, str) else self.rules.permalink
        if pattern is None:
            raise self.missing("link", "the link is missing", "https://…", ", or set content.permalink")
        if dates is None:
            raise _RefusedError  # a permalink is made of the date, whose problem is reported
        published, _ = dates
        local = published.astimezone(self.rules.zone)
        parts = PurePosixPath(self.stem)
        # A folder with an index is one article with its files: the folder has its name.
        at = parts.parent if parts.name == "index" else parts
        named = self.field_line("slug")
        slug = named or _DATE_PREFIX.sub("", at.name)
        page = at.parent / named.strip("/") if named else at
        categories = self.front.values.get("categories")
        names = categories.split() if isinstance(categories, str) else categories
        folders = [c.lower().replace(" ", "-") for c in names or [] if isinstance(c, str)]
        places = {
            "year": f"{local.year:04}",
            "short_year": f"{local.year % 100:02}",
            "month": f"{local.month:02}",
            "i_month": str(local.month),
            "day": f"{local.day:02}",
            "i_day": str(local.day),
            "y_day": f"{local.timetuple().tm_yday:03}",
            "hour": f"{local.hour:02}",
            "minute": f"{local.minute:02}",
            "second": f"{local.second:02}",
            "slug": slug,
            "title": slug,
            "path": str(page),
            "hugo_path": _hugo_path(str(page)),
            # Eleventy takes a file with its folder's name for the folder's index.
            "eleventy_path": str(at.parent if at.name == at.parent.name else at),
            "section": parts.parts[0] if len(parts.parts) > 1 else "",
            "categories": "/".join(folders),
        }
        path = _PLACEHOLDER.sub(lambda found: places[found[1]], pattern)
        path = re.sub(r"/{2,}", "/", path).lstrip("/").removeprefix("./")
        try:
            return urls.clean_url(base + path.replace("?", "%3F").replace("#", "%23"))
        except urls.UrlError as error:
            raise self.refuse(key, f"{_shown(path)}: {error}", "mend the permalink") from None

    def id(self) -> str:
        key, value = self.find("id")
        written = value.strip() if isinstance(value, str) else ""
        if value is not None and not written:
            self.warn(key, "the id is not text; left out", "write the id as one text")
        if _URI.fullmatch(written):
            return written
        return f"tag:{self.rules.tag}:{urls.path_encoded(written or self.stem)}"

    def html(self, link: str) -> tuple[str, tuple[Video, ...]]:
        """The article's own HTML, sanitised, and its videos; a featured film is no part of the text."""
        videos: tuple[Video, ...] = ()
        featured = ""
        key, value = self.find("html")
        if isinstance(value, str):
            self.notice_mojibake(key, value)
            shown, videos, unknown = markup.players_to_links(value)
            for video in videos:
                shown = shown.replace(markup.video_link(video), "")
            featured = shown
            for address in unknown:
                self.at(
                    key, Severity.NOTICE, f"an unknown player was left out: {_shown(address)}",
                    "link to it instead",
                )  # fmt: skip
        elif value is not None:
            self.warn(key, "HTML is no list; left out", "write it as one text")
        body = ""
        if self.front.body.strip():
            body, in_body, _ = markup.players_to_links(markup.from_markdown(self.front.body))
            videos = tuple(dict.fromkeys(videos + in_body))
        joined = f"{featured.strip()}\n{body.strip()}".strip()
        if not joined:
            return "", videos
        return markup.sanitised(joined, link, fix_encoding=self.rules.fix_encoding), videos

    def excerpt(self, own_html: str) -> str:
        excerpt = self.paragraphs(*self.find("excerpt"))
        if excerpt or not own_html:
            return excerpt
        return text.shortened(markup.first_paragraph(own_html), SUMMARY_LENGTH)

    def author(self) -> str | None:
        key, value = self.find("author")
        if isinstance(value, list) and value:
            key, value = (*key, 0), value[0]
        if isinstance(value, dict):
            key, value = (*key, "name"), value.get("name")
        return self.line(key, value) or None

    def language(self) -> str | None:
        key, value = self.find("language")
        language = self.line(key, value).replace("_", "-")
        if language and not _LANGUAGE.fullmatch(language):
            self.warn(key, f"{_shown(language)} is no language tag; left out", "write one like en-GB")
            return None
        return language or None

    def provider(self, key: KeyPath, value: Value) -> Provider | None:
        if value is None:
            return None
        if isinstance(value, str):
            name = self.line(key, value)
            return Provider(name, "") if name else None
        if not isinstance(value, dict):
            self.warn(key, "a list stands where a provider belongs; left out", "name one provider")
            return None
        try:
            written = _encode(value)
        except UnicodeEncodeError:  # half a surrogate pair, which a quoted scalar can name
            return self.provider_of(key, value)
        known = self.providers.get(written)
        if known is not None:
            return known
        before = len(self.problems)
        provider = self.provider_of(key, value)
        if provider and len(self.problems) == before and len(self.providers) < MAX_PROVIDERS:
            self.providers[written] = provider
        return provider

    def provider_of(self, key: KeyPath, value: dict[str, Value]) -> Provider | None:
        name = self.line((*key, "name"), value.get("name"))
        domain = ""
        written = self.line((*key, "domain"), value.get("domain"))
        if written:
            try:
                domain = urls.clean_domain(written)
            except urls.UrlError as error:
                self.warn((*key, "domain"), f"{error}; left out", "write one like example.org")
        images = self.images((*key, "images"), value.get("images"))
        if not name and not domain:
            self.warn(key, "neither name nor domain; left out", "add `name:` and `domain:`")
            return None
        return Provider(name, domain, images[0] if images else None)

    def topics(self) -> tuple[str, ...]:
        names: dict[str, str] = {}
        for key in self.rules.fields["topics"]:
            for place, item in self.items((key,), self.front.values.get(key)):
                name = self.line(place, item)
                if name:
                    names.setdefault(text.name_key(name), name)
        return tuple(names.values())

    def other_groups(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        groups = []
        for name in self.rules.group_fields:
            names: dict[str, str] = {}
            for place, item in self.items((name,), self.front.values.get(name)):
                value = self.line(place, item)
                if value:
                    names.setdefault(text.name_key(value), value)
            if names:
                groups.append((name, tuple(names.values())))
        return tuple(groups)

    def images(self, key: KeyPath, value: Value) -> tuple[Image, ...]:
        if value is None:
            return ()
        images: dict[str, Image] = {}
        for place, item in self.items(key, value):
            if not isinstance(item, dict):
                url = self.url(place, item, base=self.rules.site_url)
                if url:
                    images.setdefault(url, Image(url, type=image_type(url)))
                continue
            name = "url" if "url" in item else _first_set(item, _IMAGE_URLS) or "url"
            url = self.url((*place, name), item.get(name), base=self.rules.site_url)
            if url is None:
                continue
            title = item.get("title") or item.get("alt") or item.get("caption")
            written_type = item.get("type")
            images.setdefault(
                url,
                Image(
                    url,
                    self.size((*place, "width"), item.get("width"), 100_000),
                    self.size((*place, "height"), item.get("height"), 100_000),
                    self.image_type(url, written_type) if written_type else image_type(url),
                    self.size((*place, "length"), item.get("length"), 10**12),
                    self.line((*place, "title"), title) or None if title else None,
                ),
            )
        return tuple(images.values())

    def size(self, key: KeyPath, value: Value, most: int) -> int | None:
        """A whole number above nothing, or None."""
        if value is None:
            return None
        if type(value) is str and value.isdecimal() and value.isascii() and len(value) < 10:
            number: int | None = int(value)
        else:
            number = self.whole_number(key, value, most)
        return number if number and 0 < number <= most else None

    def image_type(self, url: str, written: Value) -> str | None:
        if isinstance(written, str) and _MEDIA_TYPE.fullmatch(written.strip().lower()):
            return written.strip().lower()
        return image_type(url)

    def related(self) -> tuple[Related, ...]:
        items: dict[str, Related] = {}
        names = self.rules.fields
        link_names = (*names["link"], *names["original"], "url")
        for place, item in self.items(*self.find("related")):
            if not isinstance(item, dict):
                self.warn(place, "not a related item; left out", "write `title:` and `webUrl:`")
                continue
            link_key = _first_set(item, link_names)
            title = self.line((*place, "title"), item.get("title"))
            if link_key is None or not title:
                missing = "link" if link_key is None else "title"
                self.warn(place, f"its {missing} is missing; left out", f"add the {missing}")
                continue
            link = self.url((*place, link_key), item.get(link_key))
            if link is None:
                continue
            date_key = _first_set(item, names["date"]) or "date"
            images = self.images((*place, "images"), item.get("images"))
            items.setdefault(
                link,
                Related(
                    title=title,
                    link=link,
                    excerpt=self.paragraphs((*place, "excerpt"), item.get("excerpt")),
                    published=self.date((*place, date_key), item.get(date_key)),
                    provider=self.provider((*place, "provider"), item.get("provider")),
                    image=images[0] if images else None,
                ),
            )
        return tuple(items.values())


def image_type(url: str) -> str | None:
    """The media type that the file name in a URL's path tells, or None."""
    found = _IMAGE_NAME.match(url)
    return IMAGE_TYPES.get(found[1].lower()) if found else None


def _is_plain(value: Value) -> TypeGuard[str]:
    """Whether ``value`` is one line of text with nothing to mend in it, as most are."""
    return type(value) is str and value.isprintable() and value.isascii() and "&" not in value


def _first_set(mapping: Mapping[str, Value], names: Iterable[str]) -> str | None:
    """The first of ``names`` that has a value."""
    for name in names:
        if mapping.get(name):
            return name
    return None


def _hugo_path(path: str) -> str:
    """As Hugo writes paths in URLs: in lower case, hyphens for spaces, and without most punctuation."""
    kept = (c for c in path.lower() if c.isalnum() or c in " ./_#+~-@" or combining(c))
    return "".join(kept).replace(" ", "-")


def _shown(value: Value) -> str:
    """A value as a problem shows it: short, on one line, quoted."""
    if isinstance(value, str):
        return f"“{text.shortened(text.one_line(value), 80)}”"
    return "a list" if isinstance(value, list) else "a mapping"
