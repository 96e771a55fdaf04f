"""Markup that is written as text: what lxml writes and reads of the same elements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from syndicate.feeds.markup import checked, element, text_element

# What an entry may hold: any text that XML can carry, on one line where it is an attribute.
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=30
)


@given(texts, texts)
def test_any_text_comes_back(attribute: str, text: str) -> None:
    """Escaped, then read by a parser."""
    found = etree.fromstring(element("a", {"b": attribute}, text_element("c", text)))
    assert (found.get("b"), found.findtext("c")) == (attribute, text)


@given(texts, texts)
def test_it_is_what_lxml_writes(attribute: str, text: str) -> None:
    """The same bytes, so that a diff of two versions shows nothing else."""
    a = etree.Element("a", {"b": attribute})
    etree.SubElement(a, "c").text = text or None
    inner = text_element("c", text) if text else element("c", {})
    assert element("a", {"b": attribute}, inner).encode() == etree.tostring(a, encoding="utf-8")


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\ufffe", "\uffff", "\ud83d"])
def test_what_xml_forbids_is_refused(character: str) -> None:
    """XML 1.0, section 2.2: the last guard behind the reading of articles."""
    with pytest.raises(ValueError, match=r"XML|surrogates"):
        checked(f"<a>{character}</a>")


def test_what_xml_allows_is_written() -> None:
    """Tab, line ends, the last character before the surrogates and one beyond the BMP."""
    assert checked("\t\n\r\ud7ff\U0001f600") == "\t\n\r\ud7ff\U0001f600".encode()
