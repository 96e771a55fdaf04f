"""Front matter: the block at the head of a content file, as nested strings. No field has a meaning here.

Three kinds are read: YAML between ``---`` lines, TOML between ``+++`` lines and a JSON object; and rows of
tables, in which every article is a JSON object on a line, or a row of Parquet. Every scalar stays the text
that was written (YAML 1.1's guesses lose data: ``NO``, ``1843``, ``3.10``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

import yaml
from msgspec import Struct
from yaml._yaml import CParser

# Text, nothing, a list or a mapping of values.
Value = str | list["Value"] | dict[str, "Value"] | None
KeyPath = tuple[str | int, ...]

MAX_DEPTH = 32
MAX_NODES = 50_000  # after alias expansion
# A block below this size cannot nest deep enough to exhaust the C stack of libyaml's composer.
SAFE_SIZE = 8_192

# What libyaml's reader refuses and XML 1.0 forbids or discourages, besides tab, LF and CR.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_CONTROL_BYTES = bytes(c for c in (*range(32), 127) if c not in b"\t\n\r")
_FENCE = re.compile(r"(?m)(?:---|\+\+\+)[ \t]*$")
_YAML_END = re.compile(r"(?m)\n(?:---|\.\.\.)[ \t]*$")
_TOML_END = re.compile(r"(?m)\n\+\+\+[ \t]*$")
_TAGS = {
    yaml.ScalarNode: "tag:yaml.org,2002:str",
    yaml.SequenceNode: "tag:yaml.org,2002:seq",
    yaml.MappingNode: "tag:yaml.org,2002:map",
}
_NULLS = frozenset(("", "~", "null"))
_SECOND_BLOCK = re.compile(r"\A\s*(?:---[ \t]*\n)?((?:.*\n)*?)---[ \t]*(?:\n|\Z)")


class _Loader(CParser):
    """libyaml's composer without PyYAML's resolver: an untagged node's tag is its kind."""

    def __init__(self, stream: str) -> None:
        CParser.__init__(self, stream)

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        return _TAGS[kind]

    def descend_resolver(self, node: Any, index: Any) -> None: ...

    def ascend_resolver(self) -> None: ...


class FrontMatterError(Exception):
    """The block cannot be read: *line* and *column* from 1 in the file, what, how to mend it."""

    def __init__(self, line: int, column: int, what: str, fix: str) -> None:
        super().__init__(what)
        self.line, self.column, self.what, self.fix = line, column, what, fix


class FrontMatter(Struct, frozen=True):
    """The block's values, the body below it, and enough to find where a value stands."""

    values: dict[str, Value]
    body: str
    kind: str  # yaml, toml, json, table
    block: str
    first_line: int  # the file's line on which the block begins
    article_line: int = 1  # that on which the article begins: of a row, its own

    def locate(self, path: KeyPath) -> tuple[int, int]:
        """Line and column (from 1) in the file of the value at ``path``, or of its nearest parent."""
        if self.kind == "table":
            return self.first_line, 1
        if self.kind == "toml":
            return _locate_toml(self.block, self.first_line, path)
        node = _compose_again(self.block)
        if node is None:
            return self.first_line, 1
        line, column = node.start_mark.line, node.start_mark.column
        for step in path:
            found = None
            if isinstance(node, yaml.MappingNode):
                found = next((v for k, v in node.value if k.value == step), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
                found = node.value[step] if step < len(node.value) else None
            if found is None:
                break
            node = found
            line, column = node.start_mark.line, node.start_mark.column
        return self.first_line + line, column + 1


def decode(data: bytes) -> tuple[str, int]:
    """A file's text with LF line ends and without control characters, and the line of the first one.

    The line is 0 when there was none. Raises FrontMatterError for an encoding other than UTF-8.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise FrontMatterError(
            line, column, f"byte 0x{data[error.start]:02X} is not UTF-8", "save the file as UTF-8"
        ) from None
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Searching bytes is ten times faster than searching text, and most files are clean.
    plain = b"\xc2" not in data and b"\xef\xbf" not in data
    if plain and len(data.translate(None, _CONTROL_BYTES)) == len(data):
        return text, 0
    control = _CONTROL.search(text)
    if control is None:
        return text, 0
    return _CONTROL.sub("", _mend_c1(text)), text.count("\n", 0, control.start()) + 1


def _compose_again(block: str) -> yaml.Node | None:
    """The block's nodes with their positions. JSON that YAML does not read has none."""
    try:
        return _compose(block)
    except yaml.YAMLError:
        return None


def _mend_c1(text: str) -> str:
    """Text whose C1 characters are UTF-8 read as Latin-1 is mended line by line before they go."""
    if not re.search("[\x80-\x9f]", text):
        return text
    from ftfy import fix_encoding

    return "\n".join(
        fix_encoding(line) if re.search("[\x80-\x9f]", line) else line for line in text.split("\n")
    )


# Reads a YAML block, or says None where parse_yaml is to read it.
QuickParser = Callable[[str], "dict[str, Value] | None"]


def split(text: str, quick: QuickParser | None = None) -> FrontMatter:
    """Read the front matter at the head of ``text`` (LF line ends). Raises FrontMatterError."""
    if text.startswith("---"):
        opening = _FENCE.match(text)
        if opening:
            start = opening.end() + 1
            end, after = _closing(text, opening.end(), _YAML_END)
            block = text[start:end]
            values = quick(block) if quick else None
            if values is None:
                values = parse_yaml(block, first_line=2)
            return _whole("yaml", text, block, 2, after, values)
    if text.startswith("+++"):
        opening = _FENCE.match(text)
        if opening:
            end, after = _closing(text, opening.end(), _TOML_END)
            block = text[opening.end() + 1 : end]
            return _whole("toml", text, block, 2, after, _parse_toml(block))
    if text.startswith("{"):
        values, end = _parse_json(text)
        return _whole("json", text, text[:end], 1, end, values)
    if not text.strip():
        raise FrontMatterError(1, 1, "the file is empty", "write the article, or delete the file")
    raise FrontMatterError(
        1, 1, "no front matter", "begin the file with a line of ---, the fields, and a line of ---"
    )


def json_row(text: str, line: int) -> FrontMatter:
    """The article in ``line`` of a file of JSON objects, one a line. Raises FrontMatterError."""
    try:
        if not text.startswith("{"):
            raise FrontMatterError(1, 1, "the row is no JSON object", "write one object a line")
        values, end = _parse_json(text)
        if text[end:].strip():
            raise FrontMatterError(1, end + 1, "something follows the object", "write one object a line")
    except FrontMatterError as error:
        raise FrontMatterError(line, error.column, error.what, error.fix) from None
    return _row(values, "json", text, line)


def table_row(values: dict[str, Any], number: int) -> FrontMatter:
    """The article in a table's row ``number``, from 1. Raises FrontMatterError."""
    return _row(_plain(values, number), "table", "", number)


def _row(values: dict[str, Value], kind: str, block: str, line: int) -> FrontMatter:
    body = values.pop("body", None)
    if body is not None and not isinstance(body, str):
        raise FrontMatterError(line, 1, "body is not text", "write the Markdown below the fields as one text")
    if body and ("\r" in body or _CONTROL.search(body)):
        body = _CONTROL.sub("", _mend_c1(body.replace("\r\n", "\n").replace("\r", "\n")))
    return FrontMatter(values, body or "", kind, block, line, line)


def _closing(text: str, start: int, pattern: re.Pattern[str]) -> tuple[int, int]:
    """Where the block ends, and where the line ends that closes it. Raises FrontMatterError."""
    found = pattern.search(text, start)
    if found is None:
        fence = text[:3]
        raise FrontMatterError(
            1, 1, "the front matter is not closed", f"add a line of {fence} after the last field"
        )
    return found.start() + 1, found.end()


def _whole(
    kind: str, text: str, block: str, first_line: int, end: int, values: dict[str, Value]
) -> FrontMatter:
    body = text[end:].removeprefix("\n")
    if "---" in body:
        _refuse_overlap(body, text.count("\n", 0, len(text) - len(body)) + 1)
    return FrontMatter(values, body, kind, block, first_line)


def _refuse_overlap(body: str, body_line: int) -> None:
    """Two articles in one file show as a second block, or as the tail of one, in the body.

    ``body_line`` is the file's line on which the body begins.
    """
    fix = "put each article in a file of its own"
    second = _SECOND_BLOCK.match(body)
    if second and second[1].strip():
        try:
            values = parse_yaml(second[1], first_line=body_line)
        except FrontMatterError:
            values = {}
        if any(not key.strip() or " " in key for key in values):
            values = {}
        if values:
            raise FrontMatterError(body_line, 1, "a second front matter follows the first", fix)
    lines = body.rstrip().split("\n")
    if (
        len(lines) > 1
        and lines[-1].rstrip() == "---"
        and re.search(r"[\"'\]]\s*$|^\s*(?:- )?\w+:(?:\s|$)", lines[-2])
    ):
        raise FrontMatterError(body_line, 1, "the end of another front matter follows the first", fix)


def parse_yaml(block: str, *, first_line: int = 1) -> dict[str, Value]:
    """A YAML mapping as nested strings; ``first_line`` is the file's line of the block's first.

    No tags are resolved, no merge keys applied. Raises FrontMatterError.
    """
    try:
        if len(block) > SAFE_SIZE:
            _bound(block, first_line)
        node = _compose(block)
    except yaml.MarkedYAMLError as error:
        if error.problem_mark is not None and "nesting depth" in (error.problem or ""):
            # Newer PyYAML has a bound of its own, beyond ours, and meets it before the first event.
            _bound(block[: error.problem_mark.index], first_line)
        _raise_yaml(error, first_line)
    except yaml.reader.ReaderError as error:
        raise FrontMatterError(
            first_line, 1, f"broken YAML: {error.reason}", "remove that character"
        ) from None
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise FrontMatterError(
            first_line + node.start_mark.line,
            node.start_mark.column + 1,
            "the front matter is not a mapping of fields",
            "write each field as `name: value` on a line of its own",
        )
    converted = _Conversion(first_line).value(node, 0)
    assert isinstance(converted, dict)
    return converted


def _compose(block: str) -> yaml.Node | None:
    """The block's nodes, with their positions. Raises yaml.YAMLError."""
    loader = _Loader(block)
    try:
        node: yaml.Node | None = loader.get_single_node()
        return node
    finally:
        loader.dispose()


def _raise_yaml(error: yaml.MarkedYAMLError, first_line: int) -> NoReturn:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column + 1) if mark is not None else (0, 1)
    raise FrontMatterError(
        first_line + line,
        column,
        f"broken YAML: {error.problem or error.context}",
        "quote the value, or mend the indentation",
    ) from None


def _bound(block: str, first_line: int) -> None:
    """Refuse what nests too deep, from events: the parser keeps its own stack, the composer recurses."""
    depth = 0
    for event in yaml.parse(block, Loader=yaml.CBaseLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                mark = event.start_mark
                assert mark is not None
                _raise_deep(first_line + mark.line, mark.column + 1)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _raise_deep(line: int, column: int) -> NoReturn:
    raise FrontMatterError(line, column, f"nested deeper than {MAX_DEPTH} levels", "make the fields flatter")


class _Conversion:
    """Nodes to nested strings, bounded in depth and in nodes after alias expansion."""

    def __init__(self, first_line: int) -> None:
        self.first_line = first_line
        self.nodes = 0

    def fail(self, node: yaml.Node, what: str, fix: str) -> NoReturn:
        mark = node.start_mark
        raise FrontMatterError(self.first_line + mark.line, mark.column + 1, what, fix)

    def value(self, node: yaml.Node, depth: int) -> Value:
        self.nodes += 1
        if isinstance(node, yaml.ScalarNode):
            if node.tag != "tag:yaml.org,2002:str":
                self.fail(node, f"the tag {node.tag} is not allowed", "write the value without a tag")
            text: str = node.value
            return None if not node.style and text in _NULLS else text
        if depth >= MAX_DEPTH:
            _raise_deep(self.first_line + node.start_mark.line, node.start_mark.column + 1)
        if self.nodes > MAX_NODES:
            self.fail(node, f"more than {MAX_NODES:,} values", "remove the aliases or the fields")
        if isinstance(node, yaml.SequenceNode):
            if node.tag != "tag:yaml.org,2002:seq":
                self.fail(node, f"the tag {node.tag} is not allowed", "write the list without a tag")
            return [self.value(item, depth + 1) for item in node.value]
        if node.tag != "tag:yaml.org,2002:map":
            self.fail(node, f"the tag {node.tag} is not allowed", "write the mapping without a tag")
        mapping: dict[str, Value] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.fail(key, "a key that is not text", "write the key as one word")
            if key.value in mapping:
                self.fail(key, f"the key {key.value} is there twice", "keep one of the two")
            mapping[key.value] = self.value(item, depth + 1)
        return mapping


def _parse_toml(block: str) -> dict[str, Value]:
    import tomllib  # few articles are TOML, and a warm run imports nothing it does not use

    try:
        values = tomllib.loads(block, parse_float=str)
    except tomllib.TOMLDecodeError as error:
        what, line, column = _toml_place(str(error), block)
        raise FrontMatterError(line + 1, column, f"broken TOML: {what}", "mend the line") from None
    except RecursionError:
        _raise_deep(2, 1)
    return _plain(values, 2)


def _toml_place(message: str, block: str) -> tuple[str, int, int]:
    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if found:
        return message[: found.start()], int(found[1]), int(found[2])
    return re.sub(r" \(at end of document\)$", "", message), block.count("\n") or 1, 1


def _locate_toml(block: str, first_line: int, path: KeyPath) -> tuple[int, int]:
    """TOML's reader keeps no positions: the line that sets the last key of ``path``, else the first."""
    for step in reversed(path):
        if isinstance(step, str):
            found = re.search(rf"(?m)^[ \t]*[\"']?{re.escape(step)}[\"']?[ \t]*=[ \t]*", block)
            if found:
                line_start = block.rfind("\n", 0, found.end()) + 1
                line = first_line + block.count("\n", 0, found.end())
                return line, found.end() - line_start + 1
    return first_line, 1


def _parse_json(text: str) -> tuple[dict[str, Value], int]:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        mapping = dict(items)
        if len(mapping) != len(items):
            keys = [key for key, _ in items]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise FrontMatterError(1, 1, f"the key {twice} is there twice", "keep one of the two")
        return mapping

    decoder = json.JSONDecoder(object_pairs_hook=pairs, parse_int=str, parse_float=str, parse_constant=str)
    try:
        values, end = decoder.raw_decode(text)
    except json.JSONDecodeError as error:
        raise FrontMatterError(
            error.lineno, error.colno, f"broken JSON: {error.msg}", "mend the line"
        ) from None
    except RecursionError:
        _raise_deep(1, 1)
    return _plain(values, 1), end


def _plain(values: dict[str, Any], first_line: int) -> dict[str, Value]:
    """TOML's and JSON's typed scalars as the text that a person wrote; bounded like YAML."""

    nodes = 0

    def convert(value: Any, depth: int) -> Value:
        nonlocal nodes
        nodes += len(value) if isinstance(value, dict | list) else 1
        if depth > MAX_DEPTH:
            _raise_deep(first_line, 1)
        if nodes > MAX_NODES:
            raise FrontMatterError(
                first_line, 1, f"more than {MAX_NODES:,} values", "remove some of the fields"
            )
        match value:
            case None | str():
                return value
            case bool():
                return "true" if value else "false"
            case dict():
                return {
                    str(key): item if type(item) is str else convert(item, depth + 1)
                    for key, item in value.items()
                }
            case list():
                return [item if type(item) is str else convert(item, depth + 1) for item in value]
            case float():  # a table's column: where a number may be missing, all of them are fractions
                whole = value.is_integer()
                return None if value != value else str(int(value)) if whole else repr(value)
            case bytes():  # of another one, that has no type
                return value.decode(errors="replace")
            case _:
                return str(value)  # int; TOML dates print in RFC 3339 form

    return {key: convert(item, 1) for key, item in values.items()}
