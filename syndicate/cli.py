"""The command line: parse arguments, call one function, print what it returns. click only."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import click

from syndicate.errors import Severity, SyndicateError, printable
from syndicate.reporting import Reporter
from syndicate.version import VERSION

if TYPE_CHECKING:
    from syndicate.cluster.build import Cost
    from syndicate.cluster.engine import DaskCluster
    from syndicate.config import Settings
    from syndicate.publishing.targets import PublishReport, TargetReport
    from syndicate.run import Progress, Report
    from syndicate.status import Status

P = ParamSpec("P")
DEFAULT_CONFIG = "config/syndicate.yaml"


class _Options(Reporter):
    """The options that stand before the command."""

    def __init__(self, config: str | None, verbose: bool, quiet: bool, log_format: str) -> None:
        super().__init__(verbose=verbose, quiet=quiet, json=log_format == "json")
        self.config = config

    @property
    def config_path(self) -> Path:
        return _config_path(self.config)

    def settings(self) -> Settings:
        from syndicate.config import load_config

        self.project = load_config(self.config_path)
        return self.project


class _Terminated(KeyboardInterrupt):
    """SIGTERM came: what is under way is undone, as with Ctrl-C."""


def _terminate(*_: object) -> None:
    raise _Terminated


def _told_again(lost: sys.UnraisableHookArgs) -> None:
    """A signal that comes while an object is destroyed raises to nobody: it is sent again, a moment later."""
    if not isinstance(lost.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    from threading import Timer

    number = signal.SIGTERM if isinstance(lost.exc_value, _Terminated) else signal.SIGINT
    again = Timer(0.02, os.kill, (os.getpid(), number))
    again.daemon = True
    again.start()


def _exits(command: Callable[Concatenate[_Options, P], int]) -> Callable[..., None]:
    """Turn a command's result, and what it raises, into the process's exit code."""

    @wraps(command)
    def run(options: _Options, *args: P.args, **kwargs: P.kwargs) -> None:
        signal.signal(signal.SIGTERM, _terminate)
        sys.unraisablehook = _told_again
        error = ""
        try:
            code = command(options, *args, **kwargs)
        except KeyboardInterrupt as stop:
            number = signal.SIGTERM if isinstance(stop, _Terminated) else signal.SIGINT
            error = f"stopped by {number.name}: every document is whole; the next run goes on"
            options.say("error", error)
            code = 128 + number
        except SyndicateError as failure:
            error = str(failure)
            code = options.fail(failure)
        sys.exit(options.finish(code, error))

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-c", "--config", metavar="CONFIG", help=f"The config file [{DEFAULT_CONFIG}].")
@click.option("-v", "--verbose", is_flag=True, help="Say what is done, and show notices.")
@click.option("-q", "--quiet", is_flag=True, help="Show errors only.")
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text",
    help="How problems and errors are printed; json: a line each, and one about the run at its end [text].",
)  # fmt: skip
@click.version_option(VERSION, prog_name="syndicate")
@click.pass_context
def main(context: click.Context, config: str | None, verbose: bool, quiet: bool, log_format: str) -> None:
    """Publish a folder of articles as RSS 2.0, Atom 1.0 and JSON Feed 1.1 files."""
    if verbose and quiet:
        raise click.UsageError("-v and -q exclude each other")
    context.obj = _Options(config, verbose, quiet, log_format)


def _config_path(written: str | None) -> Path:
    """The config: the one that was named, the default one, or that of the environment."""
    if written:
        return Path(written)
    if not Path(DEFAULT_CONFIG).exists() and os.environ.get("SYNDICATE_CONFIG"):
        return Path(os.environ["SYNDICATE_CONFIG"])
    return Path(DEFAULT_CONFIG)


def _targets(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """The targets of the config that begin so, for a shell to complete."""
    from syndicate.config import load_config

    config = context.parent.params.get("config") if context.parent else None
    try:
        targets = load_config(_config_path(config)).publish.targets
    except SyndicateError:
        return []
    return [target.url for target in targets if target.url.startswith(begun)]


_metrics_option = click.option(
    "--metrics-file", metavar="FILE", help="Write metrics for Prometheus's textfile collector into FILE."
)


@main.command()
@click.pass_obj
@_exits
def init(options: _Options) -> int:
    """Write a config for the site in this folder, with every key explained; never overwrites one."""
    from syndicate.config import load_config, project_root
    from syndicate.pipeline import check as run_check
    from syndicate.sites.generators import recognise
    from syndicate.starter import write_starter

    path = options.config_path
    found = recognise(project_root(path.absolute()), datetime.now(UTC).date())
    write_starter(path, found.values)
    click.echo(f"wrote {path}" + (f" for a site of {found.generator}" if found.generator else ""))
    for key, value in found.values.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        source = found.sources.get(key)
        click.echo(f"  {key + ':':18} {printable(shown)}" + (f"   ({source})" if source else ""))
    report = run_check(load_config(path))
    click.echo(f"its articles: {_checked(report)}")
    click.echo("before you publish:")
    for advice in found.advice:
        click.echo(f"  - {printable(advice)}")
    click.echo("next:")
    click.echo("  syndicate check           # what is wrong with which article")
    click.echo("  syndicate build           # writes the feeds")
    click.echo("  syndicate serve --watch   # shows them, and every change")
    return 0


@main.command()
@click.option(
    "--feeds", metavar="DIR|FILE|URL", is_flag=False, flag_value="",
    help="Check these feeds instead, whoever wrote them; without a value those of the output directory.",
)  # fmt: skip
@click.pass_obj
@_exits
def check(options: _Options, feeds: str | None) -> int:
    """Read every article and the config; list every problem; write nothing."""
    if feeds is not None:
        return _check_feeds(options, feeds or str(options.settings().output.directory))
    from syndicate.pipeline import check as run_check

    outcome = options.begin("check")
    settings = options.settings()
    with _Bar() as bar:
        report = outcome.report = run_check(settings, progress=bar.progress)
    options.show(report.problems)
    if not options.quiet and not options.json:
        click.echo(_checked(report))
    return 1 if report.errors else 0


def _checked(report: Report) -> str:
    warnings = sum(problem.severity is Severity.WARNING for problem in report.problems)
    counts = f"{report.files:,} files, {report.articles:,} to publish"
    return f"{counts}, {report.errors:,} errors, {warnings:,} warnings"


def _check_feeds(options: _Options, source: str) -> int:
    from syndicate.checking.documents import check_feeds

    count, problems = check_feeds(source, now=datetime.now(UTC))
    options.show(problems)
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    if not options.quiet:
        click.echo(f"{count:,} documents, {errors:,} errors, {len(problems) - errors:,} warnings")
    return 1 if errors else 0


def _cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where workers are."""
    for option in (
        click.option(
            "--workers", metavar="NUMBER", type=click.IntRange(1, 1_024),
            help="Spread the work over so many processes of this machine (needs syndicate[dask]).",
        ),
        click.option(
            "--scheduler", metavar="ADDRESS",
            help="Spread the work over the workers of a Dask scheduler, such as tcp://host:8786.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


@main.command()
@click.option("--full", is_flag=True, help="Read and render everything, whatever is catalogued.")
@click.option("--dry-run", is_flag=True, help="Print each document with its reason; write nothing.")
@click.option("--force", is_flag=True, help="Write even where a safety brake refuses.")
@click.option("--strict", is_flag=True, help="Exit with 1 when an article had an error.")
@click.option("--now", metavar="TIME", help="Decide by this time which articles are due.")
@_cluster_options
@_metrics_option
@click.pass_obj
@_exits
def build(
    options: _Options, full: bool, dry_run: bool, force: bool, strict: bool, now: str | None,
    scheduler: str | None, workers: int | None, metrics_file: str | None,
) -> int:  # fmt: skip
    """Regenerate the feeds that changed."""
    from syndicate.pipeline import build as run_build

    # A run is short and leaves no cycles: looking for some would cost a twentieth of its time.
    gc.disable()
    outcome = options.begin("build", metrics_file)
    settings = options.settings()
    moment = _moment(settings, now)
    cost = None
    with _Bar() as bar:
        if scheduler or workers:
            from syndicate.cluster.build import build_on_cluster

            report, cost = build_on_cluster(
                settings, _cluster(scheduler, workers), now=moment, full=full, dry_run=dry_run, force=force,
                progress=bar.progress, say=_dashboard(options),
            )  # fmt: skip
        else:
            report = run_build(
                settings, now=moment, full=full, dry_run=dry_run, force=force, progress=bar.progress
            )
    outcome.report, outcome.cost = report, cost
    gc.freeze()  # or the interpreter looks for cycles before it ends
    options.show(report.problems)
    if dry_run:
        for document in report.documents:
            click.echo(f"{document.reason.value:9} {document.path}")
    if options.talkative:
        _show_cost(cost)
        click.echo(f"{_summary(report, dry_run)}, {options.seconds:.2f} s")
    return 1 if strict and report.errors else 0


@main.command()
@click.argument("target", required=False, metavar="[TARGET]", shell_complete=_targets)
@click.option("--dry-run", is_flag=True, help="Print each document with its reason; write nothing anywhere.")
@click.option("--force", is_flag=True, help="Remove even more documents than publish.max_delete.")
@_metrics_option
@click.pass_obj
@_exits
def publish(
    options: _Options, target: str | None, dry_run: bool, force: bool, metrics_file: str | None
) -> int:
    """Upload what changed, to every target or to TARGET (its URL); purge edges, ping the hub."""
    from syndicate.pipeline import publish as run_publish

    outcome = options.begin("publish", metrics_file)
    settings = options.settings()
    with _Bar() as bar:
        report = run_publish(settings, target=target, dry_run=dry_run, force=force, progress=bar.progress)
    outcome.published = report
    if dry_run:
        for there in report.targets:
            for step in there.steps:
                click.echo(f"{step.reason.value:9} {there.url.rstrip('/')}/{step.path}")
    _show_published(options, report, dry_run)
    return report.exit_code


@main.command()
@click.option("--force", is_flag=True, help="Go on even where a safety brake refuses.")
@_cluster_options
@_metrics_option
@click.pass_obj
@_exits
def run(
    options: _Options, force: bool, scheduler: str | None, workers: int | None, metrics_file: str | None
) -> int:
    """Build, then publish, under one lock: the one cron line."""
    from syndicate.pipeline import build_and_publish

    gc.disable()
    outcome = options.begin("run", metrics_file)
    settings = options.settings()
    moment = _moment(settings, None)
    cost = None
    with _Bar() as bar:
        if scheduler or workers:
            from syndicate.cluster.build import build_and_publish_on_cluster

            report, published, cost = build_and_publish_on_cluster(
                settings, _cluster(scheduler, workers), now=moment, force=force, progress=bar.progress,
                say=_dashboard(options),
            )  # fmt: skip
        else:
            report, published = build_and_publish(settings, now=moment, force=force, progress=bar.progress)
    outcome.report, outcome.published, outcome.cost = report, published, cost
    options.show(report.problems)
    if options.talkative:
        _show_cost(cost)
        click.echo(_summary(report, False))
    _show_published(options, published, False)
    return published.exit_code


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON object.")
@click.pass_obj
@_exits
def status(options: _Options, as_json: bool) -> int:
    """Show groups, the last builds, what is on each target, what is pending and what went wrong."""
    from syndicate.status import read_status

    found = read_status(options.settings())
    if as_json:
        click.echo(_status_json(found))
    else:
        from syndicate.tables import show_status

        show_status(found, sys.stdout, everything=options.verbose)
    return 0


@main.command()
@click.option("--host", metavar="ADDRESS", default="127.0.0.1", help="Listen on this address [127.0.0.1].")
@click.option(
    "--port",
    metavar="NUMBER",
    type=click.IntRange(0, 65_535),
    default=8000,
    help="Listen on this port; 0: a free one [8000].",
)
@click.option("--watch", is_flag=True, help="Build on every change, and reload open pages.")
@click.pass_obj
@_exits
def serve(options: _Options, host: str, port: int, watch: bool) -> int:
    """Preview the output directory as a web server would serve it, until Ctrl-C."""
    from syndicate.preview import serve as run_server

    settings = options.settings()
    watcher = None
    if watch:
        from syndicate.pipeline import build as run_build
        from syndicate.watching import Watcher

        options.show(run_build(settings, now=_moment(settings, None)).problems)
        watcher = Watcher(settings, click.echo)

    def say(address: str) -> None:
        click.echo(f"serving {settings.output.directory} at {address} (Ctrl-C ends it)")

    with suppress(KeyboardInterrupt):
        run_server(settings, host=host, port=port, watcher=watcher, log=options.verbose, say=say)
    return 0


def _cluster(scheduler: str | None, workers: int | None) -> DaskCluster:
    """Where workers are, by the options."""
    import logging

    from syndicate.cluster.engine import DaskCluster

    if scheduler and workers:
        raise click.UsageError(
            "--scheduler and --workers exclude each other: start workers with `dask worker`"
        )
    # What goes wrong is raised; Dask's own words about it are not for cron's mails.
    logging.disable(logging.CRITICAL)
    gc.enable()  # a client of Dask leaves cycles, and may live long
    return DaskCluster(scheduler or "", workers or 0)


def _dashboard(options: _Options) -> Callable[[str], None] | None:
    """Tells whoever is there to look at it where Dask shows what it does."""
    if not options.talkative:
        return None
    return lambda address: click.echo(f"dashboard: {address}", err=True)


def _show_cost(cost: Cost | None) -> None:
    if cost:
        from syndicate.tables import show_cost

        show_cost(cost, sys.stdout)


def _moment(settings: Settings, written: str | None) -> datetime:
    if written is None:
        return datetime.now(UTC).replace(microsecond=0)
    from syndicate.articles.dates import DateError, parse_date

    try:
        return parse_date(written, settings.site.zone)[0]
    except DateError as error:
        raise click.BadParameter(f"{written!r} is {error}", param_hint="--now") from None


def _summary(report: Report, dry_run: bool) -> str:
    from syndicate.output import Reason

    usual = [reason for reason in Reason if reason is not Reason.REFUSED or report.count(reason)]
    changes = ", ".join(f"{report.count(reason):,} {reason.value}" for reason in usual)
    would = "would be " if dry_run else ""
    return (
        f"{report.articles:,} articles; documents {would}{changes};"
        f" {report.bytes_written / 1e6:.1f} MB, {report.read:,} files read"
    )


def _show_published(options: _Options, report: PublishReport, dry_run: bool) -> None:
    """What went wrong, always; what was done, to whoever is there to read it."""
    for error in report.all_errors:
        options.say("error", error)
    for target in report.targets:
        for warning in target.warnings:
            options.say("warning", warning)
        if options.talkative and target.steps:
            click.echo(_published(target, dry_run))
    if options.talkative and not dry_run:
        click.echo(
            f"{report.purged:,} documents purged, {report.pinged:,} feeds pinged; {options.seconds:.2f} s"
        )


def _published(target: TargetReport, dry_run: bool) -> str:
    from syndicate.publishing.plan import Reason

    usual = (Reason.NEW, Reason.CHANGED, Reason.GONE, Reason.UNCHANGED)
    shown = [reason for reason in Reason if reason in usual or target.count(reason)]
    changes = ", ".join(f"{target.count(reason):,} {reason.value}" for reason in shown)
    would = "would be " if dry_run else ""
    pending = [
        f"{count:,} {what} pending"
        for count, what in ((target.pending_purges, "purges"), (target.pending_pings, "pings"))
        if count
    ]
    return "; ".join(
        [f"{target.url}: documents {would}{changes}", f"{target.bytes_sent / 1e6:.1f} MB sent", *pending]
    )


def _status_json(status: Status) -> str:
    import json
    from dataclasses import asdict

    def plain(value: object) -> object:
        if isinstance(value, datetime):
            return value.isoformat().replace("+00:00", "Z")
        assert isinstance(value, Severity)
        return value.value

    return json.dumps(asdict(status), default=plain, indent=2, ensure_ascii=False)


class _Bar:
    """A progress bar on standard error while a person watches; nothing otherwise."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._stage = ""
        self._done = 0
        self._started = time.monotonic()

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    @property
    def progress(self) -> Progress | None:
        return self._advance if sys.stderr.isatty() else None

    def _advance(self, stage: str, done: int, total: int) -> None:
        # A run of less than a second is over before a bar can be read.
        if time.monotonic() - self._started < 1:
            return
        if stage != self._stage:
            self._close()
            self._stage, self._done = stage, 0
            self._bar = click.progressbar(
                length=total, label=stage, show_pos=True, show_eta=True, file=sys.stderr
            )
            self._bar.__enter__()
        self._bar.update(done - self._done)
        self._done = done

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None
