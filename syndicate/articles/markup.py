"""HTML of articles: Markdown rendered, players made links, everything sanitised. No entry layout here."""

from __future__ import annotations

import functools
import html
import re
import unicodedata
from typing import TYPE_CHECKING

from syndicate.articles.model import Video
from syndicate.articles.text import forbidden_removed, mojibake_mended, one_line
from syndicate.articles.urls import UrlError, joined

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_IFRAME = re.compile(r"""<iframe\b((?:[^>"']|"[^"]*"|'[^']*')*)>(?:\s*</iframe\s*>)?""", re.IGNORECASE)
_SRC = re.compile(r"""\bsrc\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
# Known players: the address of the player, where a person watches, and a still at a fixed address.
_PLAYERS = (
    (
        re.compile(r"https?://(?:www\.)?youtube(?:-nocookie)?\.com/embed/([\w-]{6,20})(?:[?#].*)?"),
        "https://www.youtube.com/watch?v={}",
        "https://i.ytimg.com/vi/{}/hqdefault.jpg",
    ),
    (
        re.compile(r"https?://player\.vimeo\.com/video/(\d+)(?:[/?#].*)?"),
        "https://vimeo.com/{}",
        None,
    ),
    (
        re.compile(r"https?://(?:www\.)?dailymotion\.com/embed/video/(\w+)(?:[?#].*)?"),
        "https://www.dailymotion.com/video/{}",
        "https://www.dailymotion.com/thumbnail/video/{}",
    ),
)
_TAGS = frozenset(
    "a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em"  # noqa: SIM905
    " figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp"
    " small span strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr".split()
)
_ATTRIBUTES = {
    "a": {"href", "title", "hreflang"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start", "reversed"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
    "q": {"cite"},
    "blockquote": {"cite"},
    "*": {"lang", "dir"},
}
_URL_ATTRIBUTES = frozenset(("href", "src", "cite"))
_IMG_WITHOUT_SRC = re.compile(r"<img(?![^>]*\ssrc=)[^>]*>")
_TAG = re.compile(r"<[^>]*>")
_PARAGRAPH = re.compile(r"(?s)<p[^>]*>(.*?)</p>")
_BLOCK_END = re.compile(r"</(?:p|h[1-6]|li|blockquote|div|pre|tr|dd|dt|figcaption)>|<br>|<hr>")


def players_to_links(markup: str) -> tuple[str, tuple[Video, ...], tuple[str, ...]]:
    """``markup`` with each iframe of a known player made a link around its still.

    Returns the markup, the videos, and the addresses of iframes that are no known player's (those
    are left for the sanitiser to drop).
    """
    if "<iframe" not in markup.lower():
        return markup, (), ()
    videos: list[Video] = []
    unknown: list[str] = []

    def replace(found: re.Match[str]) -> str:
        source = _SRC.search(found[1])
        url = html.unescape(next(filter(None, source.groups()), "") if source else "").strip()
        if url.startswith("//"):
            url = "https:" + url
        for pattern, page, picture in _PLAYERS:
            match = pattern.fullmatch(url)
            if match:
                video = Video(page.format(match[1]), picture.format(match[1]) if picture else None)
                videos.append(video)
                return video_link(video)
        unknown.append(url)
        return ""

    return _IFRAME.sub(replace, markup), tuple(dict.fromkeys(videos)), tuple(unknown)


def video_link(video: Video, picture: str | None = None) -> str:
    """HTML: a link to where a person watches, around ``picture`` (HTML) or the video's own still."""
    if picture is None and video.picture:
        picture = f'<img src="{html.escape(video.picture)}" alt="">'
    still = f"{picture}<br>" if picture else ""
    return f'<p><a href="{html.escape(video.page)}">{still}▶ Watch the video</a></p>'


def from_markdown(text: str) -> str:
    """HTML of a CommonMark body with tables and strikethrough; raw HTML passes, to be sanitised."""
    rendered: str = _markdown().render(text)
    return rendered


@functools.cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


def sanitised(markup: str, base: str, *, fix_encoding: bool = True) -> str:
    """Safe HTML of ``markup``: allowed tags only, absolute http, https and mailto URLs, XML characters.

    Relative URLs are resolved against ``base``; a URL that cannot be valid goes with its attribute.
    """
    import nh3

    def attribute(tag: str, name: str, value: str) -> str | None:
        if name not in _URL_ATTRIBUTES:
            return value
        if value.lower().startswith("mailto:"):
            return value if name == "href" else None
        try:
            return joined(base, value)
        except UrlError:
            return None

    if fix_encoding:
        markup = mojibake_mended(markup)
    safe = nh3.clean(
        markup,
        tags=set(_TAGS),
        clean_content_tags={"script", "style", "iframe", "object", "embed", "form", "noscript",
                            "template", "svg", "math", "audio", "video", "canvas", "select"},
        attributes=_ATTRIBUTES,
        attribute_filter=attribute,
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )  # fmt: skip
    safe = _IMG_WITHOUT_SRC.sub("", forbidden_removed(safe)).strip()
    return safe if safe.isascii() else unicodedata.normalize("NFC", safe)


def first_paragraph(markup: str) -> str:
    """What a person reads in the first paragraph of sanitised HTML; in all of it when it has none."""
    for found in _PARAGRAPH.finditer(markup):
        text = plain_text(found[1])
        if text:
            return text
    return plain_text(markup)


def plain_text(markup: str) -> str:
    """What a person reads in sanitised HTML, on one line."""
    return one_line(html.unescape(_TAG.sub("", _BLOCK_END.sub(" ", markup))))
