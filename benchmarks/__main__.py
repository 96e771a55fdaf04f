"""Times Syndicate beside Hugo and beside a plain script, on the same articles, interleaved in one run.

    python benchmarks [--articles 10000] [--rounds 3] [--growth 1000,10000,100000]

Prints medians of wall time, the largest process's memory, and ratios. Every run writes into folders
that were never there before: file systems take their time to reuse what was just deleted, and that
would be measured instead.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import articles
from timing import Figure, timed

HERE = Path(__file__).parent
CONFIG = """\
site: {{title: Benchmark, url: "https://example.org/", feeds_url: "https://feeds.example.org/", tag: "example.org,2020"}}
content: {{roots: [{root}]}}
feeds: {{html: false}}
"""


class Bench:
    """The articles of one size, and what is run on them."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count, self.number = folder, count, 0
        self.content = folder / "content"
        print(f"writing {count:,} articles …", flush=True)
        articles.make(self.content, count)
        os.sync()
        time.sleep(3)  # files younger than the clock's tick are read twice

    def fresh(self) -> Path:
        self.number += 1
        folder = self.folder / f"run{self.number}"
        folder.mkdir()
        return folder

    def syndicate(self, folder: Path) -> Figure:
        (folder / "syndicate.yaml").write_text(CONFIG.format(root=self.content))
        return timed(
            [sys.executable, "-m", "syndicate", "-c", str(folder / "syndicate.yaml"), "build"], folder
        )

    def hugo(self) -> Figure:
        folder = self.fresh()
        shutil.copytree(HERE / "hugo", folder / "site")
        command = ["hugo", "--quiet", "--contentDir", str(self.content), "--source", str(folder / "site")]
        figure = timed(command, folder)
        written = sum(len(files) for _, _, files in os.walk(folder / "site" / "public"))
        if written < 1_000 and self.count >= 10_000:
            raise SystemExit(f"Hugo wrote {written} files only")
        return figure

    def script(self) -> Figure:
        folder = self.fresh()
        return timed(
            [sys.executable, str(HERE / "script.py"), str(self.content), str(folder / "out")], folder
        )

    def edit(self, edition: int) -> None:
        """Change one article, of the newest tenth, as a site's editors do."""
        newest = max(
            (n for n in range(self.count) if n % 10 != 7), key=lambda n: n * 37 % (60 * 24 * 365 * 8)
        )
        name, text = articles.article(newest, self.count, edition)
        (self.content / name).write_bytes(text.encode())


def median(figures: list[Figure]) -> Figure:
    return statistics.median(f[0] for f in figures), max(f[1] for f in figures)


def compare(count: int, rounds: int, script: bool) -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        bench = Bench(Path(name), count)
        found: dict[str, list[Figure]] = {}

        def note(what: str, figure: Figure) -> None:
            found.setdefault(what, []).append(figure)
            print(f"  {what:24} {figure[0]:8.3f} s {figure[1]:8.0f} MB", flush=True)

        bench.syndicate(bench.fresh())  # warms the page cache
        for number in range(rounds):
            note("hugo", bench.hugo())
            home = bench.fresh()
            note("syndicate cold", bench.syndicate(home))
            time.sleep(2.5)
            bench.syndicate(home)
            note("syndicate unchanged", bench.syndicate(home))
            bench.edit(number + 1)
            note("syndicate one changed", bench.syndicate(home))
            if script:
                note("script", bench.script())
        print(f"\n{count:,} articles: medians of {rounds} rounds")
        print(f"| {'':22} | seconds | MB | Hugo's time is … times as long |")
        print("| --- | --- | --- | --- |")
        hugo = median(found["hugo"])[0]
        for what, figures in found.items():
            seconds, memory = median(figures)
            ratios = sorted(h[0] / f[0] for h, f in zip(found["hugo"], figures, strict=True))
            print(
                f"| {what:22} | {seconds:.3f} | {memory:.0f} | {hugo / seconds:.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f}) |"
            )


def growth(sizes: list[int]) -> None:
    print("\n| articles | cold s | cold MB | unchanged s | one changed s | one changed MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    rows = []
    for count in sizes:
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
            bench = Bench(Path(name), count)
            home = bench.fresh()
            cold = bench.syndicate(home)
            time.sleep(2.5)
            bench.syndicate(home)
            unchanged = bench.syndicate(home)
            bench.edit(1)
            changed = bench.syndicate(home)
            rows.append(
                f"| {count:,} | {cold[0]:.2f} | {cold[1]:.0f} | {unchanged[0]:.3f} | {changed[0]:.3f} | {changed[1]:.0f} |"
            )
    print("\n".join(rows))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-script", action="store_true", help="leave the plain script out")
    parser.add_argument("--growth", default="", help="sizes, separated by commas")
    options = parser.parse_args()
    processor = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "?",
    )
    print(
        f"{processor}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
    )
    if options.growth:
        growth([int(size) for size in options.growth.split(",")])
    else:
        compare(options.articles, options.rounds, not options.no_script)


main()
