"""What no document may hold, however it came about. Checked once an entry, before it is rendered."""

from __future__ import annotations

from syndicate.articles.urls import all_valid
from syndicate.feeds.model import Entry


class BrokenEntryError(Exception):
    """An entry that may stand in no document: the article's number, and why."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(number, why)
        self.number, self.why = number, why


def entry_fault(entry: Entry) -> str:
    """Why ``entry`` may stand in no document, or nothing."""
    if not entry.id or len(entry.id.split()) != 1:
        return "its id is no URI"
    if not entry.title.strip():
        return "it has no title"
    if not entry.html.strip():
        return "it is empty"
    if entry.updated < entry.published:
        return "it was updated before it was published"
    urls = [entry.link, *(image.url for image in entry.images), *(video.page for video in entry.videos)]
    urls.extend([related.item.link for related in entry.related])
    if entry.via:
        urls.append(entry.via)
    if entry.amp:
        urls.append(entry.amp)
    return "" if all_valid(urls) else "one of its URLs is not absolute, or no valid URI"
