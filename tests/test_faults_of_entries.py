"""The self-check: a document that would break a rule is not written, whatever brought the fault about."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from conftest import CONFIG, Project

from syndicate.articles.model import Article, Image, Related
from syndicate.output import Reason


@pytest.fixture(autouse=True)
def _stamps_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the last seconds would be read again, and so mended."""
    monkeypatch.setattr("syndicate.pipeline._TICK_NS", -(10**10))


def tamper(project: Project, path: str, **changes: Any) -> None:
    """Change an article behind the program's back, where it is remembered."""
    with sqlite3.connect(project.root / ".syndicate" / "catalog.db") as catalog:
        n, data = catalog.execute(
            "SELECT n, data FROM articles JOIN contents ON article = n WHERE path = ?", (path,)
        ).fetchone()
        article = msgspec.structs.replace(msgspec.msgpack.decode(data, type=Article), **changes)
        catalog.execute(
            "UPDATE contents SET data = ? WHERE article = ?", (msgspec.msgpack.encode(article), n)
        )
    catalog.close()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"link": "javascript:alert(1)"}, "one of its URLs"),
        ({"link": "https://a.example/ü"}, "one of its URLs"),
        ({"images": (Image("/relative.png"),)}, "one of its URLs"),
        ({"related": (Related("R", "www.r.example"),)}, "one of its URLs"),
        ({"via": "ftp://a.example/"}, "one of its URLs"),
        ({"title": " "}, "it has no title"),
        ({"title": "a\x0bb"}, "a character that XML forbids"),
        ({"excerpt": "\uffff"}, "a character that XML forbids"),
        ({"id": ""}, "its id is no URI"),
        ({"id": "tag:a.example,2020:b c"}, "its id is no URI"),
        ({"updated": datetime(2020, 1, 1, tzinfo=UTC)}, "it was updated before it was published"),
    ],
)  # fmt: skip
def test_it_is_refused(project: Project, changes: dict[str, Any], why: str) -> None:
    """The documents of before stay, the article is named, all others are written; the next run tries again."""
    project.write("good")
    project.write("bad", title="Was good")
    project.write("else", topics=["Other"], provider=None)
    project.build()
    before = project.documents()
    tamper(project, "news/bad.md", **changes)
    project.configure(CONFIG.replace("site:\n", "site:\n  copyright: New\n"))
    for _ in range(2):
        report = project.build()
        [problem] = report.problems
        assert (problem.path, problem.severity.value, problem.field) == ("news/bad.md", "error", "entry")
        assert problem.what.startswith(why)
        refused = {d.path for d in report.documents if d.reason is Reason.REFUSED}
        assert {path.rpartition("/")[0] for path in refused} == {"", "topic/ai", "provider/publisher.example"}
        after = project.documents()
        assert {path for path in after if after[path] == before[path]} >= refused
    assert "New" in project.parsed("topic/other/feed.atom").feed.rights
    project.write("bad", title="Mended")
    assert project.build().problems == ()
    assert "New" in project.parsed("topic/ai/feed.atom").feed.rights
    assert sorted(project.titles()) == ["A title", "A title", "Mended"]
    after = project.documents()
    project.build(full=True)
    assert project.documents() == after


def test_a_document_that_was_never_there(project: Project) -> None:
    """Is not written, and a dry run says so."""
    project.write("good")
    project.build()
    tamper(project, "news/good.md", title="")
    project.configure(CONFIG + "feeds: {groups: [[topic, provider]]}\n")
    report = project.build(dry_run=True)
    assert {d.path for d in report.documents if d.reason is Reason.REFUSED} >= {
        "topic/ai/provider/publisher.example/feed.rss"
    }
    project.build()
    assert not (project.out / "topic" / "ai" / "provider").exists()


def test_an_id_stands_in_a_document_once(project: Project) -> None:
    """Of two articles with one id the second is named."""
    project.write("one")
    project.write("two")
    project.build()
    tamper(project, "news/two.md", id="tag:site.example,2020:one")
    project.configure(CONFIG.replace("site:\n", "site:\n  copyright: New\n"))
    [problem] = project.build().problems
    assert (problem.path, problem.what.partition(";")[0]) == (
        "news/two.md",
        "its id stands in the document twice",
    )
