"""Worker processes: one function over many items on all cores, results in order. No job of its own."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from syndicate.errors import SyndicateError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_STOPS = (signal.SIGINT, signal.SIGTERM)

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def chunks(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


class Pool:
    """The worker processes of one run. They are forked when they are first needed, and end with ``close``.

    They live from stage to stage: what a worker has imported for one, it has for the next, and it is
    forked while its parent is still small.
    """

    def __init__(self) -> None:
        self._connections: list[Connection] = []
        self._processes: list[Any] = []
        self._working: dict[Any, int] = {}  # a connection and the index of the item that its worker has

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def mapped(
        self, job: Callable[[Item], Result], items: Iterable[Item], *, parallel: bool
    ) -> Iterator[Result]:
        """``job`` of every item, in order; in worker processes where that is asked for and can be had.

        ``job``, the items and the results must be picklable. Items are taken one at a time as workers
        come free, so that no more is in memory than is being worked on. An exception in a worker is
        raised here.
        """
        # Forking is unsafe beside threads, and macOS's own libraries start some.
        if not parallel or cores() < 2 or not sys.platform.startswith("linux"):
            yield from map(job, items)
            return
        self._start()
        for connection in self._connections:
            connection.send(("job", job))
        yield from self._answers(iter(items))

    def prepare(self, module: str) -> None:
        """Let workers, if there are any, import what they will need, while the parent does other work."""
        for connection in self._connections:
            connection.send(("import", module))

    def close(self) -> None:
        """End the workers: those that are at work are killed."""
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            process.join(0 if self._working else 10)
            if process.is_alive():
                process.kill()
                process.join()
        if self._processes:
            gc.unfreeze()
        self._connections, self._processes, self._working = [], [], {}

    def _start(self) -> None:
        if self._processes:
            return
        import multiprocessing

        gc.freeze()  # what is shared stays shared: no collection touches its pages
        context = multiprocessing.get_context("fork")
        # Not in between: a worker that is told to end before it says that it will not would say much.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            for _ in range(cores()):
                ours, theirs = context.Pipe()
                self._connections.append(ours)
                process = context.Process(target=_serve, args=(theirs, self._connections), daemon=True)
                process.start()
                theirs.close()
                self._processes.append(process)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)

    def _answers(self, items: Iterator[Any]) -> Iterator[Any]:
        from multiprocessing.connection import wait

        done: dict[int, Any] = {}
        given = taken = 0

        def give(connection: Any) -> None:
            nonlocal given
            for item in items:
                connection.send(("item", item))
                self._working[connection] = given
                given += 1
                return

        for connection in self._connections:
            give(connection)
        while self._working:
            for ready in wait(list(self._working)):
                index = self._working.pop(ready)
                done[index] = _answer(ready)
                give(ready)
            while taken in done:
                yield done.pop(taken)
                taken += 1


def _answer(connection: Any) -> Any:
    """What a worker made of its item, or the exception that it met. Raises SyndicateError."""
    try:
        fine, result = connection.recv()
    except EOFError:
        raise SyndicateError("a worker process died", why="is memory short?") from None
    if fine:
        return result
    assert isinstance(result, Exception)
    raise result


def _serve(connection: Connection, others: Sequence[Connection]) -> None:
    """A worker: ends when its parent closes the connection, or dies."""
    for number in _STOPS:  # a group of processes is sent them together
        signal.signal(number, signal.SIG_IGN)  # the parent ends us
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    gc.disable()  # what a job makes has no cycles; looking for some would cost a tenth of the time
    # What goes wrong is raised in the parent; libraries that print of their own accord are not heard.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    # While a copy of the parent's end is open here, the parent's death would go unnoticed.
    for other in others:
        other.close()
    job: Any = None
    try:
        while True:
            what, value = connection.recv()
            if what == "import":
                importlib.import_module(value)
            elif what == "job":
                job = value
            else:
                try:
                    answer = (True, job(value))
                except Exception as error:  # noqa: BLE001  # it is raised in the parent
                    answer = (False, error)
                connection.send(answer)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
