"""Builds on a cluster: with the stages done one after the other in this process, or with a real Dask."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from conftest import NOW, Project, article
from servers import free_port, listens, stop, wait_for

import syndicate
from syndicate.articles.frontmatter import split
from syndicate.cluster.build import Cost, build_on_cluster
from syndicate.cluster.context import versions
from syndicate.cluster.engine import Answer, Engine, StageCost, perform
from syndicate.cluster.model import Done, decode
from syndicate.config import Target

DASK = str(Path(sys.executable).parent / "dask")


class Inline:
    """Does tasks in this process, in an order of its own: no result may hang on it."""

    dashboard = ""

    def __init__(self, seed: int = 0) -> None:
        self.memory: dict[str, int] = {}
        self.seed = seed
        self.place: Target
        self.answers: list[bytes] = []

    @contextlib.contextmanager
    def connected(self, place: Target) -> Iterator[Engine]:
        self.place = place
        yield self

    def map(
        self, context: str, stage: str, tasks: Sequence[tuple[str, bytes]], cost: StageCost
    ) -> Generator[tuple[int, Done], None, None]:
        order = list(range(len(tasks)))
        random.Random(self.seed).shuffle(order)
        for index in order:
            self.answers.append(perform(self.place, context, stage, tasks[index][1], versions()))
            answer = decode(self.answers[-1], Answer)
            cost.bytes_read += answer.bytes_read
            cost.bytes_written += answer.bytes_written
            yield index, answer.done


def build(project: Project, cluster: Any = None, **options: Any) -> tuple[syndicate.Report, Cost]:
    """Build on a cluster, inline unless another one is given."""
    options.setdefault("now", NOW)
    return build_on_cluster(project.settings, cluster or Inline(), **options)


def tasks(cost: Cost, stage: str) -> int:
    """How many tasks of a stage were done."""
    return sum(found.tasks for found in cost.stages if found.name == stage)


def articles(count: int, seed: int = 1) -> dict[str, str]:
    """Content files by their stems: topics, providers, duplicates, links to each other, all that there is."""
    source = random.Random(seed)
    found = {}
    for number in range(count):
        link = f"https://publisher.example/{source.randrange(count)}"  # some are there twice
        fields: dict[str, Any] = {
            "title": f"Article {number}",
            "webUrl": link,
            "publishedDateTime": f"2026-{source.randint(1, 8):02}-{source.randint(1, 28):02}T{source.randint(0, 23):02}:00:00Z",
            "topics": source.sample(
                ["AI", "ai", "Law", "C++", "C#", "Health care", "NO"], source.randint(0, 3)
            ),
            "provider": {
                "name": source.choice(["P", "p", "Q"]),
                "domain": f"p{source.randint(0, 9)}.example",
            },
            "related": [
                {"title": "R", "webUrl": f"https://publisher.example/{source.randrange(2 * count)}"}
                for _ in range(source.randint(0, 2))
            ],
        }
        if source.random() < 0.05:
            fields["id"] = f"urn:x:{source.randint(0, 5)}"
        if source.random() < 0.05:
            fields["removed"] = True
        if source.random() < 0.1:
            fields["updatedDateTime"] = f"2026-{source.randint(5, 7):02}-01T00:00:00Z"
        found[f"f{source.randrange(5)}/a{number:04}"] = article(**fields)
    return found


def row(stem: str, text: str) -> dict[str, Any]:
    """A content file as a row of a table."""
    return {"path": f"{stem}.md", **split(text).values}


def rows(files: dict[str, str]) -> str:
    """Content files as lines of JSON."""
    return "".join(json.dumps(row(stem, text), ensure_ascii=False) + "\n" for stem, text in files.items())


class Dask:
    """A real scheduler with real workers, each a process of its own, stopped at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.scheduler = self._process(
            "scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"
        )
        wait_for("the scheduler listens", lambda: listens(self.port))

    def work(self, *options: str, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a worker."""
        worker = self._process(
            "worker", self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard",
            "--local-directory", str(self.folder), *options, environment=environment,
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def _process(self, *command: str, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [DASK, *command], stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
                env={**os.environ, **(environment or {})},
            )  # fmt: skip

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a process with all that it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in [*self.workers, *filter(None, [self.scheduler])]:
            stop(process)
            self.kill(process)


@contextlib.contextmanager
def dask(folder: Path, workers: int = 2, *options: str) -> Iterator[Dask]:
    """A scheduler and some workers without a nanny: what is killed stays dead."""
    cluster = Dask(folder)
    try:
        cluster.start()
        for _ in range(workers):
            cluster.work("--no-nanny", *options)
        yield cluster
    finally:
        cluster.stop()
