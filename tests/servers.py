"""Real servers for tests of publishing, on free ports of 127.0.0.1, stopped by whoever started them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme
from programs import needed

KEY, SECRET = "the-key", "the-secret"
BUCKET = "feeds"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_block(size: int) -> int:
    """The first of ``size`` ports in a row that are free, 10,000 above which they are free too."""
    for first in range(20_000 + os.getpid() % 1_000 * 20, 50_000, size):
        with contextlib.ExitStack() as stack:
            try:
                for port in (*range(first, first + size), *range(first + 10_000, first + 10_000 + size)):
                    probe = stack.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise RuntimeError("no free ports")


def wait_for(what: str, ready: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} after {seconds} s")
        time.sleep(0.05)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process, even one that was stopped."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@cache
def authority() -> trustme.CA:
    """The tests' own certificate authority."""
    return trustme.CA()


def certificate(folder: Path, **options: Any) -> tuple[Path, Path, Path]:
    """Files of a certificate for 127.0.0.1, its key, and the authority's certificate."""
    folder.mkdir(parents=True, exist_ok=True)
    issued = authority().issue_cert("127.0.0.1", "localhost", **options)
    paths = folder / "server.crt", folder / "server.key", folder / "ca.crt"
    paths[0].write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(paths[1])
    authority().cert_pem.write_to_path(paths[2])
    return paths


@dataclass
class Weed:
    """SeaweedFS with its S3 gateway, over TLS and over plain HTTP."""

    folder: Path
    ca: Path
    port: int  # of HTTPS
    http_port: int
    command: list[str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, cwd=self.folder)
        wait_for("SeaweedFS listens", lambda: listens(self.port) and listens(self.http_port))
        # The gateway listens before it can write, or read what it has.
        client = self.client()
        wait_for("the bucket is there", lambda: made(client))

    def signal(self, number: int) -> None:
        assert self.process
        self.process.send_signal(number)

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()

    def client(self) -> Any:
        """Amazon's own client: what it sees is there."""
        import boto3.session

        return boto3.session.Session().client(
            "s3", endpoint_url=f"http://127.0.0.1:{self.http_port}", aws_access_key_id=KEY, aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )  # fmt: skip

    def documents(self, prefix: str) -> dict[str, bytes]:
        """The bytes of every object below ``prefix``, but for our own notes."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        return {
            key.removeprefix(prefix): client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
            for key in keys
            if ".syndicate/" not in key
        }


def made(client: Any) -> bool:
    """Whether the bucket is there and takes objects."""
    import botocore.exceptions

    try:
        if not client.list_buckets()["Buckets"]:
            client.create_bucket(Bucket=BUCKET)
        client.put_object(Bucket=BUCKET, Key="probe", Body=b"x")
        client.delete_object(Bucket=BUCKET, Key="probe")
    except (botocore.exceptions.ClientError, botocore.exceptions.HTTPClientError):
        return False
    return True


@contextlib.contextmanager
def seaweedfs(
    folder: Path, *, public: bool = False, volume_megabytes: int = 64, **certificate_options: Any
) -> Iterator[Weed]:
    """A SeaweedFS with an empty bucket ``feeds``; ``public``: everybody may read it."""
    program = needed("weed", str(Path(sys.executable).parent / "weed"))
    data = folder / "data"
    data.mkdir(parents=True)
    crt, key, ca = certificate(folder / "tls", **certificate_options)
    (folder / "s3.json").write_text(json.dumps({"identities": [
        {"name": "test", "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
         "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
        *([{"name": "anonymous", "actions": ["Read"]}] if public else []),
    ]}))  # fmt: skip
    first = free_block(8)
    command = [
        program, "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.config={folder / 's3.json'}",
        "-master.telemetry=false", "-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
        "-s3.autoCreateBucket=false", "-volume.max=1000", f"-master.volumeSizeLimitMB={volume_megabytes}", "-s3.cacheCapacityMB=0",
        f"-master.port={first}", f"-volume.port={first + 1}", f"-filer.port={first + 2}", f"-admin.port={first + 3}",
        f"-s3.port={first + 4}", f"-s3.port.https={first + 5}", f"-s3.cert.file={crt}", f"-s3.key.file={key}",
    ]  # fmt: skip
    weed = Weed(folder, ca, first + 5, first + 4, command)
    try:
        weed.start()
        yield weed
    finally:
        if weed.process:
            stop(weed.process)


@dataclass
class Asked:
    """A request that a server was sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Fault = Callable[[Asked], "int | str | dict[str, str] | None"]


class Recorder:
    """An HTTP server that notes every request, and answers as it is told; before another server, or alone."""

    def __init__(self, upstream: int | None = None) -> None:
        """``upstream``: the port that requests go on to; without it the answer is 200."""
        self.asked: list[Asked] = []
        # Says of a request what becomes of it: a status, "drop" (the connection, unanswered), "lose"
        # (the answer, after it was carried out), headers that the answer is given, or None: nothing unusual.
        self.fault: Fault = lambda _: None
        self.answer = b"{}"
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None: ...

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, self.path, dict(self.headers.items()), body)
                recorder.asked.append(asked)
                fault = recorder.fault(asked)
                if fault == "drop":
                    self.close_connection = True
                    self.connection.close()
                elif isinstance(fault, int):
                    self.reply(fault, {"Retry-After": "0"}, b"")
                elif upstream is None:
                    self.reply(200, {}, recorder.answer)
                else:
                    connection = HTTPConnection("127.0.0.1", upstream, timeout=30)
                    connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                    for name, value in asked.headers.items():
                        connection.putheader(name, value)
                    connection.endheaders(body)
                    answer = connection.getresponse()
                    data = answer.read()
                    if fault == "lose":
                        self.close_connection = True
                        self.connection.close()
                    else:
                        changes = fault if isinstance(fault, dict) else {}
                        self.reply(answer.status, {**dict(answer.getheaders()), **changes}, data)
                    connection.close()

            def reply(self, status: int, headers: dict[str, str], data: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in (
                        "content-length",
                        "transfer-encoding",
                        "connection",
                        "date",
                        "server",
                    ):
                        self.send_header(name, value)
                length = headers.get("Content-Length") if self.command == "HEAD" else None
                self.send_header("Content-Length", length or str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PURGE = do_BAN = handle_any  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # of dropped connections
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def methods(self) -> list[str]:
        return [asked.method for asked in self.asked]

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def running(command: list[str], port: int, folder: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A server in the foreground, from when it listens until the end."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **options)
    try:
        wait_for(
            f"{command[0]} listens ({folder / 'log'})", lambda: listens(port) or process.poll() is not None
        )
        assert process.poll() is None, (folder / "log").read_text()
        yield process
    finally:
        stop(process)
