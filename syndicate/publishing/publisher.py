"""Publisher: one target brought up to date. What is on it is known from its manifest, which is written last.

Before the first upload the manifest says what is about to be written, and by whom (a claim). A publisher
that is killed leaves those documents in doubt: the next one uploads them again, whatever became of them. A
second publisher finds the claim, or loses the conditional write of its own, and has written nothing.
"""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from syndicate import output
from syndicate.config import Settings, Target
from syndicate.errors import BrakeError, LockedError, PublishError
from syndicate.publishing.headers import document_headers, headers_digest, is_feed
from syndicate.publishing.manifest import KEY, Claim, Manifest, ManifestError, Object, decode, encode
from syndicate.publishing.plan import Reason, Step, plan, stages
from syndicate.publishing.retry import Patience
from syndicate.publishing.source import Source
from syndicate.publishing.stores import NEW, ConflictError, Store
from syndicate.workers import chunks

if TYPE_CHECKING:
    from concurrent.futures import Executor

_AT_ONCE = 32  # uploads
_DELETED_AT_ONCE = 1_000
_MANIFEST_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store"}
# How much longer than its three deadlines a publisher's claim holds: for the last request to end.
_GRACE = 60  # seconds


@contextlib.contextmanager
def _cancelled_with(pool: Executor) -> Iterator[None]:
    """Whatever ends the work early, as Ctrl-C does, ends what was not begun."""
    try:
        yield
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


class ForeignError(PublishError):
    """Somebody else's object stands where a document is to be. It is left alone, and the others go on."""


def is_known(step: Step) -> bool:
    """Whether what stands in a document's place is certainly ours."""
    return step.reason not in (Reason.NEW, Reason.DOUBT)


# Uploads documents: of each the bytes that were sent, or what went wrong.
Send = Callable[["Publication", Sequence[Step]], Iterator[tuple[Step, "int | PublishError"]]]


class Uploader:
    """Uploads documents to one target, each whole or not at all, and never over somebody else's."""

    def __init__(self, feeds_url: str, target: Target, store: Store, patience: Patience) -> None:
        self._feeds_url, self._target, self._store, self._patience = feeds_url, target, store, patience

    def upload(self, path: str, data: bytes, headers: Mapping[str, str], *, ours: bool) -> int:
        """Upload one document; returns the number of its bytes. Raises PublishError.

        ``ours``: what stands in its place, if anything does, is known to be ours.
        """
        if headers.get("Content-Encoding") == "gzip":
            data = gzip.compress(data, 9, mtime=0)

        def put() -> None:
            self._store.put(path, data, headers, None if ours else NEW)

        document = output.uncompressed(path)
        if not ours and document != path and not self.is_ours(document):
            raise self._foreign(path)  # a web server would send it in that one's stead
        try:
            self._patience.tried(put, f"cannot upload {path}")
        except ConflictError:
            if not self.is_ours(path, data):
                raise self._foreign(path) from None
            ours = True
            self._patience.tried(put, f"cannot upload {path}")
        return len(data)

    def _foreign(self, path: str) -> ForeignError:
        return ForeignError(
            "somebody else's object is there", f"{self._target.url}: {path}",
            "it was left alone: move it away, or publish below another path",
        )  # fmt: skip

    def is_ours(self, path: str, data: bytes | None = None) -> bool:
        """Whether the object at ``path`` is a document of ours, by its own word, or the very ``data``."""
        stored = self._patience.tried(lambda: self._store.get(path), f"cannot read {path}")
        if stored is None or stored.data == data:
            return True
        if (document := output.uncompressed(path)) != path:
            return self.is_ours(document)
        head = stored.data
        if head.startswith(b"\x1f\x8b"):
            try:
                head = zlib.decompressobj(wbits=31).decompress(head, output.HEAD)
            except zlib.error:
                return False
        return output.is_ours(path, head[: output.HEAD], self._feeds_url)


def send_from_here(
    publication: Publication, stage: Sequence[Step]
) -> Iterator[tuple[Step, int | PublishError]]:
    """Upload documents, many at once: of each the bytes that were sent, or what went wrong.

    After something went wrong no other one is begun.
    """
    from concurrent.futures import ThreadPoolExecutor, as_completed

    with ThreadPoolExecutor(min(_AT_ONCE, len(stage))) as pool, _cancelled_with(pool):
        futures = {pool.submit(publication.upload_one, step): step for step in stage}
        for future in as_completed(futures):
            if future.cancelled():
                continue
            try:
                yield futures[future], future.result()
            except ForeignError as error:
                yield futures[future], error
            except PublishError as error:
                for other in futures:
                    other.cancel()
                yield futures[future], error


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes, and how long it may take."""

    owner: str  # the same in every run beside one output directory
    run: str  # another one in every run
    now: Callable[[], float]  # seconds since 1970
    patience: Callable[[], Patience]  # a new one for each stage
    progress: Callable[[str, int, int], None] | None = None  # stage, done, of how many
    send: Send = send_from_here  # who uploads


class Publication:
    """The publishing of one source to one target, step by step: plan, upload, remove, finish."""

    def __init__(
        self, settings: Settings, target: Target, store: Store, source: Source, publisher: Publisher
    ) -> None:
        self.settings, self.target, self.store = settings, target, store
        self.source, self.publisher = source, publisher
        self.steps: list[Step] = []
        self.manifest = Manifest()
        self.bytes_sent = 0
        self.warnings: list[str] = []
        self.errors: list[PublishError] = []
        self._patience: Patience
        self._version: Any = NEW
        self._written = b""  # the manifest as it is on the target
        self.headers: dict[str, dict[str, str]] = {}
        self._sent: list[Step] = []

    # Plan

    def plan(self, *, force: bool) -> None:
        """Find out what differs; one GET. Raises BrakeError, LockedError, PublishError."""
        self._patience = self.publisher.patience()
        self._fetch()
        objects = {path: self._object(path) for path in self.source.documents if self._is_wanted(path)}
        if not objects:
            raise BrakeError(
                "there is nothing to publish", str(self.settings.output.directory),
                "run `syndicate build` first; nothing was changed",
            )  # fmt: skip
        publish = self.settings.publish
        kept = self.source.kept if publish.delete else set(self.manifest.objects)
        self.steps = plan(objects, self.manifest, kept)
        gone = self.count(Reason.GONE)
        if gone > publish.max_delete and not force:
            raise BrakeError(
                f"{gone:,} documents would be removed at once (publish.max_delete is {publish.max_delete:,})",
                self.target.url, "nothing was changed; if that is right, run again with --force",
            )  # fmt: skip

    def count(self, reason: Reason) -> int:
        return sum(step.reason is reason for step in self.steps)

    def _is_wanted(self, path: str) -> bool:
        """Compressed siblings are for web servers, which choose between them."""
        return not self.store.keeps_headers or output.uncompressed(path) == path

    def _object(self, path: str) -> Object:
        sha256, size = self.source.documents[path]
        headers = {}
        if self.store.keeps_headers:
            headers = document_headers(path, self.settings.publish, self.settings.site.feeds_url)
        self.headers[path] = headers
        return Object(sha256.hex(), headers_digest(headers), size)

    def _fetch(self) -> None:
        stored = self._tried(lambda: self.store.get(KEY), "read the manifest")
        if stored is None:
            return
        self._version, self._written = stored.version, stored.data
        try:
            self.manifest = decode(stored.data)
        except ManifestError as error:
            if error.newer:
                raise PublishError(
                    "the manifest cannot be read", f"{self.target.url}: {KEY}", f"{error}; upgrade this one"
                ) from None
            self.warnings.append(
                f"{self.target.url}: the manifest is set aside: {error}; everything is uploaded again"
            )
            return
        # What edges and hubs that are in the config no more were to be told is nobody's business now.
        names = {purge.name for purge in self.settings.publish.purge}
        self.manifest.purge = {name: paths for name, paths in self.manifest.purge.items() if name in names}
        if not self.settings.publish.hub:
            self.manifest.ping = set()
        claim = self.manifest.claim
        if claim and claim.owner != self.publisher.owner and claim.until > self.publisher.now():
            raise LockedError("another publisher is at work", self.target.url, "it holds a claim there")

    # Upload

    def upload(self) -> None:
        """Upload what differs, in order, and say so in the manifest. Raises LockedError, PublishError."""
        self._patience = self.publisher.patience()
        changed = [step.path for step in self.steps if step.reason is not Reason.UNCHANGED]
        if not changed:
            return
        self._announce(changed)
        try:
            for stage in stages(self.steps):
                self._upload_all(stage)
        except PublishError:
            # What is done need not be done again, and whoever comes next need not wait.
            self.manifest.claim = None
            self._try_to_save()
            raise
        self._save()
        self._read_back()

    def _announce(self, changed: Sequence[str]) -> None:
        """Claim the target, and note what is about to change there and who is to be told."""
        publisher, publish = self.publisher, self.settings.publish
        until = int(publisher.now()) + 3 * publish.deadline + _GRACE
        self.manifest.claim = Claim(publisher.owner, publisher.run, until)
        for step in self.steps:
            if step.reason is not Reason.UNCHANGED:
                self.manifest.objects[step.path] = Object("", "", step.object.size)
        told = {path for path in changed if output.uncompressed(path) == path}
        pending = self.manifest.purge
        self.manifest.purge = {edge.name: pending.get(edge.name, set()) | told for edge in publish.purge}
        still_there = {path for path in self.manifest.ping | told if path in self.source.documents}
        self.manifest.ping = {path for path in still_there if is_feed(path)} if publish.hub else set()
        self._save()

    def _upload_all(self, stage: Sequence[Step]) -> None:
        """Upload documents, many at once. Raises the first PublishError, when none is under way any more."""
        total = sum(step.uploads for step in self.steps)
        fault: PublishError | None = None
        for step, outcome in self.publisher.send(self, stage):
            if isinstance(outcome, int):
                self.bytes_sent += outcome
                self.manifest.objects[step.path] = step.object
                self._sent.append(step)
            elif isinstance(outcome, ForeignError):
                del self.manifest.objects[step.path]
                self.errors.append(outcome)
            else:
                fault = fault or outcome
            if self.publisher.progress:
                self.publisher.progress("uploading", len(self._sent), total)
        if fault:
            raise fault

    def upload_one(self, step: Step) -> int:
        """Upload one document; returns the number of its bytes. Raises PublishError."""
        data = self.source.read(step.path)
        return self._uploader.upload(step.path, data, self.headers[step.path], ours=is_known(step))

    @property
    def _uploader(self) -> Uploader:
        return Uploader(self.settings.site.feeds_url, self.target, self.store, self._patience)

    def _read_back(self) -> None:
        """Ask for one document, and see whether the store kept what it was told of it."""
        if not self.store.keeps_headers or not self._sent:
            return
        step = min(self._sent, key=lambda step: (not is_feed(step.path), step.path))
        try:
            stored = self._tried(lambda: self.store.get(step.path), f"read back {step.path}")
        except PublishError as error:
            self.warnings.append(str(error))  # what was to be done is done
            return
        for name, sent in self.headers[step.path].items():
            kept = stored.headers.get(name) if stored else None
            if kept != sent:
                self.warnings.append(
                    f"{self.target.url}: {step.path}: the store says {name}: {kept!r}, not {sent!r}"
                )

    # Remove and finish

    def remove(self) -> None:
        """Remove what is gone, unless something went wrong before. Raises PublishError."""
        self._patience = self.publisher.patience()
        if self.errors:
            return
        gone = []
        for step in self.steps:
            if step.reason is not Reason.GONE:
                continue
            # What was never finished may be somebody else's.
            if step.object.sha256 or self._uploader.is_ours(step.path):
                gone.append(step.path)
            else:
                del self.manifest.objects[step.path]
        for some in chunks(gone, _DELETED_AT_ONCE):
            self._tried(partial(self.store.delete, some), f"remove {some[0]}")
            for path in some:
                del self.manifest.objects[path]

    def finish(self) -> None:
        """Give the target free, with what is left to do there. Raises LockedError, PublishError."""
        self.manifest.claim = None
        self._save()

    @property
    def removing(self) -> set[str]:
        """The paths of the documents that are to be removed."""
        return {step.path for step in self.steps if step.reason is Reason.GONE}

    # The manifest

    def _save(self) -> None:
        """Write the manifest, if it differs, over the very one that was read. Raises LockedError."""
        data = encode(self.manifest)
        if data == self._written:
            return
        try:
            self._version = self._tried(
                lambda: self.store.put(KEY, data, _MANIFEST_HEADERS, self._version), "write the manifest"
            )
        except ConflictError:
            # An answer may have been lost on its way: then what is there is what was sent.
            stored = self._tried(lambda: self.store.get(KEY), "read the manifest")
            if stored is None or stored.data != data:
                raise LockedError(
                    "another publisher was faster", self.target.url, "the next run goes on from there"
                ) from None
            self._version = stored.version
        self._written = data

    def _try_to_save(self) -> None:
        """Save after a failure: if that fails too, the claim on the target says what is in doubt."""
        try:
            self._save()
        except (PublishError, LockedError):
            return

    def _tried(self, call: Callable[[], Any], what: str) -> Any:
        return self._patience.tried(call, f"cannot {what}")
