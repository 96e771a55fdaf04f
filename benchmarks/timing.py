"""Timing: a command as a whole process, start-up included."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

Figure = tuple[float, float]  # wall seconds, MB of the largest process
# Programs that are installed beside this Python come first. Bytecode is written down, as pip does it for what it
# installs: a checkout would be compiled in every run where the environment forbids that.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
}


def timed(command: list[str], folder: Path, environment: Mapping[str, str] = ENVIRONMENT) -> Figure:
    """One run of a command; what others have written is on the disk before it begins."""
    os.sync()
    started = time.perf_counter()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{command} failed: {(folder / 'log').read_text()[-2000:]}")
    return seconds, usage.ru_maxrss / 1024
