"""Content: which files there are, and their bytes. Finding and reading only; nothing is parsed here."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from syndicate.errors import Problem, Severity

# Files that hold an article a row, which only workers of a cluster read.
ROW_ENDINGS = (".ndjson", ".jsonl", ".parquet")


class File(NamedTuple):
    """One content file as the tree shows it."""

    path: str  # as problems name it: relative to the project root where it is below it
    stem: str  # below its content root, without the ending, NFC
    full: str  # to open it
    size: int  # bytes
    mtime_ns: int
    ctime_ns: int  # moves with every change of content, even one that keeps mtime


Stamp = tuple[int, int, int]  # size, mtime_ns, ctime_ns


@dataclass
class Tree:
    """What was found: the files that are new or changed, and what is wrong with the tree itself."""

    count: int = 0  # of all files
    changed: dict[str, File] = field(default_factory=dict)  # by path
    gone: list[str] = field(default_factory=list)  # paths that were known, sorted
    problems: list[Problem] = field(default_factory=list)
    missing_roots: list[str] = field(default_factory=list)
    empty_roots: list[str] = field(default_factory=list)


def scan(
    roots: Iterable[Path],
    include: Iterable[str],
    exclude: Iterable[str],
    project: Path,
    known: dict[str, Stamp],
    racy_ns: int,
) -> Tree:
    """Find every content file below ``roots``. Symbolic links are followed, loops are not.

    ``include`` and ``exclude`` are globs of paths below a root; ``**`` stands for any folders.
    ``known`` gives the stamps of the files as they were read, and is used up: only those that differ are
    kept, so that memory grows with what changed. A file that changed at ``racy_ns`` (nanoseconds since
    1970) or later may have changed again without showing it, and counts as changed.
    """
    tree = Tree()
    wanted = _matcher(tuple(include), tuple(exclude))
    for root in roots:
        shown = shown_path(root, project)
        if not root.is_dir():
            tree.missing_roots.append(shown)
            continue
        before = tree.count
        _walk(tree, str(root), shown, wanted, known, racy_ns)
        if tree.count == before:
            tree.empty_roots.append(shown)
    tree.gone = sorted(known)
    return tree


def scan_folder(
    root: Path, below: str, *, deep: bool, include: Iterable[str], exclude: Iterable[str], project: Path
) -> Tree:
    """Find the content files of one folder of ``root``; ``below``: its path with a slash, or empty.

    ``deep`` says whether the folders in it are entered. What all folders of a root give together is what
    ``scan`` gives.
    """
    tree = Tree()
    _walk(
        tree,
        str(root),
        shown_path(root, project),
        _matcher(tuple(include), tuple(exclude)),
        {},
        0,
        below,
        deep,
    )
    return tree


def folders_of(root: Path, below: str) -> list[str]:
    """The folders right below ``below`` in ``root`` that a scan enters, each with a slash, sorted.

    Raises OSError.
    """
    with os.scandir(root / below) as entries:
        found = [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    return sorted(f"{below}{name}/" for name in found if _is_text(name))


def name_matcher(include: Iterable[str], exclude: Iterable[str]) -> Callable[[str], bool]:
    """Whether a path below a root names a content file."""
    return _matcher(tuple(include), tuple(exclude))


def shown_path(path: Path, project: Path) -> str:
    """``path`` relative to the project where it is below it, with forward slashes."""
    try:
        return path.relative_to(project).as_posix()
    except ValueError:
        return path.as_posix()


def _walk(
    tree: Tree,
    root: str,
    shown_root: str,
    wanted: Callable[[str], bool],
    known: dict[str, Stamp],
    racy_ns: int,
    start: str = "",
    deep: bool = True,
) -> None:
    # A folder is entered once for each way there, but never from inside itself.
    above: frozenset[tuple[int, int]] = frozenset()
    try:
        for end, character in enumerate(start):
            if character == "/":
                status = os.stat(f"{root}/{start[:end].rpartition('/')[0]}")
                above |= {(status.st_dev, status.st_ino)}
    except OSError as error:
        _report(tree, f"{shown_root}/{start}", f"the folder cannot be read: {error.strerror}")
        return
    stack: list[tuple[str, str, frozenset[tuple[int, int]]]] = [
        (f"{root}/{start}" if start else root, start, above)
    ]
    while stack:
        folder, below, above = stack.pop()
        try:
            status = os.stat(folder)
            here = (status.st_dev, status.st_ino)
            if here in above:
                _report(tree, f"{shown_root}/{below}", "a symbolic link loop; not entered")
                continue
            entries = list(os.scandir(folder))
        except OSError as error:
            _report(tree, f"{shown_root}/{below}", f"the folder cannot be read: {error.strerror}")
            continue
        for entry in entries:
            name = f"{below}{entry.name}"
            if not _is_text(entry.name):
                _report(tree, shown_root, f"a file name is not UTF-8: {entry.name!r}; left out")
                continue
            try:
                if entry.is_dir():
                    if deep and not entry.name.startswith("."):
                        stack.append((entry.path, f"{name}/", above | {here}))
                elif wanted(name) and entry.is_file():
                    status = entry.stat()
                    path = f"{shown_root}/{name}"
                    stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
                    tree.count += 1
                    if known.pop(path, None) != stamp or max(stamp[1:]) >= racy_ns:
                        tree.changed[path] = File(path, file_stem(name), entry.path, *stamp)
                elif wanted(name):
                    dangling = entry.is_symlink() and not os.path.exists(entry.path)
                    what = "a symbolic link that leads nowhere" if dangling else "not a regular file"
                    _report(tree, f"{shown_root}/{name}", what)
            except OSError as error:
                _report(tree, f"{shown_root}/{name}", f"cannot be read: {error.strerror}")


def file_stem(name: str) -> str:
    """A path without its ending, in the form that ids are made of (NFC)."""
    stem = name.rpartition(".")[0] or name
    return stem if stem.isascii() else unicodedata.normalize("NFC", stem)


def _is_text(name: str) -> bool:
    if name.isascii():
        return True
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _report(tree: Tree, path: str, what: str) -> None:
    tree.problems.append(Problem(path.rstrip("/"), 0, 0, Severity.ERROR, "file", what, "mend or remove it"))


def _matcher(include: tuple[str, ...], exclude: tuple[str, ...]) -> Callable[[str], bool]:
    endings = tuple(p.removeprefix("**/*") for p in include)
    if not exclude and all(re.fullmatch(r"\.\w+", ending) for ending in endings):
        return lambda name: name.endswith(endings)  # the usual case, and 10,000 files want it fast
    wanted = re.compile("|".join(glob_pattern(pattern) for pattern in include))
    unwanted = re.compile("|".join(glob_pattern(pattern) for pattern in exclude) or r"(?!)")
    return lambda name: bool(wanted.fullmatch(name)) and not unwanted.fullmatch(name)


def glob_pattern(pattern: str) -> str:
    """A glob as a regular expression: ``**/`` any folders, ``*`` and ``?`` within a name."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "(?:" + "".join(meaning.get(part, re.escape(part)) for part in parts) + ")"


def read_bytes(path: str, size: int) -> bytes:
    """The bytes of one file that is about ``size`` long, with the fewest system calls. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # A buffer of the right size: a large one costs more than the reading.
        data = os.read(descriptor, size + 1)
        if len(data) == size:
            return data
        chunks = [data]
        while chunk := os.read(descriptor, 65_536):
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        os.close(descriptor)
