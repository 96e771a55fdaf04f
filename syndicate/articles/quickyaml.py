"""YAML at a fifth of the time: rapidyaml, for blocks that it and PyYAML read alike. No errors here.

A block that is wrong, or in any way unusual, is left to PyYAML, whose word is final and which says where.
tests/test_quickyaml.py compares the two. rapidyaml prints what it thinks of a wrong block to the
process's standard error, so that only worker processes use it, who have none.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import ryml

from syndicate.articles.frontmatter import MAX_DEPTH, SAFE_SIZE, Value

# rapidyaml gives a scalar that begins with one of these as it stands; PyYAML gives it a meaning.
_INDICATORS = frozenset("&*!%@`|>?,[]{}~.#")
_ESCAPE_BY_NUMBER = re.compile(rb"""\\[^"\\nrt/]""")
# Where a value may begin. The sign comes first in each pattern: it is searched fastest.
_BEGINS = r"{0}(?:(?<=[:\-,\[{{?\s]\s{0})|(?<=[\[,{{?:\n-]{0}))"
_SIGNS = (
    # Anchors, aliases, tags and flow mappings.
    *((sign.encode(), re.compile(_BEGINS.format(re.escape(sign)).encode())) for sign in "&*!{"),
    # A list in brackets that is more than words on one line.
    (b"[", re.compile((_BEGINS.format(re.escape("[")) + r"(?![^\[\]{}:#\n]*\])").encode())),
    # A directive; a key of more than one line.
    (b"%", re.compile(rb"%(?<=\n%)")),
    (b"?", re.compile(rb"\?(?<=\n\?)")),
)
_MINUS_NOTHING = re.compile(rb"-0(?<= -0)")
_BLOCK_SCALAR = re.compile(rb"[|>](?:(?<=[:-] .)|(?<=  .))")

_JSON = bytearray(8 * SAFE_SIZE)  # one buffer for all: emitting into it needs one pass, not two
_decode = msgspec.json.Decoder().decode


class _UnsureError(ValueError):
    """PyYAML is to be asked."""


def parse_quickly(block: str) -> dict[str, Value] | None:
    """What ``frontmatter.parse_yaml`` gives for ``block``, or None where PyYAML is to be asked."""
    data = block.encode()
    if len(data) > SAFE_SIZE or _unusual(data):
        return None
    try:
        tree = ryml.parse_in_arena(data)
        values = _decode(ryml.emit_json_in_place(tree, _JSON))
        # A key that is there twice leaves fewer values than the tree has nodes.
        if type(values) is not dict or _strings(values, 1) + 1 != tree.size():
            return None
    except (
        IndexError,
        ryml.ExceptionBasic,
        ryml.ExceptionParse,
        ryml.ExceptionVisit,
        ValueError,
        RecursionError,
    ):
        return None
    return values


def _strings(mapping: dict[str, Any], depth: int) -> int:
    """Make every scalar below ``mapping`` the text that was written; returns how many values there are."""
    if depth > MAX_DEPTH:
        raise _UnsureError
    count = len(mapping)
    for key, value in mapping.items():
        if not key or key[:1] in _INDICATORS:
            raise _UnsureError
        kind = type(value)
        if kind is str:
            if value[:1] in _INDICATORS or value[:2] == "-.":
                raise _UnsureError
        elif kind is int:
            mapping[key] = str(value)
        elif kind is dict:
            count += _strings(value, depth + 1)
        elif kind is list:
            count += len(value)
            for n, item in enumerate(value):
                if type(item) is dict:
                    count += _strings(item, depth + 2)
                else:
                    value[n] = _item(item)
        elif value is not None:
            mapping[key] = _item(value)
    return count


def _item(item: Any) -> str | None:
    kind = type(item)
    if kind is str and item[:1] not in _INDICATORS and item[:2] != "-.":
        return str(item)
    if kind is int:
        return str(item)
    if kind is bool:
        return "true" if item else "false"
    if item is None:
        return None
    # A list in a list; a fraction, of which JSON does not say whether it was written as 3.1 or 3.10.
    raise _UnsureError


def _unusual(data: bytes) -> bool:
    """Whether the two may read ``data`` differently. Single bytes are looked for first: it is fastest."""
    return (
        b"\t" in data
        or (b"\\" in data and _ESCAPE_BY_NUMBER.search(data) is not None)
        or data[:1] in (b"&", b"*", b"!", b"%", b"{", b"[", b"?")
        or _has_sign(data)
        or ((b"|" in data or b">" in data) and _BLOCK_SCALAR.search(data) is not None)
        or (b"\xe2" in data and (b"\xe2\x80\xa8" in data or b"\xe2\x80\xa9" in data))
        or (b"\xc2" in data and b"\xc2\x85" in data)
        or _MINUS_NOTHING.search(data) is not None
    )


def _has_sign(data: bytes) -> bool:
    for sign, pattern in _SIGNS:  # noqa: SIM110  # a generator for any() would take longer than the searches
        if sign in data and pattern.search(data) is not None:
            return True
    return False
