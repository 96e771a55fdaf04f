"""The catalog: what is remembered between runs. It can be deleted at any time."""

from syndicate.catalog.schema import Opened, open_catalog, unusable
from syndicate.catalog.store import Candidate, Catalog, view_catalog

__all__ = ["Candidate", "Catalog", "Opened", "open_catalog", "unusable", "view_catalog"]
