"""``syndicate serve``: as a web server would answer, and pages that follow every change."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from conftest import CONFIG, Project
from programs import needed
from servers import stop, wait_for

from syndicate.preview import _takes_gzip

REPOSITORY = Path(__file__).parent.parent


@dataclass
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass
class Preview:
    """A running ``syndicate serve``."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    @property
    def port(self) -> int:
        return int(self.url.rstrip("/").rpartition(":")[2])

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(
            method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


@contextlib.contextmanager
def serving(project: Project, *arguments: str) -> Iterator[Preview]:
    log = project.root / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "syndicate", "serve", "--port", "0", *arguments], cwd=project.root, text=True, stdout=subprocess.PIPE,
            stderr=errors, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert " at http://127.0.0.1:" in line, log.read_text()
        yield Preview(process, line.split(" at ")[1].split(" ")[0], log)
    finally:
        stop(process)
        process.stdout.close()  # type: ignore[union-attr]


@pytest.fixture
def preview(project: Project) -> Iterator[Preview]:
    project.write("a", excerpt="words " * 200)
    project.configure(CONFIG + "publish: {cache_control: 'public, max-age=77'}\n")
    project.build()
    with serving(project) as running:
        yield running


class TestAnswers:
    @pytest.mark.parametrize(
        ("path", "media_type"),
        [
            ("/feed.rss", "application/rss+xml"),
            ("/topic/ai/feed.atom", "application/atom+xml"),
            ("/feed.json", "application/feed+json"),
            ("/feeds.opml", "text/x-opml"),
            ("/index.html", "text/html"),
            ("/", "text/html"),
            ("/topic/ai/", "text/html"),
        ],
    )
    def test_media_types(self, preview: Preview, project: Project, path: str, media_type: str) -> None:
        """Those that are published, and the bytes of the disk."""
        answer = preview.ask(path)
        assert (answer.status, answer.headers["content-type"]) == (200, f"{media_type}; charset=utf-8")
        assert answer.headers["cache-control"] == "public, max-age=77"
        on_disk = (project.out / (path + "index.html" if path.endswith("/") else path)[1:]).read_bytes()
        if media_type != "text/html":
            assert answer.body == on_disk
        assert int(answer.headers["content-length"]) == len(answer.body)

    def test_conditional_requests(self, preview: Preview, project: Project) -> None:
        """304 by tag and by date, without a body; a changed document has another tag (RFC 9110, section 13)."""
        first = preview.ask("/feed.rss")
        tag, date = first.headers["etag"], first.headers["last-modified"]
        for headers in (
            {"If_None_Match": tag},
            {"If_None_Match": f'"x", W/{tag}'},
            {"If_None_Match": "*"},
            {"If_Modified_Since": date},
        ):
            answer = preview.ask("/feed.rss", **headers)
            assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
        assert parsedate_to_datetime(date).timestamp() == int((project.out / "feed.rss").stat().st_mtime)
        assert (
            preview.ask("/feed.rss", If_None_Match='"x"', If_Modified_Since=date).status == 200
        )  # the tag has the word
        assert preview.ask("/feed.rss", If_Modified_Since="Mon, 01 Jan 2001 00:00:00 GMT").status == 200
        project.write("b")
        project.build()
        answer = preview.ask("/feed.rss", If_None_Match=tag)
        assert answer.status == 200
        assert answer.headers["etag"] != tag
        assert answer.body == (project.out / "feed.rss").read_bytes()

    def test_gzip(self, preview: Preview) -> None:
        """For those who take it, under a tag of its own (RFC 9110, section 8.8.3.3)."""
        plain, packed = preview.ask("/feed.rss"), preview.ask("/feed.rss", Accept_Encoding="br, gzip;q=0.5")
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body
        assert len(packed.body) < len(plain.body) / 2
        assert "content-encoding" not in plain.headers
        assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
        assert plain.headers["etag"] != packed.headers["etag"]
        assert (
            preview.ask("/feed.rss", Accept_Encoding="gzip", If_None_Match=packed.headers["etag"]).status
            == 304
        )
        assert (
            preview.ask("/feed.rss", Accept_Encoding="gzip", If_None_Match=plain.headers["etag"]).status
            == 200
        )

    @pytest.mark.parametrize(
        ("accepted", "taken"),
        [("gzip", True), ("GZIP;q=0.1", True), ("gzip;q=0", False), ("gzip; q=0.000", False), ("*", True), ("*;q=0", False), ("br", False),
         ("", False), ("identity, *;q=0.1", True), ("x-gzip", True), ("gzip;q=0, *", False)],
    )  # fmt: skip
    def test_who_takes_gzip(self, accepted: str, taken: bool) -> None:
        """As RFC 9110, section 12.5.3, weighs it."""
        assert _takes_gzip(accepted) is taken

    def test_head_is_get_without_a_body(self, preview: Preview) -> None:
        """The same headers (RFC 9110, section 9.3.2)."""
        head, get = preview.ask("/feed.atom", "HEAD"), preview.ask("/feed.atom")
        assert (head.status, head.body) == (200, b"")
        differing = {"date"}
        assert {k: v for k, v in head.headers.items() if k not in differing} == {
            k: v for k, v in get.headers.items() if k not in differing
        }

    def test_a_range_is_answered_with_the_whole(self, preview: Preview) -> None:
        """As RFC 9110, section 14.2, allows; and none is promised."""
        answer = preview.ask("/feed.rss", Range="bytes=0-9")
        assert answer.status == 200
        assert len(answer.body) > 10
        assert "accept-ranges" not in answer.headers

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    def test_documents_can_only_be_read(self, preview: Preview, method: str) -> None:
        """405, with what is allowed."""
        answer = preview.ask("/feed.rss", method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")

    @pytest.mark.parametrize(
        "path",
        ["/../config/syndicate.yaml", "/%2e%2e/config/syndicate.yaml", "/..%2fconfig/syndicate.yaml", "/nothing", "/feed.rss/x", "/%00", "/link.txt",
         "/.hidden", "//etc/passwd", "/" + "a" * 5_000, "/topic/.secret/feed.rss", "/%ff"],
    )  # fmt: skip
    def test_nothing_but_documents(self, preview: Preview, project: Project, path: str) -> None:
        """Not what lies outside, is hidden, or is not there."""
        (project.out / ".hidden").write_text("x")
        (project.out / "link.txt").symlink_to(project.root / "config" / "syndicate.yaml")
        assert preview.ask(path).status == 404
        assert preview.log.read_text() == ""

    def test_only_by_its_own_name(self, preview: Preview) -> None:
        """A stranger's name that leads to 127.0.0.1 shows a stranger's page nothing."""
        assert preview.ask("/", Host="evil.example").status == 400
        for name in ("localhost", f"127.0.0.1:{preview.port}"):
            assert preview.ask("/", Host=name).status == 200

    def test_links_of_pages_stay_in_the_preview(self, preview: Preview) -> None:
        """Those to feeds_url; not a feed's own."""
        page = preview.ask("/").body.decode()
        assert 'href="/topic/ai/index.html"' in page
        assert 'href="https://feeds.site.example/' not in page
        assert b"https://feeds.site.example/feed.atom" in preview.ask("/feed.atom").body
        assert b"reload.js" not in preview.ask("/").body


class TestProcess:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_ends_when_it_is_told(self, preview: Preview, number: int) -> None:
        """With exit code 0 and without a word."""
        preview.ask("/")
        preview.process.send_signal(number)
        assert preview.process.wait(10) == 0
        assert preview.log.read_text() == ""

    def test_nothing_to_serve(self, project: Project) -> None:
        """A sentence, and exit code 2."""
        result = subprocess.run(
            [sys.executable, "-m", "syndicate", "serve"],
            cwd=project.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 2
        assert "run `syndicate build` first" in result.stderr

    def test_a_port_in_use(self, project: Project) -> None:
        """A sentence, and exit code 2."""
        project.build(force=True)
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = str(other.getsockname()[1])
            command = [sys.executable, "-m", "syndicate", "serve", "--port", port]
            result = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
        assert result.returncode == 2
        assert (
            f"cannot listen on 127.0.0.1, port {port}: Address already in use (choose another with --port)"
            in result.stderr
        )

    def test_listens_on_loopback_alone(self, preview: Preview) -> None:
        """Not on the machine's other addresses."""
        hexadecimal = f"{preview.port:04X}"
        sockets = [
            line.split()[1]
            for name in ("tcp", "tcp6")
            if Path(f"/proc/net/{name}").exists()
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
        ]
        assert [address for address in sockets if address.endswith(f":{hexadecimal}")][:1] == [
            f"0100007F:{hexadecimal}"
        ]


class TestWatch:
    def test_an_open_page_follows_a_change(self, project: Project) -> None:
        """In a real browser: edit, and the page shows it; a broken file and a broken config are named, and mended."""
        needed("chromium")
        from playwright.sync_api import sync_playwright

        project.write("b", topics=["Other"])
        path = project.write("a", title="Before")
        with serving(project, "--watch") as running, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=needed("chromium"),
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            )
            page = browser.new_page()
            page.goto(running.url + "topic/ai/")
            assert page.inner_text("article h2") == "Before"
            project.write("a", title="After")
            page.wait_for_selector("article h2 >> text=After", timeout=10_000)
            path.write_text("nothing")
            wait_for(
                "the problem is said", lambda: "news/a.md:1:1: error: front matter" in running.log.read_text()
            )
            project.write("a", title="Mended")
            page.wait_for_selector("article h2 >> text=Mended", timeout=10_000)
            project.configure("site: {}\n")
            wait_for(
                "the config's problems are said",
                lambda: "error: site.title: missing" in running.log.read_text(),
            )
            project.configure(CONFIG.replace("Test Site", "Renamed Site"))
            wait_for("the config is taken", lambda: b"Renamed Site" in running.ask("/").body)
            browser.close()
            running.process.send_signal(signal.SIGINT)
            assert running.process.wait(10) == 0

    def test_other_folders_after_a_change_of_config(self, project: Project) -> None:
        """Roots that are new, or were not there, and another output."""
        project.write("a", title="Before")
        with serving(project, "--watch") as running:
            project.write("../more/a2", title="More")
            project.configure(CONFIG.replace("[news]", "[news, more]") + "output: {directory: site/out}\n")
            wait_for(
                "the other output is served",
                lambda: (project.root / "site" / "out").exists() and running.ask("/feed.json").status == 200,
            )
            time.sleep(0.5)  # until the new folder is watched: nothing shows that
            project.write("../more/b", title="Later")
            wait_for("its article is there", lambda: b"Later" in running.ask("/feed.json").body)

    def test_starts_with_a_build(self, project: Project) -> None:
        """And nothing is kept by browsers."""
        project.write("a")
        with serving(project, "--watch") as running:
            assert running.ask("/feed.rss").headers["cache-control"] == "no-cache"
            assert project.titles() == ["A title"]
