"""What ``syndicate status`` knows and shows, for people and for programs."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from conftest import CONFIG, Project
from rich.cells import cell_len
from test_cli import outcome, run

import syndicate
from syndicate.status import DayStatus, Status
from syndicate.tables import show_status


def filled(project: Project) -> None:
    """Three topics over ten days, one article to come, one that is wrong, one pair."""
    project.configure(CONFIG + "feeds: {groups: [topic, provider, [topic, provider]], html: false}\n")
    for day in (1, 1, 3, 10):
        project.write(
            f"d{day}-{len(list(project.root.rglob('*.md')))}",
            publishedDateTime=f"2026-01-{day:02}T12:00:00Z",
            topics=["AI", "Sea & shore"][: 1 + (day == 1)],
        )
    project.write("later", publishedDateTime="2026-07-01T00:00:00Z")
    project.write("wrong", "nothing")
    project.build()


class TestJson:
    def test_counts_come_from_the_articles(self, project: Project) -> None:
        """Of the site, each group and each day; what is to come, and what is wrong."""
        filled(project)
        code, out, err = outcome(run(project.root, "status", "--json"))
        assert (code, err) == (0, "")
        found = json.loads(out)
        assert (found["articles"], found["scheduled"], found["next_due"]) == (4, 1, "2026-07-01T00:00:00Z")
        sizes = {path: len(data) for path, data in project.documents().items()}
        assert (found["documents"], found["bytes"]) == (len(sizes), sum(sizes.values()))

        def group(name: str, kind: str, path: str, articles: int, day: int) -> Mapping[str, Any]:
            own = sum(size for at, size in sizes.items() if at.rpartition("/")[0] == path)
            return {
                "name": name,
                "kind": kind,
                "path": path,
                "articles": articles,
                "newest": f"2026-01-{day:02}T12:00:00Z",
                "bytes": own,
            }

        assert found["groups"] == [
            group("Test Site", "site", "", 4, 10),
            group("Publisher", "provider", "provider/publisher.example", 4, 10),
            group("AI", "topic", "topic/ai", 4, 10),
            group("AI – Publisher", "topic/provider", "topic/ai/provider/publisher.example", 4, 10),
            group("Sea & shore", "topic", "topic/sea-and-shore", 2, 1),
            group(
                "Sea & shore – Publisher",
                "topic/provider",
                "topic/sea-and-shore/provider/publisher.example",
                2,
                1,
            ),
        ]
        assert found["days"][-10:] == [
            {"date": f"2026-01-{day:02}", "articles": {1: 2, 3: 1, 10: 1}.get(day, 0)} for day in range(1, 11)
        ]
        assert (len(found["days"]), found["days"][0]) == (30, {"date": "2025-12-12", "articles": 0})
        [problem] = found["problems"]
        assert (problem["path"], problem["line"], problem["severity"]) == ("news/wrong.md", 1, "error")
        [build] = found["builds"]
        assert (build["articles"], build["problems"], build["written"], build["removed"]) == (
            4,
            1,
            len(sizes),
            0,
        )

    def test_two_files_with_one_link_are_a_problem_of_every_run(self, project: Project) -> None:
        """Also of one that read neither."""
        project.write("a", webUrl="https://a.example/x")
        project.write("b", webUrl="https://a.example/x", publishedDateTime="2026-01-03")
        project.build()
        found = syndicate.read_status(project.settings).problems
        assert [(problem.path, problem.field) for problem in found] == [("news/a.md", "link")]

    def test_nothing_yet(self, project: Project) -> None:
        """No catalog, no numbers, no error."""
        found = json.loads(run(project.root, "status", "--json").stdout)
        assert found == {
            "builds": [], "articles": 0, "scheduled": 0, "next_due": None, "documents": 0, "bytes": 0, "groups": [], "days": [], "problems": [], "targets": []
        }  # fmt: skip
        assert run(project.root, "status").stdout == "nothing was built yet: run `syndicate build`\n"


class TestTables:
    def test_what_people_see(self, project: Project) -> None:
        """Every group with its bar, the days, the builds, and the problem; nothing is cut off away from a terminal."""
        filled(project)
        code, out, err = outcome(run(project.root, "status", PYTHONIOENCODING="utf-8"))
        assert (code, err) == (0, "")
        lines = out.splitlines()
        assert lines[0].startswith("4 articles in 19 documents of ")
        assert "; 1 wait for their date, the first for 2026-07-01 00:00:00; 1 error" in lines[0]
        rows = {line.split("  ")[0].strip(): line for line in lines}
        assert "████████████████" in rows["AI"]
        assert "████████ " in rows["Sea & shore"]
        assert "█████████" not in rows["Sea & shore"]
        assert "2026-01-01" in rows["Sea & shore"]
        assert "Articles a day from 2025-12-12 to 2026-01-10, at most 2" in lines
        # Days with two, none, one, … none, one.
        assert f"  {' ' * 20}█ ▄      ▄" in lines
        assert "  news/wrong.md:1:1: error: front matter: no front matter" in out

    def test_terminals_without_unicode(self, project: Project) -> None:
        """Bars of ASCII, and no exception."""
        filled(project)
        result = run(project.root, "status", PYTHONIOENCODING="ascii:replace", LC_ALL="C")
        assert result.returncode == 0
        assert "################" in result.stdout
        assert "█" not in result.stdout

    def test_long_lists_are_cut_until_v(self) -> None:
        """Twenty groups and ten problems."""
        problems = tuple(
            syndicate.Problem(f"p{n}.md", 1, 1, syndicate.Severity.WARNING, "f", "what") for n in range(15)
        )
        from syndicate.status import BuildStatus, GroupStatus

        groups = tuple(GroupStatus(f"G{n}", "topic", f"topic/g{n}", 30 - n, None, 10) for n in range(25))
        build = BuildStatus(datetime(2026, 1, 1, tzinfo=UTC), 1, 1, 1, 1, 1, 1)
        status = Status((build,), 30, 0, None, 1, 1, groups, (DayStatus("2026-01-01", 1),), problems, ())
        out = io.StringIO()
        show_status(status, out, everything=False)
        assert "and 5 more groups (-v shows all)" in out.getvalue()
        assert "and 5 more (-v shows all)" in out.getvalue()
        out = io.StringIO()
        show_status(status, out, everything=True)
        assert "G24" in out.getvalue()
        assert "p14.md" in out.getvalue()
        assert "more" not in out.getvalue()

    def test_names_are_texts(self, project: Project) -> None:
        """No markup of the table's own, no emoji codes, and wide letters keep the columns in line."""
        project.write("a", topics=["[red]x[/red] :smile:", "日本語"])
        project.build()
        out = run(project.root, "status", PYTHONIOENCODING="utf-8").stdout
        assert "[red]x[/red] :smile:" in out
        rows = [line for line in out.splitlines() if "  topic  " in line]
        assert len({cell_len(row[: row.index("topic")]) for row in rows}) == 1
