"""Documents: a group's entries in each format and as a page. Each entry is rendered once a format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from syndicate.articles.model import Article
from syndicate.feeds import atom, html, jsonfeed, rss, shared
from syndicate.feeds.entry import EntryMaker
from syndicate.feeds.faults import BrokenEntryError, entry_fault
from syndicate.feeds.model import Archive, Entry
from syndicate.groups import PAGE, Group, document_stem

_FEEDS = {"rss": rss.render_feed, "atom": atom.render_feed, "json": jsonfeed.render_feed}


_MOST_KEPT = 16_384  # entries, of some 6 KB


class Renderer:
    """Renders groups. Entries that stand in several groups are kept: ``shared`` says which."""

    def __init__(
        self, maker: EntryMaker, formats: Sequence[str], limit_bytes: int | None, shared: set[int]
    ) -> None:
        self.maker, self.limit_bytes, self.shared = maker, limit_bytes, shared
        self.formats = tuple(formats)
        self.html = maker.settings.feeds.html
        self._scheme = f"{maker.site.feeds_url}topic/"
        self._topics = ("topic",) in maker.settings.feeds.groups
        self._home = f"{maker.site.feeds_url}{PAGE}"
        self._kept: dict[int, dict[str, bytes]] = {}

    def documents(
        self,
        group: Group,
        articles: Sequence[tuple[int, Article]],
        withdrawn: Sequence[Article],
        ids: Mapping[int, Mapping[str, str]],
        archive: Archive,
    ) -> Iterator[tuple[str, bytes]]:
        """Path below out/ and bytes of each of a group's documents, or of the archive documents of a period.

        ``articles`` are numbered, newest first; ``withdrawn`` would stand among them; ``ids`` gives for
        each number the ids of our own articles behind its related links.

        Raises BrokenEntryError before the first document, if an entry breaks a rule.
        """
        seen: set[str] = set()
        for n, article in articles:
            if article.id in seen:
                raise BrokenEntryError(n, "its id stands in the document twice")
            seen.add(article.id)
        feed = self.maker.feed(group, [article for _, article in articles], withdrawn, archive)
        fragments = [self._fragments(n, article, ids.get(n, {})) for n, article in articles]
        stem = document_stem(group.path, archive.period)
        limit_bytes = self.limit_bytes if not archive.period else None
        for name in self.formats:
            head, tail = _FEEDS[name](feed)
            separator = b",\n" if name == "json" else b""
            room = (limit_bytes or 0) - len(head) - len(tail)
            entries = []
            for fragment in fragments:
                room -= len(fragment[name]) + len(separator)
                if limit_bytes and room < 0:
                    break
                entries.append(fragment[name])
            yield f"{stem}.{name}", head + separator.join(entries) + tail
        if self.html and group.path and not archive.period:
            cards = [fragment["html"] for fragment in fragments]
            yield f"{group.path}/{PAGE}", html.render_page(feed, self.formats, self._home, cards)

    def _fragments(self, n: int, article: Article, ids: Mapping[str, str]) -> dict[str, bytes]:
        kept = self._kept.get(n)
        if kept is not None:
            return kept
        entry = self.maker.entry(article, ids)
        fault = entry_fault(entry)
        if fault:
            raise BrokenEntryError(n, fault)
        try:
            fragments = self._rendered(entry)
        except ValueError as error:  # a character that XML forbids
            raise BrokenEntryError(n, str(error)) from None
        if n in self.shared:
            self._kept[n] = fragments
            if len(self._kept) > _MOST_KEPT:
                del self._kept[next(iter(self._kept))]  # the oldest
        return fragments

    def _rendered(self, entry: Entry) -> dict[str, bytes]:
        fragments = {}
        if "json" in self.formats:
            fragments["json"] = jsonfeed.render_entry(entry)
        if self.formats != ("json",):
            parts = shared.parts(entry, self._scheme)
            fragments["rss"] = rss.render_entry(entry, parts) if "rss" in self.formats else b""
            fragments["atom"] = atom.render_entry(entry, parts) if "atom" in self.formats else b""
        if self.html:
            fragments["html"] = html.render_entry(entry, self._scheme if self._topics else None)
        return fragments
