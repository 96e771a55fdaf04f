"""Purge: what edges are asked to forget. Requests are made here; who sends them stands elsewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import NamedTuple
from urllib.parse import urlsplit

from syndicate.articles.urls import path_encoded
from syndicate.config import Purge
from syndicate.errors import ConfigError, PublishError
from syndicate.groups import PAGE
from syndicate.publishing.client import Request
from syndicate.publishing.headers import surrogate_keys
from syndicate.workers import chunks

# Above so many URLs or keys, one request for everything takes their place. CloudFront bills each path, and
# counts one that ends in a star as one.
WILDCARD_ABOVE = 500
_CLOUDFRONT_WILDCARD_ABOVE = 15
# The most that one request may name: Cloudflare's limit of files, Fastly's of keys.
_FILES_AT_ONCE = 100
_KEYS_AT_ONCE = 256


class _What(NamedTuple):
    """What is to be forgotten."""

    urls: Sequence[str]  # one that ends in a star, when it is everything
    keys: Sequence[str]
    everything: bool


def check_edge(purge: Purge, environment: Mapping[str, str]) -> None:
    """See that an edge can be told anything: its secret is there, and what signs. Raises ConfigError."""
    token(purge, environment)
    if purge.kind == "cloudfront" and find_spec("botocore") is None:
        raise ConfigError("publish.purge: cloudfront needs syndicate[aws], which is not installed")


def purge_requests(
    purge: Purge, paths: Iterable[str], feeds_url: str, environment: Mapping[str, str]
) -> list[Request]:
    """The requests that make an edge forget the documents at ``paths``. Raises what ``check_edge`` does.

    And PublishError where there are no credentials.
    """
    found = sorted(paths)
    urls = [url for path in found for url in document_urls(path, feeds_url)]
    keys = sorted({surrogate_keys(path, feeds_url)[0] for path in found})
    names = keys if purge.by_key else urls
    most = _CLOUDFRONT_WILDCARD_ABOVE if purge.kind == "cloudfront" else WILDCARD_ABOVE
    everything = len(names) > most
    if everything:
        urls, keys = [f"{feeds_url}*"], [surrogate_keys("", feeds_url)[-1]]
    return list(_KINDS[purge.kind](purge, _What(urls, keys, everything), environment))


def document_urls(path: str, feeds_url: str) -> list[str]:
    """The addresses at which a document is served: of a page, its folder's too."""
    url = f"{feeds_url}{path_encoded(path)}"
    return [url, url.removesuffix(PAGE)] if url.endswith(f"/{PAGE}") else [url]


def _varnish(purge: Purge, what: _What, environment: Mapping[str, str]) -> Iterator[Request]:
    """PURGE by URL, or by surrogate key with vmod_xkey; docs/publish-varnish.md has the VCL for it."""
    headers = _bearer(purge, environment)
    host = urlsplit(what.urls[0]).netloc
    if purge.by_key:
        name = "xkey-softpurge" if purge.soft else "xkey-purge"
        for some in chunks(what.keys, _KEYS_AT_ONCE):
            yield Request("PURGE", purge.url, {**headers, "Host": host, name: " ".join(some)})
        return
    soft = {"X-Soft-Purge": "1"} if purge.soft else {}
    if what.everything:
        # By URL there is no key: a ban of all addresses below the feeds' own takes its place.
        prefix = urlsplit(what.urls[0]).path.removesuffix("*")
        yield Request("BAN", purge.url, {**headers, "Host": host, "X-Ban-Prefix": prefix})
        return
    for url in what.urls:
        path = urlsplit(url).path
        yield Request("PURGE", purge.url.rstrip("/") + path, {**headers, **soft, "Host": host})


def _fastly(purge: Purge, what: _What, environment: Mapping[str, str]) -> Iterator[Request]:
    """Fastly's API: POST /service/ID/purge with surrogate keys, POST /purge/URL for one URL."""
    headers = {"Fastly-Key": token(purge, environment), "Accept": "application/json"}
    if purge.soft:
        headers["Fastly-Soft-Purge"] = "1"
    if purge.by_key or what.everything:
        for some in chunks(what.keys, _KEYS_AT_ONCE):
            yield Request(
                "POST", f"{purge.url}service/{purge.id}/purge",
                {**headers, "Content-Type": "application/json"}, _json({"surrogate_keys": some}),
            )  # fmt: skip
        return
    for url in what.urls:
        yield Request("POST", f"{purge.url}purge/{url.partition('://')[2]}", headers)


def _cloudflare(purge: Purge, what: _What, environment: Mapping[str, str]) -> Iterator[Request]:
    """Cloudflare's API: POST /zones/ID/purge_cache with files, or with one prefix."""
    headers = {**_bearer(purge, environment), "Content-Type": "application/json"}
    bodies: list[dict[str, object]]
    if what.everything:
        bodies = [{"prefixes": [what.urls[0].partition("://")[2].removesuffix("*")]}]
    else:
        bodies = [{"files": some} for some in chunks(what.urls, _FILES_AT_ONCE)]
    for body in bodies:
        yield Request("POST", f"{purge.url}zones/{purge.id}/purge_cache", headers, _json(body))


def _cloudfront(purge: Purge, what: _What, environment: Mapping[str, str]) -> Iterator[Request]:
    """CloudFront's CreateInvalidation, signed (AWS Signature Version 4) by botocore."""
    import hashlib
    from xml.sax.saxutils import escape

    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.session import Session

    credentials = Session().get_credentials()
    if credentials is None:
        raise PublishError(
            "there are no credentials", purge.name, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    items = "".join(f"<Path>{escape(urlsplit(url).path)}</Path>" for url in what.urls)
    inside = f"<Paths><Quantity>{len(what.urls)}</Quantity><Items>{items}</Items></Paths>"
    # The same request twice is one invalidation to CloudFront; a later one of the same paths is another.
    nonce = hashlib.sha256(f"{inside}{time.time_ns()}".encode()).hexdigest()
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<InvalidationBatch xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">'
        f"{inside}<CallerReference>{nonce}</CallerReference></InvalidationBatch>"
    ).encode()
    url = f"{purge.url}2020-05-31/distribution/{purge.id}/invalidation"
    signed = AWSRequest("POST", url, data=body, headers={"Content-Type": "text/xml"})
    SigV4Auth(credentials, "cloudfront", "us-east-1").add_auth(signed)
    yield Request("POST", url, dict(signed.headers.items()), body)


def _http(purge: Purge, what: _What, environment: Mapping[str, str]) -> Iterator[Request]:
    """A hook for any other edge: one POST of JSON."""
    body = {"urls": what.urls, "surrogate_keys": what.keys, "everything": what.everything, "soft": purge.soft}
    headers = {**_bearer(purge, environment), "Content-Type": "application/json"}
    yield Request("POST", purge.url, headers, _json(body))


_KINDS: Mapping[str, Callable[[Purge, _What, Mapping[str, str]], Iterator[Request]]] = {
    "varnish": _varnish,
    "fastly": _fastly,
    "cloudflare": _cloudflare,
    "cloudfront": _cloudfront,
    "http": _http,
}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def token(purge: Purge, environment: Mapping[str, str]) -> str:
    """The secret of an edge, empty when it wants none. Raises ConfigError; its value is never shown."""
    value = environment.get(purge.token, "") if purge.token else ""
    if purge.token and not value:
        raise ConfigError(f"{purge.name}: ${{{purge.token}}} is not in the environment (publish.purge)")
    if not (value.isprintable() and value.isascii()):
        raise ConfigError(f"{purge.name}: the value of ${{{purge.token}}} holds characters that no token has")
    return value


def _bearer(purge: Purge, environment: Mapping[str, str]) -> dict[str, str]:
    value = token(purge, environment)
    return {"Authorization": f"Bearer {value}"} if value else {}
