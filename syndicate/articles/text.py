"""Text as a person would read it, and as XML can carry it. No HTML here, no field's meaning."""

from __future__ import annotations

import html
import re
import unicodedata

# XML 1.0, section 2.2: everything but Char. C1 controls are allowed there but discouraged, and mean
# nothing in UTF-8; noncharacters are refused by some parsers.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_BLANK_LINES = re.compile(r"\n{3,}")
# Outside ASCII, what honest English text is full of: a text with nothing else is not mojibake, since
# a UTF-8 lead byte always shows as a letter or a box. It saves loading ftfy for most texts.
_SUSPECT = re.compile("[^\x00-\x7f\xa0\xa9\xab\xae\xb7\xbb\u2010-\u2015\u2018-\u201d\u2022\u2026\u2122]")


def forbidden_removed(text: str) -> str:
    """``text`` without the characters that XML 1.0 (section 2.2) forbids or discourages."""
    return _FORBIDDEN.sub("", text)


def mojibake_mended(text: str) -> str:
    """``text`` with UTF-8 that was read as another encoding put right (``â€™`` becomes ``’``)."""
    if text.isascii() or not _SUSPECT.search(text):
        return text
    from ftfy import fix_encoding  # 40 ms to import, and few articles need it

    return fix_encoding(text)


def clean(text: str, *, fix_encoding: bool = True) -> str:
    """``text`` with HTML entities decoded once, mojibake mended, NFC, only characters XML allows.

    White space is kept, line ends are LF.
    """
    if "&" in text:
        text = html.unescape(text)
    ascii_only = text.isascii()
    if fix_encoding and not ascii_only:
        text = mojibake_mended(text)
    if not text.isprintable():  # nothing forbidden is printable
        text = forbidden_removed(text)
    return text if ascii_only else unicodedata.normalize("NFC", text)


def one_line(text: str) -> str:
    """White space folded: every run of it becomes one space, none at the ends."""
    return " ".join(text.split())


def paragraphs(text: str) -> str:
    """White space folded within lines; paragraphs stay apart by one blank line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\n" not in text:
        return one_line(text)
    lines = (one_line(line) for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def shortened(text: str, limit: int) -> str:
    """At most ``limit`` characters of a one-line text, cut between words, with an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    cut = head.rfind(" ")
    return (head[:cut] if cut > limit // 2 else head).rstrip(" ,;:.-") + "…"


def name_key(name: str) -> str:
    """What makes two names one: ``name`` without differences of case, width and white space."""
    if not name.isascii():
        # Only width is folded (UAX #11): NFKC would make x² and x2 one name.
        name = "".join(
            unicodedata.normalize("NFKC", c) if unicodedata.east_asian_width(c) in "FH" else c
            for c in unicodedata.normalize("NFC", name)
        )
    return unicodedata.normalize("NFC", one_line(name).casefold())
