"""Generators: Jekyll, Hugo, Eleventy and others, each recognised by its own files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from syndicate.articles.presets import PRESETS
from syndicate.articles.reader import PLACEHOLDERS
from syndicate.articles.urls import clean_url
from syndicate.config import time_zone
from syndicate.sites.files import articles, first_config, read_config, read_text, walk
from syndicate.sites.found import Found, language, one_line

_PLACEHOLDER_URL = "https://example.org/"
# Jekyll's names for permalinks (its documentation: "Permalinks", built-in formats).
_JEKYLL_STYLES = {
    "date": "/:categories/:year/:month/:day/:title.html",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title.html",
    "none": "/:categories/:title.html",
}
_NO_ARTICLES = ("_data", "_includes", "_layouts", "_sass", "_site", "_drafts", "_plugins")
# Placeholders of Hugo that are the file's name here.
_HUGO_NAMES = re.compile(r":(?:filename|contentbasename|slugorfilename|slugorcontentbasename)\b")
_KNOWN_PLACEHOLDERS = re.compile(rf"(?::(?:{'|'.join(PLACEHOLDERS)})\b|[^:])*")
_ELEVENTY = (
    ".eleventy.js",
    "eleventy.config.js",
    "eleventy.config.mjs",
    "eleventy.config.cjs",
    "eleventy.config.ts",
)
_HUGO = ("hugo", "config", "config/_default/hugo", "config/_default/config")


def recognise(root: Path, today: date) -> Found:
    """What the folder ``root`` shows. ``today`` is a day on which the site's domain is its owner's."""
    found = Found()
    for look in (_jekyll, _hugo, _eleventy, _smartable):
        look(root, found)
        if found.generator:
            break
    else:
        _plain(root, found)
    _fill(root, found, today)
    return found


def _fill(root: Path, found: Found, today: date) -> None:
    """What every config needs, as far as it can be known."""
    values = found.values
    if "site.title" not in values:
        found.take(
            "site.title", root.name.replace("-", " ").replace("_", " ").capitalize(), "the folder's name"
        )
    if "site.url" not in values:
        values["site.url"] = _PLACEHOLDER_URL
        found.advice.insert(
            0, "set site.url to the address where people read the site, and site.tag to its domain"
        )
    base = str(values["site.url"]).rstrip("/")
    values["site.feeds_url"] = f"{base}/feeds/"
    found.advice.append("set site.feeds_url to the address where the output directory will be served")
    domain = urlsplit(base).hostname or "example.org"
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*[a-z0-9]", domain) or domain == "localhost":
        domain = "example.org"
    values["site.tag"] = f"{domain},{today.isoformat()}"
    found.advice.append("never change site.tag once somebody has subscribed")


# Generators, each of which notes what it recognises


def _jekyll(root: Path, found: Found) -> None:
    name, config = first_config(root, ("_config",), found)
    if config is None and not (root / "_posts").is_dir():
        return
    found.generator = "Jekyll"
    config = config or {}
    found.take("site.title", config.get("title") or config.get("name"), name)
    base = config.get("baseurl") if isinstance(config.get("baseurl"), str) else ""
    url = config.get("url")
    if isinstance(url, str) and url:
        found.take("site.url", f"{url.rstrip('/')}/{str(base).strip('/')}".rstrip("/") + "/", name, clean_url)
    found.take("site.description", config.get("description"), name, one_line)
    found.take("site.language", config.get("lang") or config.get("locale"), name, language)
    found.take("site.timezone", config.get("timezone"), name, time_zone)
    found.take_author(config.get("author"), name)
    if not isinstance(config.get("author"), dict):
        found.take("site.author_email", config.get("email"), name)
    preset = "jekyll"
    posts = sorted(path.parent for path in walk(root) if path.parent.name == "_posts")
    collections = [
        path for path in sorted(root.glob("_*"))
        if path.is_dir() and path.name not in (*_NO_ARTICLES, "_posts") and any(articles(path, "smartable"))
    ]  # fmt: skip
    folders = list(dict.fromkeys(posts)) or [root / "_posts"]
    if collections and not posts:
        preset, folders = "smartable", collections
        _registries(root, found)
    found.values["content.roots"] = [folder.relative_to(root).as_posix() for folder in folders]
    found.values["content.preset"] = preset
    permalink = config.get("permalink")
    if isinstance(permalink, str) and preset == "jekyll":
        pattern = _JEKYLL_STYLES.get(permalink, permalink).replace(":output_ext", ".html")
        _permalink(found, pattern, name)
    found.advice.append(
        "Jekyll publishes whatever lies in its folder: add `exclude: [config, out]` to _config.yml"
    )


def _hugo(root: Path, found: Found) -> None:
    name, config = first_config(root, _HUGO, found)
    if config is None or not any(key.lower() in ("baseurl", "title", "theme", "module") for key in config):
        return
    found.generator = "Hugo"
    config = {key.lower(): value for key, value in config.items()}  # Hugo's own rule
    written = config.get("params")
    params = {key.lower(): value for key, value in written.items()} if isinstance(written, dict) else {}
    found.take("site.title", config.get("title"), name)
    found.take("site.url", config.get("baseurl"), name, clean_url)
    found.take("site.description", params.get("description"), name, one_line)
    for key in ("locale", "languagecode", "defaultcontentlanguage"):
        found.take("site.language", config.get(key), name, language)
    found.take("site.timezone", config.get("timezone"), name, time_zone)
    found.take_author(params.get("author") or config.get("author"), name)
    found.take("site.copyright", config.get("copyright"), name)
    content = config.get("contentdir")
    folder = (
        root / content if isinstance(content, str) and not Path(content).is_absolute() else root / "content"
    )
    found.values["content.roots"] = [folder.relative_to(root).as_posix()]
    found.values["content.preset"] = "hugo"
    sections = _sections(folder, "hugo", found)
    patterns = config.get("permalinks")
    if isinstance(patterns, dict) and isinstance(patterns.get("page"), dict):
        patterns = patterns["page"]
    if isinstance(patterns, dict):
        used = {
            pattern
            for section, pattern in patterns.items()
            if section in sections and isinstance(pattern, str)
        }
        if used and len(sections) == 1:
            pattern = used.pop()
            _permalink(found, _HUGO_NAMES.sub(":slug", pattern).replace(":sections", ":section"), name)
            if re.search(r":(?:slug|title)\b", pattern):
                found.advice.append(
                    "Hugo makes :slug and :title of the title; Syndicate of the slug, else the file's name"
                )
        elif used:
            found.advice.append(
                f"set content.permalink: {name} has several, and one folder of sections can have one"
            )


def _eleventy(root: Path, found: Found) -> None:
    name = next((name for name in _ELEVENTY if (root / name).is_file()), None)
    if name is None:
        return
    found.generator = "Eleventy"
    code = read_text(root / name)
    entry = re.search(r"""\binput\s*:\s*["']([^"']+)["']""", code) or re.search(
        r"""setInputDirectory\(\s*["']([^"']+)["']""", code
    )
    below = entry[1].strip("./") if entry else ""
    folder = root / below
    if ".." in Path(below).parts or not folder.is_dir():
        folder = root
    for data in (folder / "_data", root / "_data"):
        for path in sorted(data.glob("*")) if data.is_dir() else ():
            if path.stem.lower() in ("metadata", "site", "meta", "config"):
                _eleventy_data(path, path.relative_to(root).as_posix(), found)
    _, package = first_config(root, ("package",), found, (".json",))
    if package:
        found.take("site.url", package.get("homepage"), "package.json", clean_url)
        found.take("site.description", package.get("description"), "package.json", one_line)
    found.values["content.roots"] = [folder.relative_to(root).as_posix()]
    found.values["content.preset"] = "eleventy"
    _sections(folder, "eleventy", found)
    if folder == root:
        found.advice.append(
            "Eleventy makes pages of whatever lies in its folder: add a line `out/` to .eleventyignore"
        )


def _eleventy_data(path: Path, name: str, found: Found) -> None:
    """Global data: a mapping in JSON or YAML, or a module whose texts can be told without running it."""
    if path.suffix in (".json", ".yaml", ".yml"):
        data: Mapping[str, Any] = read_config(path, found) or {}
    elif path.suffix in (".js", ".mjs", ".cjs", ".ts"):
        code = read_text(path)
        author = re.search(r"\bauthor\s*:\s*\{(.*?)\}", code, re.DOTALL)
        data = _literals(code.replace(author[0], "") if author else code)
        if author:
            data = {**data, "author": _literals(author[1])}
    else:
        return
    found.take("site.title", data.get("title") or data.get("name"), name)
    found.take("site.url", data.get("url") or data.get("baseUrl"), name, clean_url)
    found.take("site.description", data.get("description"), name, one_line)
    found.take("site.language", data.get("language") or data.get("lang"), name, language)
    found.take_author(data.get("author"), name)


def _smartable(root: Path, found: Found) -> None:
    """Folders of articles beside ``_data``, without a generator's config."""
    folders = [path for path in sorted(root.glob("_*")) if path.is_dir() and any(articles(path, "smartable"))]
    if not folders:
        return
    found.generator = "Smartable's layout"
    found.values["content.roots"] = [folder.name for folder in folders]
    found.values["content.preset"] = "smartable"
    _registries(root, found)


def _plain(root: Path, found: Found) -> None:
    """Nothing that is known: the folder that holds Markdown, and what its articles look like."""
    usual = ("content", "posts", "articles", "news", "blog")
    folder = next((root / name for name in usual if (root / name).is_dir()), root)
    if not any(walk(folder)):
        found.values["content.roots"] = ["content"]
        found.advice.append("set content.roots to the folder that holds the articles")
        return
    found.values["content.roots"] = [folder.relative_to(root).as_posix()]
    if any(articles(folder, "smartable")):
        found.values["content.preset"] = "smartable"
        return
    if any(articles(folder, "eleventy")):
        found.values["content.preset"] = "eleventy"
        _permalink(found, str(PRESETS["eleventy"].permalink), "the articles, which have no link of their own")
        found.advice.append("set content.permalink to where the site has its articles")
        _sections(folder, "eleventy", found)


# What they have in common


def _sections(folder: Path, preset: str, found: Found) -> list[str]:
    """The folders below the content's that hold articles; where others do not, globs keep to them."""
    sections: dict[str, bool] = {}
    read = set(articles(folder, preset))
    for path in walk(folder):
        parts = path.relative_to(folder).parts
        section = parts[0] if len(parts) > 1 else ""
        sections[section] = sections.get(section, False) or path in read
    holding = sorted(section for section, holds in sections.items() if holds)
    if holding and len(holding) < len(sections) and "" not in holding:
        globs = [f"{section}/{glob}" for section in holding for glob in PRESETS[preset].include]
        found.values["content.include"] = globs
        found.sources["content.include"] = "the folders that hold articles"
    return holding


def _registries(root: Path, found: Found) -> None:
    for key, names in (
        ("content.topics", ("topics",)),
        ("content.providers", ("organizations", "providers")),
    ):
        for name in names:
            if (root / "_data" / name).is_dir():
                found.values.setdefault(key, f"_data/{name}")


def _permalink(found: Found, pattern: str, source: str) -> None:
    if "/" in pattern and _KNOWN_PLACEHOLDERS.fullmatch(pattern):
        found.values["content.permalink"] = pattern
        found.sources["content.permalink"] = source
    else:
        found.advice.append(f"set content.permalink: “{one_line(pattern)}” of {source} has no equal here")


def _literals(code: str) -> dict[str, str]:
    """The texts that a JavaScript object gives its keys, as far as they stand there as they are."""
    found = re.findall(r"""\b(\w+)\s*:\s*(?:"([^"\\\n]*)"|'([^'\\\n]*)')""", code)
    return {name: first or second for name, first, second in reversed(found)}
