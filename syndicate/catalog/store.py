"""Every question that a run asks of the catalog, and every change it makes. SQL stays in here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from syndicate.errors import Problem, Severity


class FileRow(NamedTuple):
    """One content file as it was read, and the article in it, if there is one."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    digest: bytes
    problems: tuple[Problem, ...]
    article: ArticleRow | None


class ArticleRow(NamedTuple):
    """The columns that an article is found by, and the article itself."""

    id: str
    link: str
    published: int  # seconds since 1970
    updated: int
    quality: int | None
    related: tuple[str, ...]  # links
    data: bytes


class Candidate(NamedTuple):
    """An article that may stand in the feeds, with how it stood in the last run."""

    n: int
    path: str
    id: str
    link: str
    published: int
    updated: int
    quality: int | None
    due: int  # as the clock has it now; see the table
    was_due: int
    live: int
    lost_to: str | None


class Catalog:
    """An open catalog in one transaction, from ``begin`` to ``commit`` or ``roll_back``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        # What this run has changed, and what it must decide anew.
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS touched_links (link TEXT PRIMARY KEY, owner TEXT)")
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS touched_ids (id TEXT PRIMARY KEY)")
        self._db.execute("DELETE FROM touched_links")
        self._db.execute("DELETE FROM touched_ids")

    def commit(self) -> None:
        self._db.execute("COMMIT")

    def roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        self._db.close()

    def forget(self) -> None:
        """Everything but the documents is read anew."""
        for table in ("meta", "files", "articles", "relations", "members", "groups"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608  # one of the names above

    # Meta

    def meta(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def set_meta(self, key: str, value: str) -> None:
        self._db.execute("REPLACE INTO meta VALUES (?, ?)", (key, value))

    # Files and articles

    def stamps(self) -> dict[str, tuple[int, int, int]]:
        """Size, mtime_ns and ctime_ns of every file as it was read."""
        rows = self._db.execute("SELECT path, size, mtime_ns, ctime_ns FROM files")
        return {path: (size, mtime, ctime) for path, size, mtime, ctime in rows}

    def digest(self, path: str) -> bytes | None:
        row = self._db.execute("SELECT digest FROM files WHERE path = ?", (path,)).fetchone()
        return row[0] if row else None

    def put_file(self, row: FileRow) -> None:
        problems = json.dumps([_packed(p) for p in row.problems]) if row.problems else None
        self._db.execute("REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)", (*row[:5], problems))

    def drop_file(self, path: str) -> None:
        self._db.execute("DELETE FROM files WHERE path = ?", (path,))

    def problems(self) -> list[Problem]:
        """Every problem of every file, as it was reported when the file was read."""
        found = self._db.execute("SELECT problems FROM files WHERE problems IS NOT NULL")
        return [_unpacked(item) for (packed,) in found for item in json.loads(packed)]

    def article(self, path: str) -> tuple[int, bytes, int | None, str, str] | None:
        """Number, data, quality, link and id of the article in a file."""
        row: tuple[int, bytes, int | None, str, str] | None = self._db.execute(
            "SELECT n, data, quality, link, id FROM articles WHERE path = ?", (path,)
        ).fetchone()
        return row

    def put_article(self, path: str, row: ArticleRow, n: int | None) -> int:
        """Insert, or update number ``n``, which keeps its place in the groups until it is placed anew."""
        values = (row.id, row.link, row.published, row.updated, row.quality, row.data)
        if n is None:
            cursor = self._db.execute(
                "INSERT INTO articles (path, id, link, published, updated, quality, data, due, live)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)",
                (path, *values),
            )
            n = cursor.lastrowid
            assert n is not None
        else:
            self._db.execute(
                "UPDATE articles SET id = ?, link = ?, published = ?, updated = ?, quality = ?,"
                " data = ? WHERE n = ?",
                (*values, n),
            )
            self._db.execute("DELETE FROM relations WHERE article = ?", (n,))
        if row.related:
            self._db.executemany("INSERT INTO relations VALUES (?, ?)", [(n, link) for link in row.related])
        return n

    def drop_article(self, n: int) -> None:
        self._db.execute("DELETE FROM articles WHERE n = ?", (n,))
        self._db.execute("DELETE FROM relations WHERE article = ?", (n,))

    def touch(self, link: str, id: str) -> None:
        """Who holds this link and this id must be decided anew.

        To be called before an article with them is changed: the link's holder until now is kept.
        """
        self._db.execute(
            "INSERT OR IGNORE INTO touched_links"
            " VALUES (?1, (SELECT id FROM articles WHERE link = ?1 AND live))",
            (link,),
        )
        self._db.execute("INSERT OR IGNORE INTO touched_ids VALUES (?)", (id,))

    def links_that_changed_hands(self) -> list[str]:
        """The touched links whose live article is another one than before, by id."""
        rows = self._db.execute(
            "SELECT link FROM touched_links t WHERE owner IS NOT"
            " (SELECT id FROM articles a WHERE a.link = t.link AND a.live)"
        )
        return [link for (link,) in rows]

    # Which articles stand in the feeds

    def wake(self, now: int, previous: int) -> None:
        """Decide anew about articles that the clock, forward or back, has made due or not due."""
        condition = "published > :now OR updated > :now" if now < previous else "wake <= :now"
        question = f"SELECT link, id FROM articles WHERE {condition}"  # noqa: S608  # of two constants
        for link, id in self._db.execute(question, {"now": now}).fetchall():
            self.touch(link, id)

    def touch_all(self) -> None:
        self._db.execute(
            "INSERT OR IGNORE INTO touched_links"
            " SELECT link, iif(live, id, NULL) FROM articles ORDER BY live DESC"
        )
        self._db.execute("INSERT OR IGNORE INTO touched_ids SELECT id FROM articles")

    def candidates(self, now: int) -> list[Candidate]:
        """The articles with a touched link or id, and all that share one with those; newest first."""
        before = -1
        while True:
            count = self._db.execute(
                "SELECT (SELECT count(*) FROM touched_links) + (SELECT count(*) FROM touched_ids)"
            ).fetchone()[0]
            if count == before:
                break
            before = count
            self._db.execute(
                "INSERT OR IGNORE INTO touched_ids SELECT id FROM articles"
                " WHERE link IN (SELECT link FROM touched_links)"
            )
            self._db.execute(
                "INSERT OR IGNORE INTO touched_links SELECT link, iif(live, id, NULL) FROM articles"
                " WHERE id IN (SELECT id FROM touched_ids) ORDER BY live DESC"
            )
        rows = self._db.execute(
            "SELECT n, path, id, link, published, updated, quality,"
            " CASE WHEN published > :now THEN 0 WHEN updated > :now THEN 1 ELSE 2 END,"
            " due, live, lost_to FROM articles WHERE link IN (SELECT link FROM touched_links)"
            " OR id IN (SELECT id FROM touched_ids) ORDER BY published DESC, path",
            {"now": now},
        )
        return [Candidate._make(row) for row in rows]

    def place(self, n: int, due: int, wake: int | None, live: bool, lost_to: str | None) -> None:
        self._db.execute(
            "UPDATE articles SET due = ?, wake = ?, live = ?, lost_to = ? WHERE n = ?",
            (due, wake, int(live), lost_to, n),
        )

    def lost(self) -> list[tuple[str, str, str, str]]:
        """Path, link, id and the winner's path of every article that another one keeps out."""
        return self._db.execute(
            "SELECT path, link, id, lost_to FROM articles WHERE lost_to IS NOT NULL ORDER BY path"
        ).fetchall()

    # Groups

    def leave(self, n: int) -> list[str]:
        """Take an article out of its groups; returns their keys."""
        row = self._db.execute("SELECT members FROM articles WHERE n = ?", (n,)).fetchone()
        if row is None or row[0] is None:
            return []
        time, keys = json.loads(row[0])
        self._db.executemany(
            "DELETE FROM members WHERE grp = (SELECT n FROM groups WHERE key = ?)"
            " AND time = ? AND article = ?",
            [(key, time, n) for key in keys],
        )
        self._db.execute("UPDATE articles SET members = NULL WHERE n = ?", (n,))
        return list(keys)

    def join(self, n: int, time: int, memberships: list[tuple[str, str]], numbers: dict[str, int]) -> None:
        """Put an article into groups (key, spelling). ``numbers`` remembers group numbers by key."""
        rows = []
        for key, name in memberships:
            number = numbers.get(key)
            if number is None:
                number = numbers[key] = self._group_number(key, name)
            rows.append((number, time, n, name))
        self._db.executemany("INSERT INTO members VALUES (?, ?, ?, ?)", rows)
        packed = json.dumps([time, [key for key, _ in memberships]], ensure_ascii=False)
        self._db.execute("UPDATE articles SET members = ? WHERE n = ?", (packed, n))

    def _group_number(self, key: str, name: str) -> int:
        self._db.execute("INSERT OR IGNORE INTO groups (key, name) VALUES (?, ?)", (key, name))
        number: int = self._db.execute("SELECT n FROM groups WHERE key = ?", (key,)).fetchone()[0]
        return number

    def add_group(self, key: str, name: str) -> None:
        self._group_number(key, name)

    def spellings(self, keys: Iterable[str]) -> Iterator[tuple[str, list[tuple[str, int]]]]:
        """For each group its spellings with their counts; no spellings when it is empty."""
        for key in keys:
            yield (
                key,
                self._db.execute(
                    "SELECT name, count(*) FROM members WHERE grp = (SELECT n FROM groups WHERE key = ?)"
                    " GROUP BY name",
                    (key,),
                ).fetchall(),
            )

    def is_empty(self, key: str) -> bool:
        row = self._db.execute(
            "SELECT 1 FROM members WHERE grp = (SELECT n FROM groups WHERE key = ?) LIMIT 1", (key,)
        ).fetchone()
        return row is None

    def rename_group(self, key: str, name: str) -> None:
        self._db.execute("UPDATE groups SET name = ? WHERE key = ?", (name, key))

    def drop_group(self, key: str) -> None:
        self._db.execute("DELETE FROM groups WHERE key = ?", (key,))

    def groups(self) -> dict[str, tuple[str, str | None]]:
        """Every group's name and how it was shown, by key."""
        rows = self._db.execute("SELECT key, name, shown FROM groups ORDER BY key")
        return {key: (name, shown) for key, name, shown in rows}

    def show_groups(self, shown: Iterable[tuple[str, str]]) -> None:
        """Remember how groups are shown: (shown, key)."""
        self._db.executemany("UPDATE groups SET shown = ? WHERE key = ?", shown)

    def groups_beside(self, key: str) -> set[str]:
        """The keys of all groups of the articles in a group."""
        rows = self._db.execute(
            "SELECT a.members FROM members m JOIN articles a ON a.n = m.article"
            " WHERE m.grp = (SELECT n FROM groups WHERE key = ?)",
            (key,),
        )
        return {other for (packed,) in rows for other in json.loads(packed)[1]}

    def groups_relating(self, link: str) -> set[str]:
        """The keys of all groups of live articles that name ``link`` as related."""
        rows = self._db.execute(
            "SELECT a.members FROM relations r JOIN articles a ON a.n = r.article"
            " WHERE r.link = ? AND a.members IS NOT NULL",
            (link,),
        )
        return {other for (packed,) in rows for other in json.loads(packed)[1]}

    def newest(self, key: str, limit: int) -> list[int]:
        """The numbers of a group's articles, newest first, then by id."""
        rows = self._db.execute(
            "SELECT m.article FROM members m JOIN articles a ON a.n = m.article"
            " WHERE m.grp = (SELECT n FROM groups WHERE key = ?) ORDER BY m.time DESC, a.id LIMIT ?",
            (key, limit),
        )
        return [n for (n,) in rows]

    def load(self, numbers: Iterable[int]) -> dict[int, tuple[bytes, int]]:
        """Data and due of articles by number."""
        rows = self._db.execute(
            "SELECT n, data, due FROM articles WHERE n IN (SELECT value FROM json_each(?))",
            (json.dumps(list(numbers)),),
        )
        return {n: (data, due) for n, data, due in rows}

    def related_ids(self, numbers: Iterable[int]) -> dict[int, dict[str, str]]:
        """For articles by number: the ids of our own articles that they name as related, by link."""
        rows = self._db.execute(
            "SELECT r.article, r.link, o.id FROM relations r"
            " JOIN articles o ON o.link = r.link AND o.live"
            " WHERE r.article IN (SELECT value FROM json_each(?))",
            (json.dumps(list(numbers)),),
        )
        found: dict[int, dict[str, str]] = {}
        for n, link, id in rows:
            found.setdefault(n, {})[link] = id
        return found

    # Documents

    def documents(self) -> dict[str, tuple[str, bytes | None, int, int]]:
        """Every document by path: its group's key, digest, size and mtime_ns."""
        rows = self._db.execute("SELECT path, grp, digest, size, mtime_ns FROM documents")
        return {path: (grp, digest, size, mtime) for path, grp, digest, size, mtime in rows}

    def put_documents(self, rows: Iterable[tuple[str, str, bytes | None, int, int]]) -> None:
        self._db.executemany("REPLACE INTO documents VALUES (?, ?, ?, ?, ?)", rows)

    def drop_documents(self, paths: Iterable[str]) -> None:
        self._db.executemany("DELETE FROM documents WHERE path = ?", [(path,) for path in paths])

    def add_run(
        self, started: float, seconds: float, articles: int, problems: int, written: int,
        removed: int, size: int,
    ) -> None:  # fmt: skip
        self._db.execute(
            "INSERT INTO runs (started, seconds, articles, problems, written, removed, bytes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (started, seconds, articles, problems, written, removed, size),
        )
        self._db.execute("DELETE FROM runs WHERE n <= (SELECT max(n) FROM runs) - 1000")


def _packed(problem: Problem) -> list[str | int]:
    p = problem
    return [p.path, p.line, p.column, p.severity.value, p.field, p.what, p.fix]


def _unpacked(packed: list[str | int]) -> Problem:
    path, line, column, severity, field, what, fix = packed
    return Problem(str(path), int(line), int(column), Severity(severity), str(field), str(what), str(fix))
