"""After any sequence of changes, out/ is what a fresh build of the same input gives, byte for byte."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from conftest import CONFIG, Project
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

START = datetime(2026, 1, 10, tzinfo=UTC)
names = st.sampled_from(["a", "b", "c", "d/e"])
topics = st.lists(st.sampled_from(["AI", "ai", "A I", "A!I", "C", "C++", "Café", "none"]), max_size=3)
providers = st.sampled_from(
    [None, "Wired", {"name": "P", "domain": "p.example"}, {"name": "Q", "domain": "p.example"},
     {"name": "R", "domain": "youtube.com"}]
)  # fmt: skip
days = st.integers(1, 28)
links = st.sampled_from([f"https://publisher.example/{n}" for n in range(3)])
CONFIGS = [
    CONFIG,
    CONFIG + "feeds: {limit: 2, groups: [[topic, provider], topic]}\n",
    CONFIG + "feeds: {order: updated, min_quality: 50}\n",
    CONFIG.replace("[news]", "[news]\n  topics: topics"),
    CONFIG + "feeds: {limit: 1, archive: day}\n",
    CONFIG
    + "feeds: {limit: 2, archive: day, order: updated, html: false, groups: [topic, [topic, provider]]}\n",
    CONFIG + "feeds: {archive: month, max_bytes: 4000}\n",
    CONFIG + "feeds: {related: entries, limit: 4, min_quality: 50}\n",
    CONFIG + "output: {compress: [gzip]}\n",
]


class Changes(RuleBasedStateMachine):
    """Edits, moves and removals of articles, the registry, the config and the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.project = Project(self.folder)
        (self.folder / "topics").mkdir()
        self.now = START
        self.built = False
        self.steps = 0

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @initialize()
    def first(self) -> None:
        self.project.write("always", topics=["AI"])

    @rule(
        name=names, topics=topics, provider=providers, day=days, link=links, related=st.lists(links, max_size=2, unique=True),
        quality=st.sampled_from([10, 60, None]), updated=st.one_of(st.none(), days),
        title=st.sampled_from(["T", "U"]), id=st.sampled_from([None, None, "x", "y"]),
        state=st.sampled_from(["published", "published", "published", "draft", "removed", "broken"]),
        heat=st.integers(0, 3),
    )  # fmt: skip
    def write(self, name: str, **given: object) -> None:
        """An article, new or changed, good, hidden or broken."""
        self.built = False
        if given["state"] == "broken":
            self.project.write(name, "---\ntitle: [\n---\n")
            return
        updated = given["updated"]
        self.project.write(
            name, title=given["title"], topics=given["topics"], provider=given["provider"], heat=given["heat"],
            publishedDateTime=f"2026-01-{given['day']:02}T00:00:00Z", webUrl=given["link"], quality=given["quality"],
            updatedDateTime=f"2026-02-{updated:02}T00:00:00Z" if updated else None, id=given["id"],
            related=[{"title": "R", "webUrl": link} for link in given["related"]],  # type: ignore[attr-defined]
            **{given["state"]: True},
        )  # fmt: skip

    @rule(name=names)
    def remove(self, name: str) -> None:
        self.built = False
        (self.folder / "news" / f"{name}.md").unlink(missing_ok=True)

    @rule(name=names, other=names)
    def move(self, name: str, other: str) -> None:
        self.built = False
        source, target = (self.folder / "news" / f"{n}.md" for n in (name, other))
        if source.exists():
            target.parent.mkdir(exist_ok=True)
            os.replace(source, target)

    @rule(name=names)
    def touch(self, name: str) -> None:
        self.built = False
        path = self.folder / "news" / f"{name}.md"
        if path.exists():
            os.utime(path)

    @rule(
        text=st.sampled_from(
            ["_id: ai\nname: AI\n", "_id: c\nname: C++\nshortname: C\n", "_id: z\nname: Zed\n"]
        )
    )
    def register(self, text: str) -> None:
        self.built = False
        (self.folder / "topics" / "one.yaml").write_text(text)

    @rule(config=st.sampled_from(CONFIGS))
    def configure(self, config: str) -> None:
        self.built = False
        self.project.configure(config)

    @rule(change=st.integers(-6, 30))
    def wait(self, change: int) -> None:
        self.built = False
        self.now = max(START - timedelta(days=5), self.now + timedelta(days=change))

    @rule(
        path=st.sampled_from(
            ["feed.rss", "topic/ai/feed.atom", "feed.json", "archive/2026-01.rss", "index.html"]
        ),
        broken=st.booleans(),
    )
    def damage(self, path: str, broken: bool) -> None:
        """Somebody removes or changes a document."""
        self.built = False
        document = self.project.out / path
        if document.exists():
            if broken:
                document.write_text("broken")
            else:
                document.unlink()

    @invariant()
    def often(self) -> None:
        """Build after most changes, and sometimes after several at once."""
        self.steps += 1
        if self.steps % 3 and not self.built:
            self.build()

    def build(self) -> None:
        self.regenerate()
        self.built = True
        self.compare()

    def regenerate(self) -> None:
        self.project.build(now=self.now, force=True)

    @precondition(lambda self: self.built)
    @rule()
    def forget(self) -> None:
        """The catalog is lost between two builds."""
        shutil.rmtree(self.folder / ".syndicate")
        self.build()

    def compare(self) -> None:
        found = self.project.documents()
        fresh = object.__new__(Project)
        fresh.root, fresh.out = self.folder, self.folder / "elsewhere" / "out"
        config = (self.folder / "config" / "syndicate.yaml").read_text()
        try:
            shorter = config.replace("output: {compress: [gzip]}\n", "")
            compress = ", compress: [gzip]" if shorter != config else ""
            fresh.configure(shorter + f"output: {{directory: elsewhere/out{compress}}}\n")
            fresh.build(now=self.now, force=True)
            assert fresh.documents() == found
        finally:
            fresh.configure(config)
            shutil.rmtree(self.folder / "elsewhere", ignore_errors=True)


Changes.TestCase.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
TestChanges = Changes.TestCase


def test_every_thousandth_run_compacts_the_catalog(project: Project) -> None:
    """What is gone takes no room for ever; what is there stays."""
    for n in range(300):
        project.write(f"n{n}", excerpt=f"{n} " * 1_000)
    project.build()
    catalog = project.root / ".syndicate" / "catalog.db"
    full = catalog.stat().st_size
    for n in range(250):
        (project.root / "news" / f"n{n}.md").unlink()
    project.build(force=True)
    assert catalog.stat().st_size == full
    with sqlite3.connect(catalog) as connection:
        connection.execute("UPDATE runs SET n = 999 WHERE n = (SELECT max(n) FROM runs)")
    connection.close()
    project.write("new")
    project.build()
    # Of 300 articles 51 are left; 21 pages of 32 KiB are there even without any.
    assert catalog.stat().st_size < full / 2
    documents = project.documents()
    project.build(full=True)
    assert project.documents() == documents
    assert len(project.json()["items"]) == 50
