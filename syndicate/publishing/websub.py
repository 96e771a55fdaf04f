"""WebSub: the hub is told which feeds changed, and tells their subscribers (W3C WebSub, section 6)."""

from __future__ import annotations

from urllib.parse import urlencode

from syndicate.articles.urls import path_encoded
from syndicate.publishing.client import Request


def ping(hub: str, path: str, feeds_url: str) -> Request:
    """The request that says that the feed at ``path`` changed.

    The specification leaves its form to hub and publisher; hubs take ``hub.url`` (of PubSubHubbub) or
    ``hub.topic``, and ignore the other.
    """
    topic = f"{feeds_url}{path_encoded(path)}"
    body = urlencode({"hub.mode": "publish", "hub.url": topic, "hub.topic": topic})
    return Request("POST", hub, {"Content-Type": "application/x-www-form-urlencoded"}, body.encode())
