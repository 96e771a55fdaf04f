"""``syndicate init``: a config for the site that it finds, which works as it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import CONFIG, Project, article
from test_cli import outcome, run

import syndicate
from syndicate.keys import KEYS
from syndicate.starter import starter

POST = "---\ntitle: {title}\ndate: {date}\ntags: [sea]\n---\nText.\n"


def site(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def initialised(root: Path) -> tuple[syndicate.Settings, list[tuple[str, str]], str]:
    """The settings that ``init`` wrote, link and title of each entry of the feed that ``build`` makes of them, what was said."""
    result = run(root, "init")
    assert (result.returncode, result.stderr) == (0, "")
    assert outcome(run(root, "build")) == (0, "", "")
    items: list[dict[str, Any]] = json.loads((root / "out" / "feed.json").read_text(encoding="utf-8"))[
        "items"
    ]
    return (
        syndicate.load_config(root / "config" / "syndicate.yaml"),
        [(i["url"], i["title"]) for i in items],
        result.stdout,
    )


class TestJekyll:
    FILES: Mapping[str, str] = {
        "_config.yml": (
            "title: \"Anna's notes: sea & shore\"\nemail: anna@shore.example\ndescription: >-\n  About\n  the sea\n"
            "url: https://shore.example\nbaseurl: /notes\nlang: en_GB\ntimezone: Europe/London\nauthor: Anna\npermalink: pretty\ntheme: minima\n"
        ),
        "_posts/2026-01-05-welcome.markdown": POST.format(title="Welcome", date="2026-01-05 10:00:00 +0000"),
        "_posts/2026-02-05-tides.md": "---\ntitle: Tides\ncategories: [Sea]\n---\nText.\n",
        "about.markdown": "---\nlayout: page\ntitle: About\n---\nMe.\n",
        "index.markdown": "---\nlayout: home\n---\n",
        "_drafts/later.md": "---\ntitle: Later\n---\n",
    }  # fmt: skip

    def test_its_config_is_taken_over(self, tmp_path: Path) -> None:
        """Title, address, description, language, zone, author, and where posts stand."""
        settings, items, said = initialised(site(tmp_path, self.FILES))
        assert items == [
            ("https://shore.example/notes/sea/2026/02/05/tides/", "Tides"),
            ("https://shore.example/notes/2026/01/05/welcome/", "Welcome"),
        ]
        assert (settings.site.title, settings.site.description) == (
            "Anna's notes: sea & shore",
            "About the sea",
        )
        assert (settings.site.url, settings.site.feeds_url) == (
            "https://shore.example/notes/",
            "https://shore.example/notes/feeds/",
        )
        assert (settings.site.language, settings.site.timezone) == ("en-GB", "Europe/London")
        assert (settings.site.author, settings.site.author_email) == ("Anna", "anna@shore.example")
        assert settings.site.tag.startswith("shore.example,20")
        assert "wrote config/syndicate.yaml for a site of Jekyll\n" in said
        assert "its articles: 2 files, 2 to publish, 0 errors, 0 warnings\n" in said
        assert "exclude: [config, out]" in said
        assert "  syndicate check " in said

    @pytest.mark.parametrize(
        ("style", "path"),
        [
            ("date", "sea/2026/02/05/tides.html"),
            ("ordinal", "sea/2026/036/tides.html"),
            ("none", "sea/tides.html"),
            ("/blog/:i_month/:title:output_ext", "blog/2/tides.html"),
        ],
    )
    def test_its_permalinks(self, tmp_path: Path, style: str, path: str) -> None:
        """As Jekyll 4.3 writes them for the same file."""
        files = {**self.FILES, "_config.yml": f"url: https://shore.example\npermalink: {style}\n"}
        _, items, _ = initialised(site(tmp_path, files))
        assert items[0] == (f"https://shore.example/{path}", "Tides")

    def test_a_permalink_without_an_equal_is_said(self, tmp_path: Path) -> None:
        """Weeks are nothing that we have."""
        files = {**self.FILES, "_config.yml": "permalink: weekdate\n"}
        _, _, said = initialised(site(tmp_path, files))
        assert "  - set content.permalink: “weekdate” of _config.yml has no equal here\n" in said
        assert "  - set site.url " in said

    def test_collections_of_links(self, tmp_path: Path) -> None:
        """Articles that have their links, in a collection, with registries."""
        files = {
            "_config.yml": "title: News\nurl: https://news.example\ncollections:\n  news:\n    output: true\n",
            "_news/2026-01-01-a.md": article(),
            "_data/topics/ai.yaml": "name: AI\n_id: artificial\n",
            "_data/organizations/p.md": "---\nname: P\ndomain: publisher.example\n---\n",
            "_layouts/default.md": "x",
        }
        settings, items, _ = initialised(site(tmp_path, files))
        assert items == [("https://publisher.example/a", "A title")]
        assert (settings.content.preset, [path.name for path in settings.content.roots]) == (
            "smartable",
            ["_news"],
        )
        assert (tmp_path / "out" / "topic" / "artificial" / "feed.rss").exists()


class TestHugo:
    FILES: Mapping[str, str] = {
        "hugo.toml": (
            "baseURL = 'https://Shore.example/'\nlanguageCode = 'de-ch'\ntitle = 'Das Ufer'\ncopyright = '© Anna'\ntimeZone = 'Europe/Zurich'\n"
            "[params]\nDescription = 'Vom Meer'\n[params.author]\nname = 'Anna'\nemail = 'anna@shore.example'\n"
        ),
        "archetypes/default.md": "+++\ndate = '{{ .Date }}'\ndraft = true\n+++\n",
        "content/_index.md": "---\ntitle: Home\n---\n",
        "content/about.md": "---\ntitle: About\n---\nMe.\n",
        "content/posts/_index.md": "---\ntitle: Posts\n---\n",
        "content/posts/My Tides.md": "+++\ntitle = 'Ebbe'\ndate = 2026-02-05T10:00:00+01:00\ntags = ['Meer']\n+++\nText.\n",
        "content/posts/welcome/index.md": POST.format(title="Willkommen", date="2026-01-05"),
        "content/posts/draft.md": "+++\ntitle = 'D'\ndate = 2026-02-05\ndraft = true\n+++\n",
    }  # fmt: skip

    def test_its_config_is_taken_over(self, tmp_path: Path) -> None:
        """Only the section that holds articles; pages without a date are none."""
        settings, items, said = initialised(site(tmp_path, self.FILES))
        assert items == [
            ("https://shore.example/posts/my-tides/", "Ebbe"),
            ("https://shore.example/posts/welcome/", "Willkommen"),
        ]
        assert settings.content.include == ("posts/**/*.md",)
        found = settings.site
        assert (found.title, found.language, found.timezone) == ("Das Ufer", "de-ch", "Europe/Zurich")
        assert (found.description, found.copyright, found.author) == ("Vom Meer", "© Anna", "Anna")
        assert "for a site of Hugo\n" in said

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("config.yaml", "baseURL: https://shore.example/\ntitle: T\npermalinks:\n  page:\n    posts: /:year/:contentbasename/\n"),
            ("hugo.json", '{"baseURL": "https://shore.example/", "title": "T", "permalinks": {"posts": "/:year/:filename/"}}'),
            ("config/_default/hugo.toml", "baseurl = 'https://shore.example/'\ntitle = 'T'\n[permalinks]\nposts = '/:year/:filename/'\n"),
        ],
    )  # fmt: skip
    def test_other_places_and_forms(self, tmp_path: Path, name: str, text: str) -> None:
        """All that Hugo reads; keys in any case; the permalinks of the one section."""
        files = {key: value for key, value in self.FILES.items() if key != "hugo.toml"}
        _, items, _ = initialised(site(tmp_path, {**files, name: text}))
        assert ("https://shore.example/2026/welcome/", "Willkommen") in items


class TestEleventy:
    def test_its_data_is_taken_over(self, tmp_path: Path) -> None:
        """From a module that is not run, and the folder that its config names."""
        files = {
            "eleventy.config.js": "export const config = {\n  dir: {\n    input: \"content\", // default\n    data: '../_data',\n  },\n};\n",
            "_data/metadata.js": (
                'export default {\n  title: "Shore notes",\n  url: "https://shore.example/",\n  language: "en",\n'
                '  description: "Of the sea",\n  author: {\n    name: "Anna",\n    email: "anna@shore.example",\n    url: "https://a.example/"\n  }\n}\n'
            ),
            "package.json": '{"name": "x", "homepage": "https://elsewhere.example/"}',
            "content/blog/first.md": POST.format(title="First", date="2026-01-05"),
            "content/about.md": "---\ntitle: About\n---\n",
        }
        settings, items, said = initialised(site(tmp_path, files))
        assert items == [("https://shore.example/blog/first/", "First")]
        assert (settings.site.title, settings.site.description, settings.site.author) == (
            "Shore notes",
            "Of the sea",
            "Anna",
        )
        assert settings.site.url == "https://shore.example/"
        assert "for a site of Eleventy\n" in said

    def test_in_the_folder_itself(self, tmp_path: Path) -> None:
        """Then out/ would be a part of the site."""
        files = {
            ".eleventy.js": "module.exports = function () {};\n",
            "_data/site.json": '{"title": "T", "url": "https://shore.example"}',
            "posts/2026-01-05-first.md": "---\ntitle: First\n---\n",
            "README.md": "# Not an article\n",
            "node_modules/x/posts/2026-01-05-x.md": "---\ntitle: X\n---\n",
        }
        _, items, said = initialised(site(tmp_path, files))
        assert items == [("https://shore.example/posts/2026-01-05-first/", "First")]
        assert ".eleventyignore" in said


class TestOthers:
    def test_folders_of_articles_with_registries(self, tmp_path: Path) -> None:
        """Without a generator's config: the address is a placeholder, which is said."""
        files = {"_news/a.md": article(), "_data/topics/ai.yaml": "name: AI\n"}
        settings, items, said = initialised(site(tmp_path / "sea-news", files))
        assert items == [("https://publisher.example/a", "A title")]
        assert settings.site.title == "Sea news"
        assert "  - set site.url to the address where people read the site" in said

    def test_plain_markdown(self, tmp_path: Path) -> None:
        """With dates and titles: the site's own articles."""
        _, items, said = initialised(
            site(tmp_path, {"posts/a.md": POST.format(title="A", date="2026-01-01")})
        )
        assert items == [("https://example.org/a/", "A")]
        assert "  - set content.permalink to where the site has its articles\n" in said

    def test_nothing(self, tmp_path: Path) -> None:
        """A config to fill in, which says so."""
        result = run(tmp_path, "init")
        assert result.returncode == 0
        assert "  - set content.roots to the folder that holds the articles\n" in result.stdout
        assert (tmp_path / "config" / "syndicate.yaml").exists()

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("_config.yml", "title: [\n"),
            ("_config.yml", "- a\n"),
            ("_config.yml", 'title: "a\\n\\"b\\" # c: \\e[2J"\nurl: javascript:alert(1)\ntimezone: Mars/Sea\nlang: "?"\nauthor: [a]\n'),
            ("hugo.toml", "title = \n"),
            ("hugo.toml", "title = 3\nbaseURL = '/'\nparams = 1\nauthor = []\ncontentDir = '../..'\npermalinks = 'x'\n"),
            ("hugo.json", "[" * 100_000),
            ("package.json", "{}"),
            (".eleventy.js", "dir: { input: '../../etc' }"),
            (".eleventy.js", "input: '/etc'"),
        ],
    )  # fmt: skip
    def test_hostile_and_broken_configs(self, tmp_path: Path, name: str, text: str) -> None:
        """Still a config that can be loaded, in one run, and nothing printed that moves a cursor."""
        root = site(tmp_path / "s", {name: text, "_posts/2026-01-05-a.md": "---\ntitle: A\n---\n"})
        result = run(root, "init")
        assert (result.returncode, result.stderr) == (0, "")
        assert "\x1b" not in result.stdout
        settings = syndicate.load_config(root / "config" / "syndicate.yaml")
        assert all(path.is_relative_to(root) for path in settings.content.roots)

    def test_never_overwrites(self, project: Project) -> None:
        """Nor does it follow a symbolic link to write elsewhere."""
        result = run(project.root, "init")
        assert result.returncode == 2
        assert "never overwritten" in result.stderr
        assert (project.root / "config" / "syndicate.yaml").read_text() == CONFIG


class TestStarter:
    def test_every_key_stands_in_it(self) -> None:
        """As a value, a comment, or an item of a list."""
        text = starter({})
        for key in KEYS:
            name = key.path.rpartition(".")[2]
            assert f" {name}:" in text or f" {name}," in text or re.search(rf"also .*\b{name}\b", text), (
                key.path
            )

    def test_it_loads_with_every_comment_taken_off(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What stands behind a # is right too, apart from what stands twice."""
        monkeypatch.setenv("PURGE_TOKEN", "x")
        lines = starter({}).splitlines()
        text = "\n".join(
            line.replace("# ", "", 1)
            if line.lstrip().startswith("# ") and ":" in line.split("#")[1]
            else line
            for line in lines[4:]
        )
        settings = syndicate.config.parse_config(text.encode(), tmp_path / "syndicate.yaml", "syndicate.yaml")
        assert settings.publish.targets[0].bucket == "feeds-bucket"
        assert settings.feeds.limit == 50
