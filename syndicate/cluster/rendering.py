"""Rendering and uploading: the stages whose results are documents."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from syndicate import output
from syndicate.catalog.packing import DERIVED
from syndicate.cluster.context import CURRENT, Context
from syndicate.cluster.model import Done, Entry, Piece, decode, encode, hashed, text_hash
from syndicate.cluster.stages import Prepared
from syndicate.cluster.storage import FORGET, Storage
from syndicate.errors import ClusterError, PublishError
from syndicate.feeds.model import Archive
from syndicate.output import Reason, Written
from syndicate.publishing.plan import Reason as Sent
from syndicate.reading import stored_article
from syndicate.rendering import Batch, Part, RenderingJob

_GAP = 16_384  # bytes between two articles that are read over rather than asked for apart
_AT_ONCE = 32  # requests


class Staging:
    """Documents on their way to a store: in the work area, under their digests."""

    def __init__(self, work: Storage) -> None:
        self._work = work

    def prepare(self, path: str, data: bytes) -> None:  # as output.Directory has it
        self._work.put(staged_key(output.digest(data)), data)

    def current_digest(self, path: str) -> bytes | None:
        return None


def staged_key(digest: bytes) -> str:
    """Where a document is staged."""
    return f"documents/{digest.hex()}"


class PartTask(Struct, array_like=True, frozen=True):
    """A group's feed in every format, or one period of its archive."""

    group: str  # its key
    period: str
    previous: str
    following: str
    prepared: Piece | None  # None: the group has no article
    known: dict[str, bytes]  # digests of its documents, by their paths


class Rendering(Struct, array_like=True, frozen=True):
    """Some parts that are rendered at once."""

    names: bytes  # the digest of all groups' names
    empty: bool  # no document is there yet
    dry_run: bool
    parts: list[PartTask]


class Rendered(Struct, array_like=True, frozen=True):
    """What became of one document."""

    path: str
    group: str
    reason: str
    digest: bytes
    size: int
    culprit: str  # the path of the article because of which it is refused
    why: str

    @property
    def written(self) -> Written:
        return Written(self.path, self.group, Reason(self.reason), self.digest, self.size, 0, self.why)


class _All(set[int]):
    """Every article may stand in several groups: nobody knows before all of them are rendered."""

    def __contains__(self, _: object) -> bool:
        return True


def render(context: Context, task: Rendering) -> Done:
    """Render parts and put the documents that differ beside their places, or into the work area."""
    job = _job(context, task)
    found: list[Rendered] = []
    for part in task.parts:
        prepared = Prepared([], [], {})
        if part.prepared:
            prepared = decode(part.prepared.read(context.work), Prepared)
        texts = _texts(context.work, [*prepared.entries, *prepared.buried])
        numbers: dict[int, Entry] = {}
        articles: dict[int, tuple[bytes, int]] = {}
        ids: dict[int, dict[str, str]] = {}
        shown: list[list[int]] = []
        for entries in (prepared.entries, prepared.buried):
            shown.append([])
            for entry in entries:
                related = {link: prepared.ids[link] for link in entry.related if link in prepared.ids}
                n = int.from_bytes(hashed(entry.digest, entry.id, entry.due, sorted(related.items())), "big")
                numbers[n] = entry
                shown[-1].append(n)
                articles[n] = texts[entry.key, entry.start], entry.due
                if related:
                    ids[n] = _by_link(articles[n][0], related)
        archive = Archive(part.period, part.previous, part.following)
        job.digests = part.known
        group = job.directory.group(part.group)
        for written in job(Batch([Part(group, shown[0], shown[1], archive)], articles, ids)):
            culprit = numbers[written.culprit].path.partition(DERIVED)[0] if written.culprit else ""
            found.append(
                Rendered(
                    written.path, written.group, written.reason.value, written.digest, written.size, culprit,
                    written.why,
                )
            )  # fmt: skip
    return Done(None, encode(found))


def _job(context: Context, task: Rendering) -> RenderingJob:
    """The job for this run's groups: it keeps what it has rendered."""
    known = context.kept.get("rendering")
    if known is None or known[0] != (task.names, task.empty, task.dry_run):
        settings = context.settings
        target = Staging(context.work) if context.told.publishes else _directory(context)
        job = RenderingJob(
            settings, context.grouping, context.directory(task.names), target, {}, _All(), task.empty,
            task.dry_run,
        )  # fmt: skip
        known = context.kept["rendering"] = (task.names, task.empty, task.dry_run), job
    found: RenderingJob = known[1]
    return found


def _directory(context: Context) -> output.Directory:
    """The output directory, which is to be the client's. Raises ClusterError."""
    settings = context.settings
    try:
        run = (settings.state / CURRENT).read_text()
    except OSError:
        run = ""
    if run != context.told.run:
        raise ClusterError(
            "a worker sees another output directory", str(settings.output.directory),
            "share it between all machines; or let workers upload the documents: `syndicate run`",
        )  # fmt: skip
    return output.Directory(settings.output.directory, settings.state, run)


def _by_link(data: bytes, related: Mapping[bytes, str]) -> dict[str, str]:
    """Ids by the links that the article names as related."""
    links = {item.link: text_hash(item.link) for item in stored_article(data).related}
    return {link: related[hash] for link, hash in links.items() if hash in related}


def _texts(work: Storage, entries: list[Entry]) -> dict[tuple[str, int], bytes]:
    """The articles' data by pack and place; those that lie near each other are read together."""
    wanted = sorted({(entry.key, entry.start, entry.size) for entry in entries})
    spans: list[list[tuple[str, int, int]]] = []
    for item in wanted:
        last = spans[-1][-1] if spans else None
        if last and last[0] == item[0] and item[1] - (last[1] + last[2]) <= _GAP:
            spans[-1].append(item)
        else:
            spans.append([item])

    def fetch(span: list[tuple[str, int, int]]) -> bytes:
        key, start, _ = span[0]
        return work.get_range(key, start, span[-1][1] + span[-1][2] - start)

    try:
        if work.is_local:
            fetched = list(map(fetch, spans))
        else:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                fetched = list(pool.map(fetch, spans))
    except FileNotFoundError as error:
        raise ClusterError(
            "a result is not in the work area any more", str(error)[:200], "run again"
        ) from None
    found = {}
    for span, data in zip(spans, fetched, strict=True):
        for key, start, size in span:
            offset = start - span[0][1]
            found[key, start] = data[offset : offset + size]
    for entry in entries:
        if hashed(found[entry.key, entry.start]) != entry.digest:
            raise ClusterError("a result in the work area is damaged", entry.key, FORGET)
    return found


# Uploading


class Upload(Struct, array_like=True, frozen=True):
    """One document to upload."""

    path: str
    reason: str
    sha256: str
    headers: dict[str, str]


class Uploading(Struct, array_like=True, frozen=True):
    """Some documents that go to one target."""

    target: int  # its index
    uploads: list[Upload]


class Uploaded(Struct, array_like=True, frozen=True):
    """What became of one of them: bytes that were sent, or what went wrong."""

    path: str
    sent: int
    error: str
    foreign: bool  # somebody else's object is there


def upload(context: Context, task: Uploading) -> Done:
    """Upload staged documents to a target, each whole or not at all."""
    from syndicate.publishing.publisher import Uploader
    from syndicate.publishing.retry import Patience
    from syndicate.publishing.stores import open_store

    settings = context.settings
    target = settings.publish.targets[task.target]
    try:
        store = open_store(target, settings.publish.timeout, os.environ)
    except PublishError as error:
        return Done(None, encode([Uploaded(item.path, 0, str(error), False) for item in task.uploads]))
    uploader = Uploader(settings.site.feeds_url, target, store, Patience(settings.publish.deadline))

    def send(item: Upload) -> Uploaded:
        from syndicate.publishing.publisher import ForeignError

        try:
            if context.work.get(CURRENT).decode() != context.told.run:
                raise PublishError("another run has begun", target.url, "it goes on from here")
            data = staged(context.work, bytes.fromhex(item.sha256))
            sent = uploader.upload(item.path, data, item.headers, ours=Sent(item.reason) not in UNSURE)
        except (PublishError, ClusterError, FileNotFoundError) as error:
            return Uploaded(item.path, 0, str(error), isinstance(error, ForeignError))
        return Uploaded(item.path, sent, "", False)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return Done(None, encode(list(pool.map(send, task.uploads))))


UNSURE = (Sent.NEW, Sent.DOUBT)  # what is at their place may be somebody else's


def staged(work: Storage, digest: bytes) -> bytes:
    """A staged document. Raises ClusterError."""
    try:
        data = work.get(staged_key(digest))
    except FileNotFoundError:
        data = b""
    if output.digest(data) != digest:
        raise ClusterError("a staged document is damaged", staged_key(digest), FORGET)
    return data
