"""Headers, manifest, plan, patience and purge requests, each by itself: nothing is sent."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from conftest import CONFIG

from syndicate.config import Publish, parse_config
from syndicate.errors import ConfigError, PublishError
from syndicate.publishing import manifest
from syndicate.publishing.headers import document_headers, is_archive, is_feed, surrogate_keys
from syndicate.publishing.manifest import Claim, Manifest, ManifestError, Object
from syndicate.publishing.plan import Reason, Step, plan, stages
from syndicate.publishing.purge import purge_requests
from syndicate.publishing.retry import Patience, TransientError
from syndicate.publishing.websub import ping

FEEDS_URL = "https://feeds.site.example/blog/"


def publish(**section: Any) -> Publish:
    settings = parse_config(
        f"{CONFIG}publish: {json.dumps(section)}\n".encode(), Path("/p/config/syndicate.yaml"), "x"
    )
    return settings.publish


class TestHeaders:
    @pytest.mark.parametrize(
        ("path", "content_type"),
        [
            ("feed.rss", "application/rss+xml; charset=utf-8"),
            ("topic/a/feed.atom", "application/atom+xml; charset=utf-8"),
            ("archive/2026-01.json", "application/feed+json; charset=utf-8"),
            ("topic/a/index.html", "text/html; charset=utf-8"),
            ("feeds.opml", "text/x-opml; charset=utf-8"),
        ],
    )
    def test_media_types(self, path: str, content_type: str) -> None:
        """Rule 20 of feeds, and HTML."""
        assert document_headers(path, publish(), FEEDS_URL)["Content-Type"] == content_type

    def test_feeds_are_short_and_archives_immutable(self) -> None:
        """Unless the config says something else; feeds follow cache_control."""
        known = publish(cache_control="public, max-age=120")
        assert document_headers("feed.rss", known, FEEDS_URL)["Cache-Control"] == "public, max-age=120"
        archive = document_headers("topic/a/archive/2026-01.rss", known, FEEDS_URL)
        assert archive["Cache-Control"] == "public, max-age=86400, immutable"

    def test_of_the_rules_the_first_that_sets_a_header_decides_it(self) -> None:
        """Each header by itself."""
        rules = publish(
            headers=[
                {"match": "topic/*/feed.rss", "cache_control": "first"},
                {"match": "**/*.rss", "cache_control": "second", "gzip": True},
                {"match": "**", "gzip": False, "content_type": "text/plain"},
            ]
        )
        found = document_headers("topic/a/feed.rss", rules, FEEDS_URL)
        assert (found["Cache-Control"], found["Content-Encoding"]) == ("first", "gzip")
        assert found["Content-Type"] == "text/plain"
        assert "Content-Encoding" not in document_headers("feed.atom", rules, FEEDS_URL)

    @pytest.mark.parametrize(
        ("path", "own"),
        [
            ("feed.rss", ""),
            ("topic/a/feed.rss", "topic/a"),
            ("topic/a/index.html", "topic/a"),
            ("topic/größe/feed.rss", "topic/gr%C3%B6%C3%9Fe"),
            ("topic/a/archive/2026-01.rss", "topic/a/archive/2026-01"),
        ],
    )
    def test_surrogate_keys(self, path: str, own: str) -> None:
        """One for what changes together, one for everything; the site's group is not everything."""
        assert surrogate_keys(path, FEEDS_URL) == [
            f"feeds.site.example/blog/{own}", "feeds.site.example/blog/*",
        ]  # fmt: skip

    def test_which_document_is_what(self) -> None:
        """A topic may be called archive."""
        assert is_archive("archive/2026.rss")
        assert is_archive("topic/x/archive/2026-01-02.json.gz")
        assert not is_archive("topic/archive/feed.rss")
        assert is_feed("topic/archive/feed.rss")
        assert not is_feed("archive/2026.rss")
        assert not is_feed("index.html")


class TestConfig:
    def test_what_is_uploaded_says_how_long_it_may_be_kept(self) -> None:
        """Without a word five minutes, which RSS says too; without a target, nothing is known."""
        assert publish().max_age is None
        assert publish(targets=[{"url": "s3://bb/"}]).max_age == 300

    @pytest.mark.parametrize(
        ("section", "said"),
        [
            ({"targets": [{"url": "ftp://x/"}]}, "publish.targets[0].url: no target (write s3://bucket/path/"),
            ({"targets": [{"url": "s3://key:hunter2@bucket/"}]}, "publish.targets[0].url: no target"),
            ({"targets": [{"url": "file://web"}]}, "publish.targets[0].url: no target"),
            ({"targets": [{"url": "file:///web/../etc"}]}, "publish.targets[0].url: no target"),
            ({"targets": [{"url": "file:///p/out/"}]}, "publish.targets[0].url: one of this folder and output.directory holds the other"),
            ({"targets": [{"url": "file:///p/out/web"}]}, "publish.targets[0].url: one of this folder and output.directory"),
            ({"targets": [{"url": "file:///p"}]}, "publish.targets[0].url: one of this folder and output.directory"),
            ({"targets": [{}]}, "publish.targets[0].url: missing"),
            ({"targets": [{"url": "s3://bb/", "endpont": "x"}]}, "publish.targets[0].endpont: unknown key (did you mean endpoint?)"),
            ({"targets": [{"url": "s3://bb/", "endpoint": "https://k:hunter2@h.example/"}]}, "publish.targets[0].endpoint"),
            ({"targets": [{"url": "gs://bb/", "region": "x"}]}, "publish.targets[0].region: gs:// has no region"),
            ({"targets": [{"url": "s3://bb/"}, {"url": "s3://bb/"}]}, "publish.targets[1].url: stands here twice"),
            ({"targets": "s3://bb/"}, "publish.targets: not a list"),
            ({"targets": ["s3://bb/"]}, "publish.targets[0]: not a section"),
            ({"purge": [{"kind": "varnich", "url": "https://e.example/"}]}, "publish.purge[0].kind: varnich is not known (did you mean varnish?)"),
            ({"purge": [{"kind": "fastly"}]}, "publish.purge[0].id: missing"),
            ({"purge": [{"kind": "varnish", "url": "http://e.example/", "token": "${T}"}]}, "publish.purge[0].url: the token would travel unencrypted"),
            ({"purge": [{"kind": "cloudflare", "id": "z", "token": "hunter2"}]}, "publish.purge[0].token: a secret never stands in the config"),
            ({"cache_control": "a\nb"}, "publish.cache_control: a header holds ASCII on one line"),
            ({"headers": [{"gzip": True}]}, "publish.headers[0].match: missing"),
            ({"max_delete": -1}, "publish.max_delete: -1 is no whole number"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_named_and_no_secret_is_shown(self, section: dict[str, Any], said: str) -> None:
        """With its key path."""
        with pytest.raises(ConfigError) as caught:
            publish(**section)
        texts = [str(problem) for problem in caught.value.problems]
        assert any(said in text for text in texts), texts
        assert "hunter2" not in "".join(texts)


def digest(number: int) -> str:
    return f"{number:064x}"


class TestManifest:
    def test_comes_back_as_it_went(self) -> None:
        """And the same manifest is the same bytes."""
        known = Manifest(
            {"topic/b/feed.rss": Object(digest(1), "h", 3), "feed.rss": Object("", "", 2)},
            {"varnish x": {"b", "a"}}, {"feed.rss"}, Claim("o", "r", 7),
        )  # fmt: skip
        assert manifest.decode(manifest.encode(known)) == known
        assert list(json.loads(manifest.encode(known))["objects"]) == ["feed.rss", "topic/b/feed.rss"]

    @pytest.mark.parametrize(
        "path",
        ["../x", "/etc/passwd", "a/../b", "a//b", "", "a/./b", "a\\b", "a\x00b", ".syndicate/manifest.json"],
    )
    @pytest.mark.parametrize("where", ["objects", "purge", "ping"])
    def test_a_path_that_leads_elsewhere_makes_it_worthless(self, path: str, where: str) -> None:
        """A manifest is a server's answer."""
        written: dict[str, Any] = {"format": 1, "objects": {}, "purge": {}, "ping": []}
        written[where] = {"objects": {path: ["", "", 1]}, "purge": {"x": [path]}, "ping": [path]}[where]
        with pytest.raises(ManifestError, match="paths that no document has"):
            manifest.decode(json.dumps(written).encode())

    @pytest.mark.parametrize(
        "data",
        [b"", b"null", b"[]", b"{}", b'{"format": 1}', b'{"format": 1, "objects": []}', b"\xff", b"[" * 100_000,
         b'{"format": 1, "objects": {"a": ["x"]}, "purge": {}, "ping": []}'],
    )  # fmt: skip
    def test_damage(self, data: bytes) -> None:
        """Whatever stands there."""
        with pytest.raises(ManifestError, match="damaged") as caught:
            manifest.decode(data)
        assert not caught.value.newer

    def test_a_newer_one(self) -> None:
        """Whatever else it holds."""
        with pytest.raises(ManifestError, match="newer") as caught:
            manifest.decode(b'{"format": 2, "objects": "elsewhere"}')
        assert caught.value.newer


class TestPlan:
    def test_every_reason(self) -> None:
        """By the digests of bytes and headers."""
        here = {name: Object(digest(1), "h", 1) for name in ("new", "same", "bytes", "headers", "doubt")}
        there = {
            "same": Object(digest(1), "h", 1), "bytes": Object(digest(2), "h", 1),
            "headers": Object(digest(1), "i", 1), "doubt": Object("", "", 1), "gone": Object(digest(3), "h", 1),
            "kept": Object(digest(4), "h", 1),
        }  # fmt: skip
        steps = {step.path: step.reason for step in plan(here, Manifest(there), {"kept"})}
        assert steps == {
            "new": Reason.NEW, "same": Reason.UNCHANGED, "bytes": Reason.CHANGED, "headers": Reason.HEADERS, "doubt": Reason.DOUBT,
            "gone": Reason.GONE,
        }  # fmt: skip

    def test_nothing_is_uploaded_before_what_it_names(self) -> None:
        """Archives, feeds, pages, lists."""
        paths = [
            "feeds.opml",
            "index.html",
            "topic/a/index.html",
            "feed.rss",
            "topic/a/archive/2026-01.rss",
            "gone",
        ]
        steps = [
            Step(path, Reason.GONE if path == "gone" else Reason.NEW, Object("x", "h", 1)) for path in paths
        ]
        assert [[step.path for step in stage] for stage in stages(steps)] == [
            ["topic/a/archive/2026-01.rss"], ["feed.rss"], ["topic/a/index.html"], ["feeds.opml", "index.html"],
        ]  # fmt: skip


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def patience(self, seconds: float) -> Patience:
        return Patience(seconds, clock=lambda: self.now, sleep=self.sleep, chance=lambda: 1.0)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class TestPatience:
    def test_pauses_grow(self) -> None:
        """And the result of the try that went well is given."""
        clock, left = Clock(), [3]

        def call() -> str:
            left[0] -= 1
            if left[0]:
                raise TransientError("no")
            return "yes"

        assert clock.patience(100).tried(call, "it") == "yes"
        assert clock.slept == [0.2, 0.4]

    def test_gives_up(self) -> None:
        """After six tries, saying why."""
        clock = Clock()

        def call() -> None:
            raise TransientError("the server answered 503")

        with pytest.raises(PublishError, match=r"^cannot x: the server answered 503 \(tried 6 times\)$"):
            clock.patience(1000).tried(call, "cannot x")
        assert clock.slept == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2])

    def test_no_pause_outlasts_the_deadline(self) -> None:
        """Nor is anything begun after it."""
        clock = Clock()

        def call() -> None:
            clock.now += 0.3
            raise TransientError("no")

        patience = clock.patience(1)
        with pytest.raises(PublishError):
            patience.tried(call, "it")
        assert clock.now <= 1.0 + 0.3
        clock.now = 1.0
        with pytest.raises(PublishError, match="time for publishing is used up"):
            patience.tried(call, "it")

    def test_waits_as_long_as_a_server_asks(self) -> None:
        """But not for ever."""
        for asked, waited in ((5.0, 5.0), (86_400.0, 30.0)):
            clock, left = Clock(), [2]

            def call(asked: float = asked, left: list[int] = left) -> None:
                left[0] -= 1
                if left[0]:
                    raise TransientError("429", after=asked)

            clock.patience(100).tried(call, "it")
            assert clock.slept == [waited]


ENVIRONMENT = {"TOKEN": "s3cret"}
PATHS = {"topic/a/feed.rss", "topic/a/index.html", "feed.atom"}
URLS = [
    "https://feeds.site.example/blog/feed.atom",
    "https://feeds.site.example/blog/topic/a/feed.rss",
    "https://feeds.site.example/blog/topic/a/index.html",
    "https://feeds.site.example/blog/topic/a/",
]


class TestPurge:
    def requests(self, kind: str, paths: set[str] = PATHS, **options: Any) -> list[Any]:
        [purge] = publish(purge=[{"kind": kind, **options}]).purge
        return list(purge_requests(purge, paths, FEEDS_URL, ENVIRONMENT))

    def test_varnish_by_url(self) -> None:
        """One PURGE an address, with the site's host."""
        requests = self.requests("varnish", url="https://edge.example/", token="${TOKEN}")
        assert [(r.method, r.url) for r in requests] == [
            ("PURGE", url.replace("feeds.site.example", "edge.example")) for url in URLS
        ]
        assert requests[0].headers == {
            "Authorization": "Bearer s3cret", "X-Soft-Purge": "1", "Host": "feeds.site.example",
        }  # fmt: skip

    def test_varnish_by_key(self) -> None:
        """All keys in one request."""
        [request] = self.requests("varnish", url="https://edge.example/", by="key", soft=False)
        assert request.headers["xkey-purge"] == "feeds.site.example/blog/ feeds.site.example/blog/topic/a"

    def test_fastly(self) -> None:
        """Its API's form: keys in JSON, softly."""
        [request] = self.requests("fastly", id="SERVICE", token="${TOKEN}")
        assert (request.method, request.url) == ("POST", "https://api.fastly.com/service/SERVICE/purge")
        assert (request.headers["Fastly-Key"], request.headers["Fastly-Soft-Purge"]) == ("s3cret", "1")
        assert json.loads(request.body) == {
            "surrogate_keys": ["feeds.site.example/blog/", "feeds.site.example/blog/topic/a"],
        }

    def test_fastly_by_url(self) -> None:
        """One request an address."""
        requests = self.requests("fastly", id="SERVICE", token="${TOKEN}", by="url")
        assert [r.url for r in requests] == [f"https://api.fastly.com/purge/{url[8:]}" for url in URLS]

    def test_cloudflare(self) -> None:
        """A hundred files a request."""
        [request] = self.requests("cloudflare", id="ZONE", token="${TOKEN}")
        assert request.url == "https://api.cloudflare.com/client/v4/zones/ZONE/purge_cache"
        assert request.headers["Authorization"] == "Bearer s3cret"
        assert json.loads(request.body) == {"files": URLS}
        many = self.requests(
            "cloudflare", {f"t/{n}/feed.rss" for n in range(250)}, id="ZONE", token="${TOKEN}"
        )
        assert [len(json.loads(r.body)["files"]) for r in many] == [100, 100, 50]

    def test_cloudfront(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """CreateInvalidation, signed; each request is an invalidation of its own."""
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
        [request] = self.requests("cloudfront", id="DIST")
        assert request.url == "https://cloudfront.amazonaws.com/2020-05-31/distribution/DIST/invalidation"
        assert re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/us-east-1/cloudfront/aws4_request, "
            r"SignedHeaders=[a-z0-9;-]+, Signature=[0-9a-f]{64}",
            request.headers["Authorization"],
        )
        ns = "{http://cloudfront.amazonaws.com/doc/2020-05-31/}"
        batch = ElementTree.fromstring(request.body)
        paths = [item.text for item in batch.iterfind(f"{ns}Paths/{ns}Items/{ns}Path")]
        assert paths == [url.removeprefix("https://feeds.site.example") for url in URLS]
        assert batch.findtext(f"{ns}Paths/{ns}Quantity") == "4"
        [again] = self.requests("cloudfront", id="DIST")
        references = {
            ElementTree.fromstring(r.body).findtext(f"{ns}CallerReference") for r in (request, again)
        }
        assert len(references) == 2
        assert "hunter2" not in repr(request)

    def test_cloudfront_bills_paths(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """More than a few are one with a star."""
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        [request] = self.requests("cloudfront", {f"t/{n}/feed.rss" for n in range(16)}, id="DIST")
        assert b"<Quantity>1</Quantity><Items><Path>/blog/*</Path></Items>" in request.body

    def test_http(self) -> None:
        """A hook for the rest: what changed, as JSON."""
        [request] = self.requests("http", url="https://hook.example/purge", token="${TOKEN}", soft=False)
        assert json.loads(request.body) == {
            "urls": URLS, "surrogate_keys": ["feeds.site.example/blog/", "feeds.site.example/blog/topic/a"],
            "everything": False, "soft": False,
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("kind", "options", "said"),
        [
            ("varnish", {"url": "https://e.example/"}, '"X-Ban-Prefix": "/blog/"'),
            (
                "varnish",
                {"url": "https://e.example/", "by": "key"},
                '"xkey-softpurge": "feeds.site.example/blog/*"',
            ),
            ("fastly", {"id": "S", "token": "${TOKEN}"}, '{"surrogate_keys": ["feeds.site.example/blog/*"]}'),
            ("cloudflare", {"id": "Z", "token": "${TOKEN}"}, '{"prefixes": ["feeds.site.example/blog/"]}'),
            ("http", {"url": "https://e.example/"}, '"everything": true'),
        ],
    )
    def test_one_for_everything_above_the_threshold(
        self, kind: str, options: dict[str, Any], said: str
    ) -> None:
        """Five hundred addresses or keys."""
        few = self.requests(kind, {f"t/{n}/feed.rss" for n in range(500)}, **options)
        assert said not in json.dumps([dict(r.headers) for r in few]) + few[0].body.decode()
        [request] = self.requests(kind, {f"t/{n}/feed.rss" for n in range(501)}, **options)
        assert said in json.dumps(dict(request.headers)) + request.body.decode()


def test_a_ping_names_the_feed_in_both_forms() -> None:
    """hub.url of PubSubHubbub, hub.topic of WebSub."""
    request = ping("https://hub.example/", "topic/größe/feed.atom", FEEDS_URL)
    assert (request.method, request.url) == ("POST", "https://hub.example/")
    topic = "https%3A%2F%2Ffeeds.site.example%2Fblog%2Ftopic%2Fgr%25C3%25B6%25C3%259Fe%2Ffeed.atom"
    assert request.body.decode() == f"hub.mode=publish&hub.url={topic}&hub.topic={topic}"
