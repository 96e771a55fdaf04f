"""Engine: tasks on a Dask cluster. What travels is small: names, counts and places in the work area."""

from __future__ import annotations

import contextlib
import importlib
import logging
import queue
import re
import resource
import signal
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from syndicate.cluster import rendering, stages
from syndicate.cluster.context import context_at, versions
from syndicate.cluster.model import Done, decode, encode
from syndicate.cluster.sources import Folder
from syndicate.config import Target
from syndicate.errors import ClusterError, ConfigError, SyndicateError

if TYPE_CHECKING:
    pass

# By name: a function, and the struct that its task is.
STAGES: dict[str, tuple[Any, type[Any]]] = {
    "listing": (stages.list_folder, Folder),
    "reading": (stages.read, stages.Reading),
    "comparing": (stages.find_contested, stages.Pieces),
    "claiming": (stages.claim, stages.Claiming),
    "settling": (stages.settle, stages.Settling),
    "deciding": (stages.decide, stages.Deciding),
    "merging": (stages.merge, stages.Pieces),
    "asking": (stages.find_wanted, stages.Pieces),
    "relating": (stages.relate, stages.Relating),
    "finishing": (stages.finish, stages.Finishing),
    "rendering": (rendering.render, rendering.Rendering),
    "uploading": (rendering.upload, rendering.Uploading),
}
CONNECTED_WITHIN = 5  # seconds
WORKERS_WITHIN = 30  # seconds without any worker
_AT_ONCE = 2_000  # tasks that the scheduler knows of
# A worker's threads would share one core, and what they keep.
_ONE_AT_A_TIME = threading.Lock()
_LOOK = 2  # seconds between two looks at whether the cluster is still there


class Answer(Struct, array_like=True, frozen=True):
    """A task's result, with what it cost."""

    done: Done
    worker: str
    memory: int  # bytes: the most that the worker has held
    bytes_read: int
    bytes_written: int


def perform(place: Target, context: str, stage: str, task: bytes, expected: dict[str, str]) -> bytes:
    """Do one task, on a worker. Raises ClusterError, and whatever the worker meets."""
    check_versions(versions(), expected, "a worker")
    function, kind = STAGES[stage]
    with _ONE_AT_A_TIME:
        told = context_at(place, context)
        read, written = told.moved
        done = function(told, decode(task, kind))
        now_read, now_written = told.moved
    return encode(Answer(done, _worker(), most_memory(), now_read - read, now_written - written))


def most_memory() -> int:
    """The most bytes that this process has held."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return int(re.search(r"(?m)^VmHWM:\s*(\d+) kB$", status.read())[1]) * 1024  # type: ignore[index]
    except (OSError, TypeError):
        # Elsewhere than on Linux; it counts what the parent held when it made this process, too.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _worker() -> str:
    """The name of the worker that this is; empty where it is none."""
    from distributed import get_worker

    with contextlib.suppress(ValueError):
        return str(get_worker().address)
    return ""


def check_versions(found: dict[str, str], expected: dict[str, str], who: str) -> None:
    """Raises ClusterError where they differ: other versions write other bytes."""
    differing = [
        f"{name} {found.get(name, 'missing')}, not {wanted}"
        for name, wanted in expected.items()
        if found.get(name) != wanted
    ]
    if differing:
        raise ClusterError(
            f"{who} has other versions than this machine", ", ".join(differing),
            "install the same versions everywhere: others may write other bytes",
        )  # fmt: skip


@dataclass
class StageCost:
    """What one stage took."""

    name: str
    tasks: int = 0
    reused: int = 0  # results of an earlier run
    seconds: float = 0
    bytes_read: int = 0  # by workers, from sources and work area
    bytes_written: int = 0
    bytes_sent: int = 0  # through the scheduler, both ways


class Engine(Protocol):
    """Whatever does tasks."""

    memory: dict[str, int]  # bytes: the most that each worker has held, by its name

    @property
    def dashboard(self) -> str:
        """URL of a page that shows what is done; empty without one."""

    def map(
        self, context: str, stage: str, tasks: Sequence[tuple[str, bytes]], cost: StageCost
    ) -> Generator[tuple[int, Done], None, None]:
        """Do tasks, each with what it is called; gives results as they come. Raises SyndicateError."""


@dataclass
class Dask:
    """A cluster's workers."""

    client: Any
    place: Target  # of the work area
    memory: dict[str, int] = field(default_factory=dict)

    @property
    def dashboard(self) -> str:
        """Where Dask shows what it does."""
        return str(self.client.dashboard_link)

    def map(
        self, context: str, stage: str, tasks: Sequence[tuple[str, bytes]], cost: StageCost
    ) -> Generator[tuple[int, Done], None, None]:
        """See Engine."""
        finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        expected = versions()
        under_way: dict[Any, int] = {}
        following = 0
        try:
            while under_way or following < len(tasks):
                while following < len(tasks) and len(under_way) < _AT_ONCE:
                    _, task = tasks[following]
                    cost.bytes_sent += len(task)
                    future = self.client.submit(
                        perform, self.place, context, stage, task, expected,
                        key=f"{stage}-{following}-{time.monotonic_ns()}", pure=False,
                    )  # fmt: skip
                    future.add_done_callback(finished.put)
                    under_way[future] = following
                    following += 1
                future = self._next(finished)
                index = under_way.pop(future)
                data = self._result(future, stage, tasks[index][0])
                cost.bytes_sent += len(data)
                answer = decode(data, Answer)
                self.memory[answer.worker] = max(self.memory.get(answer.worker, 0), answer.memory)
                cost.bytes_read += answer.bytes_read
                cost.bytes_written += answer.bytes_written
                yield index, answer.done
        finally:
            if under_way:
                with contextlib.suppress(Exception):
                    self.client.cancel(list(under_way), force=True)

    def _next(self, finished: queue.SimpleQueue[Any]) -> Any:
        """The next task that has come to an end. Raises ClusterError where none can."""
        alone_since = None
        while True:
            try:
                return finished.get(timeout=_LOOK)
            except queue.Empty:
                pass
            if self.client.status != "running":
                raise _gone()
            try:
                workers = self.client.scheduler_info(n_workers=1)["workers"]
            except Exception:  # noqa: BLE001  # whatever: it does not answer
                workers = {}
            if workers:
                alone_since = None
                continue
            alone_since = alone_since or time.monotonic()
            if time.monotonic() - alone_since > WORKERS_WITHIN:
                raise ClusterError(
                    "no worker is left", self.client.scheduler.address if self.client.scheduler else "",
                    "start some; run again, and what is done stays done",
                )  # fmt: skip

    def _result(self, future: Any, stage: str, name: str) -> bytes:
        from distributed import KilledWorker

        try:
            data: bytes = future.result()
        except SyndicateError:
            raise
        except KilledWorker as error:
            raise ClusterError(
                f"workers died {error.allowed_failures + 1} times over one task", f"{stage} {name}",
                "is their memory short? Give them more, or make partitions smaller"
                " (cluster.partition_files, cluster.partition_megabytes)",
            ) from None  # fmt: skip
        except ImportError as error:
            raise ClusterError(
                "a worker has another version of the program", str(error), "install the same everywhere"
            ) from None
        except Exception as error:
            if type(error).__name__ in ("FutureCancelledError", "CancelledError", "CommClosedError"):
                raise _gone() from None
            raise ClusterError(
                f"{stage} {name} failed", f"{type(error).__name__}", str(error)[:500]
            ) from error
        return data


def _gone() -> ClusterError:
    return ClusterError("the scheduler is gone", why="start it, and run again: what is done stays done")


class Cluster(Protocol):
    """Where an engine is to be had."""

    def connected(self, place: Target) -> contextlib.AbstractContextManager[Engine]:
        """An engine with a work area at ``place``. Raises ClusterError, ConfigError."""


@dataclass(frozen=True, slots=True)
class DaskCluster:
    """The workers of the scheduler at an address, or some processes on this machine."""

    scheduler: str = ""  # tcp://host:8786
    workers: int = 0
    memory: str = "auto"  # how much each worker on this machine may hold: 1.5GB

    def connected(self, place: Target) -> contextlib.AbstractContextManager[Engine]:
        """See Cluster."""
        return _connected(place, self)


@contextlib.contextmanager
def _connected(place: Target, told: DaskCluster) -> Iterator[Engine]:
    distributed: Any
    try:
        distributed = importlib.import_module("distributed")
    except ImportError:
        raise ConfigError("a cluster needs syndicate[dask], which is not installed") from None
    with contextlib.ExitStack() as stack:
        address = told.scheduler
        if not address:
            # They inherit that they do not mind a terminal's Ctrl-C: it is for us, who end them.
            with _interrupts_ignored():
                cluster = stack.enter_context(
                    distributed.LocalCluster(
                        n_workers=told.workers, threads_per_worker=1, memory_limit=told.memory,
                        host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL + 1,
                    )
                )  # fmt: skip
            address = cluster.scheduler_address
        try:
            client = stack.enter_context(
                distributed.Client(address, timeout=CONNECTED_WITHIN, set_as_default=False)
            )
        except (OSError, TimeoutError, ValueError) as error:
            why = "nobody answers there" if isinstance(error, OSError | TimeoutError) else str(error)
            raise ClusterError(
                "cannot reach the scheduler",
                address,
                f"{why} (start one with `dask scheduler`, or mend the address)",
            ) from None
        _await_workers(client, address)
        _compare(client)
        yield Dask(client, place)


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _await_workers(client: Any, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKERS_WITHIN)
    except TimeoutError:
        raise ClusterError(
            "the scheduler has no workers", address, f"start some with `dask worker {address}`"
        ) from None


def _compare(client: Any) -> None:
    """See that every worker has what this machine has. Raises ClusterError."""
    expected = versions()
    try:
        found = client.run(versions)
    except Exception as error:  # noqa: BLE001  # a worker without the program raises what it likes
        raise ClusterError(
            "a worker cannot run the program", type(error).__name__, f"{error}; install syndicate[dask] there"
        ) from None
    for address, theirs in sorted(found.items()):
        check_versions(theirs, expected, f"the worker at {address}")
