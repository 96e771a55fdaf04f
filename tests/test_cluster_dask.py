"""A real scheduler with real workers, that die, come late, run out of memory, or are of another version."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import Dask, articles, build, dask, rows, tasks
from conftest import CONFIG, Project
from servers import Weed, free_port, wait_for
from test_cli import outcome, run
from test_cluster_store import Remote, embedded

import syndicate
from syndicate.cluster.engine import DaskCluster
from syndicate.config import local_place
from syndicate.version import VERSION

SMALL = "cluster: {partition_files: 8, fan_in: 2}\n"
FAULTS = Path(__file__).parent / "worker_faults.py"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    """A cluster for tests that leave it as it was."""
    with dask(tmp_path_factory.mktemp("dask") / "dask") as cluster:
        yield cluster


@pytest.fixture
def documents(project: Project) -> dict[str, bytes]:
    """Sixty articles are there; these are the documents that the embedded build makes of them."""
    for stem, text in articles(60).items():
        project.write(stem, text)
    project.configure(CONFIG + SMALL)
    project.build()
    found = project.documents()
    for folder in (project.out, project.root / ".syndicate"):
        shutil.rmtree(folder)
    return found


def suffering(cluster: Dask, what: str, once: Path | None = None, *options: str) -> subprocess.Popen[bytes]:
    """Start a worker that is told to suffer."""
    environment = {"SUFFER": what, "PYTHONPATH": str(FAULTS.parent)}
    if once:
        environment["SUFFER_ONCE"] = str(once)
    return cluster.work("--preload", str(FAULTS), *options, environment=environment)


def away(cluster: Dask) -> DaskCluster:
    return DaskCluster(cluster.address)


class TestSameBytes:
    def test_scheduler(self, project: Project, documents: dict[str, bytes], shared: Dask) -> None:
        report, cost = build(project, away(shared))
        assert project.documents() == documents
        assert report.files == 60
        assert len(cost.memory) == 2
        assert all(10**7 < memory < 10**9 for memory in cost.memory.values())
        reading = next(stage for stage in cost.stages if stage.name == "reading")
        assert reading.bytes_read > sum(len(text.encode()) for text in articles(60).values())
        assert reading.seconds > 0

    def test_threads(self, project: Project, documents: dict[str, bytes], tmp_path: Path) -> None:
        """However many a worker has."""
        with dask(tmp_path / "dask", 0) as cluster:
            cluster.work("--no-nanny", "--nthreads", "4")
            wait_for_workers(cluster, 1)
            build(project, away(cluster))
        assert project.documents() == documents

    def test_workers_on_this_machine(self, project: Project, documents: dict[str, bytes]) -> None:
        result = run(project.root, "-v", "build", "--workers", "2", "--now", "2026-06-01")
        assert result.returncode == 0, result.stderr
        assert project.documents() == documents
        assert "dashboard: http://127.0.0.1:" in result.stderr
        for word in ("reading", "rendering", "most memory", "tcp://127.0.0.1:"):
            assert word in result.stdout

    def test_the_dashboard_is_there(self, tmp_path: Path) -> None:
        """The address that is told shows Dask's own page."""
        with DaskCluster(workers=1).connected(local_place(tmp_path / "work")) as engine:
            assert b"Dask" in urllib.request.urlopen(engine.dashboard, timeout=10).read()

    def test_a_worker_that_comes_late(
        self, project: Project, documents: dict[str, bytes], tmp_path: Path
    ) -> None:
        """It takes its share of what is left."""
        with dask(tmp_path / "dask", 0) as cluster:
            suffering(cluster, "reading wait", None, "--no-nanny")
            late = threading.Timer(1, lambda: suffering(cluster, "reading wait", None, "--no-nanny"))
            project.configure(CONFIG + "cluster: {partition_files: 2, fan_in: 2}\n")
            wait_for_workers(cluster, 1)
            late.start()
            _, cost = build(project, away(cluster))
            late.join()
        assert len(cost.memory) == 2
        assert project.documents() == documents


class TestDeath:
    @pytest.mark.parametrize(
        "stage",
        [
            "listing",
            "reading",
            "comparing",
            "claiming",
            "settling",
            "deciding",
            "merging",
            "asking",
            "relating",
            "finishing",
            "rendering",
        ],
    )
    def test_of_a_worker_at_each_stage(
        self, project: Project, documents: dict[str, bytes], tmp_path: Path, stage: str
    ) -> None:
        """Its work is done by the others, and nothing of it is seen."""
        died = tmp_path / "died"
        with dask(tmp_path / "dask", 0) as cluster:
            workers = [suffering(cluster, f"{stage} kill", died, "--no-nanny") for _ in range(2)]
            build(project, away(cluster))
            assert died.exists()
            wait_for("one worker is dead", lambda: any(worker.poll() is not None for worker in workers))
            assert sum(worker.poll() is not None for worker in workers) == 1
        assert project.documents() == documents
        assert not [path for path in project.out.rglob("*") if path.name.endswith("tmp")]

    def test_of_a_worker_that_uploads(
        self, project: Project, weed: Weed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Documents that it has sent are sent again, or were; every one is there, and nobody's claim."""
        died = tmp_path / "died"
        remote = Remote(project, weed, monkeypatch)
        files = articles(10)
        remote.put_files(files)
        remote.configure()
        with dask(tmp_path / "dask", 0) as cluster:
            for _ in range(2):
                suffering(cluster, "uploading kill", died, "--no-nanny")
            _, published, _ = remote.run(away(cluster))
        assert died.exists()
        assert published.all_errors == ()
        assert remote.there() == embedded(tmp_path, files)

    def test_of_the_scheduler(self, project: Project, documents: dict[str, bytes], tmp_path: Path) -> None:
        """The run says so; after the scheduler's restart the same command goes on from there."""
        time.sleep(2.1)  # files younger than the clock's tick are read twice
        with dask(tmp_path / "dask", 0) as cluster:
            suffering(cluster, "deciding wait", None, "--no-nanny")
            wait_for_workers(cluster, 1)
            work = project.root / ".syndicate" / "cluster" / "deciding"

            def kill() -> None:
                wait_for("something is decided", lambda: work.exists() and any(work.iterdir()))
                assert cluster.scheduler
                cluster.kill(cluster.scheduler)

            killer = threading.Thread(target=kill)
            killer.start()
            with pytest.raises(syndicate.SyndicateError, match="the scheduler is gone") as caught:
                build(project, away(cluster))
            killer.join()
            assert caught.value.exit_code == 4
            assert project.documents() == {}
            cluster.start()
            cluster.work("--no-nanny")
            wait_for_workers(cluster, 1)
            _, cost = build(project, away(cluster))
        assert tasks(cost, "reading") == 0
        assert project.documents() == documents

    def test_of_every_worker(
        self, project: Project, documents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody waits for ever for a worker that does not come."""
        monkeypatch.setattr("syndicate.cluster.engine.WORKERS_WITHIN", 2)
        with dask(tmp_path / "dask", 0) as cluster:
            suffering(cluster, "deciding kill", None, "--no-nanny")
            with pytest.raises(syndicate.SyndicateError, match="no worker is left"):
                build(project, away(cluster))
        assert project.documents() == {}

    def test_of_the_command(self, project: Project, documents: dict[str, bytes], tmp_path: Path) -> None:
        """Killed while workers render: the next run is not disturbed by what these still do."""
        with dask(tmp_path / "dask", 0) as cluster:
            suffering(cluster, "rendering wait", None, "--no-nanny")
            wait_for_workers(cluster, 1)
            command = subprocess.Popen(
                [sys.executable, "-m", "syndicate", "build", "--scheduler", cluster.address, "--now", "2026-06-01"],
                cwd=project.root, stderr=subprocess.PIPE,
            )  # fmt: skip
            wait_for(
                "something is rendered",
                lambda: any(path.name.endswith("tmp") for path in project.out.rglob("*")),
            )
            command.kill()
            command.communicate()
            for stem in list(articles(60))[:5]:
                project.write(stem, title="New")
            build(project, away(cluster))
            time.sleep(1)
            found = project.documents()
            found = {path: data for path, data in found.items() if not path.endswith("tmp")}
        shutil.rmtree(project.out)
        shutil.rmtree(project.root / ".syndicate")
        project.build()
        assert found == project.documents()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_command(project: Project, number: signal.Signals) -> None:
    """One sentence, although the workers' group is sent the signal too; nothing is left behind."""
    for stem, text in articles(2_000).items():
        project.write(stem, text)
    project.configure(CONFIG + "cluster: {partition_files: 20}\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "syndicate", "build", "--workers", "2"], cwd=project.root, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    read = project.root / ".syndicate" / "cluster" / "reading"
    wait_for("something is read", lambda: read.exists() and any(read.iterdir()))
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors.decode()) == (
        128 + number, f"syndicate: stopped by {number.name}: every document is whole; the next run goes on\n"
    )  # fmt: skip
    wait_for("all of them are gone", lambda: not _group(process.pid))
    assert not [path for path in project.out.rglob("*") if path.is_file()]
    project.build()


class TestMemory:
    def test_a_worker_that_runs_out_once(
        self, project: Project, documents: dict[str, bytes], tmp_path: Path
    ) -> None:
        """Its nanny ends it and starts another; the run goes on."""
        died = tmp_path / "died"
        with dask(tmp_path / "dask", 0) as cluster:
            suffering(cluster, "reading memory", died, "--memory-limit", "300MB")
            build(project, away(cluster))
        assert died.exists()
        assert project.documents() == documents

    def test_a_partition_that_no_worker_can_hold(
        self, project: Project, documents: dict[str, bytes], tmp_path: Path
    ) -> None:
        """An error that names it and says what to do; what is there stays."""
        with dask(tmp_path / "dask", 0) as cluster:
            suffering(cluster, "reading memory", None, "--memory-limit", "300MB")
            with pytest.raises(syndicate.SyndicateError) as caught:
                build(project, away(cluster))
        said = str(caught.value)
        assert "workers died 4 times over one task: reading news/" in said
        assert "partitions smaller" in said
        assert project.documents() == {}


def test_what_a_worker_has_held() -> None:
    """Its own, whatever its parent had held."""
    from syndicate.cluster.engine import most_memory

    script = (
        "import subprocess, sys; held = b'x' * 400_000_000\n"
        "print(subprocess.check_output([sys.executable, '-c', "
        "'from syndicate.cluster.engine import most_memory as m; a = m(); b = chr(120).encode() * 10**8; print(a, m())'], text=True))"
    )
    before, after = map(int, subprocess.check_output([sys.executable, "-c", script], text=True).split())
    assert before < 2 * 10**8
    assert 9 * 10**7 < after - before < 11 * 10**7
    assert most_memory() > 10**7


class TestVersions:
    def test_of_a_worker(self, project: Project, tmp_path: Path) -> None:
        """A worker with another version of the program is refused before anything is done."""
        project.write("a")
        with dask(tmp_path / "dask", 0) as cluster:
            other(cluster, tmp_path)
            with pytest.raises(syndicate.SyndicateError) as caught:
                build(project, away(cluster))
        said = str(caught.value)
        assert "the worker at tcp://127.0.0.1:" in said
        assert f"syndicate 9.9.9, not {VERSION}" in said
        assert project.documents() == {}

    def test_of_one_that_comes_late(
        self, project: Project, documents: dict[str, bytes], tmp_path: Path
    ) -> None:
        """It does no task: other versions may write other bytes."""
        project.configure(CONFIG + "cluster: {partition_files: 1}\n")
        with dask(tmp_path / "dask", 0) as cluster:
            suffering(cluster, "reading wait", None, "--no-nanny")
            wait_for_workers(cluster, 1)
            late = threading.Timer(1, lambda: other(cluster, tmp_path))
            late.start()
            with pytest.raises(syndicate.SyndicateError, match=r"a worker has other versions.*9\.9\.9"):
                build(project, away(cluster))
            late.join()
        assert project.documents() == {}

    def test_a_worker_without_the_program(self, project: Project, tmp_path: Path) -> None:
        project.write("a")
        broken = tmp_path / "broken" / "syndicate"
        broken.mkdir(parents=True)
        (broken / "__init__.py").write_text("raise ImportError('not here')\n")
        with dask(tmp_path / "dask", 0) as cluster:
            cluster.work("--no-nanny", environment={"PYTHONPATH": str(broken.parent)})
            with pytest.raises(syndicate.SyndicateError, match="a worker cannot run the program"):
                build(project, away(cluster))


class TestUnreachable:
    def test_nobody_listens(self, project: Project) -> None:
        """A clear error within ten seconds."""
        project.write("a")
        address = f"tcp://127.0.0.1:{free_port()}"
        result = subprocess.run(
            [sys.executable, "-m", "syndicate", "build", "--scheduler", address],
            cwd=project.root, capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
        assert result.returncode == 4
        assert result.stderr == (
            f"syndicate: cannot reach the scheduler: {address}: nobody answers there"
            " (start one with `dask scheduler`, or mend the address)\n"
        )
        assert result.stdout == ""

    def test_no_address(self, project: Project) -> None:
        result = run(project.root, "build", "--scheduler", "http://x y")
        assert outcome(result)[0] == 4
        assert "cannot reach the scheduler" in result.stderr

    def test_no_workers(self, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("syndicate.cluster.engine.WORKERS_WITHIN", 1)
        with (
            dask(tmp_path / "dask", 0) as cluster,
            pytest.raises(syndicate.SyndicateError, match=r"the scheduler has no workers.*dask worker tcp"),
        ):
            build(project, away(cluster))

    def test_both_options(self, project: Project) -> None:
        result = run(project.root, "build", "--scheduler", "tcp://127.0.0.1:1", "--workers", "2")
        assert result.returncode == 2
        assert "exclude each other" in result.stderr

    def test_without_the_extra(self, project: Project, tmp_path: Path) -> None:
        """What is missing is named."""
        project.write("a")
        (tmp_path / "none").mkdir()
        (tmp_path / "none" / "distributed.py").write_text("raise ImportError\n")
        result = subprocess.run(
            [sys.executable, "-m", "syndicate", "build", "--workers", "2"], cwd=project.root, check=False,
            env={**os.environ, "PYTHONPATH": str(tmp_path / "none")}, capture_output=True, text=True,
        )  # fmt: skip
        assert result.returncode == 2
        assert result.stderr == "syndicate: a cluster needs syndicate[dask], which is not installed\n"


class TestQuiet:
    def test_under_cron(self, project: Project, documents: dict[str, bytes]) -> None:
        """Nothing is printed where nothing is wrong, whatever Dask has to say."""
        for name in list(articles(60)):
            (project.root / "news" / f"{name}.md").unlink()
        project.write("a")
        result = subprocess.run(
            [sys.executable, "-m", "syndicate", "build", "--workers", "1"], cwd=project.root,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")

    def test_log(self, project: Project, documents: dict[str, bytes], shared: Dask) -> None:
        """A line of JSON for each stage, and one for each worker."""
        import json

        result = run(
            project.root,
            "--log-format",
            "json",
            "build",
            "--scheduler",
            shared.address,
            "--now",
            "2026-06-01",
        )
        events = [json.loads(line) for line in result.stderr.splitlines()]
        stages = {event["stage"]: event for event in events if event["event"] == "stage"}
        assert stages["reading"]["tasks"] > 1
        assert stages["reading"]["bytes_read"] > 10_000
        workers = [event for event in events if event["event"] == "worker"]
        assert all(event["peak_memory"] > 10**7 for event in workers)
        assert events[-1]["event"] == "run"


def test_rows_on_a_real_cluster(project: Project, documents: dict[str, bytes], shared: Dask) -> None:
    """Pyarrow, in workers."""
    import pyarrow.parquet
    from clusters import row

    files = articles(60)
    shutil.rmtree(project.root / "news")
    (project.root / "news").mkdir()
    stems = list(files)
    (project.root / "news" / "a.ndjson").write_text(rows({stem: files[stem] for stem in stems[:30]}))
    values = [row(stem, files[stem]) for stem in stems[30:]]
    columns = sorted({name for value in values for name in value})
    table = pyarrow.table({name: [value.get(name) for value in values] for name in columns})
    pyarrow.parquet.write_table(table, project.root / "news" / "b.parquet", row_group_size=7)
    project.configure(CONFIG + '  include: ["**/*.ndjson", "**/*.parquet"]\n')
    build(project, away(shared))
    assert project.documents() == documents


def _group(leader: int) -> list[str]:
    """The processes of a group, but for the dead that nobody has buried."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, group = path.read_text().rpartition(")")[2].split()[:3]
            if int(group) == leader and state != "Z":
                found.append(path.parent.name)
    return found


def wait_for_workers(cluster: Dask, count: int) -> None:
    """Workers that have said that they are there."""
    from distributed import Client

    with contextlib.closing(Client(cluster.address, set_as_default=False)) as client:
        client.wait_for_workers(count, timeout=20)


def other(cluster: Dask, folder: Path) -> Any:
    """A worker with another version of the program."""
    copy = folder / "other"
    if not copy.exists():
        shutil.copytree(Path(syndicate.__file__).parent, copy / "syndicate")
        (copy / "syndicate" / "version.py").write_text('VERSION = "9.9.9"\n')
    return cluster.work("--no-nanny", environment={"PYTHONPATH": str(copy)})
