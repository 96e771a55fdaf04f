"""Watching: builds when content or config changed, and tells open pages when a document did."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

from syndicate.config import Settings, load_config
from syndicate.errors import ConfigError
from syndicate.output import TEMPORARY

_STEP = 50  # milliseconds without another change before one counts
_AT_ONCE = 400  # milliseconds after which changes count though more keep coming
_USUAL = DefaultFilter()  # nothing hidden, no editor's own files
_LOCKED = 75  # the exit code of a build that found another at work


class Watcher:
    """Watches one project. ``say`` is given a line about each build."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self.settings, self.say = settings, say
        self._changed = asyncio.Event()  # content or config
        self._content_stale = asyncio.Event()  # other folders are to be watched
        self._output_stale = asyncio.Event()
        self.version = 0  # of the documents: another whenever one changed
        self._listeners: set[asyncio.Event] = set()

    @contextlib.asynccontextmanager
    async def watching(self, configured: Callable[[Settings], None]) -> AsyncIterator[None]:
        """Watch while the block runs. ``configured`` is given the settings whenever the config changed."""
        tasks = [
            asyncio.create_task(task)
            for task in (
                self._watch_content(),
                self._watch_config(),
                self._watch_output(),
                self._build(configured),
            )
        ]
        for task in tasks:
            task.add_done_callback(self._tell)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _tell(self, task: asyncio.Task[None]) -> None:
        """Say why something is not watched any more, such as a system's limit of watches."""
        if not task.cancelled() and task.exception():
            self.say(f"changes are not followed any more: {task.exception()}")

    async def events(self, stopping: Callable[[], bool]) -> AsyncIterator[str]:
        """Server-sent events (HTML, section 9.2): the documents' version, at once and with every change."""
        changed = asyncio.Event()
        changed.set()  # a page may be older than its question
        self._listeners.add(changed)
        try:
            while not stopping():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), 0.25)
                    changed.clear()
                    yield f"data: {self.version}\n\n"
        finally:
            self._listeners.discard(changed)

    async def _watch_content(self) -> None:
        while True:
            content = self.settings.content
            folders = [*content.roots, *filter(None, (content.topics, content.providers))]
            there = [folder for folder in folders if folder.is_dir()]
            for folder in set(folders) - set(there):
                self.say(f"{folder} is not there, and is not watched")
            self._content_stale.clear()
            if not there:
                await self._content_stale.wait()
                continue
            ours = str(self.settings.output.directory)
            state = str(self.settings.state)

            def wanted(change: Change, path: str, ours: str = ours, state: str = state) -> bool:
                return _USUAL(change, path) and not path.startswith((ours + "/", state + "/"))

            async for _ in awatch(
                *there, watch_filter=wanted, step=_STEP, debounce=_AT_ONCE, stop_event=self._content_stale
            ):
                self._changed.set()

    async def _watch_config(self) -> None:
        # The folder, not the file: editors put a new file in its place.
        path = self.settings.path
        async for changes in awatch(path.parent, recursive=False, step=_STEP, debounce=_AT_ONCE):
            if any(Path(changed).name == path.name for _, changed in changes):
                self._changed.set()

    async def _watch_output(self) -> None:
        while True:
            self._output_stale.clear()
            directory = self.settings.output.directory
            directory.mkdir(parents=True, exist_ok=True)
            async for changes in awatch(
                directory, step=_STEP, debounce=_AT_ONCE, stop_event=self._output_stale
            ):
                if any(not changed.endswith(TEMPORARY) for _, changed in changes):
                    self.version += 1
                    for listener in self._listeners:
                        listener.set()

    def _configure(self) -> None:
        """Take the config as it stands now; what is wrong with it, the build says."""
        with contextlib.suppress(ConfigError):
            settings = load_config(self.settings.path)
            if settings != self.settings:
                self.settings = settings
                self._content_stale.set()
                self._output_stale.set()

    async def _build(self, configured: Callable[[Settings], None]) -> None:
        self._changed.set()  # what changed before it was watched
        first = True
        while True:
            await self._changed.wait()
            self._changed.clear()
            self._configure()
            started = time.perf_counter()
            # A process of its own, as under cron: what it does to memory and signals stays there.
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "syndicate", "-c", str(self.settings.path), "build"
            )
            try:
                code = await process.wait()
            except asyncio.CancelledError:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                await process.wait()
                raise
            if code == _LOCKED:
                await asyncio.sleep(0.2)
                self._changed.set()
                continue
            configured(self.settings)
            took = f"{time.perf_counter() - started:.2f} s"
            if code or not first:
                self.say(f"the build ended with exit code {code}" if code else f"built in {took}")
            first = False
