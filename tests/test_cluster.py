"""The build on a cluster gives what the embedded build gives; its stages, one by one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from clusters import Inline, articles, build, tasks
from conftest import CONFIG, NOW, Project
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from test_changes import Changes

import syndicate
from syndicate.cluster import contest, merging, sources
from syndicate.cluster.model import Entry, Partial
from syndicate.output import Reason

SMALL = "cluster: {partition_files: 2, fan_in: 2}\n"
EVERYTHING = "feeds: {limit: 7, archive: month, related: entries, order: updated, groups: [topic, provider, [topic, provider]]}\n"


def both(project: Project, extra: str = "") -> None:
    """The embedded build and one on a cluster say and write the same."""
    project.configure(CONFIG + SMALL + extra)
    report = project.build()
    documents = project.documents()
    shutil.rmtree(project.out)
    shutil.rmtree(project.root / ".syndicate")
    again, _ = build(project)
    assert project.documents() == documents
    assert again.problems == report.problems
    assert (again.articles, again.files) == (report.articles, report.files)


class ClusterChanges(Changes):
    """Edits, moves, removals, another config, another day: always what the embedded build would write."""

    def __init__(self) -> None:
        super().__init__()
        self.runs = 0

    def regenerate(self) -> None:
        config = self.folder / "config" / "syndicate.yaml"
        text = config.read_text()
        if "cluster:" not in text:
            config.write_text(text + SMALL)
        self.runs += 1
        if self.runs % 4 == 3:  # a project may be built either way, by turns
            super().regenerate()
        else:
            build(self.project, Inline(self.runs), now=self.now, force=True)


ClusterChanges.TestCase.settings = settings(
    max_examples=20, stateful_step_count=25, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
TestClusterChanges = ClusterChanges.TestCase


class TestSameBytes:
    @pytest.mark.parametrize(
        "extra",
        [
            "",
            EVERYTHING,
            "feeds: {max_bytes: 20000, archive: year}\n",
            "output: {compress: [gzip, brotli]}\n",
        ],
    )
    def test_as_the_embedded_build(self, project: Project, extra: str) -> None:
        for stem, text in articles(200).items():
            project.write(stem, text)
        both(project, extra)

    @pytest.mark.parametrize(("files", "fan_in"), [(1, 2), (3, 3), (10_000, 16)])
    def test_whatever_the_partitions(self, project: Project, files: int, fan_in: int) -> None:
        for stem, text in articles(120).items():
            project.write(stem, text)
        project.configure(CONFIG + EVERYTHING)
        project.build()
        documents = project.documents()
        project.configure(CONFIG + EVERYTHING + f"cluster: {{partition_files: {files}, fan_in: {fan_in}}}\n")
        report, cost = build(project)
        assert project.documents() == documents
        assert {document.reason for document in report.documents} == {Reason.UNCHANGED}
        if files == 1:
            assert tasks(cost, "reading") == 120

    @pytest.mark.parametrize(
        "roots", ["[news, news/a]", "[news/a, news]", "[news, news]", "[news/a, news/b]"]
    )
    def test_roots_that_hold_each_other(self, project: Project, roots: str) -> None:
        for name in ("top", "a/one", "a/deep/two", "b/three"):
            project.write(name, webUrl=f"https://publisher.example/{name[-1]}")
        project.configure(CONFIG.replace("[news]", roots) + SMALL)
        project.build()
        documents = project.documents()
        report, _ = build(project)
        assert {document.reason for document in report.documents} == {Reason.UNCHANGED}
        assert project.documents() == documents

    def test_the_embedded_build_goes_on_from_there(self, project: Project) -> None:
        """And the other way round: one project may be built either way."""
        for stem, text in articles(60).items():
            project.write(stem, text)
        build(project)
        report = project.build()
        assert {document.reason for document in report.documents} == {Reason.UNCHANGED}
        again, _ = build(project)
        assert {document.reason for document in again.documents} == {Reason.UNCHANGED}

    def test_by_turns(self, project: Project) -> None:
        """What the other build wrote meanwhile is seen, though the articles are again what they were."""
        project.write("a", title="First")
        build(project)
        before = project.documents()
        project.write("a", title="Second")
        project.build()
        project.write("a", title="First")
        build(project)
        assert project.titles() == ["First"]
        assert project.documents() == before

    def test_a_folder_that_is_gone_before_it_is_listed(self, project: Project) -> None:
        """Is a problem of that folder; the others are read."""
        for name in ("top", "a/b/one", "c/two"):
            project.write(name)

        class Late(Inline):
            def map(self, context, stage, tasks, cost):  # type: ignore[no-untyped-def]
                if stage == "listing":
                    shutil.rmtree(project.root / "news" / "a")
                return super().map(context, stage, tasks, cost)

        report, _ = build(project, Late())
        assert report.articles == 2
        assert {(p.path, p.what) for p in report.problems} == {
            ("news/a", "the folder cannot be read: No such file or directory"),
            ("news/a/b", "the folder cannot be read: No such file or directory"),
        }

    def test_links_and_hidden_folders(self, project: Project, tmp_path: Path) -> None:
        """What a tree holds besides plain files is the same to both."""
        for folder in ("a", "b", ".hidden"):
            project.write(f"{folder}/x{folder.strip('.')}")
        (project.root / "news" / "b" / "loop").symlink_to(project.root / "news")
        (project.root / "news" / "a" / "nowhere.md").symlink_to("/nowhere")
        (project.root / "news" / "dir.md").mkdir()
        both(project)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that were changed just now count as old: nobody waits for the clock's tick."""
    monkeypatch.setattr(sources, "_TICK_NS", -(10**12))


@pytest.mark.usefixtures("settled")
class TestIncrement:
    def test_only_what_changed(self, project: Project) -> None:
        """A second run reads the partitions that changed, and renders the groups that they touch."""
        for n in range(40):
            project.write(
                f"n{n:02}", topics=[f"T{n % 5}"], publishedDateTime=f"2026-01-{n % 28 + 1:02}T00:00:00Z"
            )
        project.configure(CONFIG + "cluster: {partition_files: 2, fan_in: 2}\nfeeds: {groups: [topic]}\n")
        build(project)
        report, cost = build(project)
        assert report.read == 0
        assert {stage.name for stage in cost.stages if stage.tasks} == {"listing"}
        project.write("n07", topics=["T2"], title="Other", publishedDateTime="2026-01-08T00:00:00Z")
        report, cost = build(project)
        assert tasks(cost, "reading") == 1
        written = {d.path for d in report.documents if d.reason is not Reason.UNCHANGED}
        assert written == {
            f"{folder}{name}"
            for folder in ("", "topic/t2/")
            for name in ("feed.rss", "feed.atom", "feed.json", "index.html")
            if folder or name != "index.html"
        }

    def test_a_date_that_comes(self, project: Project) -> None:
        """An article appears in the first run after its date, though no partition is read."""
        project.write("now")
        project.write("later", publishedDateTime="2026-06-02T00:00:00Z", title="Later")
        build(project)
        assert project.titles() == ["A title"]
        later = NOW.replace(day=3)
        report, cost = build(project, now=later)
        assert (report.read, tasks(cost, "reading")) == (0, 0)
        assert project.titles() == ["Later", "A title"]

    def test_a_run_that_was_ended_is_gone_on_with(self, project: Project) -> None:
        """What was read stays read."""
        for n in range(20):
            project.write(f"n{n}")
        project.configure(CONFIG + SMALL)

        class Ended(Inline):
            def map(self, context, stage, tasks, cost):  # type: ignore[no-untyped-def]
                if stage == "deciding":
                    raise KeyboardInterrupt
                return super().map(context, stage, tasks, cost)

        with pytest.raises(KeyboardInterrupt):
            build(project, Ended())
        assert project.documents() == {}
        _, cost = build(project)
        assert tasks(cost, "reading") == 0
        assert len(project.titles()) == 20

    def test_the_work_area_holds_nothing_old(self, project: Project) -> None:
        """A hundred edits leave as many results as there were."""
        for n in range(10):
            project.write(f"n{n}")
        project.configure(CONFIG + SMALL)
        build(project)
        work = project.root / ".syndicate" / "cluster"
        before = len([path for path in work.rglob("*") if path.is_file()])
        for n in range(20):
            project.write("n3", title=f"Edition {n}")
            build(project)
        assert len([path for path in work.rglob("*") if path.is_file()]) <= before + 2

    def test_what_others_keep_there_stays(self, project: Project) -> None:
        """A work area that was named by mistake loses nothing."""
        project.write("a")
        work = project.root / ".syndicate" / "cluster"
        strangers = [
            "memory",
            "run",
            "notes.txt",
            "documents/thesis.pdf",
            "reading/list.md",
            f"other/{'0' * 32}",
        ]
        for name in strangers:
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text("mine")
        for title in ("One", "Two"):
            project.write("a", title=title)
            build(project)
        assert [(work / name).read_text() for name in strangers] == ["mine"] * len(strangers)

    def test_full(self, project: Project) -> None:
        project.write("a")
        build(project)
        _, cost = build(project, full=True)
        assert tasks(cost, "reading") == 1

    def test_dry_run(self, project: Project) -> None:
        project.write("a")
        report, _ = build(project, dry_run=True)
        assert report.count(Reason.NEW) > 0
        assert project.documents() == {}

    def test_damage_is_found(self, project: Project) -> None:
        """A result that was cut short is never read as if it were whole."""
        for n in range(6):
            project.write(f"n{n}")
        project.configure(CONFIG + SMALL)
        build(project)
        for path in (project.root / ".syndicate" / "cluster" / "reading").iterdir():
            path.write_bytes(path.read_bytes()[:-1] + b"\xff")
        project.write("new")
        with pytest.raises(syndicate.SyndicateError, match=r"damaged.*delete syndicate\.memory"):
            build(project)
        (project.root / ".syndicate" / "cluster" / "syndicate.memory").unlink()
        build(project)
        assert len(project.titles()) == 7

    def test_a_damaged_memory(self, project: Project) -> None:
        project.write("a")
        build(project)
        memory = project.root / ".syndicate" / "cluster" / "syndicate.memory"
        memory.write_bytes(memory.read_bytes()[:-3])
        with pytest.raises(syndicate.SyndicateError, match=r"damaged: file://.*: syndicate.memory: delete"):
            build(project)
        memory.write_bytes(b"\x91\x63")  # of a later version of the program
        report, _ = build(project)
        assert report.articles == 1


class TestSafety:
    def test_an_entry_that_would_break_a_rule(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The documents of before stay, the article is named, all others are written; the next run tries again."""
        import syndicate.reading as reading

        real = reading.read_article

        def tampering(data: bytes, path: str, *rest: Any) -> Any:
            found = real(data, path, *rest)
            if found.article and found.article.title == "Bad":
                return replace(found, article=replace(found.article, title=" "))
            return found

        monkeypatch.setattr(reading, "read_article", tampering)
        project.write("good")
        project.write("bad", title="Was good")
        project.write("else", topics=["Other"], provider=None)
        build(project)
        before = project.documents()
        project.write("bad", title="Bad")
        project.write("else", topics=["Other"], provider=None, title="New")
        for _ in range(2):
            report, _ = build(project)
            [problem] = report.problems
            assert str(problem).startswith("news/bad.md:0:0: error: entry: it has no title; so ")
            refused = {d.path for d in report.documents if d.reason is Reason.REFUSED}
            assert {path.rpartition("/")[0] for path in refused} == {
                "",
                "topic/ai",
                "provider/publisher.example",
            }
            after = project.documents()
            assert {path for path in after if after[path] == before[path]} >= refused
            assert project.titles("topic/other/feed.atom") == ["New"]
        project.write("bad", title="Good again")
        build(project)
        assert "Good again" in project.titles()

    def test_two_runs_in_one_work_area(self, project: Project, tmp_path: Path) -> None:
        """The later one goes on, from whichever machine; the earlier one ends and removes nothing."""
        project.write("a")
        project.configure(CONFIG + f"cluster: {{work: {tmp_path / 'work'}}}\n")
        (tmp_path / "other").mkdir()
        other = Project(tmp_path / "other")
        other.configure(CONFIG + f"cluster: {{work: {tmp_path / 'work'}}}\n")
        other.write("a")

        class Slow(Inline):
            def map(self, context, stage, tasks, cost):  # type: ignore[no-untyped-def]
                if stage == "deciding":
                    build(other)
                return super().map(context, stage, tasks, cost)

        with pytest.raises(syndicate.LockedError, match="another run has begun"):
            build(project, Slow())
        assert project.documents() == {}
        report, _ = build(other)
        assert {document.reason for document in report.documents} == {Reason.UNCHANGED}

    def test_roots_that_are_not_there(self, project: Project) -> None:
        project.write("a")
        build(project)
        before = project.documents()
        (project.root / "news").rename(project.root / "elsewhere")
        with pytest.raises(syndicate.BrakeError, match="not there: news"):
            build(project)
        (project.root / "news").mkdir()
        with pytest.raises(syndicate.BrakeError, match="no articles: news"):
            build(project)
        assert project.documents() == before

    def test_loss_since_an_embedded_build(self, project: Project) -> None:
        for n in range(10):
            project.write(f"n{n}")
        project.build()
        for n in range(6):
            (project.root / "news" / f"n{n}.md").unlink()
        with pytest.raises(syndicate.BrakeError, match="6 of 10 published articles would vanish"):
            build(project)

    def test_loss_at_once(self, project: Project) -> None:
        for n in range(10):
            project.write(f"n{n}")
        build(project)
        for n in range(6):
            (project.root / "news" / f"n{n}.md").unlink()
        with pytest.raises(syndicate.BrakeError, match="6 of 10 published articles would vanish"):
            build(project)
        assert len(project.titles()) == 10
        build(project, force=True)
        assert len(project.titles()) == 4

    def test_no_article_travels(self, project: Project) -> None:
        """Tasks and answers, all that a scheduler sees, hold no text of any article."""
        for n in range(30):
            project.write(f"n{n}", title=f"Wombat {n}", excerpt="Quokka. " * 50)

        class Listening(Inline):
            seen = b""

            def map(self, context, stage, tasks, cost):  # type: ignore[no-untyped-def]
                self.seen += b"".join(task for _, task in tasks)
                return super().map(context, stage, tasks, cost)

        cluster = Listening()
        build(project, cluster)
        assert b"Wombat" in (project.out / "feed.rss").read_bytes()
        seen = cluster.seen + b"".join(cluster.answers)
        assert b"news/n0.md" in seen  # names are there
        assert b"Wombat" not in seen
        assert b"Quokka" not in seen

    def test_another_site_s_work_area(self, project: Project) -> None:
        project.write("a")
        build(project)
        project.configure(CONFIG.replace("feeds.site.example", "other.example"))
        with pytest.raises(syndicate.ConfigError, match=r"belongs to https://feeds\.site\.example/"):
            build(project)

    def test_the_embedded_build_says_what_it_does_not_read(self, project: Project) -> None:
        project.configure(CONFIG.replace("[news]", "[s3://bucket/news]"))
        with pytest.raises(syndicate.ConfigError, match=r"s3://bucket/news: only a cluster reads that"):
            project.build()
        project.configure(CONFIG + '  include: ["**/*.ndjson"]\n')
        with pytest.raises(syndicate.ConfigError, match="only a cluster reads rows"):
            syndicate.check(project.settings)


times = st.integers(0, 5)


@st.composite
def partials(draw: st.DrawFn) -> list[Partial]:
    """What one partition may say of two groups. An article has one number, and one time, wherever it stands."""
    found: dict[str, Partial] = {}
    for number in draw(st.lists(st.integers(0, 40), max_size=8, unique=True)):
        entry = Entry(number % 5, f"id{number}", f"path{number}", 0, 2, b"", "", 0, 0, ())
        for key in ("", "topic:a")[: 1 + number % 2]:
            partial = found.setdefault(key, Partial(key, ""))
            partial.entries.append(entry)
            partial.count += 1
            partial.newest = max(partial.newest or 0, entry.time)
            partial.names["N" if number % 3 else "n"] = partial.names.get("N" if number % 3 else "n", 0) + 1
    for partial in found.values():
        partial.entries.sort(key=lambda entry: entry.order)
    return [partial for _, partial in sorted(found.items())]


class TestMerging:
    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(st.lists(partials(), max_size=6), st.integers(1, 5), st.randoms(use_true_random=False))
    def test_any_tree_gives_the_same(self, parts: list[list[Partial]], limit: int, source: object) -> None:
        """Associative and commutative: however partial results are grouped and ordered."""
        at_once = merging.merged(parts, limit)
        heap = list(parts)
        source.shuffle(heap)  # type: ignore[attr-defined]
        while len(heap) > 1:
            first, second = heap.pop(), heap.pop()
            heap.insert(0, merging.merged([first, second], limit))
        step_by_step = merging.merged(heap, limit) if heap else []
        cut = [_cut(partial, limit) for partial in at_once]
        assert [_cut(partial, limit) for partial in step_by_step] == cut
        everything = [entry for part in parts for p in part if p.key == "" for entry in p.entries]
        newest = sorted(everything, key=lambda entry: (-entry.time, entry.id))[:limit]
        assert [p.entries for p in cut if p.key == ""] == ([newest] if everything else [])


def _cut(partial: Partial, limit: int) -> Partial:
    """A partial result of one partition is not cut: whoever made it has done so."""
    return Partial(
        partial.key, "", partial.count, partial.newest, partial.names, partial.entries[:limit], partial.buried
    )


class TestContest:
    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(
        st.lists(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=5), max_size=5),
        st.integers(1, 4),
    )
    def test_what_is_bound_is_found(self, partitions: list[list[tuple[int, int]]], shards: int) -> None:
        """Two articles with one link or one id are both contested, and come to one shard."""
        pairs = [[(bytes([link]) * 16, bytes([100 + id]) * 16) for link, id in part] for part in partitions]
        found = []
        for shard in range(shards):
            exchanges = [
                contest.Exchange(
                    [link for link, _ in part if link[0] % shards == shard],
                    [(id, link) for link, id in part if id[0] % shards == shard],
                )
                for part in pairs
            ]
            found.append(contest.contested(enumerate(exchanges)))
        owners: dict[bytes, set[int]] = {}
        for contested, _ in found:
            for n, links in contested.items():
                for link in links:
                    owners.setdefault(link, set()).add(n)
        label = contest.labels(links for _, bound in found for links in bound)
        every = [(n, link, id) for n, part in enumerate(pairs) for link, id in part]
        for index, (n, link, id) in enumerate(every):
            for other in every[index + 1 :]:
                if link == other[1] or id == other[2]:
                    assert n in owners[link]
                    assert other[0] in owners[other[1]]
                    assert label.get(link, link) == label.get(other[1], other[1])
        alone = {link for _, link, _ in every} - set(owners)
        for link in alone:
            [mine] = [item for item in every if item[1] == link]
            assert sum(item[2] == mine[2] for item in every) == 1


class TestStatus:
    def test_of_a_build_on_a_cluster(self, project: Project) -> None:
        """What the embedded build would have left: groups, days, what is scheduled, problems."""
        for stem, text in articles(40).items():
            project.write(stem, text)
        project.build()
        expected = syndicate.read_status(project.settings)
        build(project)
        found = syndicate.read_status(project.settings)
        for name in (
            "articles",
            "scheduled",
            "next_due",
            "documents",
            "bytes",
            "groups",
            "days",
            "problems",
            "targets",
        ):
            assert getattr(found, name) == getattr(expected, name), name
        assert [run.articles for run in found.builds] == [expected.articles] * 2

    def test_after_an_embedded_build(self, project: Project) -> None:
        project.write("a")
        build(project)
        project.write("b")
        project.build()
        assert syndicate.read_status(project.settings).groups[0].articles == 2
