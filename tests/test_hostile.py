"""Hostile input: whatever a file, a config or a URL holds, no exception, no rule broken, no text changed, no bound passed."""

from __future__ import annotations

import html
import json
import os
import re
import resource
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import feedparser
import pytest
from conftest import Project, article
from conftest import reading as read
from fuzzing import SECRET, TARGETS, cleaned, documents_of, front_matter, full_article, one_input, settings_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syndicate.articles.presets import PRESETS
from syndicate.errors import Problem, Severity, SyndicateError, printable

KEYS = sorted({key for preset in PRESETS.values() for keys in preset.fields.values() for key in keys})
# Beside any text: what means something to a parser somewhere on the way.
PIECES = (
    "&", "&amp;", "&lt;", "&#8217;", "&#0;", "&#x1b;", "&nbsp", "<b>", "</title>", "<script>", "]]>", "<![CDATA[", "<!--", "-->", "<?x?>",
    "\\", "'", '"', "%", "%zz", "\x00", "\x1b[2J", "\r\n", "\u2028", "\u0085", "\ufeff", "\ufffe", "\u202e", "\U0001f469\u200d\U0001f52c", "e\u0301",
    "http://", "javascript:", "//", "../", "tag:", "{{ x }}", "{% y %}", "---", "*", "[a](b)", "---\n", "worldâ€™s", "١٢", "𝒳", "\ud800",
)  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=8).map("".join)
ENCODABLE = TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
PLAIN = st.text(max_size=20)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXTS, st.sampled_from(["2026-01-02", "https://a.example/b", "x"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["title", "name", "url", "webUrl", "domain", "images", "width", "provider"]), inner, max_size=4),
    ),
    max_leaves=8,
)  # fmt: skip
MANY = settings(max_examples=400, deadline=None, derandomize=True)


def right(text: str) -> str:
    """What a reader shows of ``text``: references decoded once, what XML may not hold taken out, NFC, one line."""
    allowed = "".join(
        character
        for character in html.unescape("".join(filter(_stays, text)))
        if _stays(character)
    )  # fmt: skip
    return " ".join(unicodedata.normalize("NFC", allowed).split())


def _stays(character: str) -> bool:
    if character in "\t\n\r":
        return True
    point = ord(character)
    nothing = 0xFDD0 <= point <= 0xFDEF or point in (0xFFFE, 0xFFFF)
    return unicodedata.category(character) not in ("Cc", "Cs") and not nothing


class TestAnyText:
    """Whatever text stands in a field, readers show just that."""

    @pytest.mark.parametrize("ending", ["rss", "atom"])
    @given(text=ENCODABLE)
    @example(text='a <b> & "c" &amp;lt; d')
    @MANY
    def test_comes_back_from_feedparser(self, ending: str, text: str) -> None:
        """Title, excerpt, author, topic, related item and picture, in both formats."""
        shown = right(text)
        document = documents_of(_plain(text), fix_encoding=False).get(f"feed.{ending}")
        assert (document is None) == (not shown)
        if document is None:
            return
        feed = feedparser.parse(document, sanitize_html=False, resolve_relative_uris=False)
        assert not feed.bozo, feed.bozo_exception
        [entry] = feed.entries
        found = {
            "title": entry.title,
            "excerpt": entry.summary,
            "author": entry.author,
            "topic": next(tag.label or tag.term for tag in entry.tags),
            "related": next(link.title for link in entry.links if link.rel == "related"),
        }
        assert {name: " ".join(value.split()) for name, value in found.items()} == dict.fromkeys(found, shown)

    @given(text=ENCODABLE)
    @MANY
    def test_comes_back_from_json(self, text: str) -> None:
        """The same in JSON Feed."""
        shown = right(text)
        documents = documents_of(_plain(text), fix_encoding=False)
        if shown:
            [item] = json.loads(documents["feed.json"])["items"]
            found = [
                item["title"],
                item["summary"],
                item["authors"][0]["name"],
                item["tags"][0],
                item["_syndicate"]["related"][0]["title"],
            ]
            assert [" ".join(value.split()) for value in found] == [shown] * 5


def _plain(text: str) -> bytes:
    """An article with ``text`` in what people read, and nothing unusual elsewhere."""
    link = "https://publisher.example/a"
    fields = {
        "title": text, "excerpt": text, "author": text, "topics": [text], "publishedDateTime": "2026-01-02T03:04:05Z", "webUrl": link,
        "provider": {"name": text, "domain": "publisher.example"}, "related": [{"title": text, "webUrl": link + "/r"}],
    }  # fmt: skip
    return front_matter(fields)


class TestAnyBytes:
    """An article or a problem, and every document keeps the rules."""

    @given(
        st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=10),
        st.sampled_from(sorted(PRESETS)),
        ENCODABLE,
    )
    @MANY
    def test_in_front_matter(self, fields: dict[str, Any], preset: str, body: str) -> None:
        """Of any shape, in any field, for every preset."""
        usual = {"title": "T", "date": "2026-01-02", "webUrl": "https://a.example/", "secured": SECRET}
        documents_of(front_matter({**usual, **fields}) + body.encode(), preset)

    @given(ENCODABLE, ENCODABLE)
    @MANY
    def test_in_every_field_at_once(self, text: str, other: str) -> None:
        """Also those that say where and when."""
        documents_of(full_article(text, other))

    @given(st.binary(max_size=300), st.sampled_from(range(len(TARGETS))))
    @MANY
    def test_in_any_place(self, data: bytes, target: int) -> None:
        """Articles, HTML, Markdown, configs and URLs."""
        one_input(bytes([target]) + data)

    @given(st.lists(st.sampled_from(["<p>", "</p>", "<b>", "<a href='", "'>", "<img src=", " onerror=x", ">", "<iframe src='//a.example/'>", "<svg>",
                                     "<style>", "</style>", "<math>", "<table><td>", "&lt;", "javascript:x", "<!--", "]]>", "\x00", "ü"]), max_size=14))  # fmt: skip
    @MANY
    def test_in_html(self, pieces: list[str]) -> None:
        """Tags that were never closed, or never opened."""
        documents_of(full_article("T", html="".join(pieces)))


class TestAnyConfig:
    @given(
        st.dictionaries(
            st.sampled_from(["site", "content", "feeds", "output", "publish", "x"]),
            st.one_of(
                VALUES,
                st.dictionaries(
                    st.sampled_from(["title", "url", "feeds_url", "tag", "timezone", "language", "icon", "roots", "fields", "defaults", "include",
                                     "permalink", "shared_domains", "formats", "groups", "limit", "max_bytes", "archive", "directory", "compress",
                                     "max_shrink", "targets", "headers", "purge", "hub", "cache_control", "deadline"]),
                    st.one_of(VALUES, PLAIN, st.lists(st.dictionaries(st.sampled_from(["url", "kind", "token", "match", "id", "by"]), PLAIN), max_size=2)),
                    max_size=6,
                ),
            ),
            max_size=5,
        )
    )  # fmt: skip
    @MANY
    def test_is_settings_or_problems(self, config: dict[str, Any]) -> None:
        """Each with its place; no other exception."""
        settings_of(json.dumps(config).encode())


class TestAnyUrl:
    @given(st.lists(st.one_of(st.sampled_from(["http://", "HTTPS://", "a.example", ":", "80", "/", "..", "?", "#", "@", "[::1]", "ü", "%", "%2f",
                                               "&amp;", "&#38;", "\t", " ", "\\", "xn--", "\x01", ";"]), st.text(max_size=4)), max_size=10).map("".join))  # fmt: skip
    @MANY
    def test_is_a_uri_or_none(self, written: str) -> None:
        """And cleaning a clean one changes nothing."""
        cleaned(written)


class TestFindings:
    """What fuzzing found, each mended."""

    def test_a_reference_that_shows_only_without_a_control_character(self) -> None:
        """XML drops the control character, so that the next reader would have decoded what was left."""
        assert cleaned("http://a.example/?x&am\x01p;y") == "http://a.example/?x&y"
        assert cleaned("http://a.example/?x&\x01\x00amp;y") == "http://a.example/?x&y"

    def test_a_reference_that_was_encoded_twice(self) -> None:
        """What was decoded means itself; a hostile depth is refused, and does not take for ever."""
        assert cleaned("http://a.example/?x&amp;amp;y") == "http://a.example/?x&y"
        assert cleaned("http://a.example/?x&" + "amp;" * 500_000) is None

    def test_a_parameter_that_looks_like_a_reference(self) -> None:
        """Without a semicolon it is none, as in attributes of HTML."""
        assert cleaned("http://a.example/?a=1&copy=2&amp;lt=3") == "http://a.example/?a=1&copy=2&lt=3"

    def test_a_url_that_grows_too_long_when_it_is_encoded(self) -> None:
        """The bound is that of the URL which documents hold."""
        assert (
            cleaned("http://a.example/" + "ü" * 1_000) is None
            or len(cleaned("http://a.example/" + "ü" * 1_000) or "") <= 4_096
        )
        assert cleaned("http://a.example/" + "ü" * 700) is None
        assert cleaned("http://a.example/" + "ü" * 600) == "http://a.example/" + "%C3%BC" * 600

    def test_a_problem_that_would_turn_a_terminals_line(self) -> None:
        """Characters of direction and of control are shown as escapes, in messages and in names of files."""
        problem = Problem(
            "news/a\x1b[2J\n.md", 1, 2, Severity.ERROR, "date", "“\u202e31-12\u2066” is no date"
        )
        assert str(problem) == (
            "news/a\\x1b[2J\\n.md:1:2: error: date: “\\u202e31-12\\u2066” is no date"
        )  # fmt: skip
        assert str(SyndicateError("cannot write", "a\rb")) == "cannot write: a\\rb"
        assert printable("“Ünïcode” – 日本語 \u070e") == "“Ünïcode” – 日本語 \u070e"

    def test_a_number_beside_a_control_character_that_counts_as_space(self) -> None:
        """Some of Python's functions take U+001D for white space, and some do not."""
        reading = read(article(quality="\x1d3"))
        assert (reading.quality, reading.problems) == (3, ())

    def test_a_problem_as_long_as_its_value(self) -> None:
        """Domains and hosts are shortened, as other values are."""
        for fields in (
            {"provider": {"name": "P", "domain": "x " * 5_000}},
            {"webUrl": "http://" + "ü" * 5_000},
        ):
            documents_of(article(**fields).encode())  # looks at each problem's length


HUGE = {
    "quotes": "> " * 20_000 + "a",
    "lists": "\n".join("  " * depth + "- a" for depth in range(2_000)),
    "brackets": "[" * 50_000,
    "links": "[a](" * 20_000,
    "stars": "*a **b " * 20_000,
    "backticks": " ".join("`" * length for length in range(1, 1_200)),
    "tables": "|a" * 500 + "\n" + "|-" * 500 + "\n" + ("|b" * 500 + "\n") * 200,
    "references": "".join(f"[{n}]: /{n}\n" for n in range(20_000)) + "[1] " * 20_000,
    "entities": "&amp;" * 100_000,
    "divs": "<div>" * 50_000,
    "tags": "<a b='" * 50_000,
    "comments": "<!--" * 100_000,
    "attributes": "<p " + " ".join(f"a{n}=b" for n in range(50_000)) + ">",
    "formatting": "<b><i><p>" * 20_000,
    "autolinks": "<http://a" * 50_000,
    "line": "a" * 2_000_000,
    "blanks": " " * 2_000_000,
    "nulls": "\x00" * 1_000_000,
}  # fmt: skip
_BOUNDED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
sys.path.insert(0, {repository!r})
from pathlib import Path
from datetime import UTC, datetime
import syndicate
report = syndicate.build(syndicate.load_config(Path("config/syndicate.yaml")), now=datetime(2026, 6, 1, tzinfo=UTC))
print(report.articles, report.errors)
# Not what getrusage says, which counts what the parent held when it made this process.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""


class TestBounds:
    """No input takes more time than a run may, or more memory than a run has."""

    @pytest.mark.parametrize("name", sorted(HUGE))
    @pytest.mark.parametrize("place", ["body", "featuredContent"])
    def test_a_huge_text_is_an_article_or_a_problem(self, project: Project, name: str, place: str) -> None:
        """The other article is published; 20 seconds and 512 MB are many times what each takes."""
        project.write("good")
        if place == "body":
            content = article(featuredContent=None).encode() + HUGE[name].encode()
        else:
            content = article(featuredContent=HUGE[name]).encode()
        project.write("huge", content)
        memory = _built(project, articles={1, 2})
        assert memory < 512 << 10  # KiB

    @pytest.mark.parametrize(
        "front",
        [
            "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)),
            "x: " + "[" * 100_000,
            "x: " + "{a: " * 100_000,
            "x:\n" + "".join(" " * n + "- \n" for n in range(1, 1_500)),
            "x: &x [*x]",
            "".join(f"k{n}: v\n" for n in range(100_000)),
            "x: !!python/object/apply:os.system [touch owned]",
            "? " * 50_000,
            "x: |\n" + "  a\n" * 400_000,
            "x: '" + "''" * 500_000 + "'",
        ],
        ids=["laughs", "brackets", "braces", "blocks", "itself", "keys", "code", "questions", "lines", "quotes"],
    )  # fmt: skip
    def test_hostile_yaml(self, project: Project, front: str) -> None:
        """Bombs, depth, loops and code."""
        project.write("good")
        project.write(
            "bomb",
            f"---\ntitle: T\npublishedDateTime: 2026-01-01\nwebUrl: https://a.example/x\n{front}\n---\n",
        )
        assert _built(project, articles={1, 2}) < 512 << 10
        assert not list(project.root.rglob("owned"))

    def test_nothing_is_written_outside_out(self, project: Project) -> None:
        """Whatever names, domains, slugs and ids try."""
        before = set(project.root.rglob("*"))
        hostile = [
            "../../etc",
            "/etc/passwd",
            "..",
            ".",
            "C:\\x",
            "con",
            "a/../../b",
            "\x00",
            "~",
            "$HOME",
            "a" * 5_000,
            ".syndicate",
            "%2e%2e",
        ]
        for number, name in enumerate(hostile):
            project.write(
                f"n{number}", topics=[name], provider={"name": name, "domain": name}, id=name, slug=name, title=f"T{number}"
            )  # fmt: skip
        project.configure(
            (project.root / "config" / "syndicate.yaml").read_text()
            + "feeds: {groups: [topic, provider, slug, [topic, provider]]}\n"
        )
        articles = set(project.root.rglob("*.md"))
        _built(project, articles=set(range(len(hostile) + 1)))
        new = set(project.root.rglob("*")) - before - articles
        below = [path.relative_to(project.root).parts[0] for path in new]
        assert set(below) == {"out", ".syndicate"}
        assert all(not path.is_symlink() for path in new)


def _built(project: Project, *, articles: set[int]) -> int:
    """Build in a process of its own, with bounds; gives the most memory it took, in KiB."""
    result = subprocess.run(
        [sys.executable, "-c", _BOUNDED.format(repository=str(Path(__file__).parent.parent))], cwd=project.root,
        capture_output=True, text=True, timeout=20, check=False, env={**os.environ, "PYTHONHASHSEED": "1"},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-2_000:]
    assert result.stderr == ""
    counts, memory = result.stdout.splitlines()
    found = re.fullmatch(r"(\d+) (\d+)", counts)
    assert found
    assert int(found[1]) in articles
    assert resource.RLIMIT_AS
    return int(memory)
