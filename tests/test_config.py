"""The config: defaults, and every problem at once, each with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import CONFIG, Project

from syndicate.config import load_config, parse_config
from syndicate.errors import ConfigError
from syndicate.starter import starter


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text.encode(), Path("/p/config/syndicate.yaml"), "syndicate.yaml")
    return [str(problem) for problem in caught.value.problems]


class TestGoodConfigs:
    def test_only_five_keys_are_needed(self) -> None:
        """Everything else has the default that docs/reference.md gives."""
        text = CONFIG.replace("  timezone: America/Los_Angeles\n", "")
        settings = parse_config(text.encode(), Path("/p/config/syndicate.yaml"), "x")
        assert settings.root == Path("/p")
        assert settings.content.roots == (Path("/p/news"),)
        assert settings.output.directory == Path("/p/out")
        assert (settings.site.language, settings.site.timezone) == ("en", "UTC")
        assert settings.feeds.formats == ("rss", "atom", "json")
        assert settings.feeds.groups == (("topic",), ("provider",))
        assert (settings.feeds.limit, settings.feeds.full, settings.output.max_shrink) == (50, True, 0.5)

    def test_paths_start_from_the_configs_own_folder_elsewhere(self) -> None:
        """Where it does not lie in ``config/``."""
        settings = parse_config(CONFIG.encode(), Path("/p/site.yaml"), "x")
        assert settings.root == Path("/p")

    def test_the_starter_is_a_good_one(self) -> None:
        """As ``init`` writes it."""
        settings = parse_config(starter({}).encode(), Path("/p/config/syndicate.yaml"), "x")
        assert settings.publish.targets == ()

    def test_every_commented_key_of_the_starter_is_known(self) -> None:
        """A user who takes a # away gets no error."""
        lines = [
            line.replace("# ", "", 1) if line.startswith("  # ") and ":" in line.split("#")[1] else line
            for line in starter({}).splitlines()
            if not line.startswith("  # subscriber")
        ]
        text = "\n".join(line for line in lines if "A domain and a date" not in line)
        settings = parse_config(text.encode(), Path("/p/config/syndicate.yaml"), "x")
        assert settings.feeds.min_quality == 50
        assert settings.site.author == "The editors"

    def test_the_commented_publish_section_is_a_good_one(self) -> None:
        """In the starter and in the repository's own config."""
        own = (Path(__file__).parent.parent / "config" / "syndicate.yaml").read_text(encoding="utf-8")
        for text in (starter({}), own):
            before, marker, section = text.partition("# publish:\n")
            assert marker
            lines = [line.removeprefix("# ") for line in section.splitlines()]
            settings = parse_config(
                "\n".join([before, "publish:", *lines]).encode(), Path("/p/config/syndicate.yaml"), "x"
            )
            assert [target.bucket for target in settings.publish.targets] == ["feeds-bucket"]
            assert settings.publish.purge[0].token == "PURGE_TOKEN"
            assert settings.publish.max_delete == 256


class TestProblems:
    def test_all_are_reported_at_once(self) -> None:
        """Missing, unknown, of the wrong kind: each with line, column, key path and help."""
        found = problems(
            "site:\n  titel: X\n  url: here\n  tag: nobody\n  timezone: Europe/Pari\n"
            "content:\n  roots: []\n  preset: jekyl\nfeeds:\n  limit: many\n  formats: [rss, xml]\nouput: {}\n"
        )
        assert [problem.replace(": error: ", " ") for problem in found] == [
            "syndicate.yaml:1:1 site.feeds_url: missing (add `feeds_url:` to the section site)",
            "syndicate.yaml:1:1 site.title: missing (add `title:` to the section site)",
            "syndicate.yaml:2:3 site.titel: unknown key (did you mean title?)",
            "syndicate.yaml:3:3 site.url: not an absolute http(s) URL (mend the value)",
            "syndicate.yaml:4:3 site.tag: not a domain and a date it was yours, such as example.org,2020"
            " (mend the value)",
            "syndicate.yaml:5:3 site.timezone: Europe/Pari is no time zone; did you mean Europe/Paris?"
            " (mend the value)",
            "syndicate.yaml:7:3 content.roots: missing (add `roots:` with at least one item)",
            "syndicate.yaml:8:3 content.preset: jekyl is not known (did you mean jekyll?)",
            "syndicate.yaml:10:3 feeds.limit: many is no whole number from 1 to 10000 (mend it)",
            "syndicate.yaml:11:3 feeds.formats: xml is no format (use rss, atom, json)",
            "syndicate.yaml:12:1 ouput: unknown key (did you mean output?)",
        ]

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("feeds: {groups: topic}", "feeds.groups: not a list"),
            ("feeds: {groups: [[a, b, c]]}", "feeds.groups: an item is no field and no pair"),
            ("feeds: {groups: [secured]}", "feeds.groups: secured is never published"),
            ("feeds: {groups: [../x]}", "feeds.groups: an item is no field and no pair"),
            ("feeds: [x]", "feeds: not a section"),
            ("output: {directory: [x]}", "output.directory: not one text"),
            ("feeds: {max_bytes: 10}", "feeds.max_bytes: 10 is no whole number"),
            ("output: {max_shrink: 2}", "output.max_shrink: 2 is no share from 0 to 1"),
            ("output: {compress: [zip]}", "output.compress: zip is no compression"),
        ],
    )
    def test_of_one_value(self, line: str, problem: str) -> None:
        """Each names its key path."""
        [found] = problems(CONFIG + line + "\n")
        assert problem in found

    def test_a_field_without_a_key(self) -> None:
        """Nothing could ever fill it."""
        [found] = problems(CONFIG.replace("roots: [news]", "roots: [news]\n  fields: {title: []}"))
        assert "content.fields.title: missing" in found

    def test_broken_yaml(self) -> None:
        """With its line."""
        [found] = problems("site:\n  title: [x\n")
        assert found.startswith("syndicate.yaml:3:1: error: config: broken YAML")

    def test_a_tag_with_an_impossible_date(self) -> None:
        """RFC 4151 wants a date that was."""
        assert "its date is none" in problems(CONFIG.replace("site.example,2020", "site.example,2020-13"))[0]

    def test_no_config(self, tmp_path: Path) -> None:
        """The message says what would write one."""
        with pytest.raises(ConfigError, match="syndicate init"):
            load_config(tmp_path / "none.yaml")

    def test_a_registry_that_is_not_there(self, project: Project) -> None:
        """A failed mount must not rename every topic."""
        project.write("a")
        project.configure(CONFIG.replace("[news]", "[news]\n  topics: gone"))
        with pytest.raises(ConfigError, match=r"content\.topics"):
            project.build()
