"""A web server's folder as a target: whole files, nothing of others, and no folder where a mount should be."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import CONFIG, NOW, Project
from killing import killed

import syndicate
from syndicate.errors import LockedError
from syndicate.output import TEMPORARY
from syndicate.publishing.manifest import KEY
from syndicate.publishing.stores import NEW, ConflictError
from syndicate.publishing.webroot import WebRoot

PUBLISH = "report = syndicate.publish(settings); assert not report.all_errors, report.all_errors"


@pytest.fixture
def web(project: Project, tmp_path: Path) -> Path:
    root = tmp_path / "web"
    root.mkdir()
    publish = json.dumps({"targets": [{"url": f"file://{root}/"}]})
    project.configure(f"{CONFIG}output: {{compress: [gzip]}}\npublish: {publish}\n")
    return root


def files(root: Path) -> dict[str, bytes]:
    """Everything in a web root, but for our own notes."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".syndicate" not in path.relative_to(root).parts
    }


def errors(project: Project) -> list[str]:
    return [str(error) for error in syndicate.publish(project.settings).all_errors]


class TestWebRoot:
    def test_holds_what_was_built_with_its_siblings(self, project: Project, web: Path) -> None:
        """And nothing changes there when nothing changed here."""
        project.write("a")
        project.build()
        assert errors(project) == []
        assert files(web) == project.documents()
        before = {path: path.stat().st_ino for path in web.rglob("*") if path.is_file()}
        assert errors(project) == []
        assert {path: path.stat().st_ino for path in web.rglob("*") if path.is_file()} == before
        assert (web / "feed.rss").stat().st_mode & 0o777 == 0o644

    def test_its_feeds_are_without_fault(self, project: Project, web: Path) -> None:
        """The manifest beside them is no feed."""
        project.write("a")
        project.build()
        assert errors(project) == []
        assert (web / KEY).exists()
        # Nine feeds and the OPML; pages are none.
        assert syndicate.check_feeds(str(web), now=NOW) == (10, ())

    def test_what_is_gone_is_removed_with_its_folder(self, project: Project, web: Path) -> None:
        """Unless somebody else's file is in it."""
        project.write("a")
        project.write("b", topics=["Space"])
        project.write("c", topics=["Time"])
        project.build()
        assert errors(project) == []
        (web / "topic/time/notes.txt").write_text("mine")
        for name in "bc":
            (project.root / "news" / f"{name}.md").unlink()
        project.build(force=True)
        assert errors(project) == []
        assert files(web) == {**project.documents(), "topic/time/notes.txt": b"mine"}
        assert not (web / "topic/space").exists()

    def test_a_folder_that_is_missing_is_not_made(self, project: Project, web: Path) -> None:
        """A mount may have failed."""
        project.write("a")
        project.build()
        web.rmdir()
        assert errors(project) == [f"the folder is not there: {web}: make it, or mount it; nothing was made"]
        assert not web.exists()

    def test_a_foreign_file_is_never_touched(self, project: Project, web: Path) -> None:
        """The site's own front page may live there."""
        (web / "index.html").write_text("<h1>My site</h1>")
        project.write("a")
        project.build()
        # Nor is a sibling put beside it, which a web server would send in its stead.
        assert errors(project) == [
            f"somebody else's object is there: file://{web}/: {name}: "
            "it was left alone: move it away, or publish below another path"
            for name in ("index.html.gz", "index.html")
        ]
        assert not (web / "index.html.gz").exists()
        # Not all was well, which is what `published` says.
        [target] = syndicate.read_status(project.settings).targets
        assert target.published is None
        assert target.error.startswith("somebody else's object is there")
        assert (web / "index.html").read_text() == "<h1>My site</h1>"
        assert (web / "feed.rss").read_bytes() == project.documents()["feed.rss"]

    def test_a_lost_manifest(self, project: Project, web: Path) -> None:
        """Our own files know that they are ours, and so do their siblings."""
        project.write("a")
        project.build()
        assert errors(project) == []
        (web / KEY).unlink()
        project.write("a", title="Another")
        project.build()
        assert errors(project) == []
        assert files(web) == project.documents()

    def test_what_cannot_be_written_is_named(self, project: Project, web: Path) -> None:
        """A file stands where a folder is to be."""
        (web / "topic").write_text("a file")
        project.write("a")
        project.build()
        [error] = errors(project)
        assert error.startswith(f"cannot write: {web}/topic")
        assert files(web)["topic"] == b"a file"

    @pytest.mark.parametrize(
        ("where", "when", "nth"),
        [
            ("syndicate.publishing.publisher:Publication._announce", "after", 1),
            ("os.link", "before", 4),
            ("os.replace", "before", 2),
            ("os.replace", "after", 3),
            ("syndicate.publishing.publisher:Publication.upload", "after", 1),
            ("syndicate.publishing.webroot:WebRoot.delete", "after", 1),
        ],
    )
    def test_killed(self, project: Project, web: Path, where: str, when: str, nth: int) -> None:
        """No feed is ever partial, and the next run leaves what was built, without a temporary file."""
        project.write("a")
        project.write("b", topics=["Space"])
        project.build()
        assert errors(project) == []
        project.write("a", title="Edited")
        project.write("c", topics=["Time"])
        (project.root / "news" / "b.md").unlink()
        project.build(force=True)
        before = files(web)
        killed(project.root, where, when, nth, PUBLISH)
        for path, data in files(web).items():
            if not path.endswith(TEMPORARY):
                assert data in (before.get(path), project.documents().get(path))
        assert errors(project) == []
        assert files(web) == project.documents()


class TestConditions:
    """What object stores do by themselves."""

    def test_only_where_there_is_none(self, tmp_path: Path) -> None:
        """And the other's bytes stay."""
        store = WebRoot(str(tmp_path))
        store.put("a/b", b"1", {}, NEW)
        with pytest.raises(ConflictError):
            store.put("a/b", b"2", {}, NEW)
        assert (tmp_path / "a/b").read_bytes() == b"1"
        assert sorted(os.listdir(tmp_path / "a")) == ["b"]

    def test_only_over_the_version_that_was_read(self, tmp_path: Path) -> None:
        """Another one is a conflict, and so is none."""
        store = WebRoot(str(tmp_path))
        version = store.put("m", b"1", {})
        second = store.put("m", b"2", {}, version)
        for stale in (version, "no version"):
            with pytest.raises(ConflictError):
                store.put("m", b"3", {}, stale)
        store.put("m", b"3", {}, second)
        with pytest.raises(ConflictError):
            store.put("other", b"3", {}, second)

    def test_one_winner_of_many(self, tmp_path: Path) -> None:
        """Sixteen publishers at once, from one manifest."""
        from concurrent.futures import ThreadPoolExecutor

        version = WebRoot(str(tmp_path)).put("m", b"0", {})

        def go(number: int) -> bool:
            try:
                WebRoot(str(tmp_path)).put("m", str(number).encode(), {}, version)
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(16) as pool:
            assert sorted(pool.map(go, range(1, 17))) == [False] * 15 + [True]


def test_a_claim_on_a_web_root(project: Project, web: Path) -> None:
    """The same as on a bucket."""
    project.write("a")
    project.build()
    assert errors(project) == []
    manifest = json.loads((web / KEY).read_bytes())
    manifest["claim"] = {"owner": "other", "run": "r", "until": 2**33}
    (web / KEY).write_text(json.dumps(manifest))
    [error] = syndicate.publish(project.settings).all_errors
    assert isinstance(error, LockedError)
