"""Groups: names that are one, slugs that never collide, providers and their domains."""

from __future__ import annotations

import itertools
import json

import pytest
from conftest import CONFIG, Project, article, reading

from syndicate.config import SHARED_DOMAINS
from syndicate.groups import Grouping, assign_slugs, commonest, memberships, slugify
from syndicate.registry import Organization, Registry, Topic

EMPTY = Registry()


def keys(registry: Registry = EMPTY, groups: tuple[tuple[str, ...], ...] = (), **fields: object) -> list[str]:
    """The keys of the groups of an article with these fields."""
    result = reading(article(**fields))
    assert result.article is not None
    grouping = Grouping(groups, frozenset(SHARED_DOMAINS), registry)
    return [key for key, _ in memberships(result.article, grouping)]


class TestSlugs:
    @pytest.mark.parametrize(
        ("name", "slug"),
        [
            ("ai in healthcare", "ai-in-healthcare"),
            ("c", "c"),
            ("c++", "c-plus-plus"),
            ("c#", "c-sharp"),
            ("q&a", "q-and-a"),
            ("/etc", "etc"),
            ("../../x", "x"),
            ("con", "con-topic"),
            ("com1", "com1-topic"),
            ("naïve café", "naïve-café"),
            ("人工知能", "人工知能"),
            ("-_-a-_-", "a"),
        ],
    )
    def test_are_folder_names(self, name: str, slug: str) -> None:
        """Letters and digits of any script; no dots, no slashes, no device of Windows."""
        assert slugify(name, "topic") == slug

    @pytest.mark.parametrize("name", ["..", ".", "🚀", "!!!", "—", "\u200d"])
    def test_are_never_empty(self, name: str) -> None:
        """A name without letters is told apart by its hash."""
        slug = slugify(name, "topic")
        assert slug.startswith("topic-")
        assert slug != slugify(name + "?", "topic")

    @pytest.mark.parametrize("name", ["x" * 300, "日" * 300, "word " * 60])
    def test_are_short(self, name: str) -> None:
        """File systems take 255 bytes; what is cut off still tells names apart."""
        assert len(slugify(name, "topic").encode()) <= 100
        assert slugify(name, "topic") != slugify(name + "y", "topic")

    def test_collisions_are_kept_apart_whatever_came_first(self) -> None:
        """Every order of the same names gives the same slugs; the name that is its slug keeps it."""
        names = ["topic:a-b", "topic:a b", "topic:a.b", "topic:a!b", "topic:c"]
        results = {
            json.dumps(sorted(assign_slugs(order, EMPTY)[0].items()))
            for order in itertools.permutations(names)
        }
        [result] = results
        slugs = dict(json.loads(result))
        assert len(set(slugs.values())) == len(names)
        assert slugs["topic:a b"] == "a-b"
        assert slugs["topic:c"] == "c"

    def test_a_name_made_to_collide_does_not(self) -> None:
        """Somebody calls a topic what another one's slug would be with its hash."""
        taken = assign_slugs(["topic:a!b", "topic:a b"], EMPTY)[0]["topic:a!b"]
        slugs, _ = assign_slugs(["topic:a!b", "topic:a b", f"topic:{taken}"], EMPTY)
        assert len(set(slugs.values())) == 3

    def test_a_registrys_slug_wins(self) -> None:
        """``_id``, made safe like any other."""
        registry = Registry((Topic("C++", "cpp"), Topic("Evil", "../../etc")))
        slugs, _ = assign_slugs(["topic:c++", "topic:evil", "topic:cpp"], registry)
        assert slugs["topic:c++"] == "cpp"
        assert slugs["topic:evil"] == "etc"

    def test_kinds_do_not_collide(self) -> None:
        """They have folders of their own."""
        slugs, collisions = assign_slugs(["topic:wired", "provider:/wired"], EMPTY)
        assert (set(slugs.values()), collisions) == ({"wired"}, [])


class TestMemberships:
    def test_names_in_other_spelling_are_one_group(self) -> None:
        """Case, width and white space."""
        assert keys(topics=["ＡＩ ethics"]) == keys(topics=["AI  Ethics"])

    def test_a_provider_is_its_domain(self) -> None:
        """Whatever name comes with it."""
        one = keys(provider={"name": "A", "domain": "a.example"}, topics=[])
        assert one == ["", "provider:a.example"]
        assert one == keys(provider={"name": "B", "domain": "www.A.example"}, topics=[])

    def test_on_a_shared_domain_the_name_tells(self) -> None:
        """Everybody publishes on youtube.com."""
        found = keys(provider={"name": "April Dunnam", "domain": "youtube.com"}, topics=[])
        assert found[1] == "provider:youtube.com/april dunnam"

    def test_a_name_alone_finds_its_domain_in_the_registry(self) -> None:
        """``provider: Wired``."""
        registry = Registry((), (Organization("WIRED", "wired.com", ("Wired Magazine",)),))
        assert keys(registry, provider="wired", topics=[])[1] == "provider:wired.com"
        assert keys(registry, provider="Wired magazine", topics=[])[1] == "provider:wired.com"
        assert keys(registry, provider="Other", topics=[])[1] == "provider:/other"

    def test_a_short_name_or_slug_finds_its_topic(self) -> None:
        """Unless it is another topic's full name."""
        registry = Registry(
            (Topic("Machine Learning", "ml-slug", "ML"), Topic("Vision", "cv", "AI"), Topic("AI", "ai"))
        )
        assert keys(registry, topics=["ml", "ML-SLUG"], provider=None) == ["", "topic:machine learning"]
        assert keys(registry, topics=["AI"], provider=None) == ["", "topic:ai"]

    def test_pairs(self) -> None:
        """Each topic with the provider, and any other pair of fields."""
        found = keys(groups=(("topic", "provider"),), topics=["A", "B"])
        assert [key.replace("\x1f", " × ") for key in found if "\x1f" in key] == [
            "topic:a × provider:publisher.example",
            "topic:b × provider:publisher.example",
        ]

    def test_the_commonest_spelling_is_shown(self) -> None:
        """Of equals the one that sorts first."""
        assert commonest([("ai", 1), ("AI", 2), ("Ai", 2)]) == "AI"


class TestInFeeds:
    def test_odd_names_have_safe_folders(self, project: Project) -> None:
        """Every folder is below out/, and every topic has its own."""
        names = ["..", "/etc", "con", "🚀", "x" * 300, "NO", "C", "C++", "C#", "1843"]
        for n, name in enumerate(names):
            project.write(f"a{n}", topics=[name], title=f"T{n}", provider=None)
        project.build()
        folders = project.folders() - {""}
        assert len(folders) == len(names)
        assert {"topic/c", "topic/c-plus-plus", "topic/c-sharp", "topic/no", "topic/1843"} <= folders
        assert not list(project.root.glob("*etc*"))
        assert {path.name for path in project.root.iterdir()} == {"config", "news", "out", ".syndicate"}

    def test_a_collision_is_reported(self, project: Project) -> None:
        """With both names, both addresses and what to do."""
        project.write("a", topics=["A B", "A!B"])
        report = project.build()
        [problem] = report.problems
        assert "“A B”, “A!B” would share one address; kept apart as topic/a-b, topic/a-b-" in problem.what

    def test_pairs_and_other_fields(self, project: Project) -> None:
        """``groups: [category, [topic, provider]]``."""
        project.configure(CONFIG + "feeds: {groups: [category, [topic, provider]]}\n")
        project.write("a", category="News & Views", topics=["AI"])
        project.write("b", topics=["AI"])
        project.build()
        assert project.folders() == {
            "", "category/news-and-views", "topic/ai/provider/publisher.example",
        }  # fmt: skip
        feed = project.parsed("topic/ai/provider/publisher.example/feed.atom").feed
        assert feed.title == "AI – Publisher – Test Site"
        # Without provider feeds there is no feed that a source could name.
        assert b"<source" not in b"".join(project.documents().values())

    def test_the_registry_describes_groups(self, project: Project) -> None:
        """Title, description and picture; a topic without articles has its feeds."""
        (project.root / "topics").mkdir()
        (project.root / "topics" / "ai.yaml").write_text(
            "_id: artificial\nname: A.I.\nshortname: AI\ndescription: On thinking\nimages: [/ai.jpg]\n---\n"
        )
        (project.root / "topics" / "empty.yaml").write_text("_id: empty\nname: Empty\n")
        (project.root / "topics" / "broken.yaml").write_text("_id: [x\n")
        (project.root / "orgs").mkdir()
        (project.root / "orgs" / "p.md").write_text(
            "---\nname: The Publisher\ndomain: publisher.example\nimages:\n"
            "  - {url: /small.jpg, width: 50}\n  - {url: /large.jpg, width: 400}\n---\n"
        )
        project.configure(
            CONFIG.replace("roots: [news]", "roots: [news]\n  topics: topics\n  providers: orgs")
        )
        project.write("a", topics=["ai"])
        report = project.build()
        feed = project.parsed("topic/artificial/feed.atom").feed
        assert (feed.title, feed.subtitle, feed.logo) == (
            "A.I. – Test Site", "On thinking", "https://site.example/ai.jpg",
        )  # fmt: skip
        empty = project.parsed("topic/empty/feed.atom")
        assert (empty.entries, empty.feed.updated) == ([], "2020-01-01T00:00:00Z")
        provider = project.json("provider/publisher.example/feed.json")
        assert provider["icon"] == "https://site.example/large.jpg"
        entry = project.json()["items"][0]
        assert (entry["authors"][0]["name"], entry["tags"]) == ("The Publisher", ["A.I."])
        [problem] = report.problems
        assert (problem.path, problem.severity.value) == ("topics/broken.yaml", "warning")

    def test_topics_roll_up_where_configured(self, project: Project) -> None:
        """An article stands in its topics' parents too, to the root; a circle of parents ends."""
        (project.root / "topics").mkdir()
        for name, parent in (("A", ""), ("B", "a"), ("C", "B"), ("X", "Y"), ("Y", "X")):
            (project.root / "topics" / f"{name}.yaml").write_text(f"name: {name}\nparent: {parent}\n")
        text = CONFIG.replace("roots: [news]", "roots: [news]\n  topics: topics")
        project.configure(text)
        project.write("c", title="C", topics=["C"])
        project.write("x", title="X", topics=["X"])
        project.build()
        assert project.titles("topic/a/feed.atom") == project.titles("topic/b/feed.atom") == []
        project.configure(text + "feeds: {rollup: true}\n")
        project.build()
        assert {name: project.titles(f"topic/{name}/feed.atom") for name in "abcxy"} == {
            "a": ["C"], "b": ["C"], "c": ["C"], "x": ["X"], "y": ["X"],
        }  # fmt: skip
        # What the article says of itself stays.
        assert {tag for item in project.json()["items"] for tag in item["tags"]} == {"C", "X"}

    def test_the_commonest_spelling_names_the_feed(self, project: Project) -> None:
        """And the entries' categories."""
        for n, name in enumerate(["ai ethics", "AI Ethics", "AI Ethics"]):
            project.write(f"a{n}", topics=[name])
        project.build()
        assert project.parsed("topic/ai-ethics/feed.atom").feed.title == "AI Ethics – Test Site"
        assert {tag for item in project.json()["items"] for tag in item["tags"]} == {"AI Ethics"}
