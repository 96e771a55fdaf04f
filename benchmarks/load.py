"""Load on `syndicate serve`, and on nginx before the same output directory, with wrk: plain and conditional requests.

    python benchmarks/load.py [--seconds 5]

Needs wrk and nginx. All three run on this machine's cores, so that the figures are low and the ratios are what counts.
Everything is on 127.0.0.1. nginx has one worker, as `serve` is one process.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "tests"))
import articles  # noqa: E402
import servers  # noqa: E402
from timing import ENVIRONMENT  # noqa: E402

CONFIG = """\
site: {title: Benchmark, url: "https://example.org/", feeds_url: "https://feeds.example.org/", tag: "example.org,2020"}
content: {roots: [content]}
output: {compress: [gzip]}
"""
NGINX = """\
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; gzip_static on;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  types {{ application/rss+xml rss; application/atom+xml atom; application/feed+json json; text/html html; }}
  server {{ listen 127.0.0.1:{port}; root {out}; }}
}}
"""
PATHS = ("feed.rss", "topic/topic-1/feed.atom", "feed.json", "index.html")


def load(url: str, seconds: int, headers: dict[str, str]) -> tuple[float, str, str]:
    """Requests a second, the median and the 99th percentile of the time that one took, with 16 connections."""
    command = ["wrk", "-t1", "-c16", f"-d{seconds}s", "--latency"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if ("Non-2xx" in said and "If-None-Match" not in headers) or "Socket errors" in said:
        raise SystemExit(said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    half, most = re.search(r"50%\s+(\S+)", said), re.search(r"99%\s+(\S+)", said)
    assert rate
    assert half
    assert most
    return float(rate[1]), half[1], most[1]


def measure(name: str, base: str, seconds: int) -> None:
    for path in PATHS:
        with urllib.request.urlopen(base + path) as answer:
            tag, size = answer.headers["ETag"], len(answer.read())
        request = urllib.request.Request(base + path, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(request) as answer:
            packed_tag, packed = answer.headers["ETag"], len(answer.read())
        kinds = {
            f"200, {size / 1000:.0f} kB": {},
            f"200 gzip, {packed / 1000:.0f} kB": {"Accept-Encoding": "gzip"},
            "304": {"If-None-Match": tag},
            "304 gzip": {"If-None-Match": packed_tag, "Accept-Encoding": "gzip"},
        }
        for kind, headers in kinds.items():
            rate, half, most = load(base + path, seconds, headers)
            print(
                f"{name:6} {path:24} {kind:18} {rate:9,.0f} a second, half in {half}, 99 % in {most}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        (root / "syndicate.yaml").write_text(CONFIG)
        articles.make(root / "content", 2_000)
        program = [sys.executable, "-m", "syndicate", "-c", "syndicate.yaml"]
        subprocess.run([*program, "-q", "build"], cwd=root, env=ENVIRONMENT, check=True)
        port = servers.free_port()
        with servers.running(
            [*program, "serve", "--port", str(port)], port, root, env=ENVIRONMENT
        ) as process:
            measure("serve", f"http://127.0.0.1:{port}/", options.seconds)
            status = Path(f"/proc/{process.pid}/status").read_text()
            print("serve's memory at most:", re.findall(r"VmHWM:\s+(.*)", status)[0])
        port = servers.free_port()
        (root / "nginx.conf").write_text(NGINX.format(folder=root, port=port, out=root / "out"))
        with servers.running(["nginx", "-c", str(root / "nginx.conf")], port, root):
            measure("nginx", f"http://127.0.0.1:{port}/", options.seconds)


if __name__ == "__main__":
    main()
