"""Rules: everything besides the file itself that decides what an article is read as. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

# Raised with every change of what the same file is read as: catalogs are then read anew.
READING_VERSION = 4
MAX_FILE_SIZE = 2 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything besides the file itself that decides what an article is read as."""

    fields: Mapping[str, tuple[str, ...]]  # see presets.FIELDS
    tag: str  # the stem of every id: ``authority,date`` (RFC 4151)
    site_url: str
    zone: tzinfo
    permalink: str | None = None
    fix_encoding: bool = True
    group_fields: tuple[str, ...] = ()  # front-matter keys that the config groups by
    defaults: Mapping[str, str] = field(default_factory=dict)  # field to value where it is not set
    related_entries: bool = False  # related items are articles too
