"""Metrics: a project's state and its last run in Prometheus's text format, for a textfile collector."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from syndicate.errors import Severity, WriteError
from syndicate.outcome import Outcome
from syndicate.status import Status
from syndicate.version import VERSION


class Metric(NamedTuple):
    """One metric: every one is a gauge, since a run starts from nothing."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()


METRICS = (
    Metric("syndicate_info", "Always 1; its label is the program's version.", ("version",)),
    Metric("syndicate_run_timestamp_seconds", "When the last run began, in seconds since 1970.", ("command",)),
    Metric("syndicate_run_duration_seconds", "How long the last run took.", ("command",)),
    Metric("syndicate_run_exit_code", "The exit code of the last run.", ("command",)),
    Metric("syndicate_build_last_success_timestamp_seconds", "When the last build that was done ended, in seconds since 1970; 0: never."),
    Metric("syndicate_articles", "Articles in the feeds."),
    Metric("syndicate_articles_scheduled", "Articles that wait for their date."),
    Metric("syndicate_problems", "Problems of articles.", ("severity",)),
    Metric("syndicate_documents", "Documents in the output directory."),
    Metric("syndicate_documents_bytes", "Their size."),
    Metric("syndicate_documents_changed", "Documents that the last run wrote, removed or refused to write.", ("reason",)),
    Metric("syndicate_bytes_written", "Bytes that the last run wrote into the output directory."),
    Metric("syndicate_bytes_sent", "Bytes that the last run uploaded.", ("target",)),
    Metric("syndicate_target_last_success_timestamp_seconds", "When all was well at the target the last time, in seconds since 1970; 0: never.", ("target",)),
    Metric("syndicate_target_documents", "Documents on the target, then.", ("target",)),
    Metric("syndicate_pending_purges", "Documents of which an edge is still to be told.", ("target",)),
    Metric("syndicate_pending_pings", "Feeds of which the hub is still to be told.", ("target",)),
)  # fmt: skip


def write_metrics(path: Path, outcome: Outcome, status: Status) -> None:
    """Write the metrics to ``path``, whole or not at all. Raises WriteError."""
    registry = CollectorRegistry()
    gauges = {
        metric.name: Gauge(metric.name, metric.meaning, metric.labels, registry=registry)
        for metric in METRICS
    }
    for name, labels, value in _values(outcome, status):
        gauge = gauges[name]
        (gauge.labels(*labels) if labels else gauge).set(value)
    try:
        write_to_textfile(str(path), registry)
    except OSError as error:
        raise WriteError("cannot write the metrics", str(path), os.strerror(error.errno or 0)) from None


def _values(outcome: Outcome, status: Status) -> Iterator[tuple[str, tuple[str, ...], float]]:
    yield "syndicate_info", (VERSION,), 1
    command = (outcome.command,)
    yield "syndicate_run_timestamp_seconds", command, outcome.started.timestamp()
    yield "syndicate_run_duration_seconds", command, outcome.seconds
    yield "syndicate_run_exit_code", command, outcome.exit_code
    if status.builds:
        last = status.builds[0]
        yield "syndicate_build_last_success_timestamp_seconds", (), last.started.timestamp() + last.seconds
    yield "syndicate_articles", (), status.articles
    yield "syndicate_articles_scheduled", (), status.scheduled
    for severity in Severity:
        count = sum(problem.severity is severity for problem in status.problems)
        yield "syndicate_problems", (severity.value,), count
    yield "syndicate_documents", (), status.documents
    yield "syndicate_documents_bytes", (), status.bytes
    numbers = outcome.numbers()
    for reason in ("new", "changed", "gone", "refused"):
        yield "syndicate_documents_changed", (reason,), numbers.get(f"documents_{reason}", 0)
    yield "syndicate_bytes_written", (), numbers.get("bytes_written", 0)
    sent = (
        {target.url: target.bytes_sent for target in outcome.published.targets} if outcome.published else {}
    )
    for target in status.targets:
        url = (target.url,)
        published = target.published.timestamp() if target.published else 0
        yield "syndicate_bytes_sent", url, sent.get(target.url, 0)
        yield "syndicate_target_last_success_timestamp_seconds", url, published
        yield "syndicate_target_documents", url, target.documents or 0
        yield "syndicate_pending_purges", url, target.pending_purges
        yield "syndicate_pending_pings", url, target.pending_pings
