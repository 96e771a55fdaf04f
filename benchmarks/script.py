"""The plain script that a site owner writes first: CSafeLoader, feedgen, everything anew in every run."""

from __future__ import annotations

import html
import json
import sys
from collections import defaultdict
from datetime import UTC
from pathlib import Path

import yaml
from feedgen.feed import FeedGenerator


def main(root: Path, out: Path) -> None:
    groups = defaultdict(list)
    for path in root.rglob("*.md"):
        article = yaml.load(path.read_text(encoding="utf-8").split("---\n")[1], Loader=yaml.CSafeLoader)
        if article["published"] is False:
            continue
        article["id"] = f"tag:example.org,2020:{path.stem}"
        date = article["publishedDateTime"]
        article["date"] = date if date.tzinfo else date.replace(tzinfo=UTC)
        article["excerpt"] = html.unescape(article["excerpt"])
        groups[""].append(article)
        for topic in article["topics"]:
            groups[f"topic/{topic.lower().replace(' ', '-')}"].append(article)
        groups[f"provider/{article['provider']['domain']}"].append(article)
    for name, articles in groups.items():
        articles.sort(key=lambda article: article["date"], reverse=True)
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        feed = FeedGenerator()
        feed.id(f"https://feeds.example.org/{name}")
        feed.title(name or "Benchmark")
        feed.description(name or "Benchmark")
        feed.link(href="https://feeds.example.org/", rel="self")
        items = []
        for article in articles[:50]:
            content = (
                f"<p><img src='{article['images'][0]['url']}'></p><p>{html.escape(article['excerpt'])}</p>"
            )
            entry = feed.add_entry(order="append")
            entry.id(article["id"])
            entry.title(article["title"])
            entry.link(href=article["webUrl"])
            entry.link(href=html.unescape(article["images"][0]["url"]), rel="enclosure", type="image/jpeg")
            for related in article.get("related", []):
                entry.link(href=related["webUrl"], rel="related", title=related["title"])
            entry.summary(article["excerpt"])
            entry.content(content, type="html")
            entry.published(article["date"])
            entry.updated(article["date"])
            entry.author(name=article["provider"]["name"])
            for topic in article["topics"]:
                entry.category(term=topic)
            items.append({"id": article["id"], "url": article["webUrl"], "title": article["title"],
                          "content_html": content, "date_published": article["date"].isoformat()})  # fmt: skip
        feed.rss_file(str(folder / "feed.rss"))
        feed.atom_file(str(folder / "feed.atom"))
        (folder / "feed.json").write_text(
            json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": name, "items": items}),
            encoding="utf-8",
        )


main(Path(sys.argv[1]), Path(sys.argv[2]))
