"""Reading articles: a file's bytes become an Article, or problems. Pure; nothing here touches a disk."""

from syndicate.articles.model import Article, Image, Provider, Related, Video
from syndicate.articles.reader import MAX_FILE_SIZE, Reading, Rules, read_article

__all__ = [
    "MAX_FILE_SIZE",
    "Article",
    "Image",
    "Provider",
    "Reading",
    "Related",
    "Rules",
    "Video",
    "read_article",
]
