"""Times a build on a cluster of this machine's processes: articles as NDJSON, from nothing, unchanged, one file changed.

    python benchmarks/cluster.py [--articles 100000,1000000] [--workers 2] [--providers 5000]

Prints wall time, articles a second, what each stage took, and the most memory that a worker held.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import articles
from timing import ENVIRONMENT

from syndicate.articles.frontmatter import split
from syndicate.articles.quickyaml import parse_quickly

ROWS = 20_000  # a file
CONFIG = """\
site: {{title: Benchmark, url: "https://example.org/", feeds_url: "https://feeds.example.org/", tag: "example.org,2020"}}
content: {{roots: [rows], include: ["**/*.ndjson"]}}
feeds: {{html: false}}
"""


def write_rows(path: Path, first: int, total: int, providers: int, edition: int = 0) -> None:
    """One file of rows, each an article as articles.py makes it; ``edition`` changes the newest of them."""
    lines = []
    numbers = range(first, min(first + ROWS, total))
    newest = newest_of(numbers)
    for number in numbers:
        name, text = articles.article(number, total, edition if number == newest else 0, providers)
        lines.append(json.dumps({"path": name, **split(text, parse_quickly).values}, ensure_ascii=False))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def newest_of(numbers: range) -> int:
    """The newest article of these that is published."""
    return max((n for n in numbers if n % 10 != 7), key=lambda n: n * 37 % (60 * 24 * 365 * 8))


def make(folder: Path, total: int, providers: int) -> None:
    """``total`` articles in files of rows."""
    (folder / "rows").mkdir(parents=True)
    jobs = [
        (folder / "rows" / f"{first:09}.ndjson", first, total, providers) for first in range(0, total, ROWS)
    ]
    with multiprocessing.Pool() as pool:
        pool.starmap(write_rows, jobs)
    (folder / "syndicate.yaml").write_text(CONFIG.format())
    os.sync()
    time.sleep(3)  # files younger than the clock's tick are read twice


def build(folder: Path, workers: int) -> dict[str, object]:
    """One run: seconds, its last line, stages and workers."""
    os.sync()
    started = time.perf_counter()
    process = subprocess.run(
        [sys.executable, "-m", "syndicate", "-c", "syndicate.yaml", "--log-format", "json", "build", "--workers", str(workers)],
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(process.stderr[-3_000:])
    events = [json.loads(line) for line in process.stderr.splitlines()]
    return {
        "seconds": seconds,
        "run": next(e for e in events if e["event"] == "run"),
        "stages": [e for e in events if e["event"] == "stage"],
        "memory": max((e["peak_memory"] for e in events if e["event"] == "worker"), default=0),
    }


def show(what: str, result: dict[str, object], total: int) -> None:
    run, seconds = result["run"], float(result["seconds"])
    print(
        f"\n{total:,} articles, {what}: {seconds:.1f} s, {total / seconds:,.0f} articles/s,"
        f" {run['documents_new'] + run['documents_changed']:,} documents written,"
        f" workers at most {result['memory'] / 1e6:,.0f} MB"
    )
    for stage in result["stages"]:
        if stage["tasks"] or stage["seconds"] > 0.05:
            print(
                f"  {stage['stage']:10} {stage['tasks']:6,} tasks {stage['seconds']:8.2f} s"
                f"  read {stage['bytes_read'] / 1e6:9,.1f} MB  written {stage['bytes_written'] / 1e6:9,.1f} MB"
                f"  by the scheduler {stage['bytes_sent'] / 1e6:7.2f} MB"
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", default="100000,1000000")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--providers", type=int, default=5_000)
    parser.add_argument("--folder", help="where to write; it is kept")
    arguments = parser.parse_args()
    root = Path(arguments.folder or tempfile.mkdtemp(prefix="syndicate-bench-"))
    try:
        for total in map(int, arguments.articles.split(",")):
            folder = root / str(total)
            if not folder.exists():
                print(f"writing {total:,} articles …", flush=True)
                make(folder, total, arguments.providers)
            show("from nothing", build(folder, arguments.workers), total)
            show("nothing changed", build(folder, arguments.workers), total)
            first = newest_of(range(total)) // ROWS * ROWS
            path = folder / "rows" / f"{first:09}.ndjson"
            write_rows(path, first, total, arguments.providers, edition=int(time.time()))
            time.sleep(3)
            show("one file changed", build(folder, arguments.workers), total)
    finally:
        if not arguments.folder:
            shutil.rmtree(root)


if __name__ == "__main__":
    main()
