"""Runs that are killed, or told to end, at a stage of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from conftest import NOW

REPOSITORY = Path(__file__).parent.parent
BUILD = f"syndicate.build(settings, now=datetime.fromisoformat({NOW.isoformat()!r}), force=True)"

# Kills its own process at the nth call of a function, before the call or after it.
_DRIVER = """
import os, signal, sys, importlib
sys.path.insert(0, {repository!r})
import syndicate
from datetime import UTC, datetime
from pathlib import Path

where, when, nth = {where!r}, {when!r}, {nth}
owner, name = where.rsplit(".", 1)
parts = owner.split(":")
target = sys.modules.get(parts[0]) or importlib.import_module(parts[0])
for part in parts[1:]:
    target = getattr(target, part)
real, calls = getattr(target, name), 0

def deadly(*args, **kwargs):
    global calls
    calls += 1
    number = calls  # of this call: others may run beside it
    if number == nth and when == "before":
        os.kill(os.getpid(), {number})
    result = real(*args, **kwargs)
    if number == nth and when == "after":
        os.kill(os.getpid(), {number})
    return result

setattr(target, name, deadly)
settings = syndicate.load_config(Path("config/syndicate.yaml"))
{call}
"""


def killed(
    folder: Path,
    where: str,
    when: str,
    nth: int,
    call: str = BUILD,
    environment: dict[str, str] | None = None,
    number: signal.Signals = signal.SIGKILL,
) -> subprocess.CompletedProcess[bytes]:
    """Run ``call`` on the project in ``folder``, killed before or after the nth call of a function.

    ``where`` is ``module.function`` or ``module:Class.method``.
    """
    script = _DRIVER.format(
        repository=str(REPOSITORY), where=where, when=when, nth=nth, call=call, number=int(number)
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env={**os.environ, **(environment or {})},
        capture_output=True, check=False,
    )  # fmt: skip
    assert result.returncode in (-number, 128 + number), result.stderr
    return result
