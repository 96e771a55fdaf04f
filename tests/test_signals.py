"""SIGTERM and SIGINT in the middle of a run: undone, said in one line, and made up for by the next run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import NOW, Project
from killing import REPOSITORY, killed
from servers import Recorder, wait_for
from test_cli import run

BUILD = f"from syndicate.cli import main\nmain(['build', '--now', {NOW.isoformat()!r}, '--force'])"


def left_over(project: Project) -> list[str]:
    return [path.name for path in project.out.rglob("*") if path.name.endswith("tmp")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("where", "nth"),
    [
        ("syndicate.pipeline.scan", 1),
        ("syndicate.articles.reader.read_article", 3),
        ("syndicate.output:Directory.prepare", 5),
        ("syndicate.output._barrier", 1),
        ("os.replace", 4),
        ("syndicate.catalog.store:Catalog.commit", 1),
    ],
)
def test_a_build_that_is_told_to_end(project: Project, where: str, nth: int, number: signal.Signals) -> None:
    """128 and the signal's number, one sentence, no temporary file; then one run makes what a fresh build makes."""
    for name in "abcdef":
        project.write(name)
    project.build()
    for name in "acd":
        project.write(name, title=f"Changed {name}")
    result = killed(project.root, where, "before", nth, BUILD, number=number)
    assert result.returncode == 128 + number
    assert result.stderr.decode() == (
        f"syndicate: stopped by {number.name}: every document is whole; the next run goes on\n"
    )
    if where not in (
        "syndicate.output._barrier",
        "os.replace",
    ):  # what is being put in place, the next run sees to
        assert left_over(project) == []
    project.build()
    assert left_over(project) == []
    found = project.documents()
    (project.root / ".syndicate" / "catalog.db").unlink()
    project.build(full=True, force=True)
    assert project.documents() == found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent(project: Project, number: signal.Signals) -> None:
    """Although their group is sent the signal too, as a terminal and systemd do."""
    for n in range(3_000):
        project.write(f"n{n}", topics=[f"T{n % 30}"])
    process = subprocess.Popen(
        [sys.executable, "-m", "syndicate", "build"], cwd=project.root, stderr=subprocess.PIPE, start_new_session=True,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    wait_for(
        "workers are at work", lambda: process.poll() is not None or len(children.read_text().split()) > 1
    )
    pids = [int(pid) for pid in children.read_text().split()]
    assert pids
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors.decode()) == (
        128 + number, f"syndicate: stopped by {number.name}: every document is whole; the next run goes on\n"
    )  # fmt: skip
    wait_for("the workers are gone", lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    assert left_over(project) == []
    project.build(force=True)
    assert len(project.json("feed.json")["items"]) == 50


def test_publishing_that_is_told_to_end(project: Project) -> None:
    """While the hub keeps it waiting: the run ends within the request's bound, and tells the hub the next time."""
    project.write("a")
    (project.root / "web").mkdir()
    with Recorder() as hub:
        hub.fault = lambda _: time.sleep(3) or None  # type: ignore[func-returns-value]
        project.configure(
            (project.root / "config" / "syndicate.yaml").read_text()
            + f"publish: {{hub: '{hub.url}', targets: [{{url: 'file://{project.root}/web'}}]}}\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "syndicate", "run"], cwd=project.root, stderr=subprocess.PIPE,
            env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        wait_for("the hub is asked", lambda: bool(hub.asked) or process.poll() is not None)
        process.terminate()
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 128 + signal.SIGTERM, errors
        assert b"Traceback" not in errors
        asked = len(hub.asked)
        hub.fault = lambda _: None
        assert run(project.root, "run").returncode == 0
        assert len(hub.asked) > asked
        assert (project.root / "web" / "feed.rss").read_bytes() == (project.out / "feed.rss").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_while_something_is_destroyed(project: Project, number: signal.Signals) -> None:
    """What is raised then is lost to Python: the signal comes again."""
    script = f"""
import os, time
import syndicate.pipeline

class Dying:
    def __del__(self):
        os.kill(os.getpid(), {int(number)})
        time.sleep(0.01)

def build(*_, **__):
    Dying()
    time.sleep(10)

syndicate.pipeline.build = build
from syndicate.cli import main
main(["build"])
"""
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project.root,
        capture_output=True,
        text=True,
        timeout=9,
        check=False,
    )
    assert (result.returncode, result.stderr) == (
        128 + number, f"syndicate: stopped by {number.name}: every document is whole; the next run goes on\n"
    )  # fmt: skip
