"""Documents: a group's entries in each format, joined to bytes. Each entry is rendered once a format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from syndicate.articles.model import Article
from syndicate.feeds.entry import EntryMaker
from syndicate.feeds.model import Entry, Feed
from syndicate.groups import Group


@dataclass(frozen=True, slots=True)
class Format:
    """How one format is rendered: an entry, a feed's head and tail, and what stands between entries."""

    entry: Callable[[Entry], bytes]
    feed: Callable[[Feed], tuple[bytes, bytes]]
    separator: bytes


class Renderer:
    """Renders groups. Entries that stand in several groups are kept: ``shared`` says which."""

    def __init__(
        self, maker: EntryMaker, formats: Sequence[str], limit_bytes: int | None, shared: set[int]
    ) -> None:
        self.maker, self.limit_bytes, self.shared = maker, limit_bytes, shared
        scheme = f"{maker.site.feeds_url}topic/"
        self.formats = {name: _format(name, scheme) for name in formats}
        self._kept: dict[int, dict[str, bytes]] = {}

    def documents(
        self,
        group: Group,
        articles: Sequence[tuple[int, Article]],
        ids: Mapping[int, Mapping[str, str]],
    ) -> Iterator[tuple[str, bytes]]:
        """Path below out/ and bytes of each of a group's documents.

        ``articles`` are numbered, newest first; ``ids`` gives for each number the ids of our own
        articles behind its related links.
        """
        feed = self.maker.feed(group, [article for _, article in articles])
        fragments = [self._fragments(n, article, ids.get(n, {})) for n, article in articles]
        prefix = f"{group.path}/" if group.path else ""
        for name, format in self.formats.items():
            head, tail = format.feed(feed)
            room = (self.limit_bytes or 0) - len(head) - len(tail)
            entries = []
            for fragment in fragments:
                room -= len(fragment[name]) + len(format.separator)
                if self.limit_bytes and room < 0:
                    break
                entries.append(fragment[name])
            yield f"{prefix}feed.{name}", head + format.separator.join(entries) + tail

    def _fragments(self, n: int, article: Article, ids: Mapping[str, str]) -> dict[str, bytes]:
        kept = self._kept.get(n)
        if kept is not None:
            return kept
        entry = self.maker.entry(article, ids)
        fragments = {name: format.entry(entry) for name, format in self.formats.items()}
        if n in self.shared:
            self._kept[n] = fragments
        return fragments


def _format(name: str, scheme: str) -> Format:
    from syndicate.feeds import atom, jsonfeed, rss

    if name == "rss":
        return Format(lambda entry: rss.render_entry(entry, scheme), rss.render_feed, b"")
    if name == "atom":
        return Format(lambda entry: atom.render_entry(entry, scheme), atom.render_feed, b"")
    return Format(jsonfeed.render_entry, jsonfeed.render_feed, b",\n")
