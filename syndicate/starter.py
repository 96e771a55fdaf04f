"""The starter config that ``syndicate init`` writes."""

from __future__ import annotations

import os
from pathlib import Path

from syndicate.errors import ConfigError, WriteError

STARTER = """\
# Syndicate: what is published, and where.
# Only site.title, site.url, site.feeds_url, site.tag and content.roots are needed; a line that begins
# with # shows a key with its default, or an example.
# Paths are relative to the project root: the folder above config/, or the folder of this file.

site:
  title: My site
  url: https://example.org/               # where people read
  feeds_url: https://feeds.example.org/   # where the output directory is served
  # A domain and a date on which it was yours: the stem of every id. Never change it, or every
  # subscriber gets every article again.
  tag: example.org,2026
  # description: What the site is about
  # language: en                          # RFC 5646
  # timezone: UTC                         # of dates without a zone, such as Europe/Paris
  # author: The editors                   # credited for the site's own articles
  # author_email: editors@example.org
  # icon: https://example.org/icon.png    # square
  # logo: https://example.org/logo.png
  # copyright: © Example

content:
  roots: [content]                        # folders, searched for **/*.md
  # preset: smartable                     # smartable | jekyll | hugo | eleventy: the fields' names
  # fields: {title: headline}             # a field: the front-matter keys that hold it
  # defaults: {language: en}              # a field: its value where an article does not set it
  # include: ["**/*.md"]
  # exclude: ["drafts/**"]
  # permalink: /:year/:month/:day/:slug/  # of the site's own articles, which have no link field
  # topics: content/_data/topics          # registries: names, slugs, descriptions, pictures
  # providers: content/_data/organizations
  # shared_domains: [youtube.com]         # hosts of many publishers: a provider is domain and name
  # fix_encoding: true                    # mend text such as worldâ€™s

feeds:
  formats: [rss, atom, json]
  groups: [topic, provider]               # or any field; [topic, provider] as one item: the pairs
  # limit: 50                             # entries a feed
  # max_bytes: 512000                     # of one document
  # content: full                         # full | summary
  # html: true                            # index.html: a list of all feeds, and a page a group
  # archive: month                        # none | year | month | day: what the feeds have no room for
  # related: links                        # entries: related items are entries of their own too
  # rollup: false                         # true: a topic's articles stand in its parents' feeds too
  # order: published                      # published | updated: the newest first
  # min_quality: 50                       # articles with a lower quality are left out

output:
  directory: out
  # compress: [gzip]                      # gzip, brotli: siblings for servers that send them as is
  # max_shrink: 0.5                       # refuse to lose more than this share of articles at once

# publish:
#   targets:
#     - url: s3://feeds-bucket/ai/          # or gs://, az://, file:///var/www/feeds/
#       endpoint: https://s3.example        # of an S3-compatible; also region, path_style, ca_file
#   cache_control: public, max-age=300      # how the documents are served: RSS says the same as its ttl
#   headers:                                # of the rules that match, the first that sets one decides it
#     - match: "**/*.json"
#       cache_control: public, max-age=60   # also content_type, gzip
#   purge:
#     - kind: varnish                       # varnish, fastly, cloudflare, cloudfront, http
#       url: https://edge.example/
#       token: ${PURGE_TOKEN}               # from the environment
#   hub: https://hub.example/               # a WebSub hub
#   max_delete: 256                         # refuse to remove more documents at once
"""


def write_starter(path: Path) -> None:
    """Write the starter config to ``path``, whole or not at all. Raises ConfigError, WriteError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        raise ConfigError(f"{path} is there already; it is never overwritten") from None
    except OSError as error:
        raise WriteError("cannot write", str(path), error.strerror or "") from None
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(STARTER)
