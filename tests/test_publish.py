"""Publishing to a real S3 server: what is sent, in which order, and what becomes of it when things go wrong."""

from __future__ import annotations

import gzip
import hashlib
import json
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import NOW, Project
from killing import killed
from publishing import FEEDS_URL, Published, counts
from servers import BUCKET, SECRET, Asked, Recorder, Weed, seaweedfs
from servers import KEY as ACCESS_KEY
from test_cli import outcome
from test_cli import run as command

import syndicate
from syndicate.errors import BrakeError, ConfigError, LockedError
from syndicate.publishing.manifest import KEY as MANIFEST
from syndicate.publishing.publisher import Publication


@pytest.fixture
def published(project: Project, weed: Weed, monkeypatch: pytest.MonkeyPatch) -> Published:
    return Published(project, weed, monkeypatch)


@pytest.fixture
def proxy(weed: Weed) -> Iterator[Recorder]:
    """Between the publisher and the server: notes every request, and makes faults."""
    with Recorder(weed.http_port) as recorder:
        yield recorder


def through(published: Published, proxy: Recorder, **publish: Any) -> None:
    published.configure(published.target(endpoint=proxy.url.rstrip("/"), ca_file=None), **publish)


def key_of(published: Published, asked: Asked) -> str:
    """The document or object that a request to the server is about."""
    return asked.path.partition("?")[0].removeprefix(f"/{BUCKET}/{published.prefix}/")


class TestPublish:
    def test_everything_that_was_built_is_there(self, published: Published) -> None:
        """Byte for byte, and nothing else but the manifest."""
        published.project.write("a")
        published.project.build()
        assert counts(published.done()) == {"new": 13}
        published.agrees()

    def test_only_what_changed_is_sent(self, published: Published) -> None:
        """Each document with its reason; what is gone is removed."""
        published.project.write("a")
        published.project.write("b", topics=["Space"])
        published.project.build()
        published.done()
        (published.project.root / "news" / "b.md").unlink()
        published.project.write("a", title="Another title")
        published.project.build(force=True)
        report = published.done()
        # Site, topic AI and provider: 4 documents each (the site's page lists groups), OPML changed too.
        assert counts(report) == {"changed": 13, "gone": 4}
        published.agrees()

    def test_headers_are_what_a_server_is_to_say(self, published: Published) -> None:
        """As Amazon's own client reads them."""
        published.project.write("a")
        published.project.build()
        published.done()
        topic = published.object("topic/ai/feed.atom")
        assert topic["ContentType"] == "application/atom+xml; charset=utf-8"
        assert topic["CacheControl"] == "public, max-age=300"
        assert topic["Metadata"] == {
            "surrogate-key": "feeds.site.example/topic/ai feeds.site.example/*",
        }
        assert published.object("index.html")["ContentType"] == "text/html; charset=utf-8"
        assert published.object("feeds.opml")["ContentType"] == "text/x-opml; charset=utf-8"
        assert published.object("feed.json")["ContentType"] == "application/feed+json; charset=utf-8"
        assert published.object(MANIFEST)["CacheControl"] == "no-store"

    def test_a_change_of_headers_alone_is_sent(self, published: Published) -> None:
        """The bytes are the same, and the reason says so."""
        published.project.write("a")
        published.project.build()
        published.done()
        rule = {"match": "**/*.atom", "cache_control": "public, max-age=60"}
        published.configure(headers=[rule])
        # The site's, the topic's and the provider's; ttl stays what cache_control says.
        assert counts(published.done()) == {"headers": 3, "unchanged": 10}
        assert published.object("topic/ai/feed.atom")["CacheControl"] == "public, max-age=60"
        assert published.object("topic/ai/feed.rss")["CacheControl"] == "public, max-age=300"
        published.agrees()

    def test_gzip_where_the_config_asks_for_it(self, published: Published) -> None:
        """With its Content-Encoding; unpacked, the bytes are the document's."""
        published.project.write("a")
        published.project.build()
        published.configure(headers=[{"match": "**/*.rss", "gzip": True}])
        published.done()
        feed = published.object("feed.rss")
        assert feed["ContentEncoding"] == "gzip"
        assert gzip.decompress(feed["Body"].read()) == published.project.documents()["feed.rss"]
        assert "ContentEncoding" not in published.object("feed.atom")
        assert counts(published.done()) == {"unchanged": 13}

    def test_compressed_siblings_stay_at_home(self, published: Published) -> None:
        """A bucket would not choose between them."""
        published.configure(more="output: {compress: [gzip]}\n")
        published.project.write("a")
        published.project.build()
        published.done()
        siblings = {path for path in published.project.documents() if path.endswith(".gz")}
        assert len(siblings) == 13
        assert published.there().keys() == published.project.documents().keys() - siblings

    def test_names_in_every_script(self, published: Published) -> None:
        """A key is the document's path, as it is written."""
        published.project.write("a", topics=["Größe", "機械学習", "C++ & C#"])
        published.project.build()
        published.done()
        published.agrees()
        assert any("機械学習" in path for path in published.there())

    def test_a_profile_of_aws(
        self, published: Published, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Credentials may stand where Amazon's own tools have them."""
        credentials = tmp_path / "credentials"
        credentials.write_text(
            f"[feeds]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET}\n"
        )
        for name in published.weed.environment:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_PROFILE", "feeds")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
        published.project.write("a")
        published.project.build()
        published.done()
        published.agrees()

    @pytest.mark.parametrize(
        ("path_style", "endpoint"), [(True, "https://s3.example"), (False, "https://feeds.s3.example")]
    )
    def test_where_the_bucket_stands(self, published: Published, path_style: bool, endpoint: str) -> None:
        """In the path, or in the host's name."""
        from syndicate.publishing.stores import _opened

        published.configure(
            published.target(endpoint="https://s3.example", path_style=str(path_style).lower())
        )
        [target] = published.project.settings.publish.targets
        store = _opened(target, 1, published.weed.environment)
        assert store.config["endpoint"] == endpoint
        assert store.config["virtual_hosted_style_request"] is not path_style

    def test_order(self, published: Published, proxy: Recorder) -> None:
        """A claim, archives, feeds, pages, the lists of all, the manifest, deletes, the manifest."""
        through(published, proxy)
        more = "feeds: {limit: 1, archive: month}\n"
        published.configure(published.target(endpoint=proxy.url.rstrip("/"), ca_file=None), more=more)
        published.project.write("a", publishedDateTime="2026-01-02T03:04:05Z")
        published.project.write("b", publishedDateTime="2026-02-02T03:04:05Z", topics=["Space"])
        published.project.build()
        published.done()
        (published.project.root / "news" / "b.md").unlink()
        published.project.write("c", publishedDateTime="2026-03-02T03:04:05Z")
        published.project.build(force=True)
        proxy.asked.clear()
        published.done()
        written = [
            f"{asked.method} {key_of(published, asked)}" for asked in proxy.asked if asked.method != "GET"
        ]

        def stage(request: str) -> int:
            method, _, key = request.partition(" ")
            if key == MANIFEST:
                return -1
            if method != "PUT":
                return 9
            if "archive/" in key:
                return 1
            if key in ("index.html", "feeds.opml"):
                return 4
            return 3 if key.endswith("index.html") else 2

        stages = [stage(request) for request in written]
        assert stages[0] == stages[-1] == -1
        inner = stages[1:-1]
        saved = inner.index(-1)
        assert inner[:saved] == sorted(inner[:saved])
        assert {1, 2, 3, 4} == set(inner[:saved])
        assert inner[saved:] == [-1, 9]

    def test_an_unchanged_run_is_one_get(self, published: Published, proxy: Recorder) -> None:
        """The server's log proves it."""
        through(published, proxy)
        published.project.write("a")
        published.project.build()
        published.done()
        proxy.asked.clear()
        assert counts(published.done()) == {"unchanged": 13}
        assert [(a.method, key_of(published, a)) for a in proxy.asked] == [("GET", MANIFEST)]

    def test_a_dry_run_writes_nothing(self, published: Published, proxy: Recorder) -> None:
        """Neither there nor in the catalog; it says what would be done."""
        through(published, proxy)
        published.project.write("a")
        published.project.build()
        assert counts(published.done(dry_run=True)) == {"new": 13}
        assert proxy.methods() == ["GET"]
        assert published.there() == {}
        assert syndicate.read_status(published.project.settings).targets[0].tried is None

    def test_a_store_that_changes_headers_is_told_of(self, published: Published, proxy: Recorder) -> None:
        """Stored headers are read back once a run."""
        through(published, proxy)
        published.project.write("a")
        published.project.build()
        # A store that has its own mind of how long things may be kept.
        proxy.fault = lambda asked: {"Cache-Control": "private"} if asked.method == "GET" else None
        assert published.done().warnings == (
            f"{published.url}: feed.atom: the store says Cache-Control: 'private', not 'public, max-age=300'",
        )

    def test_several_targets(self, published: Published, tmp_path: Path) -> None:
        """Each has its own manifest; a fault of one is no other's."""
        web = tmp_path / "web"
        web.mkdir()
        bad = published.target(url="s3://no-such-bucket/")
        targets = [bad, published.target(), {"url": f"file://{web}"}]
        published.project.configure(
            published.project.root.joinpath("config/syndicate.yaml").read_text().partition("publish:")[0]
            + f"publish: {json.dumps({'targets': targets})}\n"
        )
        published.project.write("a")
        published.project.build()
        report = published.publish()
        assert [str(error) for error in report.all_errors] == [
            "the bucket is not there: s3://no-such-bucket/: make it, or mend publish.targets; nothing was made"
        ]
        assert report.exit_code == 4
        published.agrees()
        assert (web / "feed.rss").read_bytes() == published.project.documents()["feed.rss"]

    def test_one_target_of_several(self, published: Published, tmp_path: Path) -> None:
        """By its URL; another word is told the known ones."""
        published.project.write("a")
        published.project.build()
        assert len(published.publish(target=published.url).targets) == 1
        with pytest.raises(
            ConfigError, match=r"no such target: s3://other \(publish.targets names s3://feeds/"
        ):
            published.publish(target="s3://other")

    def test_documents_of_a_group_that_is_gone_are_removed(self, published: Published) -> None:
        """Unless the config says that they stay."""
        published.project.write("a")
        published.project.write("b", topics=["Space"])
        published.project.build()
        published.done()
        (published.project.root / "news" / "b.md").unlink()
        published.project.build(force=True)
        published.configure(delete=False)
        assert "gone" not in counts(published.done())
        assert "topic/space/feed.rss" in published.there()
        published.configure()
        assert counts(published.done())["gone"] == 4
        published.agrees()


class TestRefused:
    def test_an_empty_build(self, published: Published) -> None:
        """Nothing was built, and everything is there: a lost catalog empties no bucket."""
        published.project.write("a")
        published.project.build()
        published.done()
        before = published.there()
        for path in (published.project.root / ".syndicate").iterdir():
            path.unlink()
        report = published.publish()
        assert [type(error) for error in report.all_errors] == [BrakeError]
        assert report.exit_code == 3
        assert published.there() == before

    def test_more_deletes_than_the_cap(self, published: Published) -> None:
        """Ten thousand objects in the manifest that are not built any more: none is removed until it is meant."""
        published.project.write("a")
        published.project.build()
        published.done()
        manifest = published.manifest()
        digest = hashlib.sha256(b"x").hexdigest()
        for n in range(10_000):
            manifest["objects"][f"topic/t{n}/feed.rss"] = [digest, "0" * 32, 1]
        published.put(MANIFEST, json.dumps(manifest).encode())
        published.put("topic/t77/feed.rss", b"x")
        published.put("topic/foreign/feed.rss", b"not ours")
        assert published.errors() == [
            "10,000 documents would be removed at once (publish.max_delete is 256): "
            f"{published.url}: nothing was changed; if that is right, run again with --force"
        ]
        assert published.there()["topic/t77/feed.rss"] == b"x"
        assert counts(published.done(force=True)) == {"unchanged": 13, "gone": 10_000}
        assert published.there() == {
            **published.project.documents(), "topic/foreign/feed.rss": b"not ours",
        }  # fmt: skip

    def test_a_document_that_is_not_as_it_was_built(self, published: Published) -> None:
        """Somebody changed it: the next build mends it, and until then nothing is sent."""
        published.project.write("a")
        published.project.build()
        path = published.project.out / "topic/ai/feed.rss"
        path.write_bytes(b"scribbled")
        with pytest.raises(
            syndicate.PublishError, match=r"not as it was built: .*/topic/ai/feed.rss: run `synd"
        ):
            published.publish()
        published.project.build()
        published.done()
        published.agrees()

    def test_no_target(self, project: Project) -> None:
        """Said in one line; and `run` builds nothing first."""
        project.write("a")
        for name in ("publish", "run"):
            code, out, err = outcome(command(project.root, name))
            assert (code, out) == (2, "")
            assert err == "syndicate: there is nowhere to publish to (name a target in publish.targets)\n"
        assert not project.out.exists()


class TestForeign:
    def test_a_foreign_object_is_never_touched(self, published: Published) -> None:
        """Neither beside our documents nor in the place of one; the others are published."""
        published.put("readme.txt", b"mine")
        published.put("topic/ai/feed.rss", b"<rss>somebody else's</rss>")
        published.project.write("a")
        published.project.build()
        assert published.errors() == [
            f"somebody else's object is there: {published.url}: topic/ai/feed.rss: "
            "it was left alone: move it away, or publish below another path"
        ]
        expected = {
            **published.project.documents(), "readme.txt": b"mine",
            "topic/ai/feed.rss": b"<rss>somebody else's</rss>",
        }  # fmt: skip
        assert published.there() == expected
        published.remove("topic/ai/feed.rss")
        assert counts(published.done()) == {"new": 1, "unchanged": 12}

    def test_a_foreign_object_in_doubt_is_not_removed(self, published: Published) -> None:
        """A publisher was killed before it could find out, and the document is gone by now."""
        published.put("topic/space/feed.rss", b"<rss>somebody else's</rss>")
        published.project.write("a")
        published.project.build()
        published.done()
        manifest = published.manifest()
        manifest["objects"]["topic/space/feed.rss"] = ["", "", 1]
        published.put(MANIFEST, json.dumps(manifest).encode())
        assert counts(published.done()) == {"unchanged": 13, "gone": 1}
        assert published.there()["topic/space/feed.rss"] == b"<rss>somebody else's</rss>"

    @pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzip"])
    def test_a_lost_manifest(self, published: Published, gzipped: bool) -> None:
        """Our own documents know that they are ours: they are written again, and nothing is refused."""
        if gzipped:
            published.configure(headers=[{"match": "**", "gzip": True}])
        published.project.write("a")
        published.project.build()
        published.done()
        published.remove(MANIFEST)
        published.project.write("a", title="Another")
        published.project.build()
        assert counts(published.done()) == {"new": 13}
        if not gzipped:
            published.agrees()

    def test_a_damaged_manifest(self, published: Published) -> None:
        """It is set aside with a warning."""
        published.project.write("a")
        published.project.build()
        published.done()
        published.put(
            MANIFEST, b'{"format": 1, "objects": {"../../etc/passwd": ["", "", 1]}, "purge": {}, "ping": []}'
        )
        report = published.done()
        assert report.warnings == (
            f"{published.url}: the manifest is set aside: it names paths that no document has;"
            " everything is uploaded again",
        )
        assert counts(report) == {"new": 13}
        published.agrees()

    def test_a_manifest_of_a_newer_version(self, published: Published) -> None:
        """Nothing is written over what a newer program knows."""
        published.project.write("a")
        published.project.build()
        published.put(MANIFEST, b'{"format": 99, "unknown": true}')
        assert published.errors() == [
            f"the manifest cannot be read: {published.url}: {MANIFEST}: "
            "a newer version of the program wrote it; upgrade this one"
        ]
        assert published.there() == {}


class TestWrong:
    """What is wrong in the config or the environment gets a sentence that says what to do; no secret is in it."""

    @pytest.mark.parametrize(
        ("environment", "target", "said"),
        [
            ({"AWS_ACCESS_KEY_ID": "nobody"}, {}, "access denied (InvalidAccessKeyId): {url}: the server does not know this key: check AWS_ACCESS_KEY_ID"),
            ({"AWS_SECRET_ACCESS_KEY": "hunter2"}, {}, "access denied (SignatureDoesNotMatch): {url}: the secret does not fit the key: check AWS_SECRET_ACCESS_KEY"),
            ({"AWS_ACCESS_KEY_ID": ""}, {}, "there are no credentials: {url}: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"),
            ({}, {"url": "s3://no-bucket/x/"}, "the bucket is not there: s3://no-bucket/x/: make it, or mend publish.targets"),
            ({}, {"ca_file": None}, "no safe connection: {url}: the server's certificate is signed by nobody known (set ca_file"),
            ({}, {"endpoint": "https://127.0.0.1:1"}, "cannot read the manifest: {url}: nothing listens there (mend endpoint"),
            ({}, {"endpoint": "https://no-such-host.invalid"}, "cannot read the manifest: {url}: there is no such host (mend endpoint)"),
        ],
        ids=["key", "secret", "no key", "bucket", "authority", "endpoint", "host"],
    )  # fmt: skip
    def test_says_what_to_mend(
        self, published: Published, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str],
        target: dict[str, Any], said: str,
    ) -> None:  # fmt: skip
        """By command, with exit code 4, within the time that tries take."""
        published.project.write("a")
        published.project.build()
        published.configure(published.target(**target))
        code, out, err = outcome(command(published.project.root, "publish", **environment))
        assert (code, out) == (4, "")
        assert err.startswith(f"syndicate: {said.format(url=published.url)}")
        assert err.count("\n") == 1
        for secret in (SECRET, "hunter2"):
            assert secret not in err

    def test_an_expired_certificate(
        self, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The server's own, of a server that did nothing else wrong."""
        with seaweedfs(tmp_path / "weed", not_after=NOW - timedelta(days=900)) as expired:
            published = Published(project, expired, monkeypatch)
            project.write("a")
            project.build()
            assert published.errors() == [
                f"no safe connection: {published.url}: the server's certificate has expired"
            ]

    def test_a_secret_in_the_config_is_refused(self, project: Project) -> None:
        """And not shown."""
        project.configure(
            project.root.joinpath("config/syndicate.yaml").read_text()
            + "publish:\n  purge:\n    - kind: fastly\n      id: x\n      token: hunter2\n"
        )
        code, _, err = outcome(command(project.root, "publish"))
        assert code == 2
        assert "config/syndicate.yaml:13:7: error: publish.purge[0].token: a secret never stands in" in err
        assert "hunter2" not in err

    def test_a_token_that_is_not_in_the_environment(self, published: Published) -> None:
        """Named before anything is sent."""
        published.configure(purge=[{"kind": "fastly", "id": "x", "token": "${NO_SUCH_TOKEN}"}])
        published.project.write("a")
        published.project.build()
        with pytest.raises(ConfigError, match=r"\$\{NO_SUCH_TOKEN\} is not in the environment"):
            published.publish()
        assert published.there() == {}


class TestFaultyNetwork:
    @pytest.mark.parametrize("fault", [500, 503, 429, "drop", "lose"])
    def test_every_request_may_fail_twice(
        self, published: Published, proxy: Recorder, fault: int | str
    ) -> None:
        """Each is tried again; no answer that was lost makes two publishers of one."""
        through(published, proxy, timeout=5)
        failed: dict[tuple[str, str], int] = {}

        def twice(asked: Asked) -> int | str | None:
            key = (asked.method, asked.path)
            failed[key] = failed.get(key, 0) + 1
            return fault if failed[key] <= 2 else None

        published.project.write("a")
        published.project.build()
        proxy.fault = twice
        assert counts(published.done()) == {"new": 13}
        proxy.fault = lambda _: None
        published.agrees()

    def test_a_server_that_fails_for_good(self, published: Published, proxy: Recorder) -> None:
        """What arrived is known; the next run sends the rest."""
        through(published, proxy)
        published.project.write("a")
        published.project.build()
        proxy.fault = lambda a: (
            503 if a.method == "PUT" and a.path.endswith("provider/publisher.example/feed.rss") else None
        )
        [error] = published.errors()
        assert error.startswith("cannot upload provider/publisher.example/feed.rss: ")
        assert error.endswith("the server answered 503 Service Unavailable (tried 6 times)")
        assert published.manifest()["claim"] is None
        proxy.fault = lambda _: None
        left = counts(published.done())
        assert left["in doubt"] >= 1
        assert left.get("new", 0) == 0
        published.agrees()

    def test_time_is_bounded(self, published: Published, proxy: Recorder) -> None:
        """A server that never gets well is left when the time for publishing is used up."""
        through(published, proxy, deadline=2)
        published.project.write("a")
        published.project.build()
        proxy.fault = lambda _: 503
        started = time.monotonic()
        [error] = published.errors()
        assert "503 Service Unavailable (tried" in error
        assert time.monotonic() - started < 4


class TestServerDown:
    """A server of the test's own, killed or stopped while 1,500 documents are on their way."""

    @pytest.fixture
    def own(self, tmp_path: Path) -> Iterator[Weed]:
        with seaweedfs(tmp_path / "weed") as server:
            yield server

    @pytest.mark.parametrize("how", ["killed", "stopped"])
    def test_in_the_middle_of_uploads(
        self, project: Project, own: Weed, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        """Then it goes on, or a later run does: everything is there, and no feed was ever partial."""
        published = Published(project, own, monkeypatch)
        published.configure(timeout=3)
        for n in range(370):
            project.write(f"a{n}", topics=[f"Topic {n}"])
        project.build()
        documents = project.documents()
        assert len(documents) >= 1_480

        disturbed = threading.Event()

        def disturb(stage: str, done: int, total: int) -> None:
            if done > 300 and not disturbed.is_set():
                disturbed.set()
                if how == "killed":
                    own.kill()
                else:
                    own.signal(signal.SIGSTOP)
                    threading.Timer(1.5, own.signal, [signal.SIGCONT]).start()

        report = published.publish(progress=disturb)
        assert disturbed.is_set()
        if how == "killed":
            assert len(report.all_errors) == 1
            own.start()
            there = published.there()
            assert 300 <= len(there) < len(documents)
            assert all(documents[path] == data for path, data in there.items())
            assert published.done().count(syndicate_reason("unchanged")) < len(documents)
        else:
            assert report.all_errors == ()
        published.agrees()


def syndicate_reason(value: str) -> Any:
    from syndicate.publishing.plan import Reason

    return Reason(value)


PUBLISH = "report = syndicate.publish(settings); assert not report.all_errors, report.all_errors"


class TestKilled:
    @pytest.mark.parametrize(
        ("where", "when", "nth"),
        [
            ("syndicate.publishing.publisher:Publication.plan", "after", 1),
            ("syndicate.publishing.publisher:Publication._announce", "after", 1),
            ("syndicate.publishing.publisher:Publication.upload_one", "before", 1),
            ("syndicate.publishing.publisher:Publication.upload_one", "after", 1),
            ("syndicate.publishing.publisher:Publication.upload_one", "after", 7),
            ("syndicate.publishing.publisher:Publication._upload_all", "after", 1),
            ("syndicate.publishing.publisher:Publication._save", "before", 2),
            ("syndicate.publishing.publisher:Publication.upload", "after", 1),
            ("syndicate.publishing.telling:Teller.purge", "after", 1),
            ("syndicate.publishing.telling:Teller.ping", "after", 1),
            ("syndicate.publishing.stores:ObjectStore.delete", "before", 1),
            ("syndicate.publishing.stores:ObjectStore.delete", "after", 1),
            ("syndicate.publishing.publisher:Publication.finish", "before", 1),
            ("syndicate.publishing.publisher:Publication.finish", "after", 1),
            ("syndicate.catalog.store:Catalog.commit", "before", 1),
        ],
    )
    def test_at_every_stage(self, published: Published, where: str, when: str, nth: int) -> None:
        """Then back to what was before: the next run leaves there what was built, and edge and hub know."""
        project = published.project
        with Recorder() as edge, Recorder() as hub:
            published.configure(purge=[{"kind": "http", "url": edge.url}], hub=hub.url)
            project.write("a")
            project.write("b", topics=["Space"])
            project.build()
            published.done()
            project.write("a", title="Edited")
            (project.root / "news" / "b.md").unlink()
            project.write("c", topics=["Time"])
            project.build(force=True)
            killed(project.root, where, when, nth, PUBLISH)
            there = published.there()
            for path in ("feed.rss", "topic/ai/feed.rss"):
                assert there[path].endswith(b"</rss>\n") or there[path].endswith(b"</rss>")
            # As if nothing had been edited: what a killed run uploaded must not stay.
            project.write("a")
            project.write("b", topics=["Space"])
            (project.root / "news" / "c.md").unlink()
            project.build(force=True)
            edge.asked.clear()
            hub.asked.clear()
            published.done()
            published.agrees()
            assert published.manifest()["purge"] == {}
            assert published.manifest()["ping"] == []
            # Whatever the killed run may have changed there, the edge was told of since.
            told = {url for asked in edge.asked for url in json.loads(asked.body)["urls"]}
            changed = {path for path, data in there.items() if published.there().get(path) != data}
            assert {FEEDS_URL + path for path in changed} <= told

    def test_in_the_very_first_run(self, published: Published) -> None:
        """The next one knows its own claim, and need not wait for its end."""
        published.project.write("a")
        published.project.build()
        where = "syndicate.publishing.publisher:Publication._upload_all"
        killed(published.project.root, where, "after", 1, PUBLISH)
        assert published.manifest()["claim"] is not None
        published.done()
        published.agrees()


class TestTwoAtOnce:
    def test_one_wins_and_the_other_says_so(
        self, project: Project, weed: Weed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Two machines with their own output directories and one target: nothing of the winner is lost."""
        first = Published(project, weed, monkeypatch)
        (tmp_path / "other").mkdir()
        second = Published(Project(tmp_path / "other"), weed, monkeypatch)
        second.url, second.prefix = first.url, first.prefix
        second.configure()
        for one, title in ((first, "First"), (second, "Second")):
            for n in range(60):
                one.project.write(f"a{n}", title=f"{title} {n}", topics=[f"T{n}"])
            one.project.build()
        # Both have read the same manifest before either writes.
        together = threading.Barrier(2)
        announce = Publication._announce

        def announce_together(publication: Publication, changed: Any) -> None:
            together.wait(30)
            announce(publication, changed)

        reports: dict[str, syndicate.PublishReport] = {}

        def go(name: str, one: Published) -> None:
            reports[name] = one.publish()

        with monkeypatch.context() as patch:
            patch.setattr(Publication, "_announce", announce_together)
            threads = [
                threading.Thread(target=go, args=item) for item in (("first", first), ("second", second))
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        codes = sorted(report.exit_code for report in reports.values())
        assert codes == [0, 75]
        winner, loser = (first, second) if reports["first"].exit_code == 0 else (second, first)
        assert isinstance(reports["first" if winner is second else "second"].all_errors[0], LockedError)
        winner.agrees()
        loser.done()
        loser.agrees()

    def test_a_claim_of_someone_else_holds_until_its_end(self, published: Published) -> None:
        """A publisher on another machine that died blocks nobody for ever."""
        published.project.write("a")
        published.project.build()
        published.done()
        manifest = published.manifest()
        manifest["claim"] = {"owner": "other", "run": "r", "until": int(time.time()) + 100}
        published.put(MANIFEST, json.dumps(manifest).encode())
        assert published.errors() == [
            f"another publisher is at work: {published.url}: it holds a claim there"
        ]
        assert published.publish().exit_code == 75
        manifest["claim"]["until"] = int(time.time()) - 1
        published.put(MANIFEST, json.dumps(manifest).encode())
        published.done()
        published.agrees()

    def test_build_and_publish_exclude_each_other(self, published: Published) -> None:
        """They share the lock of the output."""
        from syndicate.output import locked

        published.project.write("a")
        published.project.build()
        with locked(published.project.settings.state), pytest.raises(LockedError):
            published.publish()


class TestRun:
    def test_builds_and_publishes_quietly(self, published: Published) -> None:
        """The one cron line says nothing when all is well."""
        published.project.write("a")
        assert outcome(command(published.project.root, "run")) == (0, "", "")
        published.agrees()
        assert outcome(command(published.project.root, "run")) == (0, "", "")

    def test_says_what_it_did_when_asked(self, published: Published) -> None:
        """Counts of both halves."""
        published.project.write("a")
        result = command(published.project.root, "-v", "run")
        lines = result.stdout.splitlines()
        assert lines[0].startswith("1 articles; documents 13 new, 0 changed")
        assert lines[1].startswith(
            f"{published.url}: documents 13 new, 0 changed, 0 gone, 0 unchanged; 0.0 MB sent"
        )
        assert lines[2].startswith("0 documents purged, 0 feeds pinged; ")

    def test_a_brake_of_the_build_stops_the_upload(self, published: Published) -> None:
        """A failed mount empties neither the feeds here nor those there."""
        published.project.write("a")
        published.project.build()
        published.done()
        (published.project.root / "news" / "a.md").unlink()
        code, _, err = outcome(command(published.project.root, "run"))
        assert code == 3
        assert "holds no articles" in err
        published.agrees()


class TestStatus:
    def test_shows_what_is_there_and_what_went_wrong(self, published: Published) -> None:
        """For people and for programs."""
        published.project.write("a")
        published.project.build()
        code, out, _ = outcome(command(published.project.root, "status"))
        assert code == 0
        assert f"{published.url}\n  never published" in out
        published.done()
        published.configure(published.target(url=published.url), hub="http://127.0.0.1:1/", deadline=1)
        published.project.build()
        published.publish()
        found = json.loads(command(published.project.root, "status", "--json").stdout)
        [target] = found["targets"]
        assert found["documents"] == 13
        assert (target["url"], target["documents"], target["pending_purges"]) == (published.url, 13, 0)
        # The hub's link changed all nine feeds, of which it knows nothing yet.
        assert target["pending_pings"] == 9
        assert target["bytes"] == sum(map(len, published.project.documents().values()))
        assert target["error"].startswith("cannot ping the hub: http://127.0.0.1:1/: cannot be reached")
        code, out, _ = outcome(command(published.project.root, "status"))
        assert "pending: 0 purges, 9 pings" in out
        assert "error at " in out


def test_the_command_prints_the_plan(published: Published) -> None:
    """--dry-run: each document with its reason."""
    published.project.write("a")
    published.project.build()
    code, out, err = outcome(command(published.project.root, "publish", "--dry-run"))
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == f"new       {published.url}feed.atom"
    assert len(out.splitlines()) == 13


def test_a_removal_that_fails(published: Published, proxy: Recorder) -> None:
    """What was uploaded stays known, the target is given free, and the next run removes the rest."""
    through(published, proxy)
    published.project.write("a")
    published.project.write("b", topics=["Space"])
    published.project.build()
    published.done()
    (published.project.root / "news" / "b.md").unlink()
    published.project.write("a", title="Edited")
    published.project.build(force=True)
    proxy.fault = lambda asked: 503 if asked.method in ("POST", "DELETE") else None
    [error] = published.errors()
    assert error.startswith("cannot remove topic/space/feed.atom: ")
    manifest = published.manifest()
    assert manifest["claim"] is None
    assert [path for path, known in manifest["objects"].items() if not known[0]] == [
        f"topic/space/{name}" for name in ("feed.atom", "feed.json", "feed.rss", "index.html")
    ]
    proxy.fault = lambda _: None
    assert counts(published.done()) == {"unchanged": 13, "gone": 4}
    published.agrees()
