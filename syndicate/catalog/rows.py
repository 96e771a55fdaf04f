"""What a run puts into the catalog, as worker processes send it. Only a run that reads needs these."""

from __future__ import annotations

from msgspec import Struct

from syndicate.catalog.packing import DERIVED
from syndicate.errors import Problem


class FileRow(Struct, array_like=True):
    """One content file as it was read, and the article in it, if there is one."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    problems: tuple[Problem, ...]
    article: ArticleRow | None
    derived: tuple[ArticleRow, ...] = ()  # of the article's related items

    def by_path(self) -> dict[str, ArticleRow]:
        """The articles by the paths that the catalog knows them by."""
        if self.article is None:
            return {}
        if not self.derived:
            return {self.path: self.article}
        named = {f"{self.path}{DERIVED}{n:02}": row for n, row in enumerate(self.derived)}
        return {self.path: self.article, **named}


class ArticleRow(Struct, array_like=True):
    """The columns that an article is found by, and the article itself."""

    id: str
    link: str
    published: int  # seconds since 1970
    updated: int
    quality: int | None
    related: tuple[str, ...]  # links
    groups: str  # keys and spellings (packing.py)
    withdrawn: bool
    data: bytes
    derived: bool = False  # it is a related item of the article in its file
