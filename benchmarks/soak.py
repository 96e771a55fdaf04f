"""Many cron runs in a row, with random edits between them: what grows?

    python benchmarks/soak.py [--runs 1000] [--articles 1000]

Each run is a process of `syndicate -q run` that builds and publishes into a folder, as cron would call it; before each,
some articles are added, changed, moved, withdrawn or deleted, about as many as come. Printed every hundred runs:
catalog and log of SQLite, temporary files, all files, the run's memory, its time, and whether it printed anything.
The last word is a comparison with a build from nothing.
"""

from __future__ import annotations

import argparse
import filecmp
import random
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import articles  # noqa: E402
from timing import timed  # noqa: E402

CONFIG = """\
site: {{title: Benchmark, url: "https://example.org/", feeds_url: "https://feeds.example.org/", tag: "example.org,2020"}}
content: {{roots: [content]}}
feeds: {{archive: month, related: entries}}
output: {{directory: {out}, compress: [gzip], max_shrink: 1}}
{publish}
"""


def edit(content: Path, source: random.Random, number: int, total: int) -> None:
    """A few edits of every kind; on the average as many articles come as go."""
    paths = sorted(content.rglob("*.md"))
    for _ in range(source.randrange(0, 4)):
        what = source.choice(["add", "change", "change", "touch", "move", "withdraw", "delete"])
        path = source.choice(paths)
        if what == "add" or not path.exists():
            name, text = articles.article(total + number * 4 + source.randrange(4), total * 2)
            new = content / name
            new.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(text)
        elif what == "change":
            path.write_text(
                re.sub(
                    '(?m)^title: "(?:\\d )?', f'title: "{source.randrange(10)} ', path.read_text(), count=1
                )
            )
        elif what == "touch":
            path.touch()
        elif what == "move":
            path.rename(path.with_name(re.sub(r"^(?:moved-\d+-)?", f"moved-{number}-", path.name)))
        elif what == "withdraw":
            text = path.read_text()
            if "\nremoved: " not in text:
                path.write_text(text.replace("---\n", "---\nremoved: true\n", 1))
        else:
            path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--articles", type=int, default=1_000)
    options = parser.parse_args()
    source = random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "web").mkdir()
        config = root / "syndicate.yaml"
        target = f"publish: {{targets: [{{url: 'file://{root}/web'}}], max_delete: 100000}}"
        config.write_text(CONFIG.format(out="out", publish=target))
        articles.make(root / "content", options.articles)
        seconds: list[float] = []
        memory: list[float] = []
        said = 0
        print("run     articles files   out  .syndicate  catalog     wal  temporary  memory   time")
        for number in range(options.runs + 1):
            if number:
                edit(root / "content", source, number, options.articles)
            took, most = timed([sys.executable, "-m", "syndicate", "-q", "-c", "syndicate.yaml", "run"], root)
            said += bool((root / "log").read_text())
            seconds.append(took)
            memory.append(most)
            if number % 100 == 0:
                files = [path for path in root.rglob("*") if path.is_file()]
                state = [path for path in files if ".syndicate" in path.parts and "web" not in path.parts]
                sizes = {path.name: path.stat().st_size for path in state}
                print(
                    f"{number:5,} {sum(path.suffix == '.md' for path in files):10,} {len(files):7,}"
                    f" {sum('out' in path.parts for path in files):6,} {len(state):7,}"
                    f" {sizes['catalog.db'] / 1e6:8.1f} MB {sizes.get('catalog.db-wal', 0) / 1e6:4.1f} MB"
                    f" {sum('tmp' in path.name for path in files):6,}"
                    f" {statistics.median(memory):8.0f} MB {statistics.median(seconds):6.2f} s",
                    flush=True,
                )
                seconds, memory = [], []
        print(f"{said} runs printed something")
        config.write_text(CONFIG.format(out="fresh/out", publish=target))
        subprocess.run(
            [sys.executable, "-m", "syndicate", "-q", "-c", "syndicate.yaml", "build"], cwd=root, check=True
        )
        fresh = (root / "fresh" / ".syndicate" / "catalog.db").stat().st_size
        print(f"a new catalog of the same articles: {fresh / 1e6:.1f} MB")
        print("as a build from nothing:", same(root / "out", root / "fresh" / "out"))
        print("as published:", same(root / "out", root / "web", {".syndicate"}))


def same(one: Path, other: Path, ignored: set[str] | None = None) -> bool:
    compared = filecmp.dircmp(one, other, ignore=list(ignored or ()), hide=[])
    files = filecmp.cmpfiles(one, other, compared.common_files, shallow=False)
    alone = [*compared.left_only, *compared.right_only]
    return not (alone or files[1] or files[2]) and all(
        same(one / name, other / name, ignored) for name in compared.common_dirs
    )


if __name__ == "__main__":
    main()
