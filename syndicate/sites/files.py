"""Files of a site: its Markdown, those that would be articles, and generators' configs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from syndicate.articles.frontmatter import FrontMatterError, decode, parse_yaml
from syndicate.articles.presets import PRESETS
from syndicate.articles.reader import read_article
from syndicate.articles.rules import MAX_FILE_SIZE, Rules
from syndicate.sites.found import Found, one_line

_MOST_TRIED = 300  # files that are read to find where the articles are
# Folders in which no generator keeps articles.
_NEVER = {
    "node_modules",
    "vendor",
    "out",
    "public",
    "dist",
    "build",
    "config",
    "themes",
    "layouts",
    "static",
    "assets",
}


def articles(folder: Path, preset: str) -> Iterator[Path]:
    """The files below ``folder`` that would be articles, of the first few hundred."""
    import pytz

    rules = Rules(
        fields=PRESETS[preset].fields, tag="example.org,2000", site_url="https://example.org/", zone=pytz.utc,
        permalink=PRESETS[preset].permalink,
    )  # fmt: skip
    for path in walk(folder):
        try:
            if path.stat().st_size > MAX_FILE_SIZE:
                continue
            data = path.read_bytes()
        except OSError:
            continue
        stem = path.relative_to(folder).with_suffix("").as_posix()
        if (
            stem.rpartition("/")[2] != "_index"
            and read_article(data, path.name, stem, rules).article is not None
        ):
            yield path


def walk(folder: Path) -> Iterator[Path]:
    """The first few hundred Markdown files below ``folder``, sorted; no hidden ones, none of a generator."""
    count = 0
    stack = [folder]
    while stack:
        here = stack.pop()
        try:
            entries = sorted(here.iterdir(), reverse=True)
        except OSError:
            continue
        for path in entries:
            if path.is_dir():
                if (
                    not path.name.startswith(".")
                    and path.name not in (*_NEVER, "_site")
                    and not path.is_symlink()
                ):
                    stack.append(path)
            elif path.suffix in (".md", ".markdown"):
                count += 1
                yield path
                if count == _MOST_TRIED:
                    return


def first_config(
    root: Path,
    stems: tuple[str, ...],
    found: Found,
    endings: tuple[str, ...] = (".toml", ".yml", ".yaml", ".json"),
) -> tuple[str, dict[str, Any] | None]:
    """The first of some configs that is there, by its name; None where there is none."""
    for stem in stems:
        for ending in endings:
            path = root / f"{stem}{ending}"
            if path.is_file():
                return f"{stem}{ending}", read_config(path, found) or {}
    return "", None


def read_config(path: Path, found: Found) -> dict[str, Any] | None:
    """The mapping in a TOML, YAML or JSON file; None, and advice, where it cannot be read."""
    import tomllib

    try:
        text, _ = decode(path.read_bytes())
        if path.suffix == ".toml":
            data = tomllib.loads(text)
        elif path.suffix == ".json":
            data = json.loads(text)
        else:
            data = parse_yaml(text)
    except (OSError, ValueError, RecursionError, FrontMatterError) as error:
        found.advice.append(f"{path.name} could not be read, and tells nothing: {one_line(str(error))}")
        return None
    return data if isinstance(data, dict) else None


def read_text(path: Path) -> str:
    try:
        return path.read_bytes()[:MAX_FILE_SIZE].decode("utf-8", "replace")
    except OSError:
        return ""
