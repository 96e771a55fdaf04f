"""Files of rows: an article a line of JSON, or a row of Parquet, with the field rules of files."""

from __future__ import annotations

import errno
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from clusters import articles, build, row, rows, tasks
from conftest import CONFIG, Project, article, rules
from hypothesis import given, settings
from hypothesis import strategies as st

import syndicate
from syndicate.articles.reader import read_article, read_row
from syndicate.articles.rules import MAX_FILE_SIZE
from syndicate.cluster.sources import _lines
from syndicate.errors import Severity

ROWS = CONFIG + '  include: ["**/*.ndjson", "**/*.parquet", "**/*.md"]\n'


def write(project: Project, name: str, text: str | bytes) -> None:
    (project.root / "news" / name).write_bytes(text.encode() if isinstance(text, str) else text)


def write_parquet(project: Project, name: str, values: list[dict[str, Any]], **options: Any) -> None:
    columns = sorted({name for value in values for name in value})
    table = pyarrow.table({name: [value.get(name) for value in values] for name in columns})
    pyarrow.parquet.write_table(table, project.root / "news" / name, **options)


def as_files(project: Project, files: dict[str, str], extra: str = "") -> dict[str, bytes]:
    """What the embedded build makes of the articles in files of their own."""
    project.configure(CONFIG + extra)
    for stem, text in files.items():
        project.write(stem, text)
    project.build()
    documents = project.documents()
    for folder in (project.out, project.root / "news", project.root / ".syndicate"):
        shutil.rmtree(folder)
    (project.root / "news").mkdir()
    return documents


class TestSameBytes:
    def test_ndjson(self, project: Project) -> None:
        files = articles(150)
        documents = as_files(project, files, "feeds: {archive: month, related: entries}\n")
        stems = list(files)
        for n in range(3):
            write(project, f"part{n}.ndjson", rows({stem: files[stem] for stem in stems[n::3]}))
        project.configure(ROWS + "feeds: {archive: month, related: entries}\n")
        build(project)
        assert project.documents() == documents

    def test_parquet(self, project: Project) -> None:
        files = articles(150)
        documents = as_files(project, files)
        values = [row(stem, text) for stem, text in files.items()]
        write_parquet(project, "a.parquet", values[:100], row_group_size=30)
        write_parquet(project, "b.parquet", values[100:])
        project.configure(ROWS)
        build(project)
        assert project.documents() == documents

    def test_trees_and_tables_together(self, project: Project) -> None:
        files = articles(60)
        documents = as_files(project, files)
        stems = list(files)
        for stem in stems[:20]:
            project.write(stem, files[stem])
        write(project, "some.ndjson", rows({stem: files[stem] for stem in stems[20:40]}))
        write_parquet(project, "rest.parquet", [row(stem, files[stem]) for stem in stems[40:]])
        project.configure(ROWS)
        build(project)
        assert project.documents() == documents

    @pytest.mark.parametrize("megabytes", [1, 4])
    def test_a_file_in_ranges(self, project: Project, megabytes: int) -> None:
        """Wherever a file is cut, each row is read once, and problems name its line."""
        files = articles(700)
        text = rows(files).split("\n")
        text[301] = '{"path": "broken.md", "title": [}'
        text[500] = ""
        padding = json.dumps({"path": "x.md", "draft": True, "padding": "x" * 8_000})
        spread = "\n".join(f"{padding}\n{line}" if n % 2 else line for n, line in enumerate(text))
        write(project, "all.ndjson", spread)
        assert len(spread) > 2_000_000
        project.configure(ROWS + "cluster: {partition_megabytes: 4000}\n")
        whole, cost = build(project)
        documents = project.documents()
        assert tasks(cost, "reading") == 1
        project.configure(ROWS + f"cluster: {{partition_megabytes: {megabytes}}}\n")
        parted, cost = build(project)
        assert tasks(cost, "reading") == -(-len(spread) // (megabytes * 10**6))
        assert project.documents() == documents
        assert parted.problems == whole.problems
        [broken] = [p for p in parted.problems if p.severity is Severity.ERROR]
        assert (broken.path, broken.line, broken.field) == ("news/all.ndjson", 453, "row")
        assert broken.line == spread.split("\n").index(text[301]) + 1

    def test_lines_without_rows_count(self, project: Project) -> None:
        """Of a range that holds nothing else too."""
        write(project, "t.ndjson", rows({"a": article()}) + "\n" * 1_500_000 + "{broken\n")
        project.configure(ROWS + "cluster: {partition_megabytes: 1}\n")
        report, cost = build(project)
        assert tasks(cost, "reading") == 2
        assert [(problem.line, problem.field) for problem in report.problems] == [(1_500_002, "row")]


class TestRows:
    @pytest.mark.parametrize("name", ["fields", "body", "dates"])
    def test_a_row_is_read_as_a_file(self, name: str) -> None:
        """The same article comes of the same fields, from a file, a line of JSON and a table's row."""
        fields: dict[str, Any] = {
            "publishedDateTime": "2026-01-02T03:04:05Z",
            "quality": 7,
            "updatedDateTime": "2026-01-03",
        }
        body = "\n*Hello*, <script>x</script> world.\n\n![p](/p.png)\n" if name == "body" else ""
        file = read_article((article(**fields) + body).encode(), "news/a/b.md", "a/b", rules())
        values = {**row("a/b", article(**fields)), "body": body}
        path, line = read_row(json.dumps(values).encode(), "t.ndjson", 3, rules(), {})
        assert (path, line.article, line.problems) == ("a/b.md", file.article, ())
        if name == "dates":
            values["publishedDateTime"] = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)  # type: ignore[assignment]
            values["quality"] = 7.0  # type: ignore[assignment]
        assert read_row(values, "t.parquet", 3, rules(), {})[1].article == file.article

    def test_an_id_is_enough(self, project: Project) -> None:
        """A row without a path is known by its own id; one with neither is left out."""
        lines = [
            {**row("x", article(id="urn:x:1", webUrl="https://a.example/1")), "path": None},
            {**row("x", article(webUrl="https://a.example/2")), "path": ""},
        ]
        write(project, "t.ndjson", "\n".join(map(json.dumps, lines)))
        project.configure(ROWS)
        report, _ = build(project)
        assert [entry.id for entry in project.parsed("feed.atom").entries] == ["urn:x:1"]
        [problem] = report.problems
        assert str(problem) == (
            "news/t.ndjson:2:1: error: path: the row has neither a path nor an id"
            " (add one: it is what the article's identity is made of)"
        )

    def test_the_id_comes_from_the_path(self) -> None:
        for path, id in [
            ("news/2026-01-02-a.md", "tag:site.example,2020:news/2026-01-02-a"),
            ("./a.b/c", "tag:site.example,2020:a.b/c"),
            ("/a/b.markdown", "tag:site.example,2020:a/b"),
        ]:
            values = {**row("x", article()), "path": path}
            [_, reading] = read_row(json.dumps(values).encode(), "t", 1, rules(), {})
            assert reading.article
            assert reading.article.id == id

    @pytest.mark.parametrize(
        ("line", "what"),
        [
            (b"[1]", "the row is no JSON object"),
            (b'{"path": "a.md"} {}', "something follows the object"),
            (b'{"path": "a.md", "title": "x", "title": "y"}', "the key title is there twice"),
            (b'{"path": "a.md", "body": ["x"]}', "body is not text"),
            (b'{"path": "\xff"}', "byte 0xFF is not UTF-8"),
            (b'{"path": ' + b"[" * 100_000, "nested deeper than 32 levels"),
            (b'{"path": "a.md", "x": [' + b"1," * 60_000 + b"1]}", "more than 50,000 values"),
        ],
    )
    def test_bad_rows(self, line: bytes, what: str) -> None:
        _, reading = read_row(line, "t.ndjson", 12, rules(), {})
        [problem] = reading.problems
        assert (problem.path, problem.line, problem.severity) == ("t.ndjson", 12, Severity.ERROR)
        assert what in problem.what

    def test_a_problem_s_place(self) -> None:
        """Line and column of the value in the file of rows."""
        values = b'{"path": "a.md", "title": "T", "webUrl": "ftp://x", "date": "2026-01-01"}'
        [problem] = read_row(values, "t.ndjson", 7, rules(), {})[1].problems
        assert (problem.line, problem.column, problem.field) == (7, values.index(b'"ftp') + 1, "webUrl")

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
    def test_any_bytes(self, data: bytes) -> None:
        """Never raises, and says what is wrong."""
        _, reading = read_row(b'{"path": "a.md", "title": ' + data + b"}", "t.ndjson", 1, rules(), {})
        assert reading.article is None
        assert reading.problems


class TestPoison:
    def test_the_rest_goes_on(self, project: Project) -> None:
        """Bad rows are problems, each with its line; the good ones of the same partition are published."""
        files = articles(20)
        good = rows(files).splitlines()
        bad = ["{", "null", "\x00\x01\x02", '{"path": "a.md"}', "[" * 200_000, "x" * (MAX_FILE_SIZE + 10)]
        documents = as_files(project, files)
        write(project, "t.ndjson", "\n".join([*good[:10], *bad, *good[10:]]))
        project.configure(ROWS)
        report, _ = build(project)
        assert project.documents() == documents
        lines = {problem.line for problem in report.problems if problem.severity is Severity.ERROR}
        assert lines == {11, 12, 13, 14, 15, 16}
        assert "longer than 2,097,152 bytes" in str(next(p for p in report.problems if p.line == 16))

    def test_broken_parquet(self, project: Project) -> None:
        """A file of rows that cannot be read is a problem of that file."""
        files = articles(20)
        documents = as_files(project, files)
        write(project, "good.ndjson", rows(files))
        write(project, "bad.parquet", b"PAR1 nothing of the kind PAR1")
        write(project, "empty.parquet", b"")
        write_parquet(project, "cut.parquet", [row("x", article())] * 500)
        whole = (project.root / "news" / "cut.parquet").read_bytes()
        write(project, "cut.parquet", b"PAR1" + b"\xff" * 2_000 + whole[2_004:])
        project.configure(ROWS)
        report, _ = build(project)
        assert project.documents() == documents
        errors = [problem for problem in report.problems if problem.severity is Severity.ERROR]
        assert {problem.path for problem in errors} == {
            "news/bad.parquet", "news/empty.parquet", "news/cut.parquet"
        }  # fmt: skip

    def test_a_file_that_cannot_be_opened(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """Is a problem, and is tried again in the next run although nothing about it has changed."""
        monkeypatch.setattr("syndicate.cluster.sources._TICK_NS", -(10**12))
        write(project, "bad.ndjson", rows({"b": article(title="B", webUrl="https://b.example/")}))
        write(project, "good.ndjson", rows({"a": article()}))
        project.configure(ROWS)
        real = os.pread

        def failing(descriptor: int, length: int, start: int) -> bytes:
            if "bad" in os.readlink(f"/proc/self/fd/{descriptor}"):
                raise OSError(errno.EIO, "Input/output error")
            return real(descriptor, length, start)

        with monkeypatch.context() as patch:
            patch.setattr(os, "pread", failing)
            report, _ = build(project)
        assert [str(p) for p in report.problems] == [
            "news/bad.ndjson:0:0: error: file: cannot be read: [Errno 5] Input/output error"
            " (mend it, or write it again; what was not read of it stays out)"
        ]
        assert report.articles == 1
        report, cost = build(project)
        assert (report.articles, report.problems, tasks(cost, "reading")) == (2, (), 1)

    def test_a_fault_of_our_own_is_no_problem_of_a_file(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing is left out as if it could not be read."""

        def faulty(*_: object) -> None:
            raise ValueError("ours")

        monkeypatch.setattr("syndicate.cluster.stages.read_row", faulty)
        write(project, "t.ndjson", rows({"a": article()}))
        project.configure(ROWS)
        with pytest.raises(ValueError, match="ours"):
            build(project)

    def test_very_many_problems(self, project: Project) -> None:
        """A thousand are told apart, errors first; the others are counted."""
        write(project, "t.ndjson", rows({"a": article()}) + "null\n" * 3_000)
        project.configure(ROWS)
        report, _ = build(project)
        assert len(report.problems) == 1_001
        assert str(report.problems[0]).startswith("news/t.ndjson:0:0: warning: file: 2,000 more problems")
        assert report.articles == 1

    def test_strange_columns(self, project: Project) -> None:
        """Types that no article has are text, or nothing; times keep their moment."""
        values = row("x", article(publishedDateTime=None, quality=None))
        table = pyarrow.table(
            {
                **{key: [value] for key, value in values.items() if value is not None},
                "publishedDateTime": pyarrow.array(
                    [1_767_323_045_123_456_789], pyarrow.timestamp("ns", "UTC")
                ),
                "quality": pyarrow.array([float("nan")]),
                "blob": pyarrow.array([b"\xff\x00"]),
                "amount": pyarrow.array([1.5]),
            }
        )
        pyarrow.parquet.write_table(table, project.root / "news" / "t.parquet")
        project.configure(ROWS)
        report, _ = build(project)
        assert report.problems == ()
        [entry] = project.parsed("feed.atom").entries
        assert entry.published == "2026-01-02T03:04:05Z"

    def test_the_clock_and_the_registry_are_the_run_s(self, project: Project) -> None:
        """An article that is not due is no poison."""
        write(
            project,
            "t.ndjson",
            rows({"a": article(publishedDateTime="2030-01-01T00:00:00Z"), "b": article()}),
        )
        project.configure(ROWS)
        report, _ = build(project)
        assert (report.articles, report.problems) == (1, ())


class _Bytes:
    """A source of bytes, which gives them in small pieces."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)

    def read(self, start: int, length: int) -> bytes:
        return self.data[start : start + min(length, 7)]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from([b"", b"a", b"bc", b"def", b"ghijklmno"]), max_size=12),
    st.integers(1, 20),
    st.booleans(),
)
def test_ranges_of_lines(lines: list[bytes], size: int, ended: bool) -> None:
    """Every line comes in just one range, that in which it begins, with its place."""
    data = b"\n".join(lines) + (b"\n" if ended else b"")
    found: list[tuple[int, bytes | None]] = []
    for start in range(0, len(data), size):
        found += _lines(_Bytes(data), start, min(start + size, len(data)))  # type: ignore[arg-type]
    expected = []
    place = 0
    for line in data.split(b"\n"):
        if place < len(data):
            expected.append((place, line))
        place += len(line) + 1
    assert found == expected


def test_a_line_too_long_at_a_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told once, by the range in which it begins, however many it covers."""
    monkeypatch.setattr("syndicate.cluster.sources.MAX_FILE_SIZE", 10)
    data = b"first\n" + b"x" * 100 + b"\nlast"
    found = [list(_lines(_Bytes(data), start, start + 20)) for start in range(0, len(data), 20)]  # type: ignore[arg-type]
    assert found == [[(0, b"first"), (6, None)], [], [], [], [], [(107, b"last")]]


def test_check_needs_a_cluster_for_rows(project: Project, tmp_path: Path) -> None:
    project.configure(ROWS)
    with pytest.raises(syndicate.ConfigError, match="only a cluster reads rows"):
        syndicate.check(project.settings)
