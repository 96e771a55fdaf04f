"""Runs that are killed, disturbed or refused: the next one gives what an undisturbed one gives."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import NOW, Project
from killing import killed

from syndicate.errors import LockedError, WriteError
from syndicate.output import TEMPORARY, Reason

REPOSITORY = Path(__file__).parent.parent


def fill(project: Project, edition: int) -> None:
    """Articles whose groups come, go and change with the edition."""
    for n in range(12):
        project.write(
            f"a{n}", title=f"T{n} edition {edition if n % 3 == 0 else 0}", topics=[f"T{n % 5 + edition}", "All"],
            provider={"name": f"P{n % 4}", "domain": f"p{n % 4}.example"},
            related=[{"title": "R", "webUrl": f"https://publisher.example/a{(n + edition) % 12}"}],
        )  # fmt: skip


def undisturbed(project: Project, tmp_path: Path) -> dict[str, bytes]:
    """What a fresh build of the same input gives."""
    root = tmp_path / "fresh"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for name in ("config", "news"):
        shutil.copytree(project.root / name, root / name)
    fresh = object.__new__(Project)
    fresh.root, fresh.out = root, root / "out"
    fresh.build(force=True)
    return fresh.documents()


def temporary(project: Project) -> list[Path]:
    return [path for path in project.root.rglob("*") if path.name.endswith(TEMPORARY)]


class TestKilled:
    @pytest.mark.parametrize("first", [True, False], ids=["first run", "later run"])
    @pytest.mark.parametrize(
        ("where", "when", "nth"),
        [
            ("syndicate.run:Run.read", "after", 1),
            ("syndicate.run:Run.decide", "after", 1),
            ("syndicate.output:Directory.begin", "after", 1),
            ("syndicate.output:Directory.prepare", "after", 1),
            ("syndicate.output:Directory.prepare", "after", 9),
            ("syndicate.output._barrier", "before", 1),
            ("syndicate.output._barrier", "after", 1),
            ("os.replace", "after", 1),
            ("os.replace", "after", 7),
            ("os.unlink", "after", 1),
            ("syndicate.output._barrier", "after", 2),
            ("syndicate.output:Directory.replace", "after", 1),
            ("syndicate.catalog.store:Catalog.commit", "before", 1),
            ("syndicate.catalog.store:Catalog.commit", "after", 1),
            ("syndicate.output:Directory.finish", "after", 1),
        ],
    )
    def test_at_every_stage(
        self, project: Project, tmp_path: Path, first: bool, where: str, when: str, nth: int
    ) -> None:
        """Then another edit, then one run: the bytes of an undisturbed build, and no temporary file."""
        fill(project, 0)
        if not first:
            project.build()
            fill(project, 1)
        killed(project.root, where, when, nth)
        for path in project.documents():
            if path.endswith((".rss", ".atom")) and not path.endswith(TEMPORARY):
                project.parsed(path)  # no document is ever partial
        fill(project, 2)
        project.build(force=True)
        assert project.documents() == undisturbed(project, tmp_path)
        assert temporary(project) == []
        assert project.build().count(Reason.UNCHANGED) == len(project.documents())

    def test_twice_in_a_row(self, project: Project, tmp_path: Path) -> None:
        """What the first killed run wrote is still known after the second, and removed when it is gone."""
        fill(project, 2)
        project.build()
        for edition, where in (
            (0, "syndicate.output:Directory.replace"),
            (1, "syndicate.output:Directory.begin"),
        ):
            fill(project, edition)
            killed(project.root, where, "after", 1)
        project.build(force=True)
        assert project.documents() == undisturbed(project, tmp_path)

    def test_at_random_instants_again_and_again(self, project: Project, tmp_path: Path) -> None:
        """Twenty runs, each killed somewhere, with an edit before each."""
        instants = random.Random(7)
        command = [sys.executable, "-m", "syndicate", "build", "--force", "--now", NOW.isoformat()]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        fill(project, 3)
        started = time.monotonic()
        subprocess.run(command, cwd=project.root, env=environment, check=True)
        whole = time.monotonic() - started  # the instants are to lie within a run, however fast the machine
        killed = 0
        for edition in range(20):
            fill(project, edition % 4)
            process = subprocess.Popen(command, cwd=project.root, env=environment, start_new_session=True)
            time.sleep(instants.uniform(0, whole))
            killed += process.poll() is None
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert killed > 0
        project.build(force=True)
        assert project.documents() == undisturbed(project, tmp_path)
        assert temporary(project) == []


class TestDisturbed:
    def test_a_full_disk(self, project: Project, tmp_path: Path) -> None:
        """The documents are as they were; with room again, everything is written."""
        fill(project, 0)
        project.build()
        before = project.documents()
        fill(project, 1)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, hard))  # a file that cannot grow: EFBIG
        try:
            with pytest.raises(WriteError):
                project.build()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, handler)
        assert project.documents() == before
        project.build()
        assert project.documents() == undisturbed(project, tmp_path)

    def test_an_output_on_a_full_file_system(self, project: Project) -> None:
        """/dev/full says that there is no room, as a disk does."""
        project.write("a")
        project.build()
        before = project.documents()
        project.write("a", title="New")
        (project.out / f"feed.rss{TEMPORARY}").symlink_to("/dev/full")
        with pytest.raises(WriteError, match="No space left"):
            project.build()
        assert {p: d for p, d in project.documents().items() if not p.endswith(TEMPORARY)} == before
        project.build()
        assert project.titles() == ["New"]
        assert temporary(project) == []

    def test_an_output_that_is_read_only(self, project: Project) -> None:
        """As nobody, where the tests run as root: an error that names a file, and the documents as they were."""
        project.write("a")
        project.build()  # whatever is imported is imported before rights are given up
        before = project.documents()
        project.write("a", title="New")
        everything = [project.root, *project.root.rglob("*")]
        for path in everything:
            os.chmod(path, 0o777 if path.is_dir() else 0o666)
        for path in [project.out, *project.out.rglob("*")]:
            os.chmod(path, 0o555 if path.is_dir() else 0o444)
        above = [
            path for path in project.root.parents if path.stat().st_uid == os.getuid() and path != path.parent
        ]
        modes = {path: path.stat().st_mode for path in above}
        child = os.fork()
        if child == 0:
            code = 1
            with contextlib.suppress(BaseException):
                for path in above:
                    os.chmod(path, modes[path] | 0o011)
                if os.getuid() == 0:
                    os.setegid(65534)
                    os.seteuid(65534)
                try:
                    project.build()
                except WriteError as error:
                    code = 0 if "Permission denied" in str(error) and str(project.out) in str(error) else 2
            os._exit(code)
        _, status = os.waitpid(child, 0)
        for path, mode in modes.items():
            os.chmod(path, mode)
        assert os.waitstatus_to_exitcode(status) == 0
        assert project.documents() == before
        for path in [project.out, *project.out.rglob("*")]:
            os.chmod(path, 0o755 if path.is_dir() else 0o644)
        project.build()
        assert project.titles() == ["New"]

    def test_a_foreign_file_in_a_documents_place(self, project: Project) -> None:
        """A folder that somebody made where a document belongs: an error that names it."""
        project.write("a")
        (project.out / "feed.rss").mkdir(parents=True)
        with pytest.raises(WriteError, match=r"feed\.rss"):
            project.build()
        (project.out / "feed.rss").rmdir()
        project.build()
        assert temporary(project) == []


class TestCatalog:
    def test_a_newer_version_is_set_aside(self, project: Project) -> None:
        """And is there for the newer program to come back to."""
        project.write("a")
        project.build()
        before = project.documents()
        catalog = project.root / ".syndicate" / "catalog.db"
        connection = sqlite3.connect(catalog)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        [problem] = project.build().problems
        assert "a newer version of the program wrote it" in problem.what
        assert (catalog.parent / "catalog.db.aside").exists()
        assert project.documents() == before

    def test_truncated(self, project: Project) -> None:
        """Half a catalog is none."""
        fill(project, 0)
        project.build()
        before = project.documents()
        catalog = project.root / ".syndicate" / "catalog.db"
        catalog.write_bytes(catalog.read_bytes()[: catalog.stat().st_size // 2])
        report = project.build()
        assert any("was set aside" in problem.what for problem in report.problems)
        assert project.documents() == before

    def test_deleted_while_a_group_goes(self, project: Project, tmp_path: Path) -> None:
        """The documents of a group that is gone say themselves whose they are; other files stay."""
        fill(project, 0)
        project.build()
        shutil.rmtree(project.root / ".syndicate")
        fill(project, 1)
        foreign = project.out / "topic" / "t0" / "feed.txt"
        foreign.write_text("mine")
        other = project.out / "topic" / "t9" / "feed.atom"
        other.parent.mkdir()
        other.write_text('<feed xmlns="http://www.w3.org/2005/Atom"><generator>Other</generator></feed>')
        project.build()
        found = project.documents()
        assert found.pop("topic/t0/feed.txt") == b"mine"
        assert b"Other" in found.pop("topic/t9/feed.atom")
        assert found == undisturbed(project, tmp_path)

    def test_locked_by_another_program(self, project: Project) -> None:
        """Someone looks into it with sqlite3, and holds it."""
        project.write("a")
        project.build()
        holder = sqlite3.connect(project.root / ".syndicate" / "catalog.db", isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LockedError):
            project.build()
        holder.execute("ROLLBACK")
        holder.close()
        project.build()

    def test_two_builds_at_once(self, project: Project) -> None:
        """One builds, the other says that it does, and exits with 75; nothing is lost."""
        fill(project, 0)
        command = [sys.executable, "-m", "syndicate", "build", "--now", NOW.isoformat()]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        processes = [
            subprocess.Popen(command, cwd=project.root, env=environment, stderr=subprocess.DEVNULL)
            for _ in range(4)
        ]
        codes = sorted(process.wait() for process in processes)
        assert codes[0] == 0
        assert set(codes) <= {0, 75}
        assert len(project.json()["items"]) == 12
        assert temporary(project) == []
