"""rapidyaml beside PyYAML: where the first gives an answer, it is the second's."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syndicate.articles.frontmatter import FrontMatterError, decode, parse_yaml
from syndicate.articles.quickyaml import parse_quickly

# Blocks on which the two disagree by themselves, or nearly do.
TRICKY = [
    "a: b: c", "a: [1, 2", "a: 1\n b: 2", "  a: 1\n b: 2", "a:\n\t- x", 'a: "x" y', "- a\nb: c",
    "a: 1\na: 2", "a:\n  b: 1\n  b: 2", "a: *x", "a: &x 1\nb: *x", "a: &x 1", "a: %x", "a: @x", "a: `x",
    "a: !!str 1", "a: !x 1", "? a\n: b", "a: |\n  x\n y", "a: >-\n  x\n\n  y\nb: z", "a: {b: c, d}",
    "a: [b: c]", "a: x #c", "a: x#c", "a: 'it''s'", r'a: "\q"', r'a: "\x41"', r'a: "\u2019"',
    r'a: "\ud83d\ude00"', r'a: "\0"', 'a: "a\n  b"', "a: b\n  c", "a: - b", "a:\n- b\n- c",
    "a:\n  - b\n  c: d", '"a": b', "a : b", "a:b", "a", "{a: b}", "[a]", "a: ,", 'a: "x"#', "a: {", "a: ]",
    "a: \u2028x", "a: x\ty", "<<: {b: c}", "a: =", "a: b\n...\nc: d", "a: b\n---\nc: d", "--- \na: b",
    "a: 0", "a: -0", "a: +1", "a: 1e5", "a: .5", "a: -.5", "a: 1.", "a: 5.e3", "a: 00", "a: 007",
    "a: 0x1f", "a: 1_000", "a: 3.10", "a: [3.10]", "a: 12345678901234567890123", "a: 1:30", "a: -",
    "a: ?", "a: .nan", "a: nan", "a: NaN", "a: inf", "a: -inf", "a: -.inf", "a: Infinity", "true: x",
    "null: x", "1: 2", "~: x", "a: ~", "a: null", "a: NULL", "a: TRUE", "a: true", "a: [true, null, ~]",
    "{a\n: }", "{b:}", "a: {b:}", "a: {b\n: }", "a: [b:]", "a: [b\n: c]", "?\n-a", "%|\nb:", ": ", "a: &",
    "a: [a, , b]", "a: [a, ]", "a: {b: true}", "a:\n  - true\n  - no", "a: []", "a: {}", "a:\n- - b",
    "a: x\n#y\nb: z", "a: http://x#y", "a: http://x:80/y", "a: [x\n,y]", "a: {x: y\n,z: w}", '"a: b": c',
    "a: b :c", "a: b,c", 'a: ""', "a:\nb:\n", "é: ü", 'a: [é, "ü"]', "a:\n    b: c\n  d: e", "", "# only",
    "a: " + "[" * 40 + "]" * 40, "a: " + "[" * 3_000 + "]" * 3_000,
]  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _silent() -> Iterator[None]:
    """rapidyaml prints what it thinks of a wrong block to file descriptor 2."""
    kept = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    yield
    os.dup2(kept, 2)


def agrees(block: str) -> bool:
    """Check that the quick reading, where there is one, is PyYAML's; says whether there was one."""
    quick = parse_quickly(block)
    try:
        slow = parse_yaml(block)
    except FrontMatterError:
        slow = None
    assert quick is None or quick == slow
    return quick is not None


@pytest.mark.parametrize("block", TRICKY)
def test_tricky_blocks(block: str) -> None:
    """Each is read as PyYAML reads it, or left to PyYAML."""
    agrees(block)


def test_an_article_is_read_quickly() -> None:
    """Or all this would be for nothing."""
    assert agrees(
        "title: \"A “quoted” title: with a colon\"\nexcerpt: 'it''s'\ndate: 2021-01-25T07:02:00Z\nquality: 88\n"
        "heat: -1\npublished: false\nprovider:\n  name: Wired\n  images:\n    - url: https://a.example/?b=1&c=2#d\n"
        "      width: 50\ntopics:\n  - AI\n  - NO\nnothing:\ntags: [a, b]\n"
    )


pieces = st.sampled_from(
    ["a", "b:", ": ", "- ", "\n", "  ", "    ", "'", '"', "[", "]", "{", "}", ",", "#", "&x ", "*x", "!t ", "|\n",
     ">\n", "1", ".5", "-", "~", "true", "null", "é", "\\n", "\\", "?", "%", "@", "`", "...", "---", "x: y\n"]
)  # fmt: skip


@given(st.lists(pieces, max_size=14).map("".join))
@settings(max_examples=1_500, deadline=None, derandomize=True)
def test_random_blocks(block: str) -> None:
    """Indicators in any order."""
    agrees(block)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.text(max_size=12), max_size=5))
@settings(max_examples=500, deadline=None, derandomize=True)
def test_random_plain_scalars(values: dict[str, str]) -> None:
    """Any text as an unquoted value."""
    written = "".join(f"{key}: {value}\n" for key, value in values.items())
    block, _ = decode(written.encode())  # without control characters, as front matter is
    agrees(block)
