"""Front matter: three kinds, strings with positions, and everything that can be wrong with it."""

from __future__ import annotations

import pytest

from syndicate.articles.frontmatter import FrontMatterError, decode, split


def fails(text: str | bytes) -> FrontMatterError:
    with pytest.raises(FrontMatterError) as caught:
        split(decode(text.encode() if isinstance(text, str) else text)[0])
    return caught.value


class TestScalars:
    @pytest.mark.parametrize(
        "written",
        ["NO", "1843", "3.10", "007", "2021-01-25", "0x1F", "1e5", ".5", "1.", "1_000", "true", "+1",
         "12:30:45", "Null", "NULL", ".inf", "=", "0o14"],
    )  # fmt: skip
    def test_stay_as_they_were_written(self, written: str) -> None:
        """YAML 1.1 would make a boolean, a number or a date of each."""
        assert split(f"---\nkey: {written}\nitems: [{written}]\n---\n").values == {
            "key": written,
            "items": [written],
        }

    @pytest.mark.parametrize("written", ["", "~", "null"])
    def test_nothing_is_none(self, written: str) -> None:
        """An empty value is no text."""
        assert split(f"---\nkey: {written}\n---\n").values == {"key": None}

    def test_quoted_text_is_never_nothing(self) -> None:
        """Quotes say that text is meant."""
        assert split("---\na: \"null\"\nb: '~'\n---\n").values == {"a": "null", "b": "~"}


class TestKinds:
    def test_yaml(self) -> None:
        """The block ends at the next line of three hyphens; the rest is the body."""
        front = split("---\ntitle: T\n---\nBody\n")
        assert (front.values, front.body) == ({"title": "T"}, "Body\n")

    def test_toml(self) -> None:
        """TOML's typed values become the text that a person wrote."""
        front = split("+++\ntitle = 'T'\nn = 7\nx = 3.10\nb = true\nd = 2021-01-25T07:02:00Z\n+++\nB")
        assert front.values == {
            "title": "T",
            "n": "7",
            "x": "3.10",
            "b": "true",
            "d": "2021-01-25 07:02:00+00:00",
        }
        assert front.body == "B"

    def test_json(self) -> None:
        """A JSON object at the head; the body begins behind it."""
        front = split('{"title": "T", "n": 1.50, "b": false, "x": null}\nBody')
        assert front.values == {"title": "T", "n": "1.50", "b": "false", "x": None}
        assert front.body == "Body"


class TestPlaces:
    def test_yaml_values_are_found(self) -> None:
        """Line and column are the file's, from 1."""
        front = split("---\ntitle: T\nimages:\n  - url: u\n    width: w\n---\n")
        assert front.locate(("title",)) == (2, 8)
        assert front.locate(("images", 0, "width")) == (5, 12)

    def test_a_missing_step_gives_its_parent(self) -> None:
        """The nearest value above is better than the head of the file."""
        assert split("---\na:\n  b: c\n---\n").locate(("a", "nothing")) == (3, 3)

    def test_toml_values_are_found_by_their_key(self) -> None:
        """TOML's reader keeps no positions: the key's line is searched."""
        assert split("+++\na = 1\n[image]\n  url = 'x'\n+++\n").locate(("image", "url")) == (4, 9)

    def test_json_values_are_found(self) -> None:
        """JSON is YAML enough for its positions."""
        assert split('{\n  "a": 1,\n  "b": "x"\n}\n').locate(("b",)) == (3, 8)


class TestFaults:
    def test_no_front_matter(self) -> None:
        """Text alone is no article."""
        error = fails("Just text.\n")
        assert (error.line, error.what) == (1, "no front matter")

    def test_empty(self) -> None:
        """White space alone counts as empty."""
        assert fails(" \n\n").what == "the file is empty"

    @pytest.mark.parametrize("fence", ["---", "+++"])
    def test_not_closed(self, fence: str) -> None:
        """The block must end before the file does."""
        assert fails(f"{fence}\ntitle: T\n").what == "the front matter is not closed"

    def test_broken_yaml_names_the_files_line(self) -> None:
        """The third line of the block is the fourth of the file."""
        error = fails("---\ntitle: T\nexcerpt: E\nwebUrl: [a, b\nx: y\n---\n")
        assert "broken YAML" in error.what
        assert error.line == 5

    def test_broken_toml_names_the_files_line(self) -> None:
        """The same for TOML."""
        error = fails("+++\na = 1\nb = = 2\n+++\n")
        assert (error.line, error.column) == (3, 5)

    def test_broken_json_names_the_files_line(self) -> None:
        """The same for JSON."""
        assert fails('{\n "a": 1,\n "b" 2\n}').line == 3

    def test_not_utf8_names_the_byte(self) -> None:
        """Latin-1's é in the second line, tenth byte."""
        error = fails(b"---\ntitle: Caf\xe9\n---\n")
        assert (error.line, error.column) == (2, 11)
        assert "0xE9 is not UTF-8" in error.what

    @pytest.mark.parametrize("text", ["---\na: 1\nb: 2\na: 3\n---\n", "---\nx:\n  a: 1\n  a: 2\n---\n"])
    def test_duplicate_keys(self, text: str) -> None:
        """The last would win in silence, whichever was meant."""
        error = fails(text)
        assert (error.line, error.what) == (4, "the key a is there twice")

    def test_duplicate_keys_in_json(self) -> None:
        """JSON's reader keeps the last in silence, too."""
        assert fails('{"a": 1, "a": 2}').what == "the key a is there twice"

    def test_tags_run_no_code(self) -> None:
        """A tag is refused with its place."""
        error = fails("---\na: 1\nb: !!python/object/apply:os.system ['true']\n---\n")
        assert error.line == 3
        assert "is not allowed" in error.what

    @pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
    @pytest.mark.parametrize("depth", [40, 3_000, 100_000])
    def test_deep_nesting(self, opening: str, depth: int) -> None:
        """100,000 open brackets exhaust libyaml's composer; they never reach it."""
        error = fails(f"---\na:\n  {opening * depth}\n---\n")
        expected = ("nested deeper than", "broken YAML", "a key that is not text")
        assert error.what.startswith(expected)

    def test_deep_nesting_that_is_closed(self) -> None:
        """Well-formed, and still refused."""
        assert "nested deeper" in fails("---\na: " + "[" * 2_000 + "]" * 2_000 + "\n---\n").what

    def test_deep_json(self) -> None:
        """JSON's reader recurses, too."""
        assert "nested deeper" in fails('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}").what

    def test_a_bomb_of_aliases(self) -> None:
        """Nine levels of nine aliases are 387 million values."""
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
        assert "more than 50,000 values" in fails("---\n" + "\n".join(lines) + "\n---\n").what

    def test_an_alias_of_itself(self) -> None:
        """A list that holds itself has no end."""
        error = fails("---\na: &a [*a]\n---\n")
        assert "nested deeper" in error.what or "values" in error.what

    def test_two_articles_in_one_file(self) -> None:
        """A second block behind the first."""
        text = "---\ntitle: One\n---\n---\ntitle: Two\nwebUrl: https://x.example/\n---\n"
        assert fails(text).what == "a second front matter follows the first"

    def test_two_articles_that_overlap(self) -> None:
        """A shorter article written over a longer one leaves the longer one's tail."""
        text = '---\ntitle: One\n---\nr+q8aG==;wg7T=="\n---\n'
        assert "the end of another front matter" in fails(text).what

    @pytest.mark.parametrize(
        "body",
        ["Text\n\n---\n\nMore text\n", "A heading\n---\n\nText\n", "---\n\nText after a rule\n",
         "Text, last\n\n---\n"],
    )  # fmt: skip
    def test_rules_and_headings_are_no_second_article(self, body: str) -> None:
        """Three hyphens mean something in Markdown, too."""
        assert split(f"---\ntitle: T\n---\n{body}").body == body


class TestBytes:
    def test_a_byte_order_mark_is_no_text(self) -> None:
        """Windows editors write one."""
        assert split(decode(b"\xef\xbb\xbf---\na: b\n---\n")[0]).values == {"a": "b"}

    def test_windows_line_ends(self) -> None:
        """CRLF reads as LF."""
        front = split(decode(b"---\r\na: b\r\n---\r\nx\r\ny")[0])
        assert (front.values, front.body) == ({"a": "b"}, "x\ny")

    def test_control_characters_are_removed(self) -> None:
        """One of them would make YAML refuse the whole file."""
        text, line = decode(b"---\na: b\x01c\x7f\n---\n")
        assert line == 2
        assert split(text).values == {"a": "bc"}

    def test_c1_characters_of_mojibake_are_mended_first(self) -> None:
        """UTF-8 read as Latin-1 leaves C1 controls, which ftfy turns back into what was meant."""
        text, _ = decode("---\na: world\xe2\x80\x99s\n---\n".encode())
        assert split(text).values == {"a": "world’s"}
