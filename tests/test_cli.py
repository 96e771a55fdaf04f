"""The command line: output, exit codes, and silence under cron."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from conftest import Project

REPOSITORY = Path(__file__).parent.parent
LATER = ["--now", "2026-06-01T00:00:00Z"]


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as cron runs it: no terminal."""
    return subprocess.run(
        [sys.executable, "-m", "syndicate", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def outcome(result: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return result.returncode, result.stdout, result.stderr


class TestBuild:
    def test_says_nothing_away_from_a_terminal(self, project: Project) -> None:
        """Cron mails whatever is printed."""
        project.write("a")
        assert outcome(run(project.root, "build", *LATER)) == (0, "", "")
        assert project.titles() == ["A title"]
        assert outcome(run(project.root, "build", *LATER)) == (0, "", "")

    def test_says_what_it_did_when_asked(self, project: Project) -> None:
        """One line of counts."""
        project.write("a")
        result = run(project.root, "-v", "build", *LATER)
        assert result.stdout.startswith(
            "1 articles; documents 13 new, 0 changed, 0 gone, 0 unchanged; 0.0 MB, 1 files read, "
        )

    def test_a_bad_article_exits_0_unless_strict(self, project: Project) -> None:
        """The others are published; the problem is printed either way."""
        project.write("a")
        project.write("b", "nothing")
        line = (
            "news/b.md:1:1: error: front matter: no front matter"
            " (begin the file with a line of ---, the fields, and a line of ---)\n"
        )
        assert outcome(run(project.root, "build", *LATER)) == (0, "", line)
        assert outcome(run(project.root, "build", "--strict", *LATER)) == (1, "", line)

    def test_quiet_hides_warnings_and_verbose_shows_notices(self, project: Project) -> None:
        """Errors are always shown."""
        project.write("a", excerpt="worldâ€™s", ampWebUrl="x")
        assert [line.split(": ")[1] for line in run(project.root, "build").stderr.splitlines()] == ["warning"]
        assert run(project.root, "-q", "build").stderr == ""
        shown = run(project.root, "-v", "build").stderr.splitlines()
        assert [line.split(": ")[1] for line in shown] == ["notice", "warning"]

    def test_a_dry_run_prints_each_document_with_its_reason(self, project: Project) -> None:
        """And writes none."""
        project.write("a", provider=None, topics=None)
        result = run(project.root, "build", "--dry-run", *LATER)
        assert result.stdout == (
            "new       feed.atom\nnew       feed.json\nnew       feed.rss\nnew       feeds.opml\nnew       index.html\n"
        )
        assert not project.out.exists()

    def test_exit_codes(self, project: Project) -> None:
        """2 usage or config, 3 a brake, 4 no writing; each with one sentence and no traceback."""
        result = run(project.root, "build")
        assert (result.returncode, result.stdout) == (3, "")
        assert result.stderr == (
            "syndicate: the content folder holds no articles: news:"
            " nothing was written; if that is right, run again with --force\n"
        )
        project.write("a")
        project.out.write_text("")
        assert run(project.root, "build").returncode == 4
        assert run(project.root, "build", "--now", "soon").returncode == 2
        assert run(project.root, "nothing").returncode == 2
        project.configure("site: {}\n")
        result = run(project.root, "build")
        assert result.returncode == 2
        assert "config/syndicate.yaml:1:1: error: site.feeds_url: missing" in result.stderr
        assert "Traceback" not in result.stderr

    def test_another_run_exits_75(self, project: Project) -> None:
        """So that cron's wrapper can tell."""
        from syndicate.output import locked

        project.write("a")
        with locked(project.root / ".syndicate"):
            assert run(project.root, "build").returncode == 75


class TestCheck:
    def test_lists_every_problem_and_writes_nothing(self, project: Project) -> None:
        """Exit code 1 when an input was bad."""
        project.write("a")
        project.write("b", "nothing")
        project.write("c", title=None)
        result = run(project.root, "check")
        assert result.returncode == 1
        assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["news/b.md", "news/c.md"]
        assert result.stdout == "3 files, 1 to publish, 2 errors, 0 warnings\n"
        assert {path.name for path in project.root.iterdir()} == {"config", "news"}

    def test_good_input_exits_0(self, project: Project) -> None:
        """With counts."""
        project.write("a")
        assert outcome(run(project.root, "check")) == (0, "1 files, 1 to publish, 0 errors, 0 warnings\n", "")


class TestConfigOption:
    def test_names_the_config(self, project: Project) -> None:
        """From anywhere; relative paths stay relative to the project."""
        project.write("a")
        config = str(project.root / "config" / "syndicate.yaml")
        assert run(Path("/"), "-c", config, "build", *LATER).returncode == 0
        assert run(Path("/"), "build", *LATER, SYNDICATE_CONFIG=config).returncode == 0
        assert project.titles() == ["A title"]


class TestSample:
    def test_the_repositorys_own_config_builds_its_samples(self, tmp_path: Path) -> None:
        """What a newcomer runs first."""
        import shutil

        for name in ("config", "sample"):
            shutil.copytree(REPOSITORY / name, tmp_path / name)
        assert outcome(run(tmp_path, "build", *LATER)) == (0, "", "")
        feed = json.loads((tmp_path / "out" / "feed.json").read_text(encoding="utf-8"))
        assert [item["title"] for item in feed["items"]] == [
            "Reading rocks with a phone",
            "A week without satellites",
            "Tide gauges get a second life as earthquake sensors",
            "Kelp forests return to the northern bays",
        ]
        tide = feed["items"][2]
        assert [bool(item.get("id")) for item in tide["_syndicate"]["related"]] == [False, True]
        assert "this key is named by no rule" not in json.dumps(feed)
