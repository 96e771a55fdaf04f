"""Documentation cannot drift: what is generated is current, what is shown is run, what is linked is there."""

from __future__ import annotations

import contextlib
import doctest
import fcntl
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from programs import needed
from servers import free_port, listens, stop, wait_for

import syndicate
from syndicate.errors import EXIT_CODES
from syndicate.metrics import METRICS

REPOSITORY = Path(__file__).parent.parent
DOCS = REPOSITORY / "docs"
PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    REPOSITORY / "CHANGELOG.md",
    *sorted(DOCS.glob("*.md")),
]
PROGRAM = str(Path(sys.executable).parent)


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(path: Path, *kinds: str) -> list[tuple[str, str]]:
    """The code blocks of a page: their language and text."""
    found = re.findall(
        r"^```([\w-]+)\n(.*?)^```$", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return [(kind, text) for kind, text in found if not kinds or kind in kinds]


class TestGenerated:
    def test_every_page_is_as_the_code_says(self) -> None:
        """Options, keys, exit codes, metrics, messages, API, man page and the sample config."""
        for path, content in generator().pages().items():
            assert path.read_text(encoding="utf-8") == content, f"run `python docs/generate.py`: {path.name}"

    def test_every_exit_code_of_an_error_is_explained(self) -> None:
        """In the one table."""
        classes = [
            value
            for value in vars(syndicate.errors).values()
            if isinstance(value, type) and hasattr(value, "exit_code")
        ]
        assert len(classes) > 4
        assert {error.exit_code for error in classes} <= EXIT_CODES.keys()

    def test_messages_are_found_where_they_are_made(self) -> None:
        """Some of each kind, as a person would look them up."""
        text = (DOCS / "messages.md").read_text(encoding="utf-8")
        for row in (
            "| no front matter | begin the file with a line of ---, the fields, and a line of --- |",
            "| unknown key | as the message says |",
            "| not a list | write a list such as [topic, provider] |",
            "| another run is at work: … | 75 |",
        ):
            assert row in text, row

    def test_the_man_page_is_sound(self) -> None:
        """For mandoc's checks; it is the same on every day, and so has no date."""
        result = subprocess.run(
            [needed("mandoc"), "-Tlint", "-Wwarning", str(DOCS / "syndicate.1")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert [line for line in result.stdout.splitlines() if "missing date" not in line] == []
        shown = subprocess.run(
            [needed("mandoc"), "-Tutf8", str(DOCS / "syndicate.1")],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        plain = re.sub(".\b", "", shown)
        for option in ("--metrics-file FILE", "--log-format text|json", "serve", "143"):
            assert option in plain


class TestLinks:
    @pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
    def test_lead_somewhere(self, page: Path) -> None:
        """To a file of the repository, and to a heading of it."""
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if target.startswith(("http://", "https://", "/")):
                continue
            name, _, anchor = target.partition("#")
            path = (page.parent / name).resolve() if name else page
            assert path.exists(), target
            if anchor:
                headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in [
                    re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings
                ], target

    def test_every_page_can_be_reached(self) -> None:
        """From the README, by links."""
        seen: set[Path] = set()
        queue = [REPOSITORY / "README.md"]
        while queue:
            page = queue.pop()
            if page in seen or page.suffix != ".md":
                continue
            seen.add(page)
            targets = re.findall(r"\]\(([^)\s#]+)", page.read_text(encoding="utf-8"))
            queue += [
                path
                for path in ((page.parent / target).resolve() for target in targets if "://" not in target)
                if path.exists()
            ]
        assert {page.name for page in DOCS.glob("*.md")} <= {page.name for page in seen}


class TestExamples:
    def test_of_the_library(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As they stand in docs/library.md."""
        for name in ("config", "sample"):
            shutil.copytree(REPOSITORY / name, tmp_path / name)
        monkeypatch.chdir(tmp_path)
        failed, tried = doctest.testfile(str(DOCS / "library.md"), module_relative=False, encoding="utf-8")
        assert tried > 10
        assert failed == 0

    def test_of_the_readme(self, tmp_path: Path) -> None:
        """The session there is real: the same commands say the same, but for the time they took."""
        for name in ("config", "sample"):
            shutil.copytree(REPOSITORY / name, tmp_path / name)
        sessions = [text for _, text in blocks(REPOSITORY / "README.md", "console")]
        assert sessions
        for session in sessions:
            for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE):
                result = subprocess.run(
                    ["bash", "-c", command + " 2>&1"], cwd=tmp_path, capture_output=True, text=True, check=False,
                    env={**os.environ, "PATH": f"{PROGRAM}:{os.environ['PATH']}", "PYTHONIOENCODING": "utf-8", "LC_ALL": "C.UTF-8"},
                )  # fmt: skip
                assert steady(result.stdout) == steady(expected), command

    def test_of_the_tutorial(self, tmp_path: Path) -> None:
        """From an empty folder to a reader that shows both articles."""
        needed("newsboat")
        port = free_port()
        folder = tmp_path
        served: list[subprocess.Popen[bytes]] = []
        output = ""
        with contextlib.ExitStack() as stack:
            for kind, text in blocks(DOCS / "tutorial.md", "sh", "console"):
                script = text.replace("8000", str(port))
                if kind == "console":
                    assert steady(output) == steady(text)
                elif "pip install" in script:
                    continue  # this very environment is it
                elif script.startswith("syndicate serve"):
                    served.append(
                        subprocess.Popen(
                            [f"{PROGRAM}/{script.split()[0]}", *shlex.split(script)[1:]],
                            cwd=folder,
                            stdout=subprocess.DEVNULL,
                        )
                    )
                    stack.callback(stop, served[0])
                    wait_for("the preview listens", lambda: listens(port))
                else:
                    if "syndicate -v run" in script:
                        stop(served[0])
                    output = shell(script, folder)
                    if "cd notes" in script:
                        folder /= "notes"
        assert served
        assert (folder / "web" / "topic" / "light" / "feed.rss").read_bytes() == (
            folder / "out" / "topic" / "light" / "feed.rss"
        ).read_bytes()
        line = (folder / "crontab.txt").read_text()
        assert cron(line, folder) == (0, "")


def steady(text: str) -> str:
    """Without what differs from one run to the next: seconds, times, and the width of rules."""
    text = re.sub(r"\b\d+\.\d\d s\b", "N s", text)
    text = re.sub(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b", "TIME", text)
    text = re.sub(r"(?<=TIME)( +)\d+\.\d\d\b", r"\1N.NN", text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def shell(script: str, folder: Path) -> str:
    result = subprocess.run(
        ["bash", "-euc", script], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": f"{PROGRAM}:{os.environ['PATH']}", "HOME": str(folder)},
    )  # fmt: skip
    assert result.returncode == 0, (script, result.stdout, result.stderr)
    return result.stdout


def cron(line: str, folder: Path) -> tuple[int, str]:
    """Run a crontab's line as cron does: by sh, with hardly an environment. Gives what would be mailed."""
    fields = line.split(None, 5)
    assert all(re.fullmatch(r"[\d*/,-]+", field) for field in fields[:5])
    result = subprocess.run(
        ["/bin/sh", "-c", fields[5].strip()], cwd="/", capture_output=True, text=True, check=False,
        env={"HOME": str(folder), "LOGNAME": "root", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    return result.returncode, result.stdout + result.stderr


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A project with a web root for its target, and the program in its own environment."""
    for name in ("config", "sample"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    (tmp_path / "web").mkdir()
    config = tmp_path / "config" / "syndicate.yaml"
    config.write_text(config.read_text() + f"publish:\n  targets:\n    - url: file://{tmp_path}/web/\n")
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    (tmp_path / "credentials").write_text("export AWS_ACCESS_KEY_ID=x\n")
    return tmp_path


class TestOperating:
    def test_the_lines_for_cron(self, site: Path) -> None:
        """As cron runs them: quiet, also while another run is at work, and the feeds are there."""
        needed("flock")
        lines = [
            line
            for _, text in blocks(DOCS / "cron.md", "crontab")
            for line in text.splitlines()
            if line.startswith("*")
        ]
        assert len(lines) == 2
        for line in lines:
            assert cron(line.replace("/srv/site", str(site)), site) == (0, "")
        assert (site / "web" / "feed.rss").exists()
        with (site / ".syndicate.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert cron(lines[0].replace("/srv/site", str(site)), site) == (0, "")

    def test_the_units_for_systemd(self, site: Path, tmp_path: Path) -> None:
        """systemd itself finds nothing wrong with them, and their command does its work."""
        program = needed("systemd-analyze")
        [(_, service)] = blocks(DOCS / "cron.md", "systemd-service")
        [(_, timer)] = blocks(DOCS / "cron.md", "systemd-timer")
        units = tmp_path / "units"
        units.mkdir()
        (site / "prom").mkdir()
        service = service.replace("/srv/site", str(site)).replace(
            "/var/lib/prometheus/node-exporter", str(site / "prom")
        )
        (units / "syndicate.service").write_text(service)
        (units / "syndicate.timer").write_text(timer)
        result = subprocess.run(
            [program, "verify", "--man=no", str(units / "syndicate.timer"), str(units / "syndicate.service")],
            capture_output=True,
            text=True,
            check=False,
        )
        ours = [line for line in (result.stdout + result.stderr).splitlines() if "syndicate" in line]
        assert (result.returncode, ours) == (0, [])
        [when] = re.findall(r"OnCalendar=(.*)", timer)
        assert subprocess.run([program, "calendar", when], capture_output=True, check=False).returncode == 0
        [command] = re.findall(r"ExecStart=(.*)", service)
        result = subprocess.run(shlex.split(command), cwd=site, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        assert (site / "prom" / "syndicate.prom").exists()

    def test_rules_for_alerts_name_metrics_that_there_are(self) -> None:
        """And labels that they have."""
        [(_, text)] = blocks(DOCS / "monitoring.md", "prometheus-rules")
        known = {metric.name: metric.labels for metric in METRICS}
        rules = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
        assert rules
        for rule in rules:
            names = re.findall(r"\bsyndicate_\w+", rule["expr"])
            assert names
            for name in names:
                assert name in known
            for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
                assert all(label in known[name] for name in names)


class TestCompletion:
    def test_of_bash(self, site: Path) -> None:
        """Commands, options, and the targets of the config, in the real shell."""
        script = f"""
export PATH={PROGRAM}:$PATH
eval "$(_SYNDICATE_COMPLETE=bash_source syndicate)"
ask() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _syndicate_completion syndicate; printf '%s\\n' "${{COMPREPLY[@]}}"; }}
ask syndicate st
ask syndicate build --dr
ask syndicate publish ''
"""
        result = subprocess.run(["bash", "-c", script], cwd=site, capture_output=True, text=True, check=False)
        assert result.stdout.split() == ["status", "--dry-run", f"file://{site}/web/"], result.stderr

    def test_of_targets_by_the_configs_other_place(self, site: Path, tmp_path: Path) -> None:
        """As the command itself finds its config."""
        answer = subprocess.run(
            [f"{PROGRAM}/syndicate"], cwd=tmp_path.parent, capture_output=True, text=True, check=False,
            env={**os.environ, "_SYNDICATE_COMPLETE": "bash_complete", "COMP_WORDS": "syndicate publish ", "COMP_CWORD": "2",
                 "SYNDICATE_CONFIG": str(site / "config" / "syndicate.yaml")},
        )  # fmt: skip
        assert answer.stdout.split(",")[-1].strip() == f"file://{site}/web/"

    @pytest.mark.parametrize("shell", ["zsh", "fish"])
    def test_of_others(self, shell: str) -> None:
        """Their own programs take the script."""
        program = needed(shell)
        script = subprocess.run(
            [f"{PROGRAM}/syndicate"],
            env={**os.environ, "_SYNDICATE_COMPLETE": f"{shell}_source"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        check = subprocess.run([program, "-n"], input=script, capture_output=True, text=True, check=False)
        assert (check.returncode, check.stderr) == (0, "")
