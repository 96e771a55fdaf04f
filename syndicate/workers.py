"""Worker processes: one function over many items on all cores, results in order. No job of its own."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from syndicate.errors import SyndicateError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def chunks(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def mapped(job: Callable[[Item], Result], items: Iterable[Item], *, parallel: bool) -> Iterator[Result]:
    """``job`` of every item, in order; in forked workers where that is asked for and can be had.

    The workers inherit what ``job`` refers to. Items are taken one at a time as workers come free, so
    that no more is in memory than is being worked on. An exception in a worker is raised here.
    """
    # Forking is unsafe beside threads, and macOS's own libraries start some.
    if parallel and cores() > 1 and sys.platform.startswith("linux"):
        gc.freeze()  # what is shared stays shared: no collection touches its pages
        try:
            yield from _in_workers(job, iter(items), cores())
        finally:
            gc.unfreeze()
    else:
        yield from map(job, items)


def _in_workers(job: Callable[[Item], Result], items: Iterator[Item], count: int) -> Iterator[Result]:
    import multiprocessing
    from multiprocessing.connection import wait

    context = multiprocessing.get_context("fork")
    connections: list[Connection] = []
    processes = []
    for _ in range(count):
        ours, theirs = context.Pipe()
        connections.append(ours)
        process = context.Process(target=_serve, args=(job, theirs, connections), daemon=True)
        process.start()
        theirs.close()
        processes.append(process)
    working: dict[Any, int] = {}  # a connection and the index of the item that its worker has
    done: dict[int, Result] = {}
    given = taken = 0

    def give(connection: Any) -> None:
        nonlocal given
        for item in items:
            connection.send(item)
            working[connection] = given
            given += 1
            return

    try:
        for connection in connections:
            give(connection)
        while working:
            for ready in wait(list(working)):
                index = working.pop(ready)
                done[index] = _answer(ready)
                give(ready)
            while taken in done:
                yield done.pop(taken)
                taken += 1
    finally:
        for connection in connections:
            connection.close()
        for process in processes:
            process.join(10 if not working else 0)
            if process.is_alive():
                process.kill()
                process.join()


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


def _serve(job: Callable[[Any], Any], connection: Connection, others: Sequence[Connection]) -> None:
    """A worker: ends when its parent closes the connection, or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    gc.disable()  # what a job makes has no cycles; looking for some would cost a tenth of the time
    # What goes wrong is raised in the parent; libraries that print of their own accord are not heard.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    # While a copy of the parent's end is open here, the parent's death would go unnoticed.
    for other in others:
        other.close()
    try:
        while True:
            item = connection.recv()
            try:
                answer = (True, job(item))
            except Exception as error:  # noqa: BLE001  # it is raised in the parent
                answer = (False, error)
            connection.send(answer)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
