"""nginx and Varnish with the very configurations that docs/ shows, in front of what was published."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import CONFIG, Project
from programs import needed
from publishing import Published
from servers import BUCKET, Weed, free_port, running, seaweedfs, wait_for

import syndicate

REPOSITORY = Path(__file__).parent.parent


def shown(page: str, language: str) -> str:
    """The one configuration in this language on a page of docs/."""
    text = (REPOSITORY / "docs" / page).read_text(encoding="utf-8")
    [block] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return str(block)


def replaced(text: str, changes: dict[str, str]) -> str:
    """A configuration for this machine: each of these stands in it."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@dataclass
class Answer:
    status: int
    headers: dict[str, str]  # by lower-case name
    body: bytes


def ask(port: int, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(
            method, path, headers={key.replace("_", "-"): value for key, value in headers.items()}
        )
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


@contextlib.contextmanager
def nginx(folder: Path, root: Path, changes: dict[str, str]) -> Iterator[int]:
    """nginx with the configuration of docs/publish-nginx.md; gives its port."""
    program = needed("nginx", "/usr/sbin/nginx")
    module = Path("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so")
    needed("nginx's brotli module", str(module))
    folder.mkdir(parents=True)
    port = free_port()
    server = replaced(
        shown("publish-nginx.md", "nginx"),
        {"listen 80": f"listen 127.0.0.1:{port}", "/var/www/feeds": str(root), **changes},
    )
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"load_module {module};\n{user}daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log {folder}/access.log;\n{temporary}{server}}}\n"
    )
    with running([program, "-p", str(folder), "-c", str(folder / "nginx.conf")], port, folder):
        yield port


@contextlib.contextmanager
def varnish(folder: Path, origin: int, path: str, token: str) -> Iterator[int]:
    """Varnish with the configuration of docs/publish-varnish.md, before the bucket; gives its port."""
    program = needed("varnishd", "/usr/sbin/varnishd")
    folder.mkdir(parents=True)
    port = free_port()
    vcl = replaced(
        shown("publish-varnish.md", "vcl"),
        {
            '.host = "s3.example"': '.host = "127.0.0.1"',
            '.port = "80"': f'.port = "{origin}"',
            'bereq.http.Host = "s3.example"': f'bereq.http.Host = "127.0.0.1:{origin}"',
            "/feeds-bucket/ai": path,
        },
    )
    (folder / "site.vcl").write_text(vcl)
    command = [
        program, "-j", "none", "-F", "-a", f"127.0.0.1:{port}", "-f", str(folder / "site.vcl"), "-n", str(folder / "state"),
        "-s", "malloc,32m",
    ]  # fmt: skip
    with running(command, port, folder, env={**os.environ, "PURGE_TOKEN": token}):
        yield port


@pytest.fixture
def web(project: Project, tmp_path: Path) -> Path:
    """A web root that the project publishes to."""
    root = tmp_path / "web"
    root.mkdir()
    publish = json.dumps({"targets": [{"url": f"file://{root}/"}]})
    project.configure(
        f"{CONFIG}output: {{compress: [gzip, brotli]}}\nfeeds: {{limit: 1, archive: month}}\npublish: {publish}\n"
    )
    project.write("a")
    project.write("b", publishedDateTime="2026-02-02T03:04:05Z")
    project.build()
    assert syndicate.publish(project.settings).all_errors == ()
    return root


class TestNginx:
    @pytest.fixture
    def port(self, web: Path, tmp_path: Path) -> Iterator[int]:
        with nginx(tmp_path / "nginx", web, {}) as port:
            yield port

    @pytest.mark.parametrize(
        ("path", "content_type"),
        [
            ("/feed.rss", "application/rss+xml"),
            ("/topic/ai/feed.atom", "application/atom+xml"),
            ("/feed.json", "application/feed+json"),
            ("/feeds.opml", "text/x-opml"),
            ("/", "text/html"),
            ("/topic/ai/", "text/html"),
        ],
    )
    def test_media_types(self, port: int, path: str, content_type: str) -> None:
        """Also of the compressed siblings, which a client has to ask for."""
        for encoding in ("identity", "gzip", "br"):
            answer = ask(port, path, Accept_Encoding=encoding)
            assert answer.status == 200
            assert answer.headers["content-type"] == f"{content_type}; charset=utf-8"
            assert answer.headers["vary"] == "Accept-Encoding"
            assert answer.headers.get("content-encoding", "identity") == encoding

    def test_the_bytes_are_those_that_were_built(self, port: int, project: Project) -> None:
        """As they are, and unpacked."""
        import brotli

        built = project.documents()["topic/ai/feed.rss"]
        assert ask(port, "/topic/ai/feed.rss").body == built
        assert gzip.decompress(ask(port, "/topic/ai/feed.rss", Accept_Encoding="gzip").body) == built
        assert brotli.decompress(ask(port, "/topic/ai/feed.rss", Accept_Encoding="br").body) == built

    def test_caching_and_conditional_requests(self, port: int, project: Project) -> None:
        """ETag and Last-Modified both work alone; an unchanged run changes neither."""
        first = ask(port, "/feed.rss")
        assert first.headers["cache-control"] == "public, max-age=300"
        assert ask(port, "/feed.rss", If_None_Match=first.headers["etag"]).status == 304
        assert ask(port, "/feed.rss", If_Modified_Since=first.headers["last-modified"]).status == 304
        [archive] = [path for path in project.documents() if re.search(r"^archive/.*rss$", path)]
        assert ask(port, f"/{archive}").headers["cache-control"] == "public, max-age=86400, immutable"
        project.build()
        assert syndicate.publish(project.settings).all_errors == ()
        assert ask(port, "/feed.rss").headers["etag"] == first.headers["etag"]
        packed = ask(port, "/feed.rss", Accept_Encoding="gzip")
        assert packed.headers["etag"] != first.headers["etag"]

    def test_link_headers_name_hub_and_feed(self, port: int) -> None:
        """Of feeds, and of nothing else (WebSub, section 4)."""
        assert ask(port, "/topic/ai/feed.atom").headers["link"] == (
            '<https://hub.example/>; rel="hub", <https://feeds.site.example/topic/ai/feed.atom>; rel="self"'
        )
        assert "link" not in ask(port, "/topic/ai/").headers

    def test_notes_are_nobodys_business(self, port: int, web: Path) -> None:
        """The manifest lies in the web root, and is not served."""
        assert (web / ".syndicate/manifest.json").exists()
        assert ask(port, "/.syndicate/manifest.json").status == 404


TOKEN = "purge-token-of-the-test"


def through(port: int, path: str) -> Answer:
    """What a reader gets from the edge, which it knows by the site's name."""
    return ask(port, path, Host="feeds.site.example")


class TestVarnish:
    @pytest.fixture
    def origin(self, tmp_path: Path) -> Iterator[Weed]:
        """A server of the test's own: it is to go down."""
        with seaweedfs(tmp_path / "weed", public=True) as server:
            yield server

    @pytest.fixture
    def site(self, project: Project, origin: Weed, monkeypatch: pytest.MonkeyPatch) -> Published:
        monkeypatch.setenv("PURGE_TOKEN", TOKEN)
        return Published(project, origin, monkeypatch)

    @pytest.fixture
    def edge(self, site: Published, tmp_path: Path) -> Iterator[int]:
        with varnish(tmp_path / "varnish", site.weed.http_port, f"/{BUCKET}/{site.prefix}", TOKEN) as port:
            yield port

    def configure(self, site: Published, edge: int, **purge: Any) -> None:
        known = {"kind": "varnish", "url": f"http://127.0.0.1:{edge}/", "token": "${PURGE_TOKEN}", **purge}
        site.configure(purge=[known], cache_control="public, max-age=3600")

    @pytest.mark.parametrize("by", ["url", "key"])
    @pytest.mark.parametrize("soft", [True, False], ids=["soft", "hard"])
    def test_only_what_changed_is_forgotten(self, site: Published, edge: int, by: str, soft: bool) -> None:
        """The other feeds stay in the cache; the changed one is new at once."""
        self.configure(site, edge, by=by, soft=soft)
        project = site.project
        project.write("a")
        project.write("b", topics=["Space"])
        project.build()
        site.done()
        for path in ("/topic/ai/feed.rss", "/topic/space/feed.rss", "/topic/ai/"):
            assert through(edge, path).status == 200
        age = through(edge, "/topic/space/feed.rss").headers["x-varnish"]
        assert len(age.split()) == 2  # a hit names two transactions
        project.write("a", title="Changed just now")
        project.build()
        site.done()
        wait_for(
            "the edge has the new feed",
            lambda: b"Changed just now" in through(edge, "/topic/ai/feed.rss").body,
        )
        wait_for("and its page", lambda: b"Changed just now" in through(edge, "/topic/ai/").body)
        assert len(through(edge, "/topic/space/feed.rss").headers["x-varnish"].split()) == 2
        assert b"Changed just now" not in through(edge, "/topic/space/feed.rss").body

    def test_the_first_answer_after_a_hard_purge_is_new(self, site: Published, edge: int) -> None:
        """Nothing stale is served, where the config asks for that."""
        self.configure(site, edge, by="key", soft=False)
        site.project.write("a")
        site.project.build()
        site.done()
        through(edge, "/feed.rss")
        site.project.write("a", title="Changed just now")
        site.project.build()
        site.done()
        assert b"Changed just now" in through(edge, "/feed.rss").body

    def test_headers_at_the_edge(self, site: Published, edge: int) -> None:
        """What the origin says, with the hub's link, and without what is only ours."""
        self.configure(site, edge)
        site.project.write("a")
        site.project.build()
        site.done()
        headers = through(edge, "/feed.rss").headers
        assert headers["content-type"] == "application/rss+xml; charset=utf-8"
        assert headers["cache-control"] == "public, max-age=3600"
        assert headers["link"] == (
            '<https://hub.example/>; rel="hub", <https://feeds.site.example/feed.rss>; rel="self"'
        )
        assert not [name for name in headers if "key" in name or name == "x-url"]

    def test_everything_at_once(self, site: Published, edge: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """Above the threshold one request forgets all: by URL a ban."""
        monkeypatch.setattr("syndicate.publishing.purge.WILDCARD_ABOVE", 2)
        for by in ("url", "key"):
            self.configure(site, edge, by=by, soft=False)
            site.project.write("a", title=f"Before {by}")
            site.project.build()
            site.done()
            assert f"Before {by}".encode() in through(edge, "/topic/ai/feed.rss").body
            site.project.write("a", title=f"After {by}")
            site.project.build()
            site.done()
            assert f"After {by}".encode() in through(edge, "/topic/ai/feed.rss").body

    def test_strangers_purge_nothing(
        self, site: Published, edge: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A wrong token is told so, and is not shown; what was not purged is told later."""
        self.configure(site, edge)
        site.project.write("a")
        site.project.build()
        monkeypatch.setenv("PURGE_TOKEN", "hunter2")
        [error] = site.errors()
        assert error.startswith(f"access denied (403): http://127.0.0.1:{edge}/")
        assert error.endswith("check the token, and its rights")
        assert "hunter2" not in error
        assert site.manifest()["purge"] != {}
        monkeypatch.setenv("PURGE_TOKEN", TOKEN)
        site.done()
        assert site.manifest()["purge"] == {}

    def test_a_purged_feed_is_served_while_the_origin_is_down(self, site: Published, edge: int) -> None:
        """A soft purge takes nothing from readers that the origin cannot give them."""
        self.configure(site, edge, by="key")
        site.project.write("a", title="As it was")
        site.project.build()
        site.done()
        assert through(edge, "/feed.rss").status == 200
        site.project.write("a", title="Never fetched")
        site.project.build()
        site.done()
        site.weed.kill()
        for _ in range(3):
            answer = through(edge, "/feed.rss")
            assert answer.status == 200
            assert b"As it was" in answer.body


def test_every_shown_configuration_is_tested() -> None:
    """No page of docs/ shows an nginx or Varnish configuration that no test runs."""
    pages = {
        (path.name, language)
        for path in (REPOSITORY / "docs").glob("*.md")
        for language in ("nginx", "vcl")
        if f"```{language}" in path.read_text(encoding="utf-8")
    }
    assert pages == {("publish-nginx.md", "nginx"), ("publish-varnish.md", "vcl")}
