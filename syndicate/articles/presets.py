"""Presets: which front-matter keys hold which field, for each generator. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# The fields that an article is read from. ``content.fields`` in the config maps these names.
FIELDS = (
    "id", "title", "excerpt", "html", "date", "updated", "link", "original", "amp", "permalink",
    "slug", "provider", "author", "language", "topics", "images", "related", "quality",
    "published", "draft", "removed", "deleted",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preset:
    """Where a generator's articles keep their fields."""

    fields: Mapping[str, tuple[str, ...]]  # field to front-matter keys, the first that is set wins
    permalink: str | None  # the address of an article without a link field; None: every one has its own
    include: tuple[str, ...] = ("**/*.md",)
    exclude: tuple[str, ...] = ()


_COMMON: dict[str, tuple[str, ...]] = {name: (name,) for name in FIELDS}

PRESETS: Mapping[str, Preset] = {
    "smartable": Preset(
        fields={
            **_COMMON,
            "html": ("featuredContent",),
            "date": ("publishedDateTime", "date"),
            "updated": ("updatedDateTime",),
            "link": ("webUrl",),
            "original": ("originalUrl",),
            "amp": ("ampWebUrl", "cdnAmpWebUrl"),
        },
        permalink=None,
    ),
    "jekyll": Preset(
        fields={
            **_COMMON,
            "excerpt": ("excerpt", "description", "summary"),
            "html": (),
            "updated": ("last_modified_at", "updated"),
            "topics": ("categories", "category", "tags", "topics"),
            "images": ("images", "image"),
        },
        permalink="/:categories/:year/:month/:day/:slug.html",
        include=("**/*.md", "**/*.markdown"),
    ),
    "hugo": Preset(
        fields={
            **_COMMON,
            "excerpt": ("summary", "description"),
            "html": (),
            "date": ("publishDate", "date"),
            "updated": ("lastmod",),
            "permalink": ("url",),
            "topics": ("categories", "tags", "topics"),
            "images": ("images", "featured_image", "cover"),
        },
        permalink="/:hugo_path/",
        exclude=("**/_index.md",),
    ),
    "eleventy": Preset(
        fields={
            **_COMMON,
            "excerpt": ("excerpt", "description", "summary"),
            "html": (),
            "updated": ("updated", "lastmod"),
            "topics": ("tags", "topics"),
            "images": ("images", "image"),
        },
        permalink="/:eleventy_path/",
    ),
}
