"""Preview: the output directory as a web server would serve it, an ASGI application. Nothing is built."""

from __future__ import annotations

import gzip
import mimetypes
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import NotModifiedResponse, PathLike, StaticFiles

from syndicate.config import Settings
from syndicate.feeds.markup import attribute_escaped
from syndicate.publishing.headers import SURROGATE_KEY, TYPES, document_headers

if TYPE_CHECKING:
    from starlette.types import Scope

    from syndicate.watching import Watcher

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_RELOAD_PATH = "/.syndicate/reload.js"
_CHANGES_PATH = "/.syndicate/changes"
# The page knows the version of the documents that it was made of.
_RELOAD = f"""\
const version=document.currentScript.src.split('?')[1];
new EventSource('{_CHANGES_PATH}').onmessage=said=>{{if(said.data!==version)location.reload()}};
"""
_COMPRESSED = (*TYPES, ".xml", ".txt", ".css", ".js", ".svg")


class Documents(StaticFiles):
    """The files of the output directory: whole answers to GET and HEAD, conditional, compressed.

    Ranges are not answered in part (RFC 9110, section 14.2 allows that): readers take feeds whole.
    """

    def __init__(self, settings: Settings, watcher: Watcher | None) -> None:
        """With a ``watcher`` pages reload themselves when something changed, and are not kept."""
        super().__init__(html=True)
        self.watcher = watcher
        self.show(settings)

    def show(self, settings: Settings) -> None:
        """Serve what these settings say from now on."""
        self.settings = settings
        self.all_directories = [settings.output.directory]

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        if any(step.startswith(".") and step != "." for step in Path(path).parts):
            return "", None  # what is hidden on disk is no document
        return super().lookup_path(path)

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        asked = Headers(scope=scope)
        root = os.path.realpath(self.settings.output.directory)
        path = os.path.relpath(full_path, root).replace(os.sep, "/")
        compressed = path.endswith(_COMPRESSED) and _takes_gzip(asked.get("accept-encoding", ""))
        tag = f"{stat_result.st_mtime_ns:x}-{stat_result.st_ino:x}-{stat_result.st_size:x}"
        headers = self._headers(path)
        version = self.watcher.version if self.watcher and path.endswith(".html") else None
        if version is not None:
            tag += f"-{version}"
        headers["ETag"] = f'"{tag}{"-gzip" * compressed}"'
        headers["Last-Modified"] = formatdate(stat_result.st_mtime, usegmt=True)
        if self.is_not_modified(Headers(headers), asked):
            return NotModifiedResponse(Headers(headers))
        if compressed:
            headers["Content-Encoding"] = "gzip"
        base = attribute_escaped(self.settings.site.feeds_url)
        page = (base, version) if path.endswith(".html") else None
        try:
            body = _body(os.fspath(full_path), tag, compressed, page)
        except OSError:  # a build has just removed it
            raise HTTPException(404) from None
        return Response(body, status_code, headers)

    def _headers(self, path: str) -> dict[str, str]:
        """As they are published; with a watcher nothing is kept without asking."""
        found = document_headers(path, self.settings.publish, self.settings.site.feeds_url)
        del found[SURROGATE_KEY]
        found.pop("Content-Encoding", None)
        if not path.endswith(tuple(TYPES)):
            found["Content-Type"] = mimetypes.guess_type(path)[0] or "application/octet-stream"
        if self.watcher:
            found["Cache-Control"] = "no-cache"
        if path.endswith(_COMPRESSED):
            found["Vary"] = "Accept-Encoding"
        return found


@lru_cache(maxsize=64)
def _body(full_path: str, tag: str, compressed: bool, page: tuple[str, int | None] | None) -> bytes:
    """A file's bytes; ``tag`` says which. A ``page`` has (feeds_url, version): its links lead here."""
    data = Path(full_path).read_bytes()
    if page is not None:
        base, version = page
        data = data.replace(f'href="{base}'.encode(), b'href="/')
        if version is not None:
            # The page's own policy forbids scripts and connections; ours come from here.
            data = data.replace(b"script-src ", b"connect-src 'self'; script-src 'self' ", 1)
            data = data.replace(
                b"</body>", f'<script src="{_RELOAD_PATH}?{version}"></script></body>'.encode(), 1
            )
    return gzip.compress(data, 6, mtime=0) if compressed else data


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding (RFC 9110, section 12.5.3) allows gzip."""
    weights = {}
    for item in accepted.lower().split(","):
        name, _, weight = item.partition(";")
        weights[name.strip()] = weight.replace(" ", "").removeprefix("q=")
    weight = weights.get("gzip", weights.get("x-gzip", weights.get("*", "0")))
    return weight.strip("0.") != "" or weight == ""


def application(
    settings: Settings, *, host: str, watcher: Watcher | None, stopping: Callable[[], bool]
) -> Starlette:
    """The application that serves ``settings.output.directory``; with a ``watcher``, pages reload themselves.

    On a loopback address only requests by its name are answered, or any web page could read the preview
    through a name of its own that leads here.
    """
    documents = Documents(settings, watcher)
    routes: list[Route | Mount] = []
    if watcher is not None:

        async def changes(_: Request) -> Response:
            return StreamingResponse(
                watcher.events(stopping),
                media_type="text/event-stream",
                headers={"Cache-Control": "no-store"},
            )

        async def reload(_: Request) -> Response:
            return Response(_RELOAD, media_type="text/javascript", headers={"Cache-Control": "no-cache"})

        routes = [Route(_CHANGES_PATH, changes), Route(_RELOAD_PATH, reload)]
    routes.append(Mount("/", documents))

    async def refused(_: Request, error: HTTPException) -> Response:
        said = {404: "There is no such document.", 405: "Documents can only be read."}
        text = said.get(error.status_code, error.detail) + "\n"
        if watcher is None or error.status_code != 404:
            return PlainTextResponse(text, error.status_code, error.headers)
        # What is not there now may be in a moment.
        script = f'<script src="{_RELOAD_PATH}?{watcher.version}"></script>'
        return HTMLResponse(f"<!DOCTYPE html><title>404</title><p>{text}{script}", 404)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if watcher is None:
            yield
        else:
            async with watcher.watching(documents.show):
                yield

    names = [name if ":" not in name else "[" for name in LOOPBACK] if host in LOOPBACK else ["*"]
    return Starlette(
        routes=routes,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=names, www_redirect=False)],
        exception_handlers={HTTPException: refused},  # type: ignore[dict-item]
        lifespan=lifespan,
    )


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    watcher: Watcher | None,
    log: bool,
    say: Callable[[str], None],
) -> None:
    """Serve until the process is told to end. ``port`` 0 takes a free one; ``say`` is given the address.

    Raises ConfigError where nothing was built, or where it cannot listen.
    """
    import socket

    import uvicorn

    from syndicate.errors import ConfigError

    if not settings.output.directory.is_dir():
        raise ConfigError(
            f"there is nothing to serve: {settings.output.directory} (run `syndicate build` first)"
        )
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # asyncio turns Nagle's delay off only where the protocol is named: 40 ms for each small answer.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        raise ConfigError(
            f"cannot listen on {host}, port {port}: {reason} (choose another with --port)"
        ) from None
    with listener:
        shown = f"[{host}]" if ":" in host else host
        say(f"http://{shown}:{listener.getsockname()[1]}/")
        server: uvicorn.Server
        app = application(settings, host=host, watcher=watcher, stopping=lambda: server.should_exit)
        config = uvicorn.Config(
            app, log_level="info" if log else "warning", access_log=log, server_header=False, ws="none",
            lifespan="on", timeout_graceful_shutdown=5,
        )  # fmt: skip
        server = uvicorn.Server(config)
        server.run(sockets=[listener])
