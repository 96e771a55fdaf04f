"""System programs that tests use, and local web servers. A program that is missing skips its tests by name."""

from __future__ import annotations

import functools
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest


def needed(name: str, path: str | None = None) -> str:
    """Where the program is; without it the test is skipped, or fails in CI, which installs it."""
    found = path if path is not None and Path(path).exists() else shutil.which(name)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is not installed, and CI installs it")
        pytest.skip(f"{name} is not installed")
    return found


class _Handler(SimpleHTTPRequestHandler):
    extensions_map: ClassVar = {
        **SimpleHTTPRequestHandler.extensions_map, ".rss": "application/rss+xml",
        ".atom": "application/atom+xml", ".json": "application/feed+json", ".opml": "text/x-opml",
    }  # fmt: skip

    def log_message(self, *_: object) -> None: ...


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder on a free port of 127.0.0.1; gives its URL with a slash at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
