"""Telling: edges are purged, then the hub is pinged. What was not told stays in the manifests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from syndicate.config import Settings
from syndicate.errors import PublishError
from syndicate.publishing.client import Client, Request
from syndicate.publishing.manifest import Manifest
from syndicate.publishing.purge import purge_requests
from syndicate.publishing.retry import Patience
from syndicate.publishing.websub import ping

_AT_ONCE = 8  # requests


class Teller:
    """Sends purges and pings. ``errors`` says what went wrong; it is tried again in the next run."""

    def __init__(
        self, settings: Settings, patience: Callable[[], Patience], environment: Mapping[str, str]
    ) -> None:
        """``patience`` is made when there is something to tell."""
        self.settings, self._new_patience, self.environment = settings, patience, environment
        self.errors: list[PublishError] = []
        self.purged = self.pinged = 0
        self._failed: set[str] = set()  # edges that do not answer: asked once a run is enough

    @cached_property
    def _patience(self) -> Patience:
        return self._new_patience()

    @cached_property
    def _client(self) -> Client:
        return Client(self.settings.publish.timeout)

    def purge(self, manifests: Sequence[Manifest], but: set[str]) -> None:
        """Tell every edge what changed on any target, except for the paths in ``but``."""
        for edge in self.settings.publish.purge:
            pending = set().union(*(manifest.purge.get(edge.name, ()) for manifest in manifests)) - but
            if not pending or edge.name in self._failed:
                continue
            error: PublishError | None
            try:
                requests = purge_requests(edge, pending, self.settings.site.feeds_url, self.environment)
            except PublishError as fault:  # for want of credentials, say
                error = fault
            else:
                _, error = self._send_all(requests, f"cannot purge ({edge.kind})")
            if error:
                self._failed.add(edge.name)
                self.errors.append(error)
                continue
            self.purged += len(pending)
            for manifest in manifests:
                if edge.name in manifest.purge:
                    manifest.purge[edge.name] -= pending

    def ping(self, manifests: Sequence[Manifest], but: set[str]) -> None:
        """Tell the hub which feeds changed; not before the edges know: it fetches them at once.

        The paths in ``but`` are of documents that edges are told of later.
        """
        hub = self.settings.publish.hub
        if any(paths - but for manifest in manifests for paths in manifest.purge.values()):
            return
        pending = sorted(set().union(*(manifest.ping for manifest in manifests)))
        if not pending or not hub:
            return
        requests = [ping(hub, path, self.settings.site.feeds_url) for path in pending]
        arrived, error = self._send_all(requests, "cannot ping the hub")
        if error:
            self.errors.append(error)
        done = {path for path, told in zip(pending, arrived, strict=True) if told}
        self.pinged += len(done)
        for manifest in manifests:
            manifest.ping -= done

    def _send_all(self, requests: Sequence[Request], what: str) -> tuple[list[bool], PublishError | None]:
        """Send requests, several at once, until one fails for good; says of each whether it arrived."""
        from concurrent.futures import ThreadPoolExecutor

        client, patience = self._client, self._patience
        errors: list[PublishError] = []

        def send(request: Request) -> bool:
            if errors:
                return False
            try:
                patience.tried(lambda: client.send(request), what)
            except PublishError as error:
                errors.append(error)
                return False
            return True

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            arrived = list(pool.map(send, requests))
        return arrived, errors[0] if errors else None
