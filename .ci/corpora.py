"""Builds the real corpora, and compares what feedparser and json read back with the articles themselves.

The articles are read here by PyYAML's plain loader, independently of the program.
"""

from __future__ import annotations

import calendar
import html
import json
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any

import feedparser
import ftfy
import jsonschema
import yaml
from lxml import etree

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from programs import served
from real_readers import READERS, by_id, moment

CONFIG = """\
site:
  title: {name}
  url: https://smartableai.github.io/{name}/
  feeds_url: https://feeds.example.org/{name}/
  tag: smartableai.github.io,2019
  timezone: America/Los_Angeles
content:
  roots: [{name}/_news]
  topics: {name}/_data/topics
{providers}feeds:
  groups: [topic, provider, [topic, provider]]
  limit: 1000
"""
SEED = "2021-01-25-us-leads-world-on-artificial-intelligence-but-china-is-catching-up-study"


def main(shared: Path) -> None:
    schema = json.loads((shared / "schemas" / "jsonfeed-v1.1-sonicdoe.json").read_text())
    grammar = etree.RelaxNG(etree.parse(shared / "schemas" / "atom-rfc4287.rng"))
    outlines = etree.XMLSchema(etree.parse(shared / "schemas" / "opml-2.0-nons.xsd"))
    for name in ("artificial-intelligence", "microsoft-power-apps"):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            shutil.copytree(shared / "corpus" / name, root / name)
            providers = (
                f"  providers: {name}/_data/organizations\n"
                if (root / name / "_data" / "organizations").is_dir()
                else ""
            )
            (root / "syndicate.yaml").write_text(CONFIG.format(name=name, providers=providers))
            articles = check_site(root, name, grammar, schema)
            check_init(shared, name, len(articles))
            check_readers(root, articles)
            check_cluster(root)
            check_archives(root, articles, grammar, schema)
            outlines.assertValid(etree.parse(root / "out" / "feeds.opml"))
            if name == "artificial-intelligence":
                check_seed(root, name)
            print(
                f"{name}: {len(articles)} articles compared in {len(list((root / 'out').rglob('feed.*')))} documents"
            )


def check_cluster(root: Path) -> None:
    """Two workers make the same bytes of the same articles."""
    embedded = {path: path.read_bytes() for path in sorted((root / "out").rglob("*")) if path.is_file()}
    shutil.rmtree(root / "out")
    shutil.rmtree(root / ".syndicate")
    config = root / "syndicate.yaml"
    text = config.read_text()
    config.write_text(text + "cluster: {partition_files: 10, fan_in: 3}\n")
    subprocess.run(
        [sys.executable, "-m", "syndicate", "-c", "syndicate.yaml", "-q", "build", "--workers", "2"],
        cwd=root,
        check=True,
    )
    config.write_text(text)
    spread = {path: path.read_bytes() for path in sorted((root / "out").rglob("*")) if path.is_file()}
    assert spread == embedded, "a cluster writes other bytes"


def check_init(shared: Path, name: str, published: int) -> None:
    """What ``init`` writes for the folder as it lies there works as it stands."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / name
        shutil.copytree(shared / "corpus" / name, root)
        program = [sys.executable, "-m", "syndicate"]
        said = subprocess.run([*program, "init"], cwd=root, capture_output=True, text=True, check=True).stdout
        assert "for a site of Smartable's layout" in said, said
        assert f" {published} to publish, 0 errors" in said, said
        subprocess.run([*program, "-q", "build"], cwd=root, check=True)
        subprocess.run([*program, "check", "--feeds"], cwd=root, check=True)
        feed = json.loads((root / "out" / "feed.json").read_text())
        assert feed["title"] == name.replace("-", " ").capitalize()
        status = subprocess.run(
            [*program, "status", "--json"], cwd=root, capture_output=True, text=True, check=True
        )
        assert json.loads(status.stdout)["articles"] == published


def build(root: Path) -> None:
    command = [sys.executable, "-m", "syndicate", "-c", str(root / "syndicate.yaml")]
    result = subprocess.run([*command, "build"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    result = subprocess.run([*command, "check", "--feeds"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr


def check_site(root: Path, name: str, grammar: Any, schema: Any) -> dict[str, Any]:
    build(root)
    articles = expected(root / name)
    documents = sorted((root / "out").rglob("feed.*"))
    seen: dict[str, set[str]] = {}
    for path in documents:
        data = path.read_bytes()
        assert b"secured" not in data, path
        if path.suffix == ".json":
            feed = json.loads(data)
            jsonschema.validate(feed, schema)
            for item in feed["items"]:
                check_item(item, articles[item["id"]])
                seen.setdefault(item["id"], set()).add(path.relative_to(root / "out").as_posix())
        else:
            feed = feedparser.parse(data, sanitize_html=False, resolve_relative_uris=False)
            assert not feed.bozo, (path, feed.get("bozo_exception"))
            for entry in feed.entries:
                check_entry(entry, articles[entry.id], path.suffix)
                seen.setdefault(entry.id, set()).add(path.relative_to(root / "out").as_posix())
            if path.suffix == ".atom":
                # Extension elements of the RNG's Atom are any foreign markup.
                tree = etree.fromstring(data)
                assert grammar.validate(tree), (path, grammar.error_log)
    assert set(seen) == set(articles)
    for id, found in seen.items():
        # The same feeds in all three formats: the site, each topic, the provider, and their pairs.
        topics = len(articles[id]["topics"])
        assert len(found) == 3 * (2 + 2 * topics), (id, found)
    return articles


def check_readers(root: Path, articles: dict[str, Any]) -> None:
    """Every real reader gives back every item of the site's feed: id, link, title, date."""
    with served(root / "out") as url:
        for name, (read, endings) in READERS.items():
            for ending in endings:
                with tempfile.TemporaryDirectory() as folder:
                    items = by_id(read(root / "out", url, ending, Path(folder)))
                assert set(items) == set(articles), (name, ending)
                for id, item in items.items():
                    right = articles[id]
                    assert " ".join(item["title"].split()) == right["title"], (
                        name,
                        ending,
                        id,
                        item["title"],
                    )
                    assert item["link"] == quoted(right["link"]), (name, ending, id)
                    date = moment(item.get("date") or item["updated"])
                    assert int(date.timestamp()) == right["date"], (name, ending, id)
    print(f"{len(READERS)} readers gave back {len(articles)} items each")


def check_archives(root: Path, articles: dict[str, Any], grammar: Any, schema: Any) -> None:
    """With small feeds and archives: all documents valid, and every article in those of the site."""
    config = root / "syndicate.yaml"
    written = config.read_text()
    config.write_text(written.replace("limit: 1000", "limit: 5\n  archive: month"))
    build(root)
    ids: dict[str, set[str]] = {}
    for path in [p for p in (root / "out").rglob("*") if p.parent.name == "archive" or p.stem == "feed"]:
        if path.suffix == ".json":
            feed = json.loads(path.read_bytes())
            jsonschema.validate(feed, schema)
            found = {item["id"] for item in feed["items"]}
        else:
            parsed = feedparser.parse(path.read_bytes())
            assert not parsed.bozo, (path, parsed.get("bozo_exception"))
            found = {entry.id for entry in parsed.entries}
            if path.suffix == ".atom":
                assert grammar.validate(etree.parse(path)), (path, grammar.error_log)
        if path.relative_to(root / "out").parts[0] not in ("topic", "provider"):
            ids.setdefault(path.suffix, set()).update(found)
    assert ids == {ending: set(articles) for ending in (".rss", ".atom", ".json")}
    config.write_text(written)
    build(root)


def text(written: str) -> str:
    return unicodedata.normalize("NFC", ftfy.fix_encoding(html.unescape(written)))


def folded(written: str) -> str:
    return " ".join(text(written).split())


def seconds(written: str) -> int:
    return int(datetime.fromisoformat(written.replace("Z", "+00:00")).timestamp())


def expected(site: Path) -> dict[str, Any]:
    """What each published article must look like, by id."""
    found: dict[str, Any] = {}
    newest: dict[str, tuple[int, str]] = {}
    for path in sorted((site / "_news").glob("*.md")):
        content = path.read_text(encoding="utf-8")
        fields = yaml.load(content.split("---\n")[1], Loader=yaml.BaseLoader)
        if fields.get("published") == "false":
            continue
        id = f"tag:smartableai.github.io,2019:{path.stem}"
        link = html.unescape(fields.get("webUrl") or fields["originalUrl"])
        date = seconds(fields["publishedDateTime"])
        # Two files with one link: the newest, then the path that sorts first.
        if link in newest and newest[link][0] >= date:
            continue
        if link in newest:
            del found[newest[link][1]]
        newest[link] = (date, id)
        found[id] = {
            "title": folded(fields["title"]),
            "link": link,
            "date": date,
            "topics": fields["topics"],
            "images": [html.unescape(image["url"]) for image in fields.get("images", [])],
            "related": [(r["webUrl"], folded(r["title"])) for r in fields.get("related", [])],
            "excerpt": folded(fields["excerpt"]),
        }
    return found


def check_entry(entry: Any, article: Any, suffix: str) -> None:
    assert " ".join(entry.title.split()) == article["title"]
    assert entry.link == quoted(article["link"]), (entry.link, article["link"])
    assert calendar.timegm(entry.published_parsed) == article["date"]
    names = [tag.label or tag.term for tag in entry.tags]
    assert [name.casefold() for name in names] == [name.casefold() for name in article["topics"]]
    related = [(link.href, link.title) for link in entry.links if link.rel == "related"]
    assert related == article["related"], (related, article["related"])
    assert " ".join(entry.summary.split()) == article["excerpt"]
    enclosures = [enclosure.href for enclosure in entry.enclosures]
    images = [quoted(url) for url in article["images"]]
    typed = [
        url
        for url in images[:1]
        if url.split("?")[0].lower().endswith((".jpg", ".jpeg", ".png", ".gif", ".webp"))
    ]
    assert enclosures == typed, (enclosures, images)
    media = [content["url"] for content in entry.get("media_content", []) if "url" in content]
    assert media == images, (media, images)
    assert all(html.escape(url) in entry.content[0].value for url in images[:1])


def check_item(item: Any, article: Any) -> None:
    assert " ".join(item["title"].split()) == article["title"]
    assert item["url"] == quoted(article["link"])
    assert seconds(item["date_published"]) == article["date"]
    assert [name.casefold() for name in item["tags"]] == [name.casefold() for name in article["topics"]]
    related = item.get("_syndicate", {}).get("related", [])
    assert [(r["url"], r["title"]) for r in related] == article["related"]
    assert item.get("image") == next((quoted(url) for url in article["images"]), None)


def quoted(url: str) -> str:
    from urllib.parse import quote

    return quote(url, safe="%/:?#[]@!$&'()*+,;=~")


def check_seed(root: Path, name: str) -> None:
    """The article that DESIGN names: in no document while unpublished, in its groups when published."""
    path = root / name / "_news" / f"{SEED}.md"
    id = f"tag:smartableai.github.io,2019:{SEED}"
    holders = lambda: {  # noqa: E731
        p.parent.relative_to(root / "out").as_posix()
        for p in (root / "out").rglob("feed.*")
        if id in p.read_text()
    }
    assert holders() == set()
    content = path.read_text(encoding="utf-8")
    path.write_text(content.replace("published: false", "published: true"), encoding="utf-8")
    build(root)
    assert holders() == {
        ".", "topic/ai", "topic/ai-in-healthcare", "provider/scmp.com",
        "topic/ai/provider/scmp.com", "topic/ai-in-healthcare/provider/scmp.com",
    }  # fmt: skip
    secret = yaml.load(content.split("---\n")[1], Loader=yaml.BaseLoader)["secured"]
    for suffix in ("rss", "atom"):
        [entry] = [
            e
            for e in feedparser.parse(root / "out" / "topic" / "ai" / f"feed.{suffix}").entries
            if e.id == id
        ]
        assert "the world’s 500 most" in entry.summary
        assert [link.title for link in entry.links if link.rel == "related"] == [
            "This Chinese Lab Is Aiming for Big AI Breakthroughs",
            "US leading race in artificial intelligence, China rising",
        ]
        assert len(entry.enclosures) == 1
        assert (entry.media_content[0]["width"], entry.media_content[0]["height"]) == ("1200", "630")
        assert "<img" in entry.content[0].value
    [item] = [i for i in json.loads((root / "out/topic/ai/feed.json").read_text())["items"] if i["id"] == id]
    assert [r["provider"]["name"] for r in item["_syndicate"]["related"]] == ["Wired", "Dhaka Tribune"]
    for document in (root / "out").rglob("feed.*"):
        assert secret[:40] not in document.read_text()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
