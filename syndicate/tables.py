"""Tables: a project's status for people to look at. Text out; nothing is asked here."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from syndicate.status import DayStatus, GroupStatus, Status, TargetStatus

if TYPE_CHECKING:
    from syndicate.cluster.build import Cost

_WIDTH = 120  # where no terminal says how wide it is
_MOST_GROUPS = 20
_MOST_PROBLEMS = 10
_BAR = 16  # characters
_LEVELS = " ▁▂▃▄▅▆▇█"
_PARTS = " ▏▎▍▌▋▊▉█"


def show_status(status: Status, file: TextIO, *, everything: bool) -> None:
    """Print ``status``: with ``everything``, every group and every problem."""
    console = _console(file)
    plain = not (console.encoding or "").lower().startswith("utf")
    if not status.builds:
        console.print("nothing was built yet: run `syndicate build`")
    else:
        console.print(_summary(status))
        console.print(_builds(status))
        console.print(_groups(status.groups, None if everything else _MOST_GROUPS, plain))
        if not everything and len(status.groups) > _MOST_GROUPS:
            console.print(f"  and {len(status.groups) - _MOST_GROUPS:,} more groups (-v shows all)")
        if status.days:
            console.print(_days(status.days, plain))
    for target in status.targets:
        console.print(_target(target))
    shown = status.problems if everything else status.problems[:_MOST_PROBLEMS]
    if shown:
        console.print(Text("\nProblems", "bold"))
        for problem in shown:
            console.print(Text(f"  {problem}"), soft_wrap=True)
        if len(shown) < len(status.problems):
            console.print(f"  and {len(status.problems) - len(shown):,} more (-v shows all)")


def show_cost(cost: Cost, file: TextIO) -> None:
    """Print what a build on a cluster took."""
    console = _console(file)
    table = _table("Stages", "stage", "#tasks", "#reused", "#seconds", "#read", "#written", "#by scheduler")
    for stage in cost.stages:
        if stage.tasks or stage.reused or stage.seconds:
            table.add_row(
                stage.name, f"{stage.tasks:,}", f"{stage.reused:,}", f"{stage.seconds:.2f}",
                _size(stage.bytes_read), _size(stage.bytes_written), _size(stage.bytes_sent),
            )  # fmt: skip
    console.print(table)
    workers = _table("Workers", "address", "#most memory")
    for address, memory in cost.memory.items():
        workers.add_row(address, _size(memory))
    console.print(workers)


def _console(file: TextIO) -> Console:
    width = None if file.isatty() else _WIDTH
    return Console(file=file, highlight=False, emoji=False, markup=False, width=width)


def _summary(status: Status) -> Text:
    text = Text(f"{status.articles:,} articles", "bold")
    text.append(f" in {status.documents:,} documents of {_size(status.bytes)}", "not bold")
    if status.scheduled:
        text.append(
            f"; {status.scheduled:,} wait for their date, the first for {_time(status.next_due)}", "not bold"
        )
    severities = Counter(problem.severity.value for problem in status.problems)
    for name, count in sorted(severities.items()):
        text.append(
            f"; {count:,} {name}{'s' * (count != 1)}", "not bold red" if name == "error" else "not bold"
        )
    return text


def _table(title: str, *columns: str) -> Table:
    """A table whose columns are texts, or numbers where their name begins with a sign of number."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        number = column.startswith("#")
        table.add_column(column.removeprefix("#"), justify="right" if number else "left", no_wrap=number)
    return table


def _builds(status: Status) -> Table:
    table = _table(
        "Last builds (UTC)", "started", "#seconds", "#articles", "#problems", "#written", "#removed", "#size"
    )
    for build in status.builds:
        table.add_row(
            _time(build.started), f"{build.seconds:.2f}", f"{build.articles:,}", f"{build.problems:,}",
            f"{build.written:,}", f"{build.removed:,}", _size(build.bytes),
        )  # fmt: skip
    return table


def _groups(groups: tuple[GroupStatus, ...], most: int | None, plain: bool) -> Table:
    table = _table("Groups", "name", "kind", "#articles", "", "newest", "#size")
    largest = max((group.articles for group in groups), default=0)
    for group in groups[:most]:
        table.add_row(
            Text(group.name), group.kind, f"{group.articles:,}", _bar(group.articles, largest, plain),
            _time(group.newest)[:10], _size(group.bytes),
        )  # fmt: skip
    return table


def _days(days: tuple[DayStatus, ...], plain: bool) -> Text:
    most = max(day.articles for day in days)
    levels = " .:-=+*#%" if plain else _LEVELS
    # A day with any article shows at least the lowest bar.
    marks = "".join(levels[-(-day.articles * (len(levels) - 1) // most)] for day in days)
    text = Text("Articles a day", "bold")
    text.append(f" from {days[0].date} to {days[-1].date}, at most {most:,}\n", "not bold")
    return text.append(f"  {marks}", "not bold cyan")


def _bar(count: int, largest: int, plain: bool) -> Text:
    eighths = -(-count * _BAR * 8 // largest) if largest else 0
    if plain:
        return Text("#" * -(-eighths // 8))
    whole, rest = divmod(eighths, 8)
    return Text("█" * whole + (_PARTS[rest] if rest else ""), "cyan")


def _target(target: TargetStatus) -> Text:
    text = Text(f"\n{target.url}\n", "bold")
    if target.published is None:
        text.append("  never published", "not bold")
    else:
        documents, size = target.documents or 0, _size(target.bytes or 0)
        text.append(
            f"  published {_time(target.published)} UTC: {documents:,} documents of {size}", "not bold"
        )
    if target.pending_purges or target.pending_pings:
        text.append(
            f"\n  pending: {target.pending_purges:,} purges, {target.pending_pings:,} pings",
            "not bold yellow",
        )
    if target.error:
        text.append(f"\n  error at {_time(target.tried)} UTC: {target.error}", "not bold red")
    return text


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{-(-size // 1_000)} kB"


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "never"
