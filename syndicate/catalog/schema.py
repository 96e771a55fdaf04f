"""The catalog's tables, and opening one: a catalog that cannot be used is set aside, never trusted."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from syndicate.errors import LockedError, SyndicateError, WriteError

# Raised with every change of a table, or of what its blobs hold.
SCHEMA_VERSION = 5
_APPLICATION_ID = 0x53594E44  # "SYND"

_TABLES = """
-- Keys of the last run: what it was told, when it looked, how many articles it published.
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
-- Every content file as it was read. problems: JSON, NULL when there are none.
CREATE TABLE files (
  path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, problems TEXT
) WITHOUT ROWID;
CREATE INDEX files_problems ON files (path) WHERE problems IS NOT NULL;
-- Every article that may be published. Times are seconds since 1970, UTC.
CREATE TABLE articles (
  n INTEGER PRIMARY KEY, path TEXT UNIQUE, id TEXT, link TEXT, published INTEGER, updated INTEGER,
  quality INTEGER,
  due INTEGER,      -- 0: not in the feeds yet; 1: published, its update is to come; 2: all of it is due
  wake INTEGER,     -- when due changes next; NULL: never
  time INTEGER,     -- by which it stands in its groups; NULL: it is not live, in no feed
  lost_to TEXT,     -- the path of the article with the same link or id that is live instead
  withdrawn INTEGER,-- 1: it was public, and is taken back
  buried INTEGER,   -- by which its tombstone stands in its groups; NULL: there is none
  derived INTEGER,  -- 1: it is a related item of the article in the file that its path begins with
  groups TEXT       -- the keys of its groups, each with the article's spelling (packing.py)
);
-- The articles themselves, apart: rows that often change stay small.
CREATE TABLE contents (article INTEGER PRIMARY KEY, data BLOB);
CREATE INDEX articles_wake ON articles (wake) WHERE wake IS NOT NULL;
CREATE INDEX articles_lost ON articles (path) WHERE lost_to IS NOT NULL;
-- Which links an article names as related.
CREATE TABLE relations (
  article INTEGER, link TEXT, PRIMARY KEY (article, link)
) WITHOUT ROWID;
-- Which live articles stand in which group, newest first; name: as the article spells the group.
CREATE TABLE members (
  grp INTEGER, time INTEGER, article INTEGER, name TEXT, PRIMARY KEY (grp, time DESC, article)
) WITHOUT ROWID;
-- Which withdrawn articles would stand in which group, by its key: it may be gone.
CREATE TABLE tombstones (
  key TEXT, time INTEGER, article INTEGER, PRIMARY KEY (key, time DESC, article)
) WITHOUT ROWID;
CREATE INDEX tombstones_article ON tombstones (article);
CREATE TABLE groups (
  n INTEGER PRIMARY KEY, key TEXT UNIQUE,
  name TEXT,        -- the commonest spelling
  shown TEXT        -- its name, path and title in the documents of the last run
);
CREATE TABLE documents (
  path TEXT PRIMARY KEY, grp TEXT, digest BLOB, size INTEGER, mtime_ns INTEGER
) WITHOUT ROWID;
CREATE TABLE runs (
  n INTEGER PRIMARY KEY, started REAL, seconds REAL, articles INTEGER, problems INTEGER,
  written INTEGER, removed INTEGER, bytes INTEGER
);
-- What came of publishing, by the target's URL. Times are seconds since 1970.
CREATE TABLE targets (
  url TEXT PRIMARY KEY,
  published REAL,    -- when all was well the last time; NULL: never
  objects INTEGER, bytes INTEGER,   -- on the target, then
  purges INTEGER, pings INTEGER,    -- documents and feeds of which edges and hub are still to be told
  tried REAL, error TEXT            -- the last try, and what went wrong, if something did
) WITHOUT ROWID;
"""
# A full run drops these, and makes them when everything is in its place: that is faster than keeping them.
INDEXES = {
    "articles_link": "articles (link)",
    "articles_id": "articles (id)",
    "relations_link": "relations (link)",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """An open catalog, and why the one before was set aside, if it was."""

    connection: sqlite3.Connection
    set_aside: str = ""


def open_catalog(path: Path | None) -> Opened:
    """Open the catalog at ``path``, or one in memory. Raises WriteError, LockedError."""
    if path is None:
        return Opened(_create(sqlite3.connect(":memory:", isolation_level=None)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fault = _fault(path)
        if fault:
            # The write-ahead log belongs to the file it was written for.
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            os.replace(path, path.with_name(path.name + ".aside"))
        connection = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            # Only a new catalog takes it. Large pages: a full run writes most of them, one write each.
            connection.execute("PRAGMA page_size = 32768")
            connection.execute("PRAGMA journal_mode = WAL")
            # The run's own barrier makes documents durable; losing the last commit costs a re-reading.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA cache_size = -32768")
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                _create(connection)
        except BaseException:
            connection.close()
            raise
    except OSError as error:
        raise WriteError("cannot write the catalog", str(path), error.strerror or "") from None
    except sqlite3.OperationalError as error:
        raise unusable(path, error) from None
    return Opened(connection, f"{path.name} was set aside: {fault}" if fault else "")


def view(path: Path) -> sqlite3.Connection | None:
    """The catalog at ``path``, only to be read, or None. Raises as ``open_catalog`` does."""
    try:
        if not path.exists() or _fault(path):
            return None
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    except sqlite3.OperationalError as error:
        raise unusable(path, error) from None


def unusable(path: Path, error: sqlite3.OperationalError) -> SyndicateError:
    """What is to be said where SQLite can do nothing with a good catalog."""
    if "locked" in str(error):
        return LockedError("another program holds the catalog", str(path))
    return WriteError("cannot write the catalog", str(path), str(error))


def _fault(path: Path) -> str:
    """Why the file cannot be used; empty when it can, or is not there. Raises what being locked does."""
    if not path.exists():
        return ""
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=0)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if (version, application) == (0, 0) and path.stat().st_size == 0:
            return ""
        if application != _APPLICATION_ID:
            return "it is not a catalog"
        if version != SCHEMA_VERSION:
            other = "a newer" if version > SCHEMA_VERSION else "an older"
            return f"{other} version of the program wrote it"
        connection.execute("SELECT count(*) FROM meta").fetchone()
    except sqlite3.OperationalError as error:
        # A full disk, a lock or a folder without permission is no fault of the file.
        if "no such table" not in str(error):
            raise
        return str(error)
    except sqlite3.DatabaseError as error:
        return str(error)
    finally:
        if connection is not None:
            connection.close()
    return ""


def _create(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.executescript(
        f"BEGIN IMMEDIATE;{_TABLES}"
        + "".join(f"CREATE INDEX {name} ON {columns};" for name, columns in INDEXES.items())
        + f"PRAGMA application_id = {_APPLICATION_ID};"
        f"PRAGMA user_version = {SCHEMA_VERSION};COMMIT;"
    )
    return connection
