"""From Article to Entry: names resolved, credit and HTML made. One entry, the same in every feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from syndicate.articles.dates import long_date
from syndicate.articles.markup import video_link
from syndicate.articles.model import Article, Image, Provider, Related
from syndicate.articles.text import name_key
from syndicate.articles.urls import path_encoded
from syndicate.config import Settings
from syndicate.feeds.markup import attribute_escaped, text_escaped
from syndicate.feeds.model import (
    NO_ARCHIVE,
    Archive,
    Category,
    Entry,
    Feed,
    Listed,
    Person,
    RelatedEntry,
    Source,
    Tombstone,
)
from syndicate.groups import (
    PAGE,
    PAIR,
    SITE,
    Directory,
    Group,
    Grouping,
    has_feeds,
    kind_of,
    provider_key,
    topic_key,
)

_SMALL = 120  # pixels
_HEADINGS = {"topic": "Topics", "provider": "Providers"}


class EntryMaker:
    """Makes entries and feeds: holds what is the same for all of them."""

    def __init__(self, settings: Settings, grouping: Grouping, directory: Directory) -> None:
        self.settings, self.grouping, self.directory = settings, grouping, directory
        self.site = settings.site
        self.site_author = (
            Person(self.site.author, self.site.url, email=self.site.author_email)
            if self.site.author
            else Person(self.site.title, self.site.url)
        )
        max_age = settings.publish.max_age
        self._ttl = None if max_age is None else max(1, round(max_age / 60))
        # What many entries have alike is made once.
        self._sources: dict[str, Source | None] = {}
        self._categories: dict[str, Category] = {}
        self._providers: dict[Provider, tuple[Person, Source | None]] = {}

    def entry(self, article: Article, ids: Mapping[str, str]) -> Entry:
        """``ids`` gives the id of each of our own articles by link, for those that are related."""
        author, source = self._credit(article)
        return Entry(
            id=article.id,
            title=article.title,
            link=article.link,
            published=article.published,
            updated=article.updated,
            summary=article.excerpt,
            html=entry_html(article, author, full=self.settings.feeds.full),
            author=author,
            source=source,
            via=article.via,
            amp=article.amp,
            language=article.language,
            categories=tuple(self._category(name) for name in article.topics),
            images=article.images,
            videos=article.videos,
            related=tuple(RelatedEntry(item, ids.get(item.link)) for item in article.related),
        )

    def feed(
        self, group: Group, updated_of: Sequence[Article], withdrawn: Sequence[Article] = (),
        archive: Archive = NO_ARCHIVE,
    ) -> Feed:  # fmt: skip
        """The feed of ``group`` whose entries are made of ``updated_of``."""
        site = self.site
        path = f"{path_encoded(group.path)}/" if group.path else ""
        updated = max((article.updated for article in updated_of), default=site.tag_date)
        return Feed(
            id=f"tag:{site.tag}:/{path}",
            title=group.title,
            description=group.description or group.title,
            page=f"{site.feeds_url}{path}{PAGE}" if path and self.settings.feeds.html else site.url,
            url=f"{site.feeds_url}{path}feed",
            updated=updated,
            language=site.language,
            author=self._group_author(group.key) or self.site_author,
            rights=site.copyright,
            icon=site.icon,
            logo=group.image or site.logo,
            archive=archive,
            tombstones=tuple(Tombstone(article.id, article.updated) for article in withdrawn),
            ttl=self._ttl,
            hub=self.settings.publish.hub,
            name=self.directory.title(group.key) if group.key else site.title,
            site_title=site.title,
            site_url=site.url,
        )

    def _group_author(self, key: str) -> Person | None:
        """The provider, of a provider's feed."""
        kind, _, rest = key.partition(":")
        if kind != "provider" or PAIR in key:
            return None
        domain = rest.partition("/")[0]
        return Person(self.directory.name(key), f"https://{domain}/" if domain else "")

    def listed(self, counts: Mapping[str, tuple[int, datetime | None]]) -> list[Listed]:
        """The groups that have feeds, but for the site, as lists show them: by kind, then by name.

        ``counts`` gives the number of articles and the newest one's date by key.
        """
        kinds = self.settings.feeds.groups
        found = []
        for key, (count, newest) in counts.items():
            if key == SITE or not has_feeds(key, kinds):
                continue
            feed = self.feed(self.directory.group(key), [])
            kind = kind_of(key)
            name = self.directory.title(key)
            order = (kinds.index(kind), name_key(name), key)
            found.append((order, Listed(heading(kind), name, feed.title, feed.page, feed.url, count, newest)))
        return [listed for _, listed in sorted(found, key=lambda pair: pair[0])]

    def _category(self, name: str) -> Category:
        category = self._categories.get(name)
        if category is None:
            key = topic_key(name, self.grouping.registry)
            category = Category(self.directory.slugs[key], self.directory.name(key))
            self._categories[name] = category
        return category

    def _credit(self, article: Article) -> tuple[Person, Source | None]:
        provider = article.provider
        if provider is None:
            if article.author:
                return Person(article.author), None
            return self.site_author, None
        credit = self._providers.get(provider)
        if credit is None:
            credit = self._providers[provider] = self._provider(provider)
        return credit

    def _provider(self, provider: Provider) -> tuple[Person, Source | None]:
        key = provider_key(provider, self.grouping)
        organization = self.grouping.registry.organization(provider.domain)
        # The registry's picture may be large; the article's own is made for a credit.
        image = provider.image.url if provider.image else organization.image if organization else ""
        person = Person(
            name=self.directory.name(key),
            url=f"https://{provider.domain}/" if provider.domain else "",
            avatar=image,
        )
        return person, self._source(key)

    def _source(self, key: str) -> Source | None:
        if key not in self._sources:
            source = None
            if has_feeds(key, self.settings.feeds.groups):
                feed = self.feed(self.directory.group(key), [])
                source = Source(feed.id, feed.title, feed.url)
            self._sources[key] = source
        return self._sources[key]


def heading(kind: tuple[str, ...]) -> str:
    """What a list of groups of one kind is called."""
    return " × ".join(_HEADINGS.get(part, part.capitalize()) for part in kind)


def entry_html(article: Article, author: Person, *, full: bool) -> str:
    """What a reader shows: lead picture, text, related items, credit."""
    parts: list[str] = []
    lead = article.images[0] if article.images else None
    body = article.html if full else ""
    if article.videos and not body:
        picture = image_html(lead, article.title) if lead else None
        parts.extend(video_link(video, picture if n == 0 else None) for n, video in enumerate(article.videos))
    elif lead and not _shows(body, lead):
        parts.append(f"<p>{image_html(lead, article.title)}</p>")
    if body:
        parts.append(body)
    elif article.excerpt:
        parts.extend(
            f"<p>{text_escaped(paragraph).replace(chr(10), '<br>')}</p>"
            for paragraph in article.excerpt.split("\n\n")
        )
    if article.related:
        items = "".join(f"<li>{_related_html(item)}</li>" for item in article.related)
        parts.append(f"<h4>Related</h4><ul>{items}</ul>")
    credit = text_escaped(author.name)
    if article.provider is not None and author.url:
        credit = f'<a href="{attribute_escaped(author.url)}">{credit}</a>'
    if article.provider is not None:
        parts.append(f'<p><a href="{attribute_escaped(article.link)}">Read it at</a> {credit}</p>')
    else:
        parts.append(f'<p><a href="{attribute_escaped(article.link)}">Read it on the site</a> · {credit}</p>')
    return "\n".join(parts)


def image_html(image: Image, title: str) -> str:
    """An ``<img>`` with its size where it is known, and an alternative text."""
    size = "".join(
        f' {name}="{value}"' for name, value in (("width", image.width), ("height", image.height)) if value
    )
    return f'<img src="{attribute_escaped(image.url)}"{size} alt="{attribute_escaped(image.title or title)}">'


def _small(image: Image) -> str:
    """A picture beside a link that says what it shows, a thumb's width wide."""
    width = min(image.width or _SMALL, _SMALL)
    height = round(image.height * width / image.width) if image.width and image.height else 0
    size = f' width="{width}"' + (f' height="{height}"' if height else "")
    return f'<img src="{attribute_escaped(image.url)}"{size} alt="">'


def _shows(body: str, image: Image) -> bool:
    return attribute_escaped(image.url) in body


def _related_html(item: Related) -> str:
    picture = f"{_small(item.image)} " if item.image else ""
    parts = [f'{picture}<a href="{attribute_escaped(item.link)}">{text_escaped(item.title)}</a>']
    if item.provider:
        parts.append(text_escaped(_provider_name(item.provider)))
    if item.published:
        parts.append(long_date(item.published))
    return " · ".join(parts)


def _provider_name(provider: Provider) -> str:
    return provider.name or provider.domain
