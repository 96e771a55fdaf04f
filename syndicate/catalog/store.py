"""Every question that a run asks of the catalog, and every change it makes. SQL stays in here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from syndicate.catalog.packing import DERIVED, unpacked_groups
from syndicate.catalog.schema import INDEXES, unusable, view
from syndicate.errors import Problem, Severity

if TYPE_CHECKING:
    from syndicate.catalog.rows import ArticleRow, FileRow


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
    time: int | None  # None: it was not live
    lost_to: str | None
    withdrawn: bool
    derived: bool
    buried: int | None  # None: it had no tombstone
    groups: str


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
        """Everything but the documents is read anew: ``put_new`` all of it, then ``index``."""
        for name in INDEXES:
            self._db.execute(f"DROP INDEX IF EXISTS {name}")
        # Claims on targets bear the publisher's name: it stays who it is.
        self._db.execute("DELETE FROM meta WHERE key <> 'publisher'")
        for table in (
            "files",
            "articles",
            "contents",
            "relations",
            "members",
            "tombstones",
            "groups",
        ):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608  # one of the names above

    def index(self) -> None:
        """Make the indexes that ``forget`` dropped."""
        for name, columns in INDEXES.items():
            self._db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}")

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

    def put_file(self, row: FileRow) -> None:
        self._db.execute("REPLACE INTO files VALUES (?, ?, ?, ?, ?)", _file_values(row))

    def put_new(self, rows: Iterable[FileRow]) -> None:
        """Put files, and the articles in them, that are all unknown yet.

        Each article is noted as if all of it were due and live, as nearly all are: ``place`` says
        what is otherwise.
        """
        last = self._db.execute("SELECT coalesce(max(n), 0) FROM articles").fetchone()[0]
        files: list[tuple[object, ...]] = []
        articles: list[tuple[object, ...]] = []
        contents: list[tuple[int, bytes]] = []
        relations: list[tuple[int, str]] = []
        for row in rows:
            files.append(_file_values(row))
            for path, article in row.by_path().items():
                last += 1
                articles.append((last, path, *_article_values(article)))
                contents.append((last, article.data))
                relations.extend([(last, link) for link in article.related])
        self._db.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?)", files)
        self._db.executemany(
            "INSERT INTO articles"
            " (n, path, id, link, published, updated, quality, groups, withdrawn, derived, due, time)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 2, ?5)",
            articles,
        )
        self._db.executemany("INSERT INTO contents VALUES (?, ?)", contents)
        self._db.executemany("INSERT INTO relations VALUES (?, ?)", relations)

    def drop_file(self, path: str) -> None:
        self._db.execute("DELETE FROM files WHERE path = ?", (path,))

    def problems(self) -> list[Problem]:
        """Every problem of every file, as it was reported when the file was read."""
        found = self._db.execute("SELECT problems FROM files WHERE problems IS NOT NULL")
        return [_unpacked(item) for (packed,) in found for item in json.loads(packed)]

    def put_problems(self, problems: Iterable[Problem]) -> None:
        """Note problems of files of which nothing else is noted."""
        packed: dict[str, list[list[str | int]]] = {}
        for problem in problems:
            packed.setdefault(problem.path, []).append(_packed(problem))
        rows = [(path, 0, 0, 0, json.dumps(found)) for path, found in packed.items()]
        self._db.executemany("REPLACE INTO files VALUES (?, ?, ?, ?, ?)", rows)

    def article(self, path: str) -> tuple[int, bytes, int, int | None, str, str] | None:
        """Number, data, time of update, quality, link and id of the article in a file."""
        row: tuple[int, bytes, int, int | None, str, str] | None = self._db.execute(
            "SELECT n, data, updated, quality, link, id FROM articles JOIN contents ON article = n"
            " WHERE path = ?",
            (path,),
        ).fetchone()
        return row

    def path(self, n: int) -> str:
        """The file of an article."""
        path: str = self._db.execute("SELECT path FROM articles WHERE n = ?", (n,)).fetchone()[0]
        return path.partition(DERIVED)[0]

    def derived(self, path: str) -> list[str]:
        """The paths by which the related items of a file's article are known."""
        rows = self._db.execute(
            "SELECT path FROM articles WHERE path > ?1 || char(29) AND path < ?1 || char(30)", (path,)
        )
        return [found for (found,) in rows]

    def put_article(self, path: str, row: ArticleRow, n: int | None) -> int:
        """Insert, or update number ``n``, which must have left its groups."""
        values = _article_values(row)
        if n is None:
            cursor = self._db.execute(
                "INSERT INTO articles"
                " (path, id, link, published, updated, quality, groups, withdrawn, derived, due)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                (path, *values),
            )
            n = cursor.lastrowid
            assert n is not None
        else:
            self._db.execute(
                "UPDATE articles SET id = ?, link = ?, published = ?, updated = ?, quality = ?,"
                " groups = ?, withdrawn = ?, derived = ? WHERE n = ?",
                (*values, n),
            )
            self._db.execute("DELETE FROM relations WHERE article = ?", (n,))
        self._db.execute("REPLACE INTO contents VALUES (?, ?)", (n, row.data))
        if row.related:
            self._db.executemany("INSERT INTO relations VALUES (?, ?)", [(n, link) for link in row.related])
        return n

    def set_quality(self, n: int, quality: int | None) -> None:
        self._db.execute("UPDATE articles SET quality = ? WHERE n = ?", (quality, n))

    def drop_article(self, n: int) -> None:
        self._db.execute("DELETE FROM articles WHERE n = ?", (n,))
        self._db.execute("DELETE FROM contents WHERE article = ?", (n,))
        self._db.execute("DELETE FROM relations WHERE article = ?", (n,))

    def touch(self, link: str, id: str) -> None:
        """Who holds this link and this id must be decided anew.

        To be called before an article with them is changed: the link's holder until now is kept.
        """
        self._db.execute(
            "INSERT OR IGNORE INTO touched_links"
            " VALUES (?1, (SELECT id FROM articles WHERE link = ?1 AND time IS NOT NULL))",
            (link,),
        )
        self._db.execute("INSERT OR IGNORE INTO touched_ids VALUES (?)", (id,))

    def links_that_changed_hands(self) -> list[str]:
        """The touched links whose live article is another one than before, by id."""
        rows = self._db.execute(
            "SELECT link FROM touched_links t WHERE owner IS NOT"
            " (SELECT id FROM articles a WHERE a.link = t.link AND a.time IS NOT NULL)"
        )
        return [link for (link,) in rows]

    # Which articles stand in the feeds

    def wake(self, now: int, previous: int) -> None:
        """Decide anew about articles that the clock, forward or back, has made due or not due."""
        condition = "published > :now OR updated > :now" if now < previous else "wake <= :now"
        question = f"SELECT link, id FROM articles WHERE {condition}"  # noqa: S608  # of two constants
        for link, id in self._db.execute(question, {"now": now}).fetchall():
            self.touch(link, id)

    def candidates(self, now: int, *, everything: bool) -> Iterator[Candidate]:
        """The articles with a touched link or id, and all that share one with those.

        Newest first, then those that are withdrawn, then related items.
        Or all articles.
        """
        if not everything:
            self._touch_those_who_share()
        touched = "WHERE link IN (SELECT link FROM touched_links) OR id IN (SELECT id FROM touched_ids)"
        rows = self._db.execute(
            "SELECT n, path, id, link, published, updated, quality,"  # noqa: S608  # constants
            " CASE WHEN published > :now THEN 0 WHEN updated > :now THEN 1 ELSE 2 END,"
            " due, time, lost_to, withdrawn, derived, buried, groups"
            f" FROM articles {'' if everything else touched}"
            # No index has this order, so that all rows are sorted before the first is given: the
            # table may be changed meanwhile.
            " ORDER BY derived, withdrawn, published DESC, path",
            {"now": now},
        )
        return map(Candidate._make, rows)

    def _touch_those_who_share(self) -> None:
        """Touch the links and ids of all articles that share one with a touched article."""
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
                "INSERT OR IGNORE INTO touched_links SELECT link, iif(time IS NULL, NULL, id) FROM articles"
                " WHERE id IN (SELECT id FROM touched_ids) ORDER BY time IS NULL"
            )

    def place(self, rows: Iterable[tuple[int, int | None, int | None, int | None, str | None, int]]) -> None:
        """Set due, wake, time, buried and lost_to of the articles with these numbers."""
        self._db.executemany(
            "UPDATE articles SET due = ?, wake = ?, time = ?, buried = ?, lost_to = ? WHERE n = ?", rows
        )

    def lost(self) -> list[tuple[str, str, str, str]]:
        """Path, link, id and the winner's path of every article that another one keeps out."""
        return self._db.execute(
            "SELECT path, link, id, lost_to FROM articles"
            " WHERE lost_to IS NOT NULL AND NOT derived ORDER BY path"
        ).fetchall()

    # Groups

    def leave(self, n: int) -> tuple[list[str], int, bool]:
        """Take an article, or its tombstone, out of its groups.

        Returns the groups' keys, none if it was in none, its date, and whether it was a live article,
        no related item.
        """
        time, buried, published, derived, groups = self._db.execute(
            "SELECT time, buried, published, derived, groups FROM articles WHERE n = ?", (n,)
        ).fetchone()
        if time is None and buried is None:
            return [], published, False
        keys = [key for key, _ in unpacked_groups(groups)]
        if time is None:
            self._db.execute("DELETE FROM tombstones WHERE article = ?", (n,))
        else:
            self._db.executemany(
                "DELETE FROM members WHERE grp = (SELECT n FROM groups WHERE key = ?)"
                " AND time = ? AND article = ?",
                [(key, time, n) for key in keys],
            )
        self._db.execute("UPDATE articles SET time = NULL, buried = NULL WHERE n = ?", (n,))
        return keys, published, time is not None and not derived

    def regroup(self, groups_of: Callable[[bytes], str]) -> None:
        """Take all articles out of their groups, and find those anew from their data."""
        self._db.execute("DELETE FROM members")
        self._db.execute("DELETE FROM tombstones")
        last = 0
        while True:
            rows = self._db.execute(
                "SELECT article, data FROM contents WHERE article > ? ORDER BY article LIMIT 1000",
                (last,),
            ).fetchall()
            if not rows:
                return
            self._db.executemany(
                "UPDATE articles SET time = NULL, buried = NULL, groups = ? WHERE n = ?",
                [(groups_of(data), n) for n, data in rows],
            )
            last = rows[-1][0]

    def join(self, rows: Iterable[tuple[int, int, int, str]]) -> None:
        """Put articles into groups: group, time, article, spelling."""
        self._db.executemany("INSERT INTO members VALUES (?, ?, ?, ?)", rows)

    def bury(self, rows: Iterable[tuple[str, int, int]]) -> None:
        """Put tombstones into groups: the group's key, time, article."""
        self._db.executemany("INSERT INTO tombstones VALUES (?, ?, ?)", rows)

    def group_number(self, key: str, name: str) -> int:
        """The number of the group, which is added with this name if it is not there."""
        row = self._db.execute("SELECT n FROM groups WHERE key = ?", (key,)).fetchone()
        if row is None:
            row = self._db.execute(
                "INSERT INTO groups (key, name) VALUES (?, ?) RETURNING n", (key, name)
            ).fetchone()
        number: int = row[0]
        return number

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

    def places_beside(self, key: str) -> set[tuple[str, int]]:
        """Of all articles in a group: the keys of their groups, each with the article's date."""
        rows = self._db.execute(
            "SELECT a.groups, a.published FROM members m JOIN articles a ON a.n = m.article"
            " WHERE m.grp = (SELECT n FROM groups WHERE key = ?)",
            (key,),
        )
        return {(other, date) for packed, date in rows for other, _ in unpacked_groups(packed)}

    def places_relating(self, link: str) -> set[tuple[str, int]]:
        """Of live articles that name ``link`` as related: the keys of their groups, with their dates."""
        rows = self._db.execute(
            "SELECT a.groups, a.published FROM relations r JOIN articles a ON a.n = r.article"
            " WHERE r.link = ? AND a.time IS NOT NULL",
            (link,),
        )
        return {(other, date) for packed, date in rows for other, _ in unpacked_groups(packed)}

    def by_period(self, key: str, length: int, *, buried: bool = False) -> dict[str, list[int]]:
        """The numbers of a group's articles by the period of their date, the oldest first.

        Within a period the newest first. ``length`` is how much of the date YYYY-MM-DD (UTC) names a
        period. With ``buried``, of those withdrawn.
        """
        table = "tombstones m ON m.key = :key" if buried else "members m ON m.grp = g.n"
        rows = self._db.execute(
            "SELECT substr(date(a.published, 'unixepoch'), 1, :length), a.n"  # noqa: S608  # of two constants
            f" FROM {'(SELECT 1)' if buried else 'groups g'} JOIN {table} JOIN articles a ON a.n = m.article"
            f" {'' if buried else 'WHERE g.key = :key'} ORDER BY m.time DESC, a.id",
            {"length": length, "key": key},
        )
        found: dict[str, list[int]] = {}
        for period, n in rows:
            found.setdefault(period, []).append(n)
        return dict(sorted(found.items()))

    def newest(self, key: str, limit: int) -> list[int]:
        """The numbers of a group's articles, newest first, then by id."""
        rows = self._db.execute(
            "SELECT m.article FROM members m JOIN articles a ON a.n = m.article"
            " WHERE m.grp = (SELECT n FROM groups WHERE key = ?) ORDER BY m.time DESC, a.id LIMIT ?",
            (key, limit),
        )
        return [n for (n,) in rows]

    def buried(self, key: str, limit: int) -> list[int]:
        """The numbers of the withdrawn articles that would be among a group's newest, newest first."""
        rows = self._db.execute(
            "SELECT t.article, a.id, t.time FROM tombstones t JOIN articles a ON a.n = t.article"
            " WHERE t.key = ? ORDER BY t.time DESC, a.id LIMIT ?",
            (key, limit),
        ).fetchall()
        found = []
        for rank, (n, id, time) in enumerate(rows):
            newer = self._db.execute(
                "SELECT count(*) FROM (SELECT 1 FROM members m JOIN articles a ON a.n = m.article"
                " WHERE m.grp = (SELECT n FROM groups WHERE key = :key)"
                " AND (m.time > :time OR (m.time = :time AND a.id < :id)) LIMIT :limit)",
                {"key": key, "time": time, "id": id, "limit": limit},
            ).fetchone()[0]
            if newer + rank >= limit:
                break
            found.append(n)
        return found

    def counts(self) -> dict[str, tuple[int, int | None]]:
        """Of each group the number of its articles and the newest one's time, by key."""
        rows = self._db.execute(
            "SELECT key, count(time), max(time) FROM groups g LEFT JOIN members m ON m.grp = g.n GROUP BY g.n"
        )
        return {key: (count, newest) for key, count, newest in rows}

    def load(self, numbers: Iterable[int]) -> dict[int, tuple[bytes, int]]:
        """Data and due of articles by number."""
        rows = self._db.execute(
            "SELECT n, data, due FROM articles JOIN contents ON article = n"
            " WHERE n IN (SELECT value FROM json_each(?))",
            (json.dumps(list(numbers)),),
        )
        return {n: (data, due) for n, data, due in rows}

    def related_ids(self, numbers: Iterable[int]) -> dict[int, dict[str, str]]:
        """For articles by number: the ids of our own articles that they name as related, by link."""
        rows = self._db.execute(
            "SELECT r.article, r.link, o.id FROM relations r"
            " JOIN articles o ON o.link = r.link AND o.time IS NOT NULL"
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
    ) -> int:  # fmt: skip
        """Remember a run, and the 999 before it; gives its number, from 1."""
        cursor = self._db.execute(
            "INSERT INTO runs (started, seconds, articles, problems, written, removed, bytes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (started, seconds, articles, problems, written, removed, size),
        )
        self._db.execute("DELETE FROM runs WHERE n <= (SELECT max(n) FROM runs) - 1000")
        return cursor.lastrowid or 0

    def compact(self) -> None:
        """Give back the room of what is gone, which SQLite keeps; not within a transaction."""
        # It wants room for a second catalog: where that is not there, the next time will do.
        with suppress(sqlite3.OperationalError):
            self._db.execute("VACUUM")

    def runs(self, most: int) -> list[tuple[float, float, int, int, int, int, int]]:
        """The last runs, newest first: started, seconds, articles, problems, written, removed, bytes."""
        return self._db.execute(
            "SELECT started, seconds, articles, problems, written, removed, bytes FROM runs"
            " ORDER BY n DESC LIMIT ?",
            (most,),
        ).fetchall()

    def days(self, most: int) -> list[tuple[str, int]]:
        """Days (UTC) on which articles in the feeds were published, newest first, and how many were."""
        return self._db.execute(
            "SELECT date(published, 'unixepoch') day, count(*) FROM articles WHERE time IS NOT NULL"
            " GROUP BY day ORDER BY day DESC LIMIT ?",
            (most,),
        ).fetchall()

    def scheduled(self) -> tuple[int, int | None]:
        """How many articles wait for their date, and the first one's."""
        count, first = self._db.execute("SELECT count(*), min(wake) FROM articles WHERE due = 0").fetchone()
        return count, first

    # Targets

    def put_target(
        self, url: str, tried: float, held: tuple[int, int] | None, pending: tuple[int, int], error: str
    ) -> None:
        """Remember what came of publishing; ``held``: documents and bytes there, where all was well."""
        self._db.execute(
            "INSERT INTO targets (url, published, objects, bytes, purges, pings, tried, error)"
            " VALUES (:url, :published, :objects, :bytes, :purges, :pings, :tried, :error)"
            " ON CONFLICT (url) DO UPDATE SET published = coalesce(:published, published),"
            " objects = coalesce(:objects, objects), bytes = coalesce(:bytes, bytes),"
            " purges = :purges, pings = :pings, tried = :tried, error = :error",
            {
                "url": url, "published": tried if held else None, "objects": held and held[0],
                "bytes": held and held[1], "purges": pending[0], "pings": pending[1],
                "tried": tried, "error": error,
            },
        )  # fmt: skip

    def targets(self) -> dict[str, tuple[float | None, int | None, int | None, int, int, float, str]]:
        """What came of publishing, by URL: published, objects, bytes, purges, pings, tried, error."""
        rows = self._db.execute(
            "SELECT url, published, objects, bytes, purges, pings, tried, error FROM targets"
        )
        return {url: tuple(rest) for url, *rest in rows}


@contextmanager
def view_catalog(path: Path) -> Iterator[Catalog | None]:
    """The catalog at ``path``, only to be read; None where there is none. A run under way goes on."""
    connection = view(path)
    if connection is None:
        yield None
        return
    catalog = Catalog(connection)
    try:
        connection.execute("BEGIN")  # all answers are of one moment
        yield catalog
    except sqlite3.OperationalError as error:
        raise unusable(path, error) from None
    finally:
        catalog.roll_back()
        catalog.close()


def _article_values(row: ArticleRow) -> tuple[object, ...]:
    return (row.id, row.link, row.published, row.updated, row.quality, row.groups, row.withdrawn, row.derived)


def _file_values(row: FileRow) -> tuple[object, ...]:
    problems = json.dumps([_packed(p) for p in row.problems]) if row.problems else None
    return (row.path, row.size, row.mtime_ns, row.ctime_ns, problems)


def _packed(problem: Problem) -> list[str | int]:
    p = problem
    return [p.path, p.line, p.column, p.severity.value, p.field, p.what, p.fix]


def _unpacked(packed: list[str | int]) -> Problem:
    path, line, column, severity, field, what, fix = packed
    return Problem(str(path), int(line), int(column), Severity(severity), str(field), str(what), str(fix))
