"""Reading many files: the job of worker processes, and the form in which articles are sent and stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from syndicate.articles.frontmatter import QuickParser
from syndicate.articles.model import Article
from syndicate.articles.reader import Providers, Reading, read_article, too_large, unreadable
from syndicate.articles.related import related_articles
from syndicate.articles.rules import MAX_FILE_SIZE, Rules
from syndicate.catalog.packing import packed_groups
from syndicate.catalog.rows import ArticleRow, FileRow
from syndicate.content import File, read_bytes
from syndicate.groups import Grouping, memberships

# The mtime_ns of a file that could not be read: no file has it, so that every run tries again.
NOT_READ = -1

_encoder = msgspec.msgpack.Encoder()
_article_decoder = msgspec.msgpack.Decoder(Article)
_files_decoder = msgspec.msgpack.Decoder(list[File])
_rows_decoder = msgspec.msgpack.Decoder(list[FileRow])


class ReadingJob:
    """Reads a chunk of files into rows of the catalog."""

    def __init__(self, rules: Rules, grouping: Grouping, *, many: bool) -> None:
        """``many`` says that worker processes will do it: only there may YAML be read quickly."""
        self.rules, self.grouping = rules, grouping
        self.providers: Providers = {}
        self.quick: QuickParser | None = None
        if many:
            from syndicate.articles.quickyaml import parse_quickly

            self.quick = parse_quickly

    def __call__(self, files: bytes) -> bytes:
        """The rows of ``encoded_files``, encoded: pickling either would take ten times as long."""
        return _encoder.encode([self.read(file, read_bytes) for file in _files_decoder.decode(files)])

    def read(self, file: File, read_bytes: Callable[[str, int], bytes]) -> FileRow:
        """The row of one file, whose bytes ``read_bytes`` gives, or an OSError."""
        if file.size > MAX_FILE_SIZE:
            reading = too_large(file.path, file.size)
        else:
            try:
                data = read_bytes(file.full, file.size)
                reading = read_article(data, file.path, file.stem, self.rules, self.quick, self.providers)
            except OSError as error:
                reading = unreadable(file.path, f"cannot be read: {error.strerror}")
                file = file._replace(mtime_ns=NOT_READ)
        return self.row(file, reading)

    def row(self, file: File, reading: Reading) -> FileRow:
        """The row of what was read."""
        return FileRow(
            file.path, file.size, file.mtime_ns, file.ctime_ns,
            reading.problems,
            self._article_row(reading.article, reading.quality) if reading.article else None,
            self._derived(reading.article, reading.quality) if self.rules.related_entries else (),
        )  # fmt: skip

    def _article_row(self, article: Article, quality: int | None) -> ArticleRow:
        return ArticleRow(
            article.id, article.link,
            int(article.published.timestamp()), int(article.updated.timestamp()), quality,
            tuple(item.link for item in article.related),
            article_groups(article, self.grouping), article.withdrawn, _encoder.encode(article),
        )  # fmt: skip

    def _derived(self, article: Article | None, quality: int | None) -> tuple[ArticleRow, ...]:
        """Rows of the related items; each has the article's date for its second: it waits for that."""
        if article is None:
            return ()
        rows = [self._article_row(found, quality) for found in related_articles(article, self.rules.tag)]
        named = int(article.published.timestamp())
        return tuple(replace(row, updated=max(row.updated, named), derived=True) for row in rows)


def encoded_files(files: Sequence[File]) -> bytes:
    """Files as a ReadingJob takes them."""
    return _encoder.encode(files)


def decoded_rows(data: bytes) -> list[FileRow]:
    """The rows that a ReadingJob encoded."""
    return _rows_decoder.decode(data)


def stored_article(data: bytes) -> Article:
    """The article in a row's ``data``."""
    return _article_decoder.decode(data)


def article_groups(article: Article, grouping: Grouping) -> str:
    """The keys of the article's groups, each with its spelling, as the catalog keeps them."""
    return packed_groups(memberships(article, grouping))
