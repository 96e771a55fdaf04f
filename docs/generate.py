"""Writes what the code says of itself into docs/: options, keys, exit codes, metrics, messages, API, the man page.

    .venv/bin/python docs/generate.py

A test fails while a page says something else than this would write.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

import syndicate
from syndicate.cli import main
from syndicate.errors import EXIT_CODES
from syndicate.keys import KEYS
from syndicate.metrics import METRICS
from syndicate.starter import starter
from syndicate.version import VERSION

DOCS = Path(__file__).parent
REPOSITORY = DOCS.parent
# What the repository's own config says of its samples.
SAMPLE = {
    "site.title": "Shoreline",
    "site.url": "https://shoreline.example/",
    "site.feeds_url": "https://feeds.shoreline.example/",
    "site.tag": "shoreline.example,2026",
    "site.description": "News of the sea and the shore, with sample articles",
    "site.timezone": "Europe/Paris",
    "content.roots": ["sample/_news"],
    "content.topics": "sample/_data/topics",
    "content.providers": "sample/_data/organizations",
}


def pages() -> dict[Path, str]:
    """Every page that is generated, wholly or in parts, with the text that it is to have."""
    blocks = {
        "options": _options(main.params),
        "commands": _commands(),
        "exit codes": _table(
            ("code", "meaning"), [(str(code), meaning) for code, meaning in EXIT_CODES.items()]
        ),
        "keys": _table(
            ("key", "meaning", "default"), [(f"`{key.path}`", key.meaning, key.default) for key in KEYS]
        ),
        "metrics": _table(
            ("metric", "labels", "meaning"),
            [(f"`{m.name}`", ", ".join(f"`{label}`" for label in m.labels), m.meaning) for m in METRICS],
        ),
        "api": _api(),
        "messages": _messages(),
    }
    found = {
        DOCS / "syndicate.1": _manual(),
        REPOSITORY / "config" / "syndicate.yaml": starter(SAMPLE),
    }
    used = set()
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        for name, block in blocks.items():
            pattern = rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)"
            text, count = re.subn(
                pattern, lambda m, block=block: f"{m[1]}\n{block}\n{m[2]}", text, flags=re.DOTALL
            )
            if count:
                used.add(name)
        if "<!-- generated: " in text:
            found[path] = text
    assert used == set(blocks), f"no page has {set(blocks) - used}"
    return found


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


# Commands


def _commands() -> str:
    parts = [
        _table(
            ("command", "does"),
            [(f"`{name}`", _sentence(command)) for name, command in main.commands.items()],
        )
    ]
    for name, command in main.commands.items():
        if command.params:
            parts.append(f"Options of `{name}`:\n\n{_options(command.params)}")
    return "\n".join(parts)


def _sentence(command: click.Command) -> str:
    text = " ".join((command.help or "").split()).rstrip(".")
    return text[0].lower() + text[1:]


def _options(parameters: list[click.Parameter]) -> str:
    rows = []
    for parameter in parameters:
        if isinstance(parameter, click.Option):
            names = " ".join(f"`{name}`" for name in sorted(parameter.opts, key=len, reverse=True))
            value = _value(parameter)
            rows.append((names + (f" `{value}`" if value else ""), (parameter.help or "").rstrip(".")))
        else:
            rows.append(
                (f"`{parameter.opts[0].upper()}`", "the URL of one of the targets; without it, all of them")
            )
    return _table(("option", "meaning"), rows)


def _value(option: click.Option) -> str:
    if option.is_flag and option.is_bool_flag:
        return ""
    if isinstance(option.type, click.Choice):
        return "|".join(option.type.choices)
    return option.metavar or ""


# The library


def _api() -> str:
    parts = []
    for name in syndicate.__all__:
        value = getattr(syndicate, name)
        if isinstance(value, str):
            parts.append(f"### `{name}`\n\nThe program's version, a text.\n")
            continue
        text = inspect.cleandoc(value.__doc__ or "").replace("``", "`")
        if inspect.isclass(value):
            kind = "exception" if issubclass(value, Exception) else "class"
            parts.append(f"### `{name}` ({kind})\n\n{text}\n{_fields(value)}")
        else:
            signature = str(inspect.signature(value)).replace("'", "")
            parts.append(f"### `{name}{signature}`\n\n{text}\n")
    return "\n".join(parts)


def _fields(kind: type) -> str:
    """The fields of a class, with the comments that stand beside them in its source, and its properties."""
    source = inspect.getsource(kind)
    rows = []
    comment = ""
    for line in source.splitlines()[1:]:
        above = re.fullmatch(r"    # (.*)", line)
        if above:
            comment = f"{comment} {above[1]}".strip()
            continue
        found = re.fullmatch(r"    (\w+): ([^=#]+?)(?: = [^#]*)?(?:  # (.*))?", line)
        if found and not found[2].startswith("ClassVar"):
            rows.append((f"`{found[1]}`", f"`{found[2]}`", (found[3] or comment).replace("``", "`")))
        elif value := re.fullmatch(r"    ([A-Z_]+) = (\"\w[\w ]*\"|\d+)(?:  # (.*))?", line):
            rows.append((f"`{value[1]}`", f"`{value[2]}`", (value[3] or comment).replace("``", "`")))
        comment = ""
    for name, member in vars(kind).items():
        if isinstance(member, property) and not name.startswith("_"):
            hint = inspect.signature(member.fget).return_annotation
            rows.append(
                (f"`{name}`", f"`{hint}`", (inspect.getdoc(member) or "").split("\n")[0].replace("``", "`"))
            )
    return "\n" + _table(("field", "type", "meaning"), rows) if rows else ""


# Messages

# Where the text and the cure stand among the arguments of what reports; by name and number of arguments.
_REPORTS: dict[tuple[str, int], tuple[int, int | None]] = {
    ("Problem", 7): (5, 6), ("Problem", 6): (5, None), ("report", 3): (1, 2), ("report", 6): (4, 5), ("warn", 3): (1, 2),
    ("refuse", 3): (1, 2), ("at", 4): (2, 3), ("missing", 3): (1, None), ("missing", 4): (1, None), ("error", 4): (2, 3), ("warn", 4): (2, 3),
    ("FrontMatterError", 4): (2, 3), ("_report", 4): (2, 3), ("config_problem", 4): (2, 3), ("UrlError", 1): (0, None), ("DateError", 1): (0, None),
    ("ValueError", 1): (0, None),
}  # fmt: skip
_ITSELF = "as the message says"
_STOPS = (
    "SyndicateError",
    "ClusterError",
    "ConfigError",
    "BrakeError",
    "WriteError",
    "PublishError",
    "LockedError",
)
_ROOMS = (
    ("Of articles", ("articles", "content.py", "registry.py", "run.py")),
    ("Of the config", ("config.py",)),
    ("Of feeds that are checked", ("checking",)),
    ("Of a build on a cluster", ("cluster",)),
)  # fmt: skip


def _messages() -> str:
    package = REPOSITORY / "syndicate"
    parts = []
    for title, names in _ROOMS:
        found: set[tuple[str, str]] = set()
        for name in names:
            path = package / name
            for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
                found |= set(_reported(file))
        cured = {what for what, fix in found if fix != _ITSELF}
        kept = [row for row in found if row[1] != _ITSELF or row[0] not in cured]
        rows = sorted(kept, key=lambda row: (row[0].strip("“…” ").lower(), row))
        parts.append(f"## {title}\n\n{_table(('what', 'how to mend it'), rows)}")
    stops = sorted({text for file in sorted(package.rglob("*.py")) for text in _stopped(file)})
    parts.append(
        "## What stops a command\n\n"
        + _table(("message", "exit code"), [(text, str(code)) for text, code in stops])
    )
    return "\n".join(parts)


def _calls(file: Path) -> Iterator[tuple[str, list[ast.expr]]]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            yield name, node.args


def _reported(file: Path) -> Iterator[tuple[str, str]]:
    for name, arguments in _calls(file):
        what, fix = _REPORTS.get((name, len(arguments)), (None, None))
        if what is not None:
            for text in _texts(arguments[what]):
                cures = list(_texts(arguments[fix])) if fix is not None else []
                yield text, cures[0] if cures else _ITSELF


def _stopped(file: Path) -> Iterator[tuple[str, int]]:
    from syndicate import errors

    for name, arguments in _calls(file):
        if name in _STOPS and arguments:
            parts = [next(iter(_texts(argument)), "…") for argument in arguments[:3]]
            if parts[0] != "…" and len(parts[0]) > 1:
                yield ": ".join(parts), getattr(errors, name).exit_code


def _texts(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be: those of a condition both, what is put in as an ellipsis."""
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        if node.value:
            yield node.value
    elif isinstance(node, ast.JoinedStr):
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        if text.strip("…"):
            yield text


# The man page


def _manual() -> str:
    lines = [
        f'.TH SYNDICATE 1 "" "Syndicate {VERSION}" "User Commands"',
        ".SH NAME",
        r"syndicate \- publish a folder of articles as RSS, Atom and JSON Feed",
        ".SH SYNOPSIS",
        ".B syndicate",
        r"[\fIoptions\fR] \fIcommand\fR [\fIoptions of the command\fR]",
        ".SH DESCRIPTION",
        _roff(
            "Reads articles (Markdown with front matter) and writes feeds of the whole site, of each topic and of each"
            " provider; publishes them to a CDN's origin. Away from a terminal it prints nothing but warnings and errors."
        ),
        ".SH OPTIONS",
        *_manual_options(main.params),
        ".SH COMMANDS",
    ]
    for name, command in main.commands.items():
        lines += [
            f".SS {name}",
            _roff(" ".join((command.help or "").split())),
            *_manual_options(command.params),
        ]
    lines.append(".SH EXIT STATUS")
    for code, meaning in EXIT_CODES.items():
        lines += [".TP", f".B {code}", _roff(meaning)]
    lines += [
        ".SH FILES", ".TP", ".I config/syndicate.yaml", "the config, of the project in whose root the command runs",
        ".TP", ".I out/", "the documents", ".TP", ".I .syndicate/",
        "beside the output directory: the catalog, which can be deleted at any time, and the lock",
        ".SH ENVIRONMENT", ".TP", ".B SYNDICATE_CONFIG", _roff("the config, where config/syndicate.yaml is not there"),
        ".TP", r".BR AWS_ACCESS_KEY_ID ", "and others: the credentials of targets, which never stand in the config",
        ".SH SEE ALSO", _roff("The documentation in the folder docs/ of the program's source: tutorial.md, reference.md, cron.md."),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _manual_options(parameters: list[click.Parameter]) -> Iterator[str]:
    for parameter in parameters:
        yield ".TP"
        if isinstance(parameter, click.Option):
            value = _value(parameter)
            names = ", ".join(rf"\fB{_roff(name)}\fR" for name in sorted(parameter.opts, key=len))
            yield names + (rf" \fI{_roff(value)}\fR" if value else "")
            yield _roff(parameter.help or "")
        else:
            yield rf"\fI{parameter.opts[0].upper()}\fR"
            yield "The URL of one of the targets; without it, all of them."


def _roff(text: str) -> str:
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("`", "").replace("’", "'")
    return text if not text.startswith((".", "'")) else rf"\&{text}"


if __name__ == "__main__":
    for page, content in pages().items():
        if not page.exists() or page.read_text(encoding="utf-8") != content:
            page.write_text(content, encoding="utf-8")
            sys.stdout.write(f"wrote {page.relative_to(REPOSITORY)}\n")
