"""Keys: every key of the config, with its meaning, default and an example. Data only.

What is known to the config, the starter that ``init`` writes and the reference in docs/ come from here.
"""

from __future__ import annotations

from typing import NamedTuple

SECTIONS = ("site", "content", "feeds", "output", "publish", "cluster")


class Key(NamedTuple):
    """One key: ``publish.targets[].url`` is the key ``url`` of each item of the list ``publish.targets``."""

    path: str
    meaning: str  # a phrase, in Markdown
    default: str  # what holds where it is not set, in Markdown; "needed" where nothing does
    example: str = ""  # as it stands in a config, in YAML; for those of lists, in their list's
    hint: str = ""  # the meaning in a few words, where it is too long to stand beside the key in a config


NEEDED = "needed"
_SHARED = "youtube.com, medium.com, github.io, substack.com and others"

KEYS = (
    Key("site.title", "the site's name", NEEDED, "My site"),
    Key("site.url", "where people read", NEEDED, "https://example.org/"),
    Key("site.feeds_url", "where the output directory is served", NEEDED, "https://feeds.example.org/"),
    Key(
        "site.tag",
        "a domain and a date on which it was yours (`example.org,2020`, RFC 4151): the stem of every id,"
        " never to be changed",
        NEEDED,
        "example.org,2026",
        "the stem of every id: never change it",
    ),
    Key("site.description", "one sentence", "the title", "What the site is about"),
    Key("site.language", "of articles that do not say theirs (RFC 5646)", "`en`", "en"),
    Key("site.timezone", "of dates without a zone", "`UTC`", "Europe/Paris"),
    Key("site.author", "credited for the site's own articles", "the title", "The editors"),
    Key("site.author_email", "beside the author", "none", "editors@example.org"),
    Key("site.icon", "URL of a small square picture", "none", "https://example.org/icon.png"),
    Key(
        "site.logo", "URL of a larger one; a group's own picture comes first", "none",
        "https://example.org/logo.png", "URL of a larger picture",
    ),
    Key("site.copyright", "the rights of every feed", "none", "© Example"),
    Key(
        "content.roots",
        "folders that are searched for articles; with a cluster also `s3://bucket/path/`, `gs://…`, `az://…`", NEEDED,
        "[content]", "folders that are searched for articles",
    ),
    Key(
        "content.preset", "whose field names: `smartable`, `jekyll`, `hugo`, `eleventy`", "`smartable`",
        "smartable", "smartable | jekyll | hugo | eleventy: the fields' names",
    ),
    Key(
        "content.include", "globs of paths below a root; `**/` stands for any folders",
        "`**/*.md` (the preset's)", '["**/*.md"]', "globs of paths below a root",
    ),
    Key(
        "content.exclude", "globs of paths to leave out", "none (Hugo: `**/_index.md`)", '["drafts/**"]'
    ),
    Key(
        "content.fields", "a field, and the front-matter key or keys that hold it", "the preset's",
        "{title: headline}", "a field: the front-matter keys that hold it",
    ),
    Key(
        "content.defaults", "a field, and its value where an article does not set it", "none",
        "{language: en}", "a field: its value where an article does not set it",
    ),
    Key(
        "content.permalink",
        "the path of the site's own articles, which have no link field: `:year`, `:short_year`, `:month`, `:i_month`,"
        " `:day`, `:i_day`, `:y_day`, `:hour`, `:minute`, `:second`, `:slug` (or `:title`), `:path`,"
        " `:hugo_path` and `:eleventy_path` (as these make it of the file's), `:section`,"
        " `:categories`",
        "the preset's",
        "/:year/:month/:day/:slug/",
        "of the site's own articles, which have no link field",
    ),
    Key(
        "content.fix_encoding", "mend text whose encoding was broken (`worldâ€™s`)", "`true`", "true",
        "mend text such as worldâ€™s",
    ),
    Key(
        "content.topics", "the folder of the topics' registry", "none", "content/_data/topics",
        "a registry: names, slugs, descriptions, pictures",
    ),
    Key("content.providers", "the folder of the providers' registry", "none", "content/_data/organizations"),
    Key(
        "content.shared_domains", "domains that host many publishers: a provider there is domain and name",
        _SHARED, "[youtube.com]", "hosts of many publishers: a provider is domain and name",
    ),
    Key("feeds.formats", "of `rss`, `atom`, `json`", "all", "[rss, atom, json]"),
    Key(
        "feeds.groups", "`topic`, `provider`, any other front-matter field, or a pair such as `[topic, provider]`",
        "`[topic, provider]`", "[topic, provider]", "or any field; [topic, provider] as one item: the pairs",
    ),
    Key("feeds.limit", "entries a feed", "50", "50"),
    Key(
        "feeds.max_bytes", "bytes a document: the oldest entries are left out", "none", "512000",
        "of one document",
    ),
    Key(
        "feeds.content", "`full`: the article's body; `summary`: its excerpt alone", "`full`", "full",
        "full | summary",
    ),
    Key(
        "feeds.order", "`published` or `updated`: which date makes an entry the newest", "`published`",
        "published", "published | updated: the newest first",
    ),
    Key(
        "feeds.html", "`index.html` pages: the list of all feeds, and one page a group", "`true`", "true",
        "index.html: a list of all feeds, and a page a group",
    ),
    Key(
        "feeds.related",
        "`links`: related items stand in their article's entry; `entries`: they are entries of their own too",
        "`links`", "links", "entries: related items are entries of their own too",
    ),
    Key(
        "feeds.archive", "`none`, or the period (UTC) of archive documents: `year`, `month`, `day`", "`none`",
        "none", "none | year | month | day: what the feeds have no room for",
    ),
    Key(
        "feeds.rollup", "an article stands in the feeds of its topics' parents too, as the registry names them",
        "`false`", "false", "true: a topic's articles stand in its parents' feeds too",
    ),
    Key(
        "feeds.min_quality", "articles with a lower `quality` are left out", "none", "50",
        "articles with a lower quality are left out",
    ),
    Key("output.directory", "where the documents go", "`out`", "out"),
    Key(
        "output.compress",
        "`gzip`, `brotli` (extra `syndicate[brotli]`): siblings `.gz` and `.br` beside each document", "none",
        "[gzip]", "gzip, brotli: siblings for servers that send them as is",
    ),
    Key(
        "output.max_shrink", "the share of the published articles that one run may lose", "0.5", "0.5",
        "refuse to lose more than this share of articles at once",
    ),
    Key("publish.targets", "where the documents go, a list", "none"),
    Key(
        "publish.targets[].url",
        "`s3://bucket/path/`, `gs://bucket/path/`, `az://container/path/` or `file:///folder/`", NEEDED,
    ),
    Key("publish.targets[].endpoint", "of a service that speaks as S3 or Azure do", "the provider's own"),
    Key("publish.targets[].region", "S3's", "`us-east-1`"),
    Key(
        "publish.targets[].path_style", "S3: the bucket stands in the path; `false`: in the host name", "`true`"
    ),
    Key(
        "publish.targets[].ca_file", "the certificate, in PEM, of the authority that signed the endpoint's",
        "the system's",
    ),
    Key(
        "publish.cache_control", "how the documents are served; RSS says its `max-age` as `ttl`",
        "with targets `public, max-age=300`, else unknown",
    ),
    Key(
        "publish.headers",
        "rules for headers, a list: of those whose `match` fits a document, the first that sets a header"
        " decides it",
        "none",
    ),
    Key(
        "publish.headers[].match", "a glob of paths below the output directory; `**/` stands for any folders",
        NEEDED,
    ),
    Key(
        "publish.headers[].cache_control", "`Cache-Control`",
        "feeds and pages: `publish.cache_control`; archives: `public, max-age=86400, immutable`",
    ),
    Key("publish.headers[].content_type", "`Content-Type`", "the document's media type"),
    Key(
        "publish.headers[].gzip", "compress, with `Content-Encoding: gzip`: for readers that all take it",
        "`false`",
    ),
    Key("publish.purge", "edges that are told what changed, a list", "none"),
    Key(
        "publish.purge[].kind",
        "`varnish`, `fastly`, `cloudflare`, `cloudfront` (extra `syndicate[aws]`), or `http`: one POST of JSON"
        " with `urls`, `surrogate_keys`, `everything`, `soft`",
        NEEDED,
    ),
    Key(
        "publish.purge[].url",
        "of the edge (`varnish`), of the hook (`http`), or of another place of the service's API",
        "the service's",
    ),
    Key(
        "publish.purge[].id", "Fastly's service, Cloudflare's zone, CloudFront's distribution", "needed there"
    ),
    Key(
        "publish.purge[].token", "`${NAME}`: the environment variable that holds the secret",
        "none; needed by `fastly`, `cloudflare`",
    ),
    Key(
        "publish.purge[].by", "`url`, or `key`: by surrogate key (`varnish`, `fastly`)",
        "`fastly`: `key`, else `url`",
    ),
    Key(
        "publish.purge[].soft", "what was purged may be served while it is fetched anew (`varnish`, `fastly`)",
        "`true`",
    ),
    Key(
        "publish.hub", "URL of a WebSub hub, which every feed names and which is pinged when one changed",
        "none",
    ),
    Key("publish.delete", "remove documents of groups that are gone", "`true`"),
    Key("publish.max_delete", "how many documents one run may remove from a target", "256"),
    Key("publish.timeout", "seconds that one request may take", "30"),
    Key(
        "publish.deadline",
        "seconds that a stage may take, all tries together: planning, uploading, telling edges and hub, removing",
        "600",
    ),
    Key(
        "cluster.work",
        "where workers keep what they found out: a folder that all of them share, or `s3://bucket/path/`, `gs://…`, `az://…`",
        "`.syndicate/cluster` beside the output directory",
    ),
    Key(
        "cluster.endpoint", "of a service that speaks as S3 or Azure do: for `cluster.work` and `content.roots`",
        "the provider's own",
    ),
    Key("cluster.region", "S3's", "`us-east-1`"),
    Key("cluster.path_style", "S3: the bucket stands in the path; `false`: in the host name", "`true`"),
    Key(
        "cluster.ca_file", "the certificate, in PEM, of the authority that signed the endpoint's", "the system's"
    ),
    Key("cluster.partition_files", "how many files a worker reads at once, about", "4096"),
    Key("cluster.partition_megabytes", "how much of a file of rows a worker reads at once, about", "64"),
    Key("cluster.fan_in", "how many partial results are merged at once", "16"),
)  # fmt: skip


def known(section: str) -> tuple[str, ...]:
    """The keys that may stand in ``section``: ``site``, or ``publish.targets[]`` for each item of a list."""
    names = (key.path.rpartition(".") for key in KEYS)
    return tuple(name for above, _, name in names if above == section)
