"""Reporting: what a command says on standard error, as text or as lines of JSON, and of its outcome."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from syndicate.errors import ConfigError, LockedError, Problem, Severity, SyndicateError

if TYPE_CHECKING:
    from syndicate.config import Settings
    from syndicate.outcome import Outcome


class Reporter:
    """Says what there is to say, to whoever listens."""

    def __init__(self, *, verbose: bool, quiet: bool, json: bool) -> None:
        self.verbose, self.quiet, self.json = verbose, quiet, json
        self.project: Settings | None = None  # once its config is loaded
        self.outcome: Outcome | None = None  # of a command that is a run
        self.metrics_file: str | None = None
        self._clock = time.perf_counter()

    def begin(self, command: str, metrics_file: str | None = None) -> Outcome:
        """A run begins: its outcome is filled by the command, and told at the end."""
        from syndicate.outcome import Outcome

        self.metrics_file = metrics_file
        self.outcome = Outcome(command, datetime.now(UTC))
        return self.outcome

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._clock

    @property
    def talkative(self) -> bool:
        """Whether a person is there to read more than problems."""
        return not self.json and (self.verbose or (sys.stdout.isatty() and not self.quiet))

    def show(self, problems: Iterable[Problem]) -> None:
        """Print problems to standard error: notices with -v only, warnings not with -q."""
        for problem in problems:
            if problem.severity is Severity.NOTICE and not self.verbose:
                continue
            if problem.severity is Severity.WARNING and self.quiet:
                continue
            if self.json:
                self._log(
                    problem.severity.value, "problem", path=problem.path, line=problem.line,
                    column=problem.column, field=problem.field, what=problem.what, fix=problem.fix,
                )  # fmt: skip
            else:
                click.echo(str(problem), err=True)

    def say(self, level: str, message: object) -> None:
        """Print what is no problem of an input: an ``error``, or a ``warning``, but not with -q."""
        if level == "warning" and self.quiet:
            return
        if self.json:
            self._log(level, "message", message=str(message))
        else:
            mark = "" if level == "error" else f"{level}: "
            click.echo(f"syndicate: {mark}{message}", err=True)

    def fail(self, error: SyndicateError) -> int:
        """Print what stopped the command; gives its exit code."""
        if isinstance(error, ConfigError):
            self.show(error.problems)
        self.say("error", error)
        return error.exit_code

    def finish(self, code: int, error: str) -> int:
        """Tell a run's outcome to the log and the metrics; gives the exit code."""
        outcome = self.outcome
        if outcome is None:
            return code
        outcome.seconds, outcome.exit_code, outcome.error = self.seconds, code, error
        # Whoever holds the lock writes the metrics; without a config nobody knows of what.
        if self.metrics_file and self.project and code != LockedError.exit_code:
            from syndicate.metrics import write_metrics
            from syndicate.status import read_status

            try:
                write_metrics(Path(self.metrics_file), outcome, read_status(self.project, builds=1))
            except SyndicateError as failure:
                outcome.exit_code = code or self.fail(failure)
        if self.json:
            self._log_cost(outcome)
            numbers = outcome.numbers()
            if outcome.error:
                numbers = {"error": outcome.error, **numbers}  # type: ignore[dict-item]
            self._log(
                "error" if outcome.exit_code else "info", "run", command=outcome.command,
                exit_code=outcome.exit_code, seconds=round(outcome.seconds, 3), **numbers,
            )  # fmt: skip
        return outcome.exit_code

    def _log_cost(self, outcome: Outcome) -> None:
        """A line for each stage of a build on a cluster, and one for each worker."""
        if outcome.cost is None:
            return
        for stage in outcome.cost.stages:
            self._log(
                "info", "stage", stage=stage.name, tasks=stage.tasks, reused=stage.reused,
                seconds=round(stage.seconds, 3), bytes_read=stage.bytes_read,
                bytes_written=stage.bytes_written, bytes_sent=stage.bytes_sent,
            )  # fmt: skip
        for address, memory in outcome.cost.memory.items():
            self._log("info", "worker", worker=address, peak_memory=memory)

    def _log(self, level: str, event: str, **fields: object) -> None:
        """One line of JSON on standard error."""
        import json

        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said = {"time": time, "level": level, "event": event, **fields}
        line = json.dumps(said, ensure_ascii=False)
        # Who looks at a log with a terminal is not to be fooled by what an article says.
        click.echo(line if line.isprintable() else json.dumps(said), err=True)
