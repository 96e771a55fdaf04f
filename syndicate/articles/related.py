"""Related items as articles of their own, for ``feeds.related: entries``. Pure."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from syndicate.articles.model import Article, Provider, Related


def related_articles(article: Article, tag: str) -> list[Article]:
    """An article for each related item that ``article`` names; none of one that is withdrawn.

    They carry what the item carries, stand in the groups of the article, and name it as their origin.
    ``tag`` is the stem of every id: an item's comes from its link, all that is known to stay.
    """
    if article.withdrawn:
        return []
    return [
        Article(
            id=f"tag:{tag}:/related/{hashlib.sha256(item.link.encode()).hexdigest()[:24]}",
            title=item.title,
            link=item.link,
            published=item.published or article.published,
            updated=item.published or article.published,
            excerpt=item.excerpt,
            via=article.link,
            provider=item.provider or _host(item),
            topics=article.topics,
            images=(item.image,) if item.image else (),
            groups=article.groups,
        )
        for item in article.related
        if item.link != article.link
    ]


def _host(item: Related) -> Provider:
    """Who publishes an item that does not say so: the host of its link."""
    host = urlsplit(item.link).hostname or ""
    return Provider("", host.removeprefix("www."))
