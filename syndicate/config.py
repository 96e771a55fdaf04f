"""Settings: what config/syndicate.yaml says, checked whole. Every problem is reported at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from syndicate import keys
from syndicate.articles.frontmatter import (
    FrontMatterError,
    decode,
    parse_yaml,
)
from syndicate.articles.presets import FIELDS, PRESETS
from syndicate.articles.rules import Rules
from syndicate.articles.urls import UrlError, clean_domain, clean_url
from syndicate.content import glob_pattern
from syndicate.errors import ConfigError, Problem, Severity

if TYPE_CHECKING:
    from datetime import tzinfo

FORMATS = ("rss", "atom", "json")
# Domains that host many publishers: there, a provider is its domain and its name.
SHARED_DOMAINS = (
    "blogspot.com", "dailymotion.com", "dev.to", "facebook.com", "ghost.io", "github.com",
    "github.io", "gitlab.io", "hashnode.dev", "linkedin.com", "medium.com", "netlify.app",
    "pages.dev", "soundcloud.com", "substack.com", "tumblr.com", "twitter.com", "vimeo.com",
    "wordpress.com", "x.com", "youtube.com",
)  # fmt: skip
_TAG = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?:@[A-Za-z0-9.-]+)?,(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?"
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_GROUP_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,40}")
_SECRET = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEADER = re.compile(r"[\x20-\x7e]*")
_STORE = re.compile(r"(?:s3|gs|az)://.*")
_TARGET = re.compile(r"(s3|gs|az)://([A-Za-z0-9][A-Za-z0-9._-]{1,220})(?:/(.*))?|(file)://(/.+)")
# What each kind of purge needs besides its kind, and where its service is.
PURGES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "varnish": (("url",), ""),
    "fastly": (("id", "token"), "https://api.fastly.com/"),
    "cloudflare": (("id", "token"), "https://api.cloudflare.com/client/v4/"),
    "cloudfront": (("id",), "https://cloudfront.amazonaws.com/"),
    "http": (("url",), ""),
}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Site:
    title: str
    url: str  # where people read
    feeds_url: str  # where out/ is served; ends with a slash
    tag: str  # authority and date, the stem of every id (RFC 4151)
    description: str
    language: str  # RFC 5646
    timezone: str
    author: str
    author_email: str
    icon: str
    logo: str
    copyright: str

    @property
    def zone(self) -> tzinfo:
        import pytz

        return pytz.timezone(self.timezone)

    @property
    def tag_date(self) -> datetime:
        """The date in ``tag``: what an empty feed gives as its own."""
        found = _TAG.fullmatch(self.tag)
        assert found
        return datetime(int(found[1]), int(found[2] or 1), int(found[3] or 1), tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Content:
    roots: tuple[Path, ...]
    stores: tuple[Target, ...]  # roots in object storage, which only a cluster reads
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    preset: str
    fields: Mapping[str, tuple[str, ...]]
    defaults: Mapping[str, str]
    permalink: str | None
    fix_encoding: bool
    topics: Path | None  # registries
    providers: Path | None
    shared_domains: frozenset[str]


@dataclass(frozen=True, slots=True)
class Feeds:
    formats: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]  # ("topic",), ("topic", "provider") for pairs
    limit: int  # entries a feed
    max_bytes: int | None  # of one document
    full: bool  # the article's body in the entries, or its excerpt alone
    order: str  # published | updated
    min_quality: int | None
    html: bool  # index.html pages
    archive: str  # none | year | month | day: the periods of archive documents
    related: str  # links | entries: related items are links of their article, or entries too
    rollup: bool  # a topic's articles stand in its parents' feeds too


@dataclass(frozen=True, slots=True)
class Output:
    directory: Path
    compress: tuple[str, ...]
    max_shrink: float  # share of the published articles that one run may lose


@dataclass(frozen=True, slots=True)
class Target:
    """A place that documents are published to. Its credentials come from the environment."""

    url: str  # as it was written, which names it
    scheme: str  # s3 | gs | az | file
    bucket: str  # or the container; empty for a local folder
    prefix: str  # of keys, without slashes at its ends; for a local folder, its path
    endpoint: str  # of an S3-compatible or Azure-compatible service; empty: the provider's own
    region: str
    path_style: bool  # the bucket stands in the path, not in the host name
    ca_file: Path | None  # of the authority that signed the endpoint's certificate


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """The headers of the documents whose path matches; None leaves one to the next rule."""

    match: re.Pattern[str]
    cache_control: str | None
    content_type: str | None
    gzip: bool | None


@dataclass(frozen=True, slots=True)
class Purge:
    """An edge that is told what changed. ``token`` names the environment variable that holds it."""

    kind: str
    url: str
    id: str  # Fastly's service, Cloudflare's zone, CloudFront's distribution
    token: str
    by_key: bool  # by surrogate key instead of URL
    soft: bool  # what is stale may still be served while the origin is asked, or is down

    @property
    def name(self) -> str:
        """What a manifest remembers unfinished work under; no secret."""
        return " ".join(filter(None, (self.kind, self.url, self.id)))


@dataclass(frozen=True, slots=True)
class Publish:
    targets: tuple[Target, ...]
    cache_control: str  # as the documents are served; empty: unknown
    headers: tuple[HeaderRule, ...]  # the first that sets a header decides it
    purge: tuple[Purge, ...]
    hub: str  # URL of a WebSub hub
    delete: bool  # documents that are gone are removed from the targets too
    max_delete: int  # of one run and target
    timeout: int  # seconds that one request may take
    deadline: int  # seconds that a stage may take: uploading, telling edges and hub, removing

    @property
    def max_age(self) -> int | None:
        """For how many seconds a document may be kept (RFC 9111, section 5.2.2.1)."""
        found = re.search(r"(?:^|[\s,])max-age=\"?([0-9]{1,9})", self.cache_control)
        return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Cluster:
    """How a build is spread over workers."""

    work: Target | None  # where they keep what they found out; None: beside the output directory
    partition_files: int
    partition_bytes: int
    fan_in: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run is told. ``path`` and every folder are absolute."""

    path: Path
    root: Path  # the project's, which relative paths start from
    site: Site
    content: Content
    feeds: Feeds
    output: Output
    publish: Publish
    cluster: Cluster

    @property
    def state(self) -> Path:
        """Syndicate's own folder beside the output: the catalog and the lock."""
        return self.output.directory.parent / ".syndicate"

    @property
    def rules(self) -> Rules:
        """What decides how an article is read."""
        named = {kind for group in self.feeds.groups for kind in group}
        return Rules(
            fields=self.content.fields,
            tag=self.site.tag,
            site_url=self.site.url,
            zone=self.site.zone,
            permalink=self.content.permalink,
            fix_encoding=self.content.fix_encoding,
            group_fields=tuple(sorted(named - {"topic", "provider"})),
            defaults=self.content.defaults,
            related_entries=self.feeds.related == "entries",
        )


def load_config(path: Path) -> Settings:
    """Read and check the config at ``path``. Raises ConfigError with every problem in it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot read the config: {path}: {error.strerror} (`syndicate init` writes one)"
        ) from None
    return parse_config(data, path.absolute(), shown=str(path))


def project_root(path: Path) -> Path:
    """The folder that relative paths of the config at ``path`` start from."""
    return path.parent.parent if path.parent.name == "config" else path.parent


def parse_config(data: bytes, path: Path, shown: str) -> Settings:
    """The settings in ``data``; ``shown`` names the file in problems. Raises ConfigError."""
    try:
        block, _ = decode(data)
        values = parse_yaml(block)
    except FrontMatterError as error:
        problem = Problem(shown, error.line, error.column, Severity.ERROR, "config", error.what, error.fix)
        raise ConfigError("the config cannot be read", (problem,)) from None
    check = _Check(shown, yaml.compose(block, Loader=yaml.CBaseLoader))
    settings = _settings(check, values, path, project_root(path))
    problems = tuple(sorted(check.problems, key=lambda problem: problem.sort_key))
    if settings is None:
        raise ConfigError("the config has problems", problems)
    return settings


def _settings(check: _Check, values: Any, path: Path, root: Path) -> Settings | None:
    check.section("", values, keys.SECTIONS)
    site = _site(check.section("site", values.get("site")))
    cluster = check.section("cluster", values.get("cluster"))
    service = _service(cluster, root)
    content = _content(check.section("content", values.get("content")), root, service)
    feeds = _feeds(check.section("feeds", values.get("feeds")))
    publish = _publish(check.section("publish", values.get("publish")), root)
    output = _output(check.section("output", values.get("output")), root)
    spread = _cluster(cluster, root, service)
    for index, target in enumerate(publish.targets):
        web, out = Path(target.prefix), output.directory
        if target.scheme == "file" and (web == out or web in out.parents or out in web.parents):
            check.report(
                f"publish.targets[{index}].url", "one of this folder and output.directory holds the other",
                "publish to another folder; or serve output.directory as it is, without publishing",
            )  # fmt: skip
    if check.problems:
        return None
    return Settings(path, root, site, content, feeds, output, publish, spread)


def _site(section: _Section) -> Site:
    url = section.parsed("url", clean_url, required=True)
    feeds_url = section.parsed("feeds_url", clean_url, required=True)
    return Site(
        title=section.text("title", required=True),
        url=url or "",
        feeds_url=(feeds_url or "").rstrip("/") + "/",
        tag=section.parsed("tag", _tag, required=True) or "",
        description=section.text("description"),
        language=section.parsed("language", language_tag) or "en",
        timezone=section.parsed("timezone", time_zone) or "UTC",
        author=section.text("author"),
        author_email=section.text("author_email"),
        icon=section.parsed("icon", clean_url) or "",
        logo=section.parsed("logo", clean_url) or "",
        copyright=section.text("copyright"),
    )


def _content(section: _Section, root: Path, service: _Service) -> Content:
    preset_name = section.choice("preset", tuple(PRESETS), "smartable")
    preset = PRESETS[preset_name]
    fields = dict(preset.fields)
    for name, written in section.mapping("fields").items():
        if name in FIELDS:
            fields[name] = section.texts(f"fields.{name}", written, required=True)
        else:
            section.unknown(f"fields.{name}", FIELDS)
    defaults = {}
    for name, value in section.mapping("defaults").items():
        if name not in FIELDS:
            section.unknown(f"defaults.{name}", FIELDS)
        elif isinstance(value, str):
            defaults[name] = value
        else:
            section.report(f"defaults.{name}", "not one text", "write one text")
    roots = section.texts("roots", section.values.get("roots"), required=True)
    domains = section.texts("shared_domains", section.values.get("shared_domains"))
    for domain in domains:
        try:
            clean_domain(domain)
        except UrlError as error:
            section.report("shared_domains", str(error), "write one like example.org")
    topics, providers = section.text("topics"), section.text("providers")
    return Content(
        roots=tuple(_folder(root, name) for name in roots if not _STORE.fullmatch(name)),
        stores=tuple(
            _place(section, f"roots[{index}]", name, service)
            for index, name in enumerate(roots)
            if _STORE.fullmatch(name)
        ),
        include=section.texts("include", section.values.get("include")) or preset.include,
        exclude=section.texts("exclude", section.values.get("exclude")) or preset.exclude,
        preset=preset_name,
        fields=fields,
        defaults=defaults,
        permalink=section.text("permalink") or preset.permalink,
        fix_encoding=section.flag("fix_encoding", True),
        topics=_folder(root, topics) if topics else None,
        providers=_folder(root, providers) if providers else None,
        shared_domains=frozenset(domains or SHARED_DOMAINS),
    )


def _feeds(section: _Section) -> Feeds:
    formats = section.texts("formats", section.values.get("formats")) or FORMATS
    for name in formats:
        if name not in FORMATS:
            section.report("formats", f"{name} is no format", f"use {', '.join(FORMATS)}")
    groups: list[tuple[str, ...]] = []
    written = section.values.get("groups")
    if written is None:
        written = ["topic", "provider"]
    if not isinstance(written, list):
        section.report("groups", "not a list", "write a list such as [topic, provider]")
        written = []
    for item in written:
        kinds = tuple(item) if isinstance(item, list) else (item,)
        if not 1 <= len(kinds) <= 2 or not all(
            isinstance(kind, str) and _GROUP_FIELD.fullmatch(kind) for kind in kinds
        ):
            section.report("groups", "an item is no field and no pair", "write topic, or [topic, provider]")
        elif "secured" in kinds:
            section.report("groups", "secured is never published", "take it out")
        elif kinds not in groups:
            groups.append(kinds)
    return Feeds(
        formats=tuple(name for name in FORMATS if name in formats),
        groups=tuple(groups),
        limit=section.whole("limit", 50, 1, 10_000),
        max_bytes=section.number("max_bytes", None, 1_000, 10**9),
        full=section.choice("content", ("full", "summary"), "full") == "full",
        order=section.choice("order", ("published", "updated"), "published"),
        min_quality=section.number("min_quality", None, -(10**9), 10**9),
        html=section.flag("html", True),
        archive=section.choice("archive", ("none", "year", "month", "day"), "none"),
        related=section.choice("related", ("links", "entries"), "links"),
        rollup=section.flag("rollup", False),
    )


def _output(section: _Section, root: Path) -> Output:
    compress = section.texts("compress", section.values.get("compress"))
    for name in compress:
        if name not in ("gzip", "brotli"):
            section.report("compress", f"{name} is no compression", "use gzip, brotli")
    return Output(
        directory=_folder(root, section.text("directory") or "out"),
        compress=tuple(name for name in ("gzip", "brotli") if name in compress),
        max_shrink=section.share("max_shrink", 0.5),
    )


def _publish(section: _Section, root: Path) -> Publish:
    targets = tuple(_target(item, root) for item in section.items("targets"))
    for index, target in enumerate(targets):
        if target.url and target.url in [other.url for other in targets[:index]]:
            section.report(f"targets[{index}].url", "stands here twice", "take one out")
    return Publish(
        targets=targets,
        # What is uploaded says how long it may be kept, and RSS says the same.
        cache_control=section.parsed("cache_control", _header) or ("public, max-age=300" if targets else ""),
        headers=tuple(_header_rule(item) for item in section.items("headers")),
        purge=tuple(_purge(item) for item in section.items("purge")),
        hub=section.parsed("hub", clean_url) or "",
        delete=section.flag("delete", True),
        max_delete=section.whole("max_delete", 256, 0, 10**6),
        timeout=section.whole("timeout", 30, 1, 600),
        deadline=section.whole("deadline", 600, 1, 86_400),
    )


def _target(section: _Section, root: Path) -> Target:
    target = _place(section, "url", section.text("url", required=True), _service(section, root))
    for key, schemes in (("endpoint", "s3 az"), ("region", "s3"), ("path_style", "s3"), ("ca_file", "s3 az")):
        if target.scheme and section.values.get(key) is not None and target.scheme not in schemes.split():
            section.report(key, f"{target.scheme}:// has no {key}", "take it out")
    return target


class _Service(NamedTuple):
    """Who serves object storage: the keys that go with a URL of it."""

    endpoint: str
    region: str
    path_style: bool
    ca_file: Path | None


def _service(section: _Section, root: Path) -> _Service:
    ca_file = section.text("ca_file")
    return _Service(
        endpoint=(section.parsed("endpoint", clean_url) or "").rstrip("/"),
        region=section.text("region") or "us-east-1",
        path_style=section.flag("path_style", True),
        ca_file=_folder(root, ca_file) if ca_file else None,
    )


def _place(section: _Section, key: str, url: str, service: _Service) -> Target:
    """The place that ``url`` names; ``key`` is where it stands."""
    found = _TARGET.fullmatch(url)
    if url and (not found or ".." in url.split("/")):
        # Its text may hold a secret, and is not shown.
        section.report(key, "no target", "write s3://bucket/path/, gs://…, az://… or file:///folder/")
        found = None
    return Target(
        url=url,
        scheme=(found[1] or found[4]) if found else "",
        bucket=(found[2] or "") if found else "",
        prefix=(found[5] or (found[3] or "").strip("/")) if found else "",
        **service._asdict(),
    )


def _cluster(section: _Section, root: Path, service: _Service) -> Cluster:
    written = section.text("work")
    work = None
    if _STORE.fullmatch(written):
        work = _place(section, "work", written, service)
    elif written:
        work = local_place(_folder(root, written))
    return Cluster(
        work=work,
        partition_files=section.whole("partition_files", 4_096, 1, 10**6),
        partition_bytes=section.whole("partition_megabytes", 64, 1, 4_096) * 10**6,
        fan_in=section.whole("fan_in", 16, 2, 1_024),
    )


def local_place(folder: Path) -> Target:
    """A local folder as a place like any other."""
    return Target(folder.as_uri(), "file", "", str(folder), "", "", True, None)


def _header_rule(section: _Section) -> HeaderRule:
    return HeaderRule(
        match=re.compile(glob_pattern(section.text("match", required=True))),
        cache_control=section.parsed("cache_control", _header),
        content_type=section.parsed("content_type", _header),
        gzip=section.flag("gzip", False) if section.values.get("gzip") is not None else None,
    )


def _purge(section: _Section) -> Purge:
    from urllib.parse import urlsplit

    kind = section.choice("kind", tuple(PURGES), "") if section.text("kind", required=True) else ""
    needed, default_url = PURGES.get(kind, ((), ""))
    for key in needed:
        section.text(key, required=True)
    url = section.parsed("url", clean_url) or default_url
    token = section.parsed("token", _secret) or ""
    if token and url.startswith("http:") and urlsplit(url).hostname not in _LOOPBACK:
        section.report("url", "the token would travel unencrypted", "write an https URL")
    if kind == "cloudfront" and token:
        section.report("token", "CloudFront takes the AWS credentials", "take it out")
    by_key = section.choice("by", ("url", "key"), "key" if kind == "fastly" else "url") == "key"
    if by_key and kind in ("cloudflare", "cloudfront"):
        section.report("by", f"{kind} is told URLs", "take it out")
    return Purge(kind, url, section.text("id"), token, by_key, section.flag("soft", True))


def _secret(written: str) -> str:
    """The environment variable that ``${NAME}`` stands for."""
    found = _SECRET.fullmatch(written)
    if not found:
        raise ValueError("a secret never stands in the config: write ${NAME}, an environment variable")
    return found[1]


def _header(written: str) -> str:
    if not _HEADER.fullmatch(written):
        raise ValueError("a header holds ASCII on one line")
    return written


def _folder(root: Path, name: str) -> Path:
    return (root / Path(name).expanduser()).absolute()


def _tag(written: str) -> str:
    found = _TAG.fullmatch(written)
    if not found:
        raise ValueError("not a domain and a date it was yours, such as example.org,2020")
    try:
        datetime(int(found[1]), int(found[2] or 1), int(found[3] or 1), tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"its date is none: {error}") from None
    return written


def language_tag(written: str) -> str:
    """``written``, if it is a language tag (RFC 5646). Raises ValueError."""
    if not _LANGUAGE.fullmatch(written):
        raise ValueError("no language tag such as en or en-GB")
    return written


def time_zone(written: str) -> str:
    """The zone's name as the tz database writes it. Raises ValueError."""
    import pytz

    try:
        return str(pytz.timezone(written).zone)
    except pytz.UnknownTimeZoneError:
        near = difflib.get_close_matches(written, pytz.all_timezones, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"{written} is no time zone{hint}") from None


class _Check:
    """The problems of one config, each with the line and column of its key."""

    def __init__(self, shown: str, node: yaml.Node | None) -> None:
        self.shown, self.node = shown, node
        self.problems: list[Problem] = []

    def report(self, key: str, what: str, fix: str) -> None:
        line, column = self.place(key)
        self.problems.append(Problem(self.shown, line, column, Severity.ERROR, key or "config", what, fix))

    def place(self, key: str) -> tuple[int, int]:
        """Line and column of ``key`` (a dotted path), or of the nearest section that is there."""
        node, mark = self.node, None
        for step in re.findall(r"[^.\[\]]+", key):
            if isinstance(node, yaml.SequenceNode) and step.isdigit() and int(step) < len(node.value):
                node = node.value[int(step)]
                mark = node.start_mark
                continue
            if not isinstance(node, yaml.MappingNode):
                break
            pair = next(((k, v) for k, v in node.value if k.value == step), None)
            if pair is None:
                break
            mark, node = pair[0].start_mark, pair[1]
        return (mark.line + 1, mark.column + 1) if mark else (1, 1)

    def section(self, name: str, values: Any, known: tuple[str, ...] = ()) -> _Section:
        """One section; its keys are those that keys.py knows, unless they are given."""
        known = known or keys.known(re.sub(r"\[\d+\]", "[]", name))
        if values is not None and not isinstance(values, dict):
            self.report(name, "not a section", "write its keys indented below it")
            values = None
        section = _Section(self, name, values or {})
        for key in section.values:
            if key not in known:
                section.unknown(key, known)
        return section


class _Section:
    """One section of the config: typed access that reports instead of raising."""

    def __init__(self, check: _Check, name: str, values: dict[str, Any]) -> None:
        self.check, self.name, self.values = check, name, values

    def report(self, key: str, what: str, fix: str) -> None:
        self.check.report(f"{self.name}.{key}" if self.name else key, what, fix)

    def unknown(self, key: str, known: tuple[str, ...]) -> None:
        near = difflib.get_close_matches(key.rpartition(".")[2], known, 1)
        fix = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
        self.report(key, "unknown key", fix)

    def text(self, key: str, *, required: bool = False) -> str:
        value = self.values.get(key)
        if value is None or value == "":
            if required:
                self.report(key, "missing", f"add `{key}:` to the section {self.name}")
            return ""
        if not isinstance(value, str):
            self.report(key, "not one text", "write one text")
            return ""
        return value.strip()

    def parsed(self, key: str, parse: Callable[[str], str], *, required: bool = False) -> str | None:
        written = self.text(key, required=required)
        if not written:
            return None
        try:
            return parse(written)
        except ValueError as error:
            self.report(key, str(error), "mend the value")
            return None

    def texts(self, key: str, value: Any, *, required: bool = False) -> tuple[str, ...]:
        if value is None or value == []:
            if required:
                self.report(key, "missing", f"add `{key}:` with at least one item")
            return ()
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) for item in items):
            self.report(key, "not a list of texts", "write a list such as [one, two]")
            return ()
        return tuple(items)

    def items(self, key: str) -> list[_Section]:
        """The sections of a list."""
        value = self.values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.report(key, "not a list", "begin each item with `- `")
            return []
        return [self.check.section(f"{self.name}.{key}[{index}]", item) for index, item in enumerate(value)]

    def mapping(self, key: str) -> dict[str, Any]:
        value = self.values.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.report(key, "not a mapping", "write `name: value` lines below it")
            return {}
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        value = self.text(key)
        if value and value not in choices:
            near = difflib.get_close_matches(value, choices, 1)
            hint = f"did you mean {near[0]}?" if near else f"use {', '.join(choices)}"
            self.report(key, f"{value} is not known", hint)
            return default
        return value or default

    def flag(self, key: str, default: bool) -> bool:
        value = self.text(key).lower()
        if value in ("true", "yes", "on"):
            return True
        if value in ("false", "no", "off"):
            return False
        if value:
            self.report(key, f"{value} is neither true nor false", "write true or false")
        return default

    def number(self, key: str, default: int | None, least: int, most: int) -> int | None:
        value = self.text(key)
        if not value:
            return default
        if not re.fullmatch(r"-?[0-9]{1,10}", value) or not least <= int(value) <= most:
            self.report(key, f"{value} is no whole number from {least} to {most}", "mend it")
            return default
        return int(value)

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        number = self.number(key, default, least, most)
        return default if number is None else number

    def share(self, key: str, default: float) -> float:
        value = self.text(key)
        if not value:
            return default
        if not re.fullmatch(r"[01]?(?:\.[0-9]+)?", value) or not 0 <= float(value) <= 1:
            self.report(key, f"{value} is no share from 0 to 1", "write one such as 0.5")
            return default
        return float(value)
