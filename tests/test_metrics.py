"""Metrics and structured logs: what an operator's programs are told of each run."""

from __future__ import annotations

import json
import re
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import CONFIG, Project
from programs import needed
from prometheus_client.parser import text_string_to_metric_families
from servers import Recorder, free_port, running, wait_for
from test_cli import LATER, run

from syndicate.metrics import METRICS
from syndicate.output import locked

Samples = dict[tuple[str, tuple[str, ...]], float]


def samples(text: str) -> Samples:
    """Every value by its metric's name and its labels' values, as Prometheus's own parser reads them."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def lines(text: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in text.splitlines()]
    for line in found:
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z", line.pop("time"))
    return found


class TestMetrics:
    def test_of_a_build(self, project: Project) -> None:
        """What was built, what is wrong, and when; the file is readable for others, and nothing is left beside it."""
        project.write("a", excerpt="worldâ€™s")
        project.write("b", ampWebUrl="x")
        project.write("c", "nothing")
        project.write("d", publishedDateTime="2030-01-01")
        before = datetime.now(UTC).timestamp()
        (project.root / "prom").mkdir()
        path = project.root / "prom" / "syndicate.prom"
        assert run(project.root, "-q", "build", "--metrics-file", str(path), *LATER).returncode == 0
        after = datetime.now(UTC).timestamp()
        found = samples(path.read_text())
        assert {name for name, _ in found} == {
            metric.name for metric in METRICS if "target" not in metric.labels
        }
        documents = project.documents()
        expected = {
            ("syndicate_articles", ()): 2, ("syndicate_articles_scheduled", ()): 1, ("syndicate_documents", ()): len(documents),
            ("syndicate_documents_bytes", ()): sum(map(len, documents.values())), ("syndicate_bytes_written", ()): sum(map(len, documents.values())),
            ("syndicate_problems", ("error",)): 1, ("syndicate_problems", ("warning",)): 1, ("syndicate_problems", ("notice",)): 1,
            ("syndicate_documents_changed", ("new",)): len(documents), ("syndicate_documents_changed", ("changed",)): 0,
            ("syndicate_run_exit_code", ("build",)): 0,
        }  # fmt: skip
        assert {key: found[key] for key in expected} == expected
        assert (
            before
            <= found["syndicate_run_timestamp_seconds", ("build",)]
            <= found["syndicate_build_last_success_timestamp_seconds", ()]
            <= after
        )
        assert 0 < found["syndicate_run_duration_seconds", ("build",)] < after - before
        assert path.stat().st_mode & 0o044 == 0o044
        assert [other.name for other in path.parent.iterdir()] == [path.name]

    def test_of_a_run_with_targets(self, project: Project) -> None:
        """Per target: when all was well, what is there, what is pending."""
        project.write("a")
        (project.root / "web").mkdir()
        url = f"file://{project.root}/web"
        path = project.root / "m.prom"
        with Recorder() as hub:
            hub.fault = lambda _: 500
            project.configure(
                CONFIG + f"publish: {{hub: '{hub.url}', deadline: 1, targets: [{{url: '{url}'}}]}}\n"
            )
            assert run(project.root, "run", "--metrics-file", str(path)).returncode == 4
            failed = samples(path.read_text())
            hub.fault = lambda _: None
            assert run(project.root, "run", "--metrics-file", str(path)).returncode == 0
        found = samples(path.read_text())
        assert failed["syndicate_run_exit_code", ("run",)] == 4
        assert failed["syndicate_pending_pings", (url,)] == 9
        assert failed["syndicate_bytes_sent", (url,)] == sum(map(len, project.documents().values()))
        assert found["syndicate_pending_pings", (url,)] == 0
        assert found["syndicate_bytes_sent", (url,)] == 0
        assert found["syndicate_target_documents", (url,)] == 13
        assert (
            found["syndicate_target_last_success_timestamp_seconds", (url,)]
            > datetime(2026, 1, 1, tzinfo=UTC).timestamp()
        )
        assert {name for name, _ in found} == {metric.name for metric in METRICS}

    def test_of_a_refused_run(self, project: Project) -> None:
        """Its exit code; the last success stays what it was."""
        path = project.root / "m.prom"
        project.write("a")
        run(project.root, "build", "--metrics-file", str(path))
        good = samples(path.read_text())
        (project.root / "news" / "a.md").unlink()
        assert run(project.root, "build", "--metrics-file", str(path)).returncode == 3
        found = samples(path.read_text())
        assert found["syndicate_run_exit_code", ("build",)] == 3
        key = ("syndicate_build_last_success_timestamp_seconds", ())
        assert found[key] == good[key]
        assert found["syndicate_articles", ()] == 1

    def test_stay_as_they_are(self, project: Project) -> None:
        """While another run holds the lock, and where the config says nothing."""
        path = project.root / "m.prom"
        project.write("a")
        run(project.root, "build", "--metrics-file", str(path))
        before = path.read_bytes()
        with locked(project.root / ".syndicate"):
            assert run(project.root, "build", "--metrics-file", str(path)).returncode == 75
        project.configure("site: {}\n")
        assert run(project.root, "build", "--metrics-file", str(path)).returncode == 2
        assert path.read_bytes() == before

    def test_that_cannot_be_written(self, project: Project) -> None:
        """The feeds are, and the exit code is 4: a monitor that hears nothing must be noticed."""
        project.write("a")
        result = run(project.root, "build", "--metrics-file", "nowhere/m.prom")
        assert (result.returncode, project.titles()) == (4, ["A title"])
        assert (
            result.stderr
            == "syndicate: cannot write the metrics: nowhere/m.prom: No such file or directory\n"
        )

    def test_node_exporter_takes_them(self, project: Project, tmp_path: Path) -> None:
        """The real one, with its textfile collector."""
        program = needed("prometheus-node-exporter")
        project.write("a", topics=['"q" \\ ü'])
        folder = tmp_path / "textfiles"
        folder.mkdir()
        (project.root / "web").mkdir()
        project.configure(CONFIG + f"publish: {{targets: [{{url: 'file://{project.root}/web'}}]}}\n")
        run(project.root, "run", "--metrics-file", str(folder / "syndicate.prom"))
        port = free_port()
        command = [
            program, "--collector.disable-defaults", "--collector.textfile", f"--collector.textfile.directory={folder}", f"--web.listen-address=127.0.0.1:{port}",
        ]  # fmt: skip
        with running(command, port, tmp_path / "exporter"):
            answer: list[str] = []

            def scraped() -> bool:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as response:
                    answer[:] = [response.read().decode()]
                return "syndicate_articles" in answer[0]

            wait_for("the exporter has read the file", scraped)
        found = samples(answer[0])
        assert found["node_textfile_scrape_error", ()] == 0
        assert {key: value for key, value in found.items() if key[0].startswith("syndicate_")} == samples(
            (folder / "syndicate.prom").read_text()
        )


class TestJsonLog:
    def test_a_line_a_problem_and_one_a_run(self, project: Project) -> None:
        """On standard error; standard output stays empty."""
        project.write("a")
        project.write("b", "nothing")
        result = run(project.root, "--log-format", "json", "build", *LATER)
        assert (result.returncode, result.stdout) == (0, "")
        problem, last = lines(result.stderr)
        assert problem == {
            "level": "error", "event": "problem", "path": "news/b.md", "line": 1, "column": 1, "field": "front matter", "what": "no front matter",
            "fix": "begin the file with a line of ---, the fields, and a line of ---",
        }  # fmt: skip
        assert 0 < last.pop("seconds") < 60
        size = sum(map(len, project.documents().values()))
        assert last == {
            "level": "info", "event": "run", "command": "build", "exit_code": 0, "articles": 1, "files": 2, "read": 2, "errors": 1, "warnings": 0,
            "notices": 0, "documents_new": 13, "documents_changed": 0, "documents_gone": 0, "documents_unchanged": 0, "documents_refused": 0, "bytes_written": size,
        }  # fmt: skip

    def test_what_was_published(self, project: Project) -> None:
        """Of run and of publish; an unchanged run says so too."""
        project.write("a")
        (project.root / "web").mkdir()
        project.configure(CONFIG + f"publish: {{targets: [{{url: 'file://{project.root}/web'}}]}}\n")
        [last] = lines(run(project.root, "--log-format", "json", "run", *[]).stderr)
        assert (last["command"], last["uploaded"], last["removed"], last["documents_new"]) == (
            "run",
            13,
            0,
            13,
        )
        assert last["bytes_sent"] == last["bytes_written"]
        [last] = lines(run(project.root, "--log-format", "json", "publish").stderr)
        assert (last["command"], last["uploaded"], last["bytes_sent"], last["pending_purges"]) == (
            "publish",
            0,
            0,
            0,
        )
        assert "articles" not in last

    @pytest.mark.parametrize("command", ["check", "build", "publish", "run"])
    def test_what_stopped_it(self, project: Project, command: str) -> None:
        """Every problem of the config, the error, and the exit code."""
        project.configure("site: {}\n")
        found = lines(run(project.root, "--log-format", "json", command).stderr)
        assert {line["event"] for line in found[:-2]} == {"problem"}
        assert found[-2] == {"level": "error", "event": "message", "message": "the config has problems"}
        del found[-1]["seconds"]
        assert found[-1] == {
            "level": "error",
            "event": "run",
            "command": command,
            "exit_code": 2,
            "error": "the config has problems",
        }

    def test_a_check(self, project: Project) -> None:
        """Its counts stand in the last line."""
        project.write("a")
        [last] = lines(run(project.root, "--log-format", "json", "check").stderr)
        assert (last["articles"], last["errors"], last["exit_code"]) == (1, 0, 0)
        assert "documents_new" not in last

    def test_hostile_names_stay_on_their_line(self, project: Project) -> None:
        """Line ends and colours in a file's name, and what would turn the line: the same values, as escapes."""
        project.write("a\nb\x1b[31m\x9b\u202e", "nothing")
        project.write("ü", "nothing")
        text = run(project.root, "--log-format", "json", "build", "--force").stderr
        assert text.replace("\n", "").isprintable()
        first, second, last = lines(text)
        assert (first["path"], second["path"]) == ("news/a\nb\x1b[31m\x9b\u202e.md", "news/ü.md")
        assert "news/ü.md" in text
        assert last["errors"] == 2
