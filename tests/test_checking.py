"""check --feeds: our own feeds are without fault, and each fault of others' is found, with its line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import CONFIG, Project
from programs import served
from test_cli import run
from test_readers import PROBES

from syndicate import SyndicateError, check_feeds

NOW = datetime(2026, 6, 1, tzinfo=UTC)
RSS = """\
<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>T</title><link>https://a.example/</link><description>D</description>
<atom:link rel="self" href="https://a.example/feed.rss"/>
<item>
<title>One</title>
<link>https://a.example/1</link>
<guid isPermaLink="false">one</guid>
<pubDate>Mon, 25 Jan 2021 07:02:00 +0000</pubDate>
<description>Text</description>
</item>
</channel></rss>
"""
ATOM = """\
<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0">
<id>tag:a.example,2020:feed</id><title>T</title><updated>2021-01-25T07:02:00Z</updated>
<author><name>A</name></author>
<link rel="self" href="https://a.example/feed.atom"/>
<entry>
<id>tag:a.example,2020:1</id>
<title>One</title>
<updated>2021-01-25T07:02:00Z</updated>
<link href="https://a.example/1"/>
<content type="html">&lt;p&gt;Text&lt;/p&gt;</content>
</entry>
</feed>
"""
JSON = """\
{"version":"https://jsonfeed.org/version/1.1","title":"T","feed_url":"https://a.example/feed.json",
"items":[
{"id":"1","url":"https://a.example/1","title":"One","content_html":"<p>Text</p>",
 "date_published":"2021-01-25T07:02:00Z"}
]}
"""
OPML = """\
<opml version="2.0"><head><title>T</title></head><body>
<outline text="A" type="rss" xmlUrl="https://a.example/feed.rss"/>
</body></opml>
"""


def found(tmp_path: Path, name: str, text: str | bytes) -> list[str]:
    """The problems of one document as ``line: severity: field``."""
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    _, problems = check_feeds(str(path), now=NOW)
    return [f"{p.line}: {p.severity.value}: {p.field}" for p in problems]


def test_our_own_feeds_are_without_fault(project: Project) -> None:
    """All documents of every kind of entry, with archives, tombstones, a hub and pages."""
    project.configure(CONFIG + "feeds: {archive: day, limit: 3}\npublish: {hub: 'https://hub.example/'}\n")
    for day, (name, fields) in enumerate(PROBES.items(), 1):
        project.write(name, publishedDateTime=f"2026-01-{day:02}T03:04:05Z", **fields)
    project.write("gone", publishedDateTime="2026-02-01T00:00:00Z", removed=True)
    project.build()
    count, problems = check_feeds(str(project.out), now=NOW)
    assert problems == ()
    assert count == len([path for path in project.documents() if not path.endswith(".html")])


@pytest.mark.parametrize(
    ("name", "text"), [("a.rss", RSS), ("a.atom", ATOM), ("a.json", JSON), ("a.opml", OPML)], ids=str
)
def test_good_documents(tmp_path: Path, name: str, text: str) -> None:
    """The examples that the next tests break."""
    assert found(tmp_path, name, text) == []


ITEM = "<title>One</title>"
RSS_FAULTS = [
    (("</rss>", ""), "14: error: document"),
    (("\n<rss", "\n\x0b<rss"), "2: error: document"),
    (('version="2.0" xmlns', 'version="0.91" xmlns'), "1: error: rss.version"),
    (("<description>D</description>", ""), "4: error: channel.description"),
    (("https://a.example/</link>", "/</link>"), "4: error: channel.link"),
    (("https://a.example/</link>", "https://a.example/feed.rss</link>"), "4: error: channel.link"),
    (('<atom:link rel="self" href="https://a.example/feed.rss"/>', ""), "4: warning: channel.atom:link"),
    (("<title>T</title>", "<title>T</title><title>U</title>"), "4: error: channel.title"),
    (("com/mrss/", "com/mrss"), "1: error: xmlns:media"),
    ((ITEM, "<title>A &amp; B</title>"), "7: warning: title"),
    ((ITEM, "<title>A &#x26;amp; B</title>"), "7: warning: item.title"),
    ((">one<", "><"), "9: error: item.guid"),
    ((' isPermaLink="false"', ""), "9: error: item.guid"),
    (('<guid isPermaLink="false">one</guid>', ""), "6: warning: item.guid"),
    (("Mon, 25", "Tue, 25"), "10: error: item.pubDate"),
    (("Mon, 25 Jan 2021", "Mon, 31 Feb 2021"), "10: error: item.pubDate"),
    (("Mon, 25 Jan 2021 07:02:00 +0000", "2021-01-25T07:02:00Z"), "10: error: item.pubDate"),
    (("Mon, 25 Jan 2021", "Mon, 25 Jan 2027"), "10: error: item.pubDate"),
    (("https://a.example/1", "https://a.example/“1”"), "8: error: item.link"),
    (("<description>Text", "<description>&lt;script>x&lt;/script>"), "11: error: item.description"),
    (("<description>Text", "<description>&lt;img src='/i.png' onerror='x'>"), "11: error: item.description"),
    ((ITEM, ITEM + "<author>Me</author>"), "7: error: item.author"),
    ((ITEM, ITEM + '<enclosure url="https://a.example/i.png" type="image/png"/>'), "7: error: item.enclosure.length"),
    ((ITEM, ITEM + '<enclosure url="https://a.example/i.png" type="image/jpeg" length="0"/>'),
     "7: warning: item.enclosure.type"),
    ((ITEM, ITEM + "<content:encoded>x</content:encoded>"), "7: warning: item.content:encoded"),
    ((ITEM, ITEM + '<media:group><media:content url="https://a.example/i.png"/></media:group>'), "7: warning: media:group"),
    ((ITEM, ITEM + '<atom:link rel="related" href="https://b.example/" type="text/html"/>'),
     "7: warning: item.atom:link.title"),
    ((ITEM, ITEM + '<source url="feed.rss">S</source>'), "7: error: item.source.url"),
    (("</description>\n</item>", "</description>\n</item>\n<item><title>Two</title><link>https://a.example/2</link>"
      "<guid isPermaLink='false'>one</guid><pubDate>25 Jan 2021 07:02:00 GMT</pubDate></item>"), "13: error: item.guid"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), RSS_FAULTS, ids=[expected for _, expected in RSS_FAULTS])
def test_faults_of_rss(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    """Each where it stands."""
    assert change[0] in RSS
    assert expected in found(tmp_path, "a.rss", RSS.replace(*change, 1))


ENTRY = "<title>One</title>"
ATOM_FAULTS = [
    (("<id>tag:a.example,2020:feed</id>", ""), "2: error: feed.id"),
    (("<id>tag:a.example,2020:1</id>", "<id>1</id>"), "7: error: entry.id"),
    (("<updated>2021-01-25T07:02:00Z</updated>\n<link href", "<link href"), "6: error: entry.updated"),
    (("07:02:00Z</updated>\n<link href", "07:02</updated>\n<link href"), "9: error: entry.updated"),
    (("<author><name>A</name></author>", ""), "6: error: entry.author"),
    ((ENTRY, ENTRY + '<link href="https://a.example/2"/>'), "6: error: entry.link"),
    ((ENTRY, ENTRY + '<link rel="enclosure" href="https://a.example/i.png" type="image"/>'), "8: error: entry.link.type"),
    ((ENTRY, ENTRY + "<source><id>x:y</id></source>"), "8: warning: entry.source"),
    ((ENTRY, ENTRY + "<category/>"), "8: error: entry.category.term"),
    (('type="html">&lt;p&gt;Text&lt;/p&gt;', 'type="html">'), "11: error: entry.content"),
    (("</entry>", '</entry><at:deleted-entry ref="x:y" when="2021-01-25T07:02:00Z"/>'), "12: error: at:deleted-entry"),
    (("https://a.example/1", "ftp://a.example/1"), "10: error: entry.link.href"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), ATOM_FAULTS, ids=[expected for _, expected in ATOM_FAULTS])
def test_faults_of_atom(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    """RFC 4287, and what readers stumble over."""
    assert change[0] in ATOM
    assert expected in found(tmp_path, "a.atom", ATOM.replace(*change, 1))


def test_a_prefix_for_atom(tmp_path: Path) -> None:
    """Some readers know the default namespace only."""
    text = '<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:id>x:y</a:id></a:feed>'
    assert "1: warning: feed" in found(tmp_path, "a.atom", text)


JSON_FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"id": 1}, "3: error: items[0].id"),
    ({"id": ""}, "3: error: items[0].id"),
    ({"content_html": None}, "3: error: items[0].content_html"),
    ({"date_published": "25 January 2021"}, "3: error: items[0].date_published"),
    ({"tags": "AI"}, "3: error: items[0].tags"),
    ({"author": {"name": "A"}}, "3: warning: items[0].author"),
    ({"authors": [{}]}, "3: error: items[0].authors"),
    ({"attachments": [{"url": "https://a.example/i.png"}]}, "3: error: items[0].attachments[0].type"),
    ({"heat": 3}, "3: warning: items[0].heat"),
    ({"image": "/i.png"}, "3: error: items[0].image"),
    ({"language": "english, british"}, "3: error: items[0].language"),
]


@pytest.mark.parametrize(("fields", "expected"), JSON_FAULTS, ids=[expected for _, expected in JSON_FAULTS])
def test_faults_of_json_feeds(tmp_path: Path, fields: dict[str, Any], expected: str) -> None:
    """Version 1.1, with the item's line."""
    feed = json.loads(JSON)
    feed["items"][0].update(fields)
    head, item = dict(feed), feed["items"][0]
    head["items"] = []
    text = json.dumps(head)[:-2] + "\n\n" + json.dumps(item) + "]}"
    assert expected in found(tmp_path, "a.json", text)


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.json", b'{"version":', "1: error: document"),
        ("a.json", b"[1]", "1: error: document"),
        ("a.json", b'{"title":"\xff"}', "1: error: document"),
        ("a.json", b"[" * 100_000, "1: error: document"),
        ("a.json", b'{"version":"https://jsonfeed.org/version/1.1","title":"T"}', "1: error: items"),
        ("a.xml", b"<html/>", "1: error: document"),
        ("a.xml", b"", "1: error: document"),
        ("a.opml", OPML.replace(' text="A"', "").encode(), "2: error: outline.text"),
        ("a.opml", OPML.replace("https://a.example", "").encode(), "2: error: outline.xmlUrl"),
        ("a.rss", b"\xef\xbb\xbf" + RSS.encode(), "1: warning: document"),
        ("a.rss", RSS.replace("utf-8", "iso-8859-1").encode("iso-8859-1"), "1: warning: document"),
    ],
)  # fmt: skip
def test_other_faults(tmp_path: Path, name: str, data: bytes, expected: str) -> None:
    """Never a traceback."""
    assert expected in found(tmp_path, name, data)


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    """Neither those that grow nor those that name a file of the machine."""
    secret = tmp_path / "secret"
    secret.write_text("not a date")
    doctype = f'<!DOCTYPE rss [<!ENTITY big "{"x" * 10_000}"><!ENTITY file SYSTEM "{secret.as_uri()}">]>\n'
    (tmp_path / "a.rss").write_text(doctype + RSS.replace("Mon, 25", "&file; &big;").split("\n", 1)[1])
    _, problems = check_feeds(str(tmp_path / "a.rss"), now=NOW)
    [problem] = problems
    assert problem.field == "item.pubDate"
    assert "not a date" not in problem.what
    assert "xxx" not in problem.what


def test_what_a_document_says_cannot_drive_the_terminal(tmp_path: Path) -> None:
    """Escape sequences and line ends in hostile values are not printed."""
    feed = json.loads(JSON)
    feed["items"][0].update({"date_published": "\x1b[2J\nx", "\x1b]0;x": 1, "url": "\x1b[31mhttp"})
    (tmp_path / "a.json").write_text(json.dumps(feed))
    _, problems = check_feeds(str(tmp_path / "a.json"), now=NOW)
    assert len(problems) == 3
    assert all(str(problem).isprintable() for problem in problems)


class TestCommand:
    def test_files_of_other_programs(self, tmp_path: Path) -> None:
        """One line a problem, a count, and exit code 1 where there is an error."""
        (tmp_path / "a.rss").write_text(RSS.replace("Mon, 25", "Tue, 25"))
        (tmp_path / "b.json").write_text(JSON)
        result = run(tmp_path, "check", "--feeds", "a.rss")
        assert (result.returncode, result.stdout) == (1, "1 documents, 1 errors, 0 warnings\n")
        assert result.stderr == (
            "a.rss:10:1: error: item.pubDate: “Tue, 25 Jan 2021 07:02:00 +0000” is a Mon (mend the weekday)\n"
        )
        result = run(tmp_path, "check", "--feeds", ".")
        assert (result.returncode, result.stdout) == (1, "2 documents, 1 errors, 0 warnings\n")
        assert run(tmp_path, "check", "--feeds", "b.json").returncode == 0

    def test_the_output_of_the_config(self, project: Project) -> None:
        """Without a value."""
        project.write("a")
        project.build()
        result = run(project.root, "check", "--feeds")
        assert (result.returncode, result.stdout) == (0, "10 documents, 0 errors, 0 warnings\n")

    def test_nothing_there(self, tmp_path: Path) -> None:
        """A sentence, no traceback."""
        result = run(tmp_path, "check", "--feeds", "nowhere")
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == "syndicate: nothing to check: nowhere: it is not there\n"


class TestUrls:
    def test_what_the_server_says(self, tmp_path: Path) -> None:
        """Its media type, and whether the self link is where the feed was found."""
        (tmp_path / "feed.rss").write_text(RSS)
        (tmp_path / "feed.txt").write_text(RSS)
        with served(tmp_path) as url:
            count, problems = check_feeds(f"{url}feed.rss", now=NOW)
            assert (count, [p.field for p in problems]) == (1, ["channel.atom:link"])
            _, problems = check_feeds(f"{url}feed.txt", now=NOW)
            assert "Content-Type" in [p.field for p in problems]
            with pytest.raises(SyndicateError, match="404"):
                check_feeds(f"{url}nothing", now=NOW)
        with pytest.raises(SyndicateError, match="cannot get"):
            check_feeds(f"{url}feed.rss", now=NOW)
