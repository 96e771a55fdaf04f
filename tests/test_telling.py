"""Edges and hubs that are told what changed, fail, and are told later; a real hub, and its subscriber."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import CONFIG, Project
from publishing import FEEDS_URL, Published
from servers import Recorder, Weed, free_port, wait_for
from test_edge import nginx

import syndicate
from syndicate.publishing.plan import Reason


@pytest.fixture
def published(project: Project, weed: Weed, monkeypatch: pytest.MonkeyPatch) -> Published:
    # No pauses: what is tried how often has a test of its own.
    monkeypatch.setattr("syndicate.publishing.retry._FIRST_PAUSE", 0.0)
    return Published(project, weed, monkeypatch)


def urls(edge: Recorder) -> list[str]:
    """What a hook of kind ``http`` was told, in order."""
    return [url.removeprefix(FEEDS_URL) for asked in edge.asked for url in json.loads(asked.body)["urls"]]


def topics(hub: Recorder) -> list[str]:
    """The feeds that a hub was pinged for."""
    forms = [urllib.parse.parse_qs(asked.body.decode()) for asked in hub.asked]
    assert all(form["hub.mode"] == ["publish"] and form["hub.url"] == form["hub.topic"] for form in forms)
    return sorted(form["hub.topic"][0].removeprefix(FEEDS_URL) for form in forms)


class TestTelling:
    def test_only_what_changed_and_only_once(self, published: Published) -> None:
        """The edge hears of documents, the hub of feeds; an unchanged run tells nobody."""
        with Recorder() as edge, Recorder() as hub:
            published.configure(purge=[{"kind": "http", "url": edge.url}], hub=hub.url)
            published.project.write("a")
            published.project.write("b", topics=["Space"])
            published.project.build()
            published.done()
            edge.asked.clear()
            hub.asked.clear()
            published.project.write("b", topics=["Space"], title="Another")
            published.project.build()
            report = published.publish()
            feeds = [f"{folder}feed.{ending}" for folder in ("", "provider/publisher.example/", "topic/space/")
                     for ending in ("atom", "json", "rss")]  # fmt: skip
            assert topics(hub) == sorted(feeds)
            # The pages too, by both their addresses; the lists of all groups show no titles.
            pages = [f"{folder}{name}" for folder in ("provider/publisher.example/", "topic/space/")
                     for name in ("index.html", "")]  # fmt: skip
            assert sorted(urls(edge)) == sorted([*feeds, *pages])
            assert (report.purged, report.pinged) == (11, 9)
            edge.asked.clear()
            hub.asked.clear()
            published.done()
            assert edge.asked == hub.asked == []

    def test_a_purge_that_fails_three_runs_long(self, published: Published) -> None:
        """It is tried in each, though nothing else changed, and the hub waits: it would fetch what is old."""
        with Recorder() as edge, Recorder() as hub:
            edge.fault = lambda _: 503
            published.configure(purge=[{"kind": "http", "url": edge.url}], hub=hub.url)
            published.project.write("a")
            published.project.build()
            for _ in range(3):
                edge.asked.clear()
                report = published.publish()
                assert report.exit_code == 4
                [error] = report.errors
                assert str(error) == (f"cannot purge (http): {edge.url}: the answer was 503 (tried 6 times)")
                assert len(edge.asked) == 6
                assert hub.asked == []
                [target] = report.targets
                assert (target.pending_purges, target.pending_pings) == (13, 9)
            assert report.targets[0].count(Reason.UNCHANGED) == 13
            edge.fault = lambda _: None
            edge.asked.clear()
            published.done()
            assert len({url for url in urls(edge) if url and not url.endswith("/")}) == 13
            assert len(topics(hub)) == 9
            assert published.manifest()["purge"] == {}

    def test_a_hub_that_is_down(self, published: Published) -> None:
        """The feeds are published; the ping is made up for."""
        port = free_port()
        published.configure(hub=f"http://127.0.0.1:{port}/")
        published.project.write("a")
        published.project.build()
        report = published.publish()
        assert [str(error) for error in report.all_errors] == [
            f"cannot ping the hub: http://127.0.0.1:{port}/: cannot be reached (tried 6 times)"
        ]
        assert published.there() == published.project.documents()
        with Recorder() as hub:
            published.project.build()
            published.configure(hub=hub.url)
            published.project.build()
            published.done()
            assert len(topics(hub)) == 9

    def test_some_pings_arrive(self, published: Published) -> None:
        """Those are not made again."""
        with Recorder() as hub:
            published.configure(hub=hub.url)
            published.project.write("a")
            published.project.build()
            hub.fault = lambda asked: 503 if b"topic%2Fai%2Ffeed.rss" in asked.body else None
            published.publish()
            hub.fault = lambda _: None
            before = set(topics(hub)) - {"topic/ai/feed.rss"}
            left = set(published.manifest()["ping"])
            assert "topic/ai/feed.rss" in left
            hub.asked.clear()
            published.done()
            assert set(topics(hub)) == left
            assert before | left == {
                f"{folder}feed.{ending}" for folder in ("", "topic/ai/", "provider/publisher.example/")
                for ending in ("rss", "atom", "json")
            }  # fmt: skip

    def test_what_is_removed_is_purged_after_that(self, published: Published) -> None:
        """Before, the edge would fetch it again."""
        with Recorder() as edge, Recorder(published.weed.http_port) as proxy:
            target = published.target(endpoint=proxy.url.rstrip("/"), ca_file=None)
            published.configure(target, purge=[{"kind": "http", "url": edge.url}])
            published.project.write("a")
            published.project.write("b", topics=["Space"])
            published.project.build()
            published.done()
            (published.project.root / "news" / "b.md").unlink()
            published.project.build(force=True)
            edge.asked.clear()
            there: list[bool] = []
            edge.fault = lambda asked: there.append(
                b"topic/space" not in asked.body or "topic/space/feed.rss" not in published.there()
            )  # type: ignore[func-returns-value]
            published.done()
            assert there == [True, True]
            assert b"topic/space/feed.rss" in edge.asked[1].body

    def test_an_edge_and_a_hub_that_are_no_more(self, published: Published) -> None:
        """What they were to be told is forgotten, and blocks nobody."""
        with Recorder() as gone, Recorder() as hub:
            gone.fault = hub.fault = lambda _: 503
            published.configure(purge=[{"kind": "http", "url": gone.url}], hub=hub.url)
            published.project.write("a")
            published.project.build()
            assert len(published.errors()) == 1
            hub.fault = lambda _: None
            published.configure(hub=hub.url)
            assert published.done().pending_purges == 0
            assert len(topics(hub)) == 9
            assert published.manifest()["purge"] == {}

    def test_an_edge_without_credentials(
        self, published: Published, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """The documents are there, the target is free, and the purge waits for them."""
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("HOME", str(tmp_path))
        web = tmp_path / "web"
        web.mkdir()
        published.configure({"url": f"file://{web}/"}, purge=[{"kind": "cloudfront", "id": "X"}])
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        published.project.write("a")
        published.project.build()
        assert published.errors() == [
            "there are no credentials: cloudfront https://cloudfront.amazonaws.com/ X: "
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ]
        manifest = json.loads((web / ".syndicate/manifest.json").read_bytes())
        assert manifest["claim"] is None
        assert len(manifest["purge"]["cloudfront https://cloudfront.amazonaws.com/ X"]) == 13

    def test_an_answer_without_end(self, published: Published) -> None:
        """It is not listened to."""
        with Recorder() as edge:
            edge.answer = b"x" * 50_000_000
            published.configure(purge=[{"kind": "http", "url": edge.url}])
            published.project.write("a")
            published.project.build()
            published.done()
            assert len(edge.asked) == 1

    def test_a_redirect_is_not_followed(self, published: Published) -> None:
        """A token goes to the address in the config, and nowhere else."""
        with Recorder() as edge:
            edge.fault = lambda _: 302
            published.configure(purge=[{"kind": "http", "url": edge.url}])
            published.project.write("a")
            published.project.build()
            [error] = published.errors()
            assert error == f"the answer was 302: {edge.url}: mend publish.purge or publish.hub"


@dataclass
class Hub:
    """Flask-WebSub's hub, and a subscriber's callback beside it, on one port."""

    url: str
    callback: str
    verified: list[str] = field(default_factory=list)  # topics
    delivered: list[tuple[str, bytes, str]] = field(default_factory=list)  # Link, body, signature


SECRET = "shared-with-the-hub"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    import celery
    import flask
    from flask_websub.hub import Hub as WebSubHub
    from flask_websub.hub import SQLite3HubStorage
    from werkzeug.serving import make_server

    app = flask.Flask(__name__)
    app.config["PUBLISH_SUPPORTED"] = True
    queue = celery.Celery("hub", broker="memory://")
    queue.conf.task_always_eager = True
    queue.conf.task_eager_propagates = True
    websub = WebSubHub(SQLite3HubStorage(str(tmp_path / "hub.sqlite3")), queue, SIGNATURE_ALGORITHM="sha256")
    app.register_blueprint(websub.build_blueprint(url_prefix="/hub"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    base = f"http://127.0.0.1:{server.server_port}"
    known = Hub(f"{base}/hub", f"{base}/callback")

    @app.get("/callback")
    def verify() -> str:
        known.verified.append(flask.request.args["hub.topic"])
        return flask.request.args["hub.challenge"]

    @app.post("/callback")
    def deliver() -> str:
        headers = flask.request.headers
        known.delivered.append(
            (headers.get("Link", ""), flask.request.get_data(), headers["X-Hub-Signature"])
        )
        return ""

    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class TestWebSub:
    def test_a_subscriber_has_the_new_feed_at_once(self, project: Project, hub: Hub, tmp_path: Path) -> None:
        """Discovered by nginx's Link headers, verified, and delivered with a signature (WebSub, section 7)."""
        web = tmp_path / "web"
        web.mkdir()
        changes = {"https://hub.example/": hub.url, "https://feeds.site.example$uri": "http://$http_host$uri"}
        with nginx(tmp_path / "nginx", web, changes) as port:
            feeds_url = f"http://127.0.0.1:{port}/"
            publish = json.dumps({"targets": [{"url": f"file://{web}/"}], "hub": hub.url})
            project.configure(f"{CONFIG.replace(FEEDS_URL, feeds_url)}publish: {publish}\n")
            project.write("a")
            project.build()
            assert syndicate.publish(project.settings).all_errors == ()
            topic = f"{feeds_url}topic/ai/feed.atom"
            subscribe(hub, topic)
            assert hub.verified == [topic]
            hub.delivered.clear()
            project.write("a", title="Just in")
            project.build()
            report = syndicate.publish(project.settings)
            assert report.all_errors == ()
            assert report.pinged == 9
            wait_for("the hub has delivered", lambda: len(hub.delivered) == 1)
            [(link, body, signature)] = hub.delivered
            assert body == project.documents()["topic/ai/feed.atom"]
            assert b"Just in" in body
            assert link == f'<{hub.url}>; rel="hub", <{topic}>; rel="self"'
            expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            assert signature == f"sha256={expected}"


def subscribe(hub: Hub, topic: str) -> Any:
    form = {"hub.mode": "subscribe", "hub.topic": topic, "hub.callback": hub.callback, "hub.secret": SECRET}
    request = urllib.request.Request(hub.url, urllib.parse.urlencode(form).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 202
