"""URLs: from what people write to valid absolute URIs (RFC 3986), or the reason why not."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from syndicate.articles.text import forbidden_removed, shortened

# Already a valid http(s) URI in ASCII with a plain host: nearly all of them, and much the fastest test.
_PATTERN = (
    r"https?://[a-z0-9]+(?:(?:\.|-+)[a-z0-9]+)*(?::[0-9]{1,4})?"
    r"(?:[/?](?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:#(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
_VALID = re.compile(_PATTERN)
_ALL_VALID = re.compile(rf"(?:{_PATTERN}\n)*")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
    r"(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?)*"
)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_MOST_ENCODED = 8  # times
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._~/-]*")
MAX_LENGTH = 4_096


class UrlError(ValueError):
    """Not a URL that a document may hold; the message says why."""


def clean_url(written: str) -> str:
    """The absolute http(s) URI that ``written`` means: entities decoded, percent-encoded, punycoded.

    Raises UrlError.
    """
    if "&" in written and ";" in written:
        written = _decoded(written)
    if _VALID.fullmatch(written) and len(written) <= MAX_LENGTH:
        return written
    return _mended(written)


def all_valid(urls: Iterable[str]) -> bool:
    """Whether each of ``urls`` is what ``clean_url`` would make of it."""
    urls = list(urls)
    if _ALL_VALID.fullmatch("\n".join([*urls, ""])):  # one search for all of them
        return True
    try:
        return all(clean_url(url) == url for url in urls)
    except UrlError:
        return False


def _decoded(written: str) -> str:
    """Without character references, however often they were encoded: what is decoded once means itself.

    A reference ends with a semicolon, as in attributes (HTML, section 13.2.5.73): ``&copy=1`` is none.
    Raises UrlError.
    """
    for _ in range(_MOST_ENCODED):
        before = written
        # Tabs and line ends within a URL are line wrapping (WHATWG URL, section 4.4).
        written = re.sub(r"[\t\n\r]", "", forbidden_removed(written)).strip()
        written = _REFERENCE.sub(lambda found: html.unescape(found[0]), written)
        if written == before:
            return written
    raise UrlError(f"its “&amp;” is encoded more than {_MOST_ENCODED} times")


def _mended(written: str) -> str:
    from urllib.parse import quote, urlsplit

    text = _decoded(written)
    scheme = _SCHEME.match(text)
    if scheme is None:
        raise UrlError("not an absolute http(s) URL")
    if scheme[1].lower() not in ("http", "https"):
        raise UrlError(f"the scheme {shortened(scheme[1].lower(), 40)}: is not http or https")
    if not text[scheme.end() :].startswith("//"):
        raise UrlError("not an absolute http(s) URL")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UrlError(str(error)) from None
    if "@" in parts.netloc:
        raise UrlError("it holds a user name or password")
    authority = _host(parts.hostname or "") + (f":{port}" if port is not None else "")

    def encoded(part: str, safe: str) -> str:
        return quote(_LONE_PERCENT.sub("%25", part), safe=safe + "%!$&'()*+,;=:@/~")

    path = encoded(parts.path, "")
    query = f"?{encoded(parts.query, '?')}" if parts.query else ""
    fragment = f"#{encoded(parts.fragment, '?')}" if parts.fragment else ""
    url = f"{parts.scheme}://{authority}{path}{query}{fragment}"
    if len(url) > MAX_LENGTH:
        raise UrlError(f"longer than {MAX_LENGTH:,} characters")
    return url


def _host(host: str) -> str:
    if ":" in host:  # IPv6; urlsplit has checked it
        return f"[{host}]"
    ascii_host = _idna(host)
    if not _HOST.fullmatch(ascii_host.removesuffix(".")):
        raise UrlError(f"{shortened(host, 80)!r} is not a host name" if host else "it names no host")
    return ascii_host


def _idna(host: str) -> str:
    if host.isascii():
        return host.lower()
    import idna  # the standard library's codec is IDNA 2003, which sends straße.de to strasse.de

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise UrlError(f"{shortened(host, 80)!r} is not a host name ({shortened(str(error), 80)})") from None


def clean_domain(written: str) -> str:
    """A provider's domain: lower case, ASCII (IDNA), without scheme, ``www.`` and path.

    Raises UrlError.
    """
    if _DOMAIN.fullmatch(written) and not written.startswith("www.") and len(written) <= 253:
        return written
    text = written.strip().lower()
    text = re.sub(r"^[a-z]+://", "", text).split("/")[0].removeprefix("www.").removesuffix(".")
    domain = text if _DOMAIN.fullmatch(text) else _idna(text)
    if not _DOMAIN.fullmatch(domain) or len(domain) > 253:
        raise UrlError(f"{shortened(written, 80)!r} is not a domain name")
    return domain


def joined(base: str, reference: str) -> str:
    """``reference`` resolved against ``base`` (RFC 3986, section 5) as a valid URI.

    Raises UrlError.
    """
    if reference.startswith(("https://", "http://")):
        return clean_url(reference)
    from urllib.parse import urljoin

    try:
        return clean_url(urljoin(base, _decoded(reference)))
    except ValueError as error:
        raise UrlError(str(error)) from None


def path_encoded(path: str) -> str:
    """A relative path as it stands in a URL or a tag: URI: everything but pchar and ``/`` encoded."""
    if _PLAIN_PATH.fullmatch(path):
        return path
    from urllib.parse import quote

    return quote(path, safe="/!$&'()*+,;=:@~")
