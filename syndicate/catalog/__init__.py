"""The catalog: what is remembered between runs. It can be deleted at any time."""

from syndicate.catalog.schema import Opened, open_catalog, unusable
from syndicate.catalog.store import ArticleRow, Candidate, Catalog, FileRow

__all__ = ["ArticleRow", "Candidate", "Catalog", "FileRow", "Opened", "open_catalog", "unusable"]
