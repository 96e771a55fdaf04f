// Reads one feed with one library, and prints its items as JSON: node read.mjs LIBRARY FILE
import fs from "node:fs";

const [library, file] = process.argv.slice(2);
const text = fs.readFileSync(file, "utf8");

async function feedsmith() {
  const { parseFeed } = await import("feedsmith");
  const { format, feed } = parseFeed(text);
  if (format === "rss")
    return feed.items.map((i) => ({
      id: i.guid.value, link: i.link, title: i.title, date: i.pubDate, html: i.content?.encoded ?? i.description,
      images: (i.enclosures ?? []).map((e) => e.url), topics: (i.categories ?? []).map((c) => c.name),
      related: (i.atom?.links ?? []).filter((l) => l.rel === "related").map((l) => l.href), source: i.source?.url ?? null,
    }));
  if (format === "atom")
    return feed.entries.map((e) => ({
      id: e.id, link: e.links.find((l) => l.rel === "alternate").href, title: e.title?.value ?? e.title,
      date: e.published, html: e.content?.value ?? e.content, topics: (e.categories ?? []).map((c) => c.label),
      images: e.links.filter((l) => l.rel === "enclosure").map((l) => l.href),
      related: e.links.filter((l) => l.rel === "related").map((l) => l.href),
      source: e.source?.links?.[0]?.href ?? null,
    }));
  return feed.items.map((i) => ({
    id: i.id, link: i.url, title: i.title, date: i.date_published, html: i.content_html, topics: i.tags ?? [],
    images: (i.attachments ?? []).map((a) => a.url).filter((u) => !u.includes("youtube")).slice(0, 1),
  }));
}

async function rssParser() {
  const { default: Parser } = await import("rss-parser");
  const { items } = await new Parser().parseString(text);
  return items.map((i) => ({
    id: i.guid ?? i.id, link: i.link, title: i.title, date: i.isoDate,
    html: i["content:encoded"] ?? i.content,
    ...(i.guid ? { images: i.enclosure ? [i.enclosure.url] : [], topics: (i.categories ?? []).map((c) => c._) } : {}),
  }));
}

async function feedparser() {
  const { default: FeedParser } = await import("feedparser");
  const parser = new FeedParser();
  parser.end(text);
  const found = [];
  for await (const i of parser)
    found.push({
      id: i.guid, link: i.link, title: i.title, date: i.pubdate, html: i.description,
      // It takes each media:content for an enclosure too.
      images: i.enclosures.filter((e) => e.type?.includes("/")).slice(0, 1).map((e) => e.url), source: i.source.url ?? null,
    });
  return found;
}

const items = await { feedsmith, "rss-parser": rssParser, feedparser }[library]();
process.stdout.write(JSON.stringify(items));
