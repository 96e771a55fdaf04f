"""Builds from files to files: bad input, same bytes, and what a run costs and leaves behind."""

from __future__ import annotations

import errno
import os
import random
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import CONFIG, NOW, Project, article

from syndicate.errors import BrakeError, ConfigError, LockedError, Severity, WriteError
from syndicate.output import Reason, locked

REPOSITORY = Path(__file__).parent.parent


def lines(project: Project, severity: Severity = Severity.ERROR, **options: object) -> list[str]:
    """The problems of a build, as they print."""
    return [str(p) for p in project.build(**options).problems if p.severity is severity]


class TestBadInput:
    """Each beside a good article, which is published all the same."""

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"Just text.\n", "bad.md:1:1: error: front matter: no front matter"),
            (b"", "bad.md:1:1: error: front matter: the file is empty"),
            (b"---\ntitle: T\n", "bad.md:1:1: error: front matter: the front matter is not closed"),
            (b"---\ntitle: T\na: [b\nc: d\n---\n", "bad.md:4:2: error: front matter: broken YAML"),
            (b"---\ntitle: Caf\xe9\n---\n", "bad.md:2:11: error: front matter: byte 0xE9 is not UTF-8"),
            (b"---\na: 1\na: 2\n---\n", "bad.md:3:1: error: front matter: the key a is there twice"),
            (b"---\na: " + b"[" * 100_000 + b"\n---\n", "bad.md:2:35: error: front matter: nested deeper"),
            (b"x" * 50_000_000, "bad.md:0:0: error: file: 50,000,000 bytes are more than"),
            (
                (article(webUrl="https://b.example/") + article(webUrl="https://c.example/")).encode(),
                "bad.md:9:1: error: front matter: a second front matter follows the first",
            ),
        ],
        ids=["text", "empty", "unclosed", "broken", "latin-1", "twice", "deep", "50MB", "overlap"],
    )
    def test_is_left_out_and_reported(self, project: Project, content: bytes, message: str) -> None:
        """With file, line, column and what is wrong."""
        project.write("good", title="Good")
        project.write("bad", content)
        [line] = lines(project)
        assert line.startswith(f"news/{message}")
        assert line.endswith(")")  # how to mend it
        assert project.titles() == ["Good"]

    @pytest.mark.parametrize("dressed", [b"\xef\xbb\xbf%s", b"%s"], ids=["BOM", "CRLF"])
    def test_windows_files_are_good_files(self, project: Project, dressed: bytes) -> None:
        """A byte order mark, CRLF."""
        text = article(title="Good").replace("\n", "\r\n").encode()
        project.write("good", dressed % text)
        assert project.build().problems == ()
        assert project.titles() == ["Good"]

    def test_a_future_article_waits(self, project: Project) -> None:
        """And appears by itself in the first run after its date."""
        project.write("now", title="Now")
        project.write("later", title="Later", publishedDateTime="2026-06-01T00:00:01Z")
        project.build(now=NOW)
        assert project.titles() == ["Now"]
        project.build(now=NOW.replace(second=1))
        assert project.titles() == ["Later", "Now"]

    def test_a_date_brought_forward_while_groups_change(self, project: Project) -> None:
        """It is woken by its new date although the run that read it put everything into groups anew."""
        project.write("now")
        project.write("later", title="Later", publishedDateTime="2026-08-01T00:00:00Z")
        project.build()
        project.write("later", title="Later", publishedDateTime="2026-07-01T00:00:00Z")
        project.configure(CONFIG + "feeds: {groups: [topic]}\n")
        project.build()
        assert project.titles() == ["A title"]
        project.build(now=NOW.replace(month=7, day=2))
        assert project.titles() == ["Later", "A title"]

    def test_two_files_with_one_link_are_one_article(self, project: Project) -> None:
        """The newest wins, then the path that sorts first; the other is a warning."""
        link = "https://publisher.example/same"
        project.write("b", title="Old", webUrl=link)
        project.write("c", title="New, c", webUrl=link, publishedDateTime="2026-01-03T00:00:00Z")
        project.write("a", title="New, a", webUrl=link, publishedDateTime="2026-01-03T00:00:00Z")
        report = project.build()
        assert project.titles() == ["New, a"]
        assert [(p.path, p.severity) for p in report.problems] == [
            ("news/b.md", Severity.WARNING), ("news/c.md", Severity.WARNING),
        ]  # fmt: skip
        assert "news/a.md has the same link" in report.problems[0].what

    def test_two_files_with_one_id_are_one_article(self, project: Project) -> None:
        """Ids are unique within a document (RFC 4287, section 4.1.1)."""
        project.write("a", title="A", id="same")
        project.write("b", title="B", id="same")
        project.build()
        assert project.titles() == ["A"]

    def test_a_draft_takes_no_link_away(self, project: Project) -> None:
        """Nor does an article that is not due."""
        link = "https://publisher.example/same"
        project.write("a", title="A", webUrl=link)
        project.write("b", webUrl=link, published=False, publishedDateTime="2026-01-03T00:00:00Z")
        project.write("c", webUrl=link, publishedDateTime="2027-01-03T00:00:00Z")
        assert project.build().problems == ()
        assert project.titles() == ["A"]

    def test_a_symlink_loop_is_reported(self, project: Project) -> None:
        """And entered once."""
        project.write("x/good", title="Good")
        (project.root / "news" / "x" / "again").symlink_to(project.root / "news")
        [line] = lines(project)
        assert "a symbolic link loop" in line
        assert project.titles() == ["Good"]

    def test_a_symlink_to_nowhere_is_reported(self, project: Project) -> None:
        """It looks like an article, and is none."""
        project.write("good", title="Good")
        (project.root / "news" / "gone.md").symlink_to(project.root / "nothing.md")
        assert "leads nowhere" in lines(project)[0]

    def test_an_unreadable_file_is_reported(self, project: Project) -> None:
        """With what the system says. Root may read every mode, but not memory that is not there."""
        project.write("good", title="Good")
        bad = project.write("bad")
        if os.geteuid() == 0:
            bad.unlink()
            bad.symlink_to("/proc/self/mem")
        else:
            bad.chmod(0)
        [line] = lines(project)
        assert line.startswith("news/bad.md:0:0: error: file: cannot be read: ")
        assert project.titles() == ["Good"]

    def test_a_pipe_is_no_article(self, project: Project) -> None:
        """Opening one would wait for ever."""
        project.write("good", title="Good")
        os.mkfifo(project.root / "news" / "pipe.md")
        assert "news/pipe.md:0:0: error: file: not a regular file" in lines(project)[0]
        assert project.titles() == ["Good"]

    def test_a_file_name_that_is_not_utf8(self, project: Project) -> None:
        """It could not be an id."""
        project.write("good", title="Good")
        with open(os.fsencode(project.root / "news") + b"/caf\xe9.md", "w") as file:
            file.write(article())
        assert "a file name is not UTF-8" in lines(project)[0]

    def test_no_articles_at_all_is_refused(self, project: Project) -> None:
        """An empty or missing folder is a failed mount until somebody says otherwise."""
        with pytest.raises(BrakeError, match="holds no articles"):
            project.build()
        (project.root / "news").rmdir()
        with pytest.raises(BrakeError, match="is not there"):
            project.build()
        assert project.documents() == {}
        project.build(force=True)
        assert project.titles() == []

    @pytest.mark.parametrize("field", ["title", "excerpt", "topics", "provider", "author"])
    def test_control_characters_and_cdata_ends_break_no_document(self, project: Project, field: str) -> None:
        """Text comes back as it went in, without what XML forbids."""
        value = "a\x00\x08\x1b]]>\ud7ff\U0001f600&<b>\u2028\u202ez"
        project.write("a", **{field: value}, featuredContent=f"<p>{value}</p>")
        project.build()
        for path in project.documents():
            if path.endswith((".rss", ".atom")):
                project.parsed(path)
        entry = project.parsed("feed.atom").entries[0]
        wanted = "a]]>\ud7ff\U0001f600&<b> \u202ez"
        found = {
            "title": entry.title,
            "excerpt": entry.summary.replace("\u2028", " "),
            "topics": entry.tags[0].label,
            "provider": entry.author,
        }
        if field in found:
            assert found[field] == wanted

    def test_a_thousand_related_items(self, project: Project) -> None:
        """The first fifty are published."""
        project.write(
            "a", related=[{"title": f"T{n}", "webUrl": f"https://r.example/{n}"} for n in range(1_000)]
        )
        project.build()
        links = project.parsed("feed.atom").entries[0].links
        assert sum(link.rel == "related" for link in links) == 50

    def test_an_image_without_a_type_is_no_enclosure(self, project: Project) -> None:
        """Nothing is guessed; it is still shown."""
        project.write("a", images=["https://pictures.example/“odd”—name"])
        project.build()
        [entry] = project.parsed("feed.rss").entries
        assert entry.enclosures == []
        assert entry.media_content == [
            {"url": "https://pictures.example/%E2%80%9Codd%E2%80%9D%E2%80%94name", "medium": "image"}
        ]
        assert "%E2%80%9Codd%E2%80%9D%E2%80%94name" in entry.content[0].value


class TestSameBytes:
    def sample(self, project: Project) -> None:
        shuffled = list(range(30))
        random.Random(1).shuffle(shuffled)
        for n in shuffled:
            project.write(
                f"d{n % 3}/a{n}", title=f"Titel {n} ü", topics=[f"T{n % 7}", f"t{n % 5}", "C", "C++", "c!"],
                publishedDateTime=f"2026-01-{n % 9 + 10} 10:00", provider={"name": f"P{n}", "domain": f"p{n % 4}.example"},
                related=[{"title": "R", "webUrl": f"https://publisher.example/d{(n + 1) % 3}/a{n + 1}"}],
            )  # fmt: skip

    def test_on_any_machine(self, project: Project, tmp_path: Path) -> None:
        """Whatever the time zone, the locale, the hash seed, and the order of the directory."""
        self.sample(project)
        results = []
        for n, (zone, locale, seed) in enumerate(
            [("UTC", "C", "0"), ("Asia/Kolkata", "de_DE.UTF-8", "1"), ("America/St_Johns", "POSIX", "77")]
        ):
            other = tmp_path / f"copy{n}"
            (other / "config").mkdir(parents=True)
            shutil.copy(project.root / "config" / "syndicate.yaml", other / "config")
            files = sorted((project.root / "news").rglob("*.md"))
            random.Random(n).shuffle(files)
            for file in files:
                target = other / "news" / file.relative_to(project.root / "news")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
            environment = {**os.environ, "TZ": zone, "LANG": locale, "LC_ALL": locale, "PYTHONHASHSEED": seed}
            command = [sys.executable, "-m", "syndicate", "build", "--now", "2026-06-01T00:00:00Z"]
            result = subprocess.run(
                command,
                cwd=other,
                env={**environment, "PYTHONPATH": str(REPOSITORY)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert result.returncode == 0, result.stderr
            copy = object.__new__(Project)
            copy.root, copy.out = other, other / "out"
            results.append(copy.documents())
        assert len(results[0]) > 40
        assert results[0] == results[1] == results[2]

    def test_from_an_empty_catalog_or_a_full_one(self, project: Project) -> None:
        """The catalog is a memory, no source."""
        self.sample(project)
        project.build()
        before = project.documents()
        shutil.rmtree(project.root / ".syndicate")
        report = project.build()
        assert project.documents() == before
        assert report.count(Reason.UNCHANGED) == len(before)
        assert project.build(full=True).count(Reason.UNCHANGED) == len(before)

    def test_in_workers_or_without(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """Many processes write what one writes."""
        self.sample(project)
        project.build()
        before = project.documents()
        monkeypatch.setattr("syndicate.run.WORTH_FORKING", 1)
        monkeypatch.setattr("syndicate.writer.WORTH_FORKING", 1)
        monkeypatch.setattr("syndicate.run.READ_CHUNK", 4)
        monkeypatch.setattr("syndicate.writer.RENDER_CHUNK", 20)
        shutil.rmtree(project.root / ".syndicate")
        shutil.rmtree(project.out)
        project.build()
        assert project.documents() == before


class TestIncremental:
    def test_a_run_without_a_change_writes_nothing(self, project: Project) -> None:
        """Each document keeps its inode and its mtime."""
        project.write("a")
        project.build()
        before = {path: os.stat(project.out / path) for path in project.documents()}
        report = project.build()
        after = {path: os.stat(project.out / path) for path in project.documents()}
        assert {p: (s.st_ino, s.st_mtime_ns) for p, s in before.items()} == {
            p: (s.st_ino, s.st_mtime_ns) for p, s in after.items()
        }
        assert report.count(Reason.UNCHANGED) == len(before)

    @pytest.mark.parametrize(
        "fields", [{"heat": 99}, {"quality": 12}, {"secured": "new"}, {"unknown": [1]}, {}]
    )
    def test_what_no_document_shows_renders_nothing(
        self, project: Project, fields: dict[str, object], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """heat changes every two hours on real sites; an mtime with every checkout."""
        project.write("a", heat=1, quality=11, secured="old")
        project.build()
        os.utime(project.write("a", **{"heat": 1, "quality": 11, "secured": "old", **fields}), (1, 1))
        monkeypatch.setattr("syndicate.writer.Writer._batches", lambda *_: pytest.fail("it rendered"))
        report = project.build()
        assert report.read == 1
        assert report.count(Reason.UNCHANGED) == len(report.documents)

    def test_one_changed_article_touches_its_own_groups_only(self, project: Project) -> None:
        """The site, its topics, its provider: nothing else is written."""
        project.write("a", topics=["A"], provider={"name": "P", "domain": "p.example"})
        project.write("b", topics=["B"], provider={"name": "Q", "domain": "q.example"})
        project.build()
        project.write("a", topics=["A"], provider={"name": "P", "domain": "p.example"}, title="New")
        report = project.build()
        changed = {d.path.rpartition("/")[0] for d in report.documents if d.reason is Reason.CHANGED}
        assert changed == {"", "topic/a", "provider/p.example"}

    def test_groups_that_are_gone_are_removed(self, project: Project) -> None:
        """With their folders, but never with somebody else's file."""
        project.write("a", topics=["A"])
        project.write("b", topics=["B", "C"])
        project.build()
        foreign = project.out / "topic" / "b" / "notes.txt"
        foreign.write_text("mine")
        project.write("b", topics=["A"])
        report = project.build()
        assert report.count(Reason.GONE) == 8  # three formats and a page of each
        assert foreign.read_text() == "mine"
        assert not (project.out / "topic" / "c").exists()
        assert project.folders() == {"", "topic/a", "topic/b", "provider/publisher.example"}

    def test_a_related_article_of_ours_is_tied_when_it_appears(self, project: Project) -> None:
        """And untied when it goes: the entry that relates to it is rendered anew."""
        related = [{"title": "B", "webUrl": "https://publisher.example/b"}]
        project.write("a", related=related, topics=["A"])
        project.write("c", topics=["C"])
        project.build()
        path = project.write("b", topics=["B"])
        project.build()
        [item] = project.json("topic/a/feed.json")["items"]
        assert item["_syndicate"]["related"][0]["id"] == "tag:site.example,2020:b"
        path.unlink()
        project.build()
        [item] = project.json("topic/a/feed.json")["items"]
        assert "id" not in item["_syndicate"]["related"][0]

    def test_a_spelling_that_becomes_the_commonest_renames(self, project: Project) -> None:
        """In every entry that has the topic, also in feeds that were not touched."""
        project.write("a", topics=["ai"], provider={"name": "P", "domain": "p.example"})
        project.build()
        for n in range(2):
            project.write(f"b{n}", topics=["AI"], provider=None)
        project.build()
        assert project.json("provider/p.example/feed.json")["items"][0]["tags"] == ["AI"]

    def test_a_moved_file_is_reported_with_the_line_that_keeps_its_id(self, project: Project) -> None:
        """Readers would show it as unread."""
        project.write("old", webUrl="https://a.example/")
        project.write("other")
        project.build()
        before = project.json()["items"]
        (project.root / "news" / "old.md").rename(project.root / "news" / "new.md")
        report = project.build(dry_run=True)
        [problem] = report.problems
        assert (problem.path, problem.severity) == ("news/new.md", Severity.WARNING)
        assert "`id: tag:site.example,2020:old`" in problem.fix
        project.write("new", webUrl="https://a.example/", id="tag:site.example,2020:old")
        assert project.build().problems == ()
        assert project.json()["items"] == before

    def test_deleted_documents_are_written_again(self, project: Project) -> None:
        """And changed ones mended."""
        project.write("a")
        project.build()
        before = project.documents()
        (project.out / "feed.rss").unlink()
        (project.out / "feed.atom").write_text("broken")
        project.build()
        assert project.documents() == before

    def test_a_problem_is_reported_in_every_run(self, project: Project) -> None:
        """Although its file is not read again."""
        project.write("good")
        os.utime(project.write("bad", "no front matter"), (1, 1))
        first = lines(project)
        assert len(first) == 1
        assert lines(project) == first

    def test_a_file_changed_within_the_clocks_tick_is_read_again(self, project: Project) -> None:
        """Same size, same mtime, another text."""
        path = project.write("a", title="one")
        status = os.stat(path)
        project.build()
        path.write_bytes(path.read_bytes().replace(b'"one"', b'"two"'))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        project.build()
        assert project.titles() == ["two"]

    def test_the_clock_may_go_back(self, project: Project) -> None:
        """Articles that are due no more leave; the catalog of a later time does no harm."""
        project.write("a", title="A")
        project.write("b", title="B", publishedDateTime="2026-03-01T00:00:00Z")
        project.build(now=NOW)
        project.build(now=NOW.replace(month=2), force=True)
        assert project.titles() == ["A"]
        project.build(now=NOW)
        assert project.titles() == ["B", "A"]

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("title: Test Site", "title: New Name"),
            ("roots: [news]", "roots: [news]\n  preset: jekyll"),
            ("timezone: America/Los_Angeles", "timezone: Asia/Tokyo"),
            ("tag: site.example,2020", "tag: site.example,2021"),
            ("roots: [news]", "roots: [news]\nfeeds: {groups: [[topic, provider], category], limit: 2}"),
            ("roots: [news]", "roots: [news]\nfeeds: {min_quality: 50, order: updated, content: summary}"),
            ("roots: [news]", "roots: [news]\noutput: {compress: [gzip, brotli]}"),
            ("roots: [news]", "roots: [news]\n  topics: topics\n  shared_domains: [p.example]"),
        ],
    )
    def test_a_changed_config_gives_what_a_fresh_build_gives(
        self, project: Project, before: str, after: str
    ) -> None:
        """There, and back again."""
        (project.root / "topics").mkdir()
        (project.root / "topics" / "a.yaml").write_text("_id: aaa\nname: A\n")
        for n in range(4):
            project.write(
                f"2026-01-0{n + 1}-a", title=f"T{n}", date=f"2026-01-0{n + 1}", quality=n * 25, topics=["A", f"B{n}"],
                category="x", tags=["tag"], updatedDateTime=f"2026-02-0{9 - n}",
                provider={"name": f"P{n}", "domain": "p.example"}, publishedDateTime=f"2026-01-0{n + 1} 10:00",
            )  # fmt: skip
        project.build()
        first = project.documents()
        project.configure(CONFIG.replace(before, after))
        project.build(force=True)
        incremental = project.documents()
        assert incremental != first
        shutil.rmtree(project.root / ".syndicate")
        shutil.rmtree(project.out)
        project.build()
        assert project.documents() == incremental
        project.configure(CONFIG)
        project.build(force=True)
        assert project.documents() == first

    def test_a_regrouped_run_counts_its_articles(self, project: Project) -> None:
        """Also those that went in the same run."""
        paths = [project.write(f"a{n}") for n in range(4)]
        assert project.build().articles == 4
        paths[0].unlink()
        project.configure(CONFIG + "feeds: {groups: [provider]}\n")
        assert project.build().articles == 3
        assert project.build().articles == 3


class TestSafety:
    def test_a_dry_run_writes_nothing(self, project: Project) -> None:
        """It says what would be done, and why."""
        project.write("a")
        project.build()
        before = project.documents()
        project.write("a", title="New", topics=["New"])
        report = project.build(dry_run=True)
        assert {(d.path, d.reason.value) for d in report.documents if d.path.endswith(".rss")} == {
            ("feed.rss", "changed"), ("provider/publisher.example/feed.rss", "changed"),
            ("topic/ai/feed.rss", "gone"), ("topic/new/feed.rss", "new"),
        }  # fmt: skip
        assert project.documents() == before
        assert project.build().count(Reason.NEW) == 4

    def test_the_brake(self, project: Project) -> None:
        """More than half of the articles vanish at once: a failed mount, until --force."""
        paths = [project.write(f"a{n}") for n in range(10)]
        project.build()
        before = project.documents()
        for path in paths[:6]:
            path.unlink()
        with pytest.raises(BrakeError, match="6 of 10 published articles would vanish"):
            project.build()
        assert project.documents() == before
        paths[5].write_text(article(webUrl="https://publisher.example/a5"))
        project.build()
        assert len(project.json()["items"]) == 5

    def test_the_brake_can_be_released(self, project: Project) -> None:
        """By --force, or for good by max_shrink."""
        paths = [project.write(f"a{n}") for n in range(3)]
        project.build()
        paths[0].unlink()
        paths[1].unlink()
        project.build(force=True)
        assert len(project.json()["items"]) == 1

    def test_one_run_at_a_time(self, project: Project) -> None:
        """The second one says so; the lock dies with its holder."""
        project.write("a")
        with locked(project.root / ".syndicate"), pytest.raises(LockedError):
            project.build()
        project.build()

    def test_an_output_that_cannot_be_written(self, project: Project) -> None:
        """The documents are as they were, the error names the file."""
        project.write("a")
        project.out.write_text("a file where the folder belongs")
        with pytest.raises(WriteError, match="out"):
            project.build()
        project.out.unlink()
        project.build()
        assert project.titles() == ["A title"]

    def test_a_catalog_of_another_output_is_refused(self, project: Project) -> None:
        """Two outputs in one folder would remove each other's groups."""
        project.write("a")
        project.build()
        project.configure(CONFIG + "output: {directory: other}\n")
        with pytest.raises(ConfigError, match="belongs to"):
            project.build()

    @pytest.mark.parametrize(
        "content",
        [b"no database at all, but long enough to be one" * 99, b"SQLite format 3\x00" + b"\x7f" * 4_000],
    )
    def test_a_broken_catalog_is_set_aside(self, project: Project, content: bytes) -> None:
        """With a warning; the documents stay the same."""
        project.write("a")
        project.build()
        before = project.documents()
        catalog = project.root / ".syndicate" / "catalog.db"
        catalog.write_bytes(content)
        [problem] = project.build().problems
        assert "was set aside" in problem.what
        assert project.documents() == before
        assert (project.root / ".syndicate" / "catalog.db.aside").read_bytes() == content

    def test_files_have_the_modes_of_a_web_root(self, project: Project) -> None:
        """A server of another user reads them."""
        project.write("a")
        project.build()
        assert stat.S_IMODE(os.stat(project.out / "feed.rss").st_mode) & 0o444 == 0o444

    def test_compressed_siblings(self, project: Project) -> None:
        """They hold the document, and stay the same when it does."""
        import gzip

        import brotli

        project.configure(CONFIG + "output: {compress: [gzip, brotli]}\n")
        project.write("a")
        project.build()
        documents = project.documents()
        for path in [path for path in documents if path.endswith((".rss", ".atom", ".json"))]:
            assert gzip.decompress(documents[f"{path}.gz"]) == documents[path]
            assert brotli.decompress(documents[f"{path}.br"]) == documents[path]
            assert documents[f"{path}.gz"][4:8] == b"\0\0\0\0"  # no time (RFC 1952, section 2.3.1)


class TestReadingFails:
    def test_a_file_is_read_again_as_soon_as_it_can_be(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A network's file system may fail for a moment, which leaves no trace on the file."""
        import syndicate.reading as reading

        project.write("a")
        project.write("b", title="B")
        real = reading.read_bytes

        def failing(path: str, size: int) -> bytes:
            if path.endswith("b.md"):
                raise OSError(errno.EIO, "Input/output error")
            return real(path, size)

        for path in (project.root / "news").iterdir():
            os.utime(path, ns=(10**18, 10**18))
        time.sleep(2.1)  # files younger than the clock's tick are read twice anyway
        with monkeypatch.context() as patch:
            patch.setattr(reading, "read_bytes", failing)
            assert len(lines(project)) == 1
        report = project.build()
        assert (report.problems, report.articles, report.read) == ((), 2, 1)
