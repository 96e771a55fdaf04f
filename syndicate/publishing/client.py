"""Client: small HTTP requests to edges and hubs. Nothing is retried here, and no redirect is followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from syndicate.errors import PublishError
from syndicate.publishing.retry import TransientError


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Its headers may hold a secret, and are never shown."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = b""


class Client:
    """Sends requests."""

    def __init__(self, timeout: int) -> None:
        """``timeout``: seconds that a request may take."""
        import ssl

        import urllib3

        self._timeout = urllib3.Timeout(total=timeout, connect=min(timeout, 10))
        self._pool = urllib3.PoolManager(ssl_context=ssl.create_default_context())

    def send(self, request: Request) -> None:
        """Send a request that is to be answered with 2xx. Raises TransientError, PublishError."""
        import urllib3

        try:
            answer = self._pool.request(
                request.method, request.url, body=request.body or None, headers=dict(request.headers),
                timeout=self._timeout, retries=False, redirect=False, preload_content=False,
            )  # fmt: skip
        except urllib3.exceptions.SSLError:
            raise PublishError("no safe connection", request.url, "its certificate is not valid") from None
        except urllib3.exceptions.NewConnectionError:
            raise TransientError(f"{request.url}: cannot be reached") from None
        except urllib3.exceptions.TimeoutError:
            raise TransientError(f"{request.url}: no answer in time") from None
        except urllib3.exceptions.HTTPError:
            raise TransientError(f"{request.url}: the connection was dropped") from None
        answer.close()  # the status says it; whoever answers without end is not listened to
        status = answer.status
        if status in (408, 429) or status >= 500:
            after = answer.headers.get("Retry-After", "")
            raise TransientError(
                f"{request.url}: the answer was {status}", float(after) if after.isdecimal() else 0
            )
        if status in (401, 403):
            raise PublishError(f"access denied ({status})", request.url, "check the token, and its rights")
        if not 200 <= status < 300:
            raise PublishError(f"the answer was {status}", request.url, "mend publish.purge or publish.hub")
