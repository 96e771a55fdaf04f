"""The starter config that ``syndicate init`` writes: every key, filled in with what is known."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from syndicate.errors import ConfigError, WriteError
from syndicate.keys import KEYS, NEEDED, Key

_HEAD = """\
# Syndicate: what is published, and where.
# Only site.title, site.url, site.feeds_url, site.tag and content.roots are needed; a line that begins
# with # shows a key with its default, or an example.
# Paths are relative to the project root: the folder above config/, or the folder of this file.
"""
# Keys that are written out where nothing is known of them, so that they are seen.
_SHOWN = {
    "feeds.formats": "[rss, atom, json]",
    "feeds.groups": "[topic, provider]",
    "output.directory": "out",
}
_REST = """
# publish:
#   targets:
#     - url: s3://feeds-bucket/ai/          # or gs://, az://, file:///var/www/feeds/
#       endpoint: https://s3.example        # of an S3-compatible; also region, path_style, ca_file
#   cache_control: public, max-age=300      # how the documents are served: RSS says the same as its ttl
#   headers:                                # of the rules that match, the first that sets one decides it
#     - match: "**/*.json"
#       cache_control: public, max-age=60   # also content_type, gzip
#   purge:
#     - kind: varnish                       # varnish, fastly, cloudflare, cloudfront, http
#       url: https://edge.example/
#       token: ${PURGE_TOKEN}               # from the environment; also id, by, soft
#   hub: https://hub.example/               # a WebSub hub
#   delete: true                            # remove documents of groups that are gone
#   max_delete: 256                         # refuse to remove more documents at once
#   timeout: 30                             # seconds that one request may take
#   deadline: 600                           # seconds that a stage may take, all tries together

# cluster:                                  # of `build` and `run` with --workers or --scheduler
#   work: s3://work-bucket/syndicate/       # a folder or storage that all workers share
#   endpoint: https://s3.example            # also region, path_style, ca_file
#   partition_files: 4096                   # also partition_megabytes, fan_in
"""
_PLAIN = re.compile(r"[A-Za-z0-9/](?:[\w ./,+-]|:(?! ))*(?<![: ])")


def starter(values: Mapping[str, str | list[str]]) -> str:
    """The text of a config with ``values`` by key (``site.title``), and every other key as a comment."""
    lines = [_HEAD]
    section = ""
    for key in KEYS:
        above, _, name = key.path.partition(".")
        if above == "publish":
            break
        if above != section:
            lines.append(f"\n{above}:\n")
            section = above
        lines.append(_line(key, name, values.get(key.path)))
    return "".join(lines) + _REST


def _line(key: Key, name: str, value: str | list[str] | None) -> str:
    hint = (key.hint or key.meaning).replace("`", "")
    if value is None and (key.default == NEEDED or key.path in _SHOWN):
        value = _SHOWN.get(key.path, key.example)
        written = f"  {name}: {value}"
    elif value is None:
        written = f"  # {name}: {key.example}"
    else:
        written = f"  {name}: {_yaml(value)}"
    return f"{written:41} # {hint}\n"


def _yaml(value: str | list[str]) -> str:
    if isinstance(value, list):
        return (
            "["
            + ", ".join(item if re.fullmatch(r"[\w./-]+", item) else _quoted(item) for item in value)
            + "]"
        )
    return value if _PLAIN.fullmatch(value) else _quoted(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def write_starter(path: Path, values: Mapping[str, str | list[str]]) -> None:
    """Write the starter config to ``path``, whole or not at all. Raises ConfigError, WriteError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        raise ConfigError(f"{path} is there already; it is never overwritten") from None
    except OSError as error:
        raise WriteError("cannot write", str(path), error.strerror or "") from None
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(starter(values))
