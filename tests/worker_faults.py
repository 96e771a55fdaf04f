"""Loaded by a worker of Dask before it begins (``--preload``): what it is told to suffer, once or always.

``SUFFER`` names a stage and what happens in it: ``reading kill``, ``reading memory``, ``reading wait``. With
``SUFFER_ONCE``, the path of a file that is not there, only the first worker that comes there does.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from syndicate.cluster import engine


def suffer(what: str) -> None:
    once = os.environ.get("SUFFER_ONCE")
    if once:
        try:
            os.close(os.open(once, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "wait":
        time.sleep(0.3)
    elif what == "memory":
        held = []
        while True:  # until somebody ends it
            held.append(b"x" * 10**7)
            time.sleep(0.01)


def dask_setup(*_: object) -> None:
    stage, what = os.environ["SUFFER"].split()
    real, kind = engine.STAGES[stage]

    def suffering(context: Any, task: Any) -> Any:
        done = real(context, task)  # what it wrote may be there, what it would have said is not
        suffer(what)
        return done

    engine.STAGES[stage] = suffering, kind
