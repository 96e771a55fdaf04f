"""Syndicate publishes a folder of articles as RSS 2.0, Atom 1.0 and JSON Feed 1.1 files.

The library does what the command line does::

    from datetime import UTC, datetime
    from pathlib import Path

    import syndicate

    settings = syndicate.load_config(Path("config/syndicate.yaml"))
    report = syndicate.check(settings)                          # read everything, write nothing
    report = syndicate.build(settings, now=datetime.now(UTC))   # write what changed
    published = syndicate.publish(settings)                     # upload what changed
    for problem in report.problems:
        print(problem)                                          # path:line:column: …

Everything that stops a run is a ``SyndicateError``; a bad article never is: it is a ``Problem`` of the
report. One article can be read by itself, without a disk::

    reading = syndicate.read_article(data, "news/2021-01-25-title.md", "2021-01-25-title", settings.rules)

and so can finished feeds of any program be checked, in a folder, a file or at a URL::

    count, problems = syndicate.check_feeds("out/", now=datetime.now(UTC))

``build_on_cluster`` spreads a build over the workers of a Dask cluster, and says what that took::

    cluster = syndicate.DaskCluster(scheduler="tcp://host:8786")
    report, cost = syndicate.build_on_cluster(settings, cluster, now=datetime.now(UTC))
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from syndicate.articles.model import Article, Image, Provider, Related, Video
    from syndicate.articles.reader import Reading, read_article
    from syndicate.articles.rules import Rules
    from syndicate.checking.documents import check_feeds
    from syndicate.cluster.build import Cost, build_and_publish_on_cluster, build_on_cluster
    from syndicate.cluster.engine import DaskCluster, StageCost
    from syndicate.config import Settings, load_config
    from syndicate.errors import (
        BrakeError,
        ClusterError,
        ConfigError,
        LockedError,
        Problem,
        PublishError,
        Severity,
        SyndicateError,
        WriteError,
    )
    from syndicate.output import Reason, Written
    from syndicate.pipeline import build, build_and_publish, check, publish
    from syndicate.publishing.targets import PublishReport, TargetReport
    from syndicate.run import Report
    from syndicate.status import Status, read_status
    from syndicate.version import VERSION

# Where each public name lives. It is imported when it is first asked for: a run under cron that finds
# nothing to do spends its time on starting up, and needs few of these.
_HOMES = {
    "syndicate.articles.model": ("Article", "Image", "Provider", "Related", "Video"),
    "syndicate.articles.reader": ("Reading", "read_article"),
    "syndicate.articles.rules": ("Rules",),
    "syndicate.checking.documents": ("check_feeds",),
    "syndicate.cluster.build": ("Cost", "build_and_publish_on_cluster", "build_on_cluster"),
    "syndicate.cluster.engine": ("DaskCluster", "StageCost"),
    "syndicate.pipeline": ("build", "build_and_publish", "check", "publish"),
    "syndicate.publishing.targets": ("PublishReport", "TargetReport"),
    "syndicate.status": ("Status", "read_status"),
    "syndicate.run": ("Report",),
    "syndicate.config": ("Settings", "load_config"),
    "syndicate.errors": (
        "BrakeError", "ClusterError", "ConfigError", "LockedError", "Problem", "PublishError", "Severity",
        "SyndicateError", "WriteError",
    ),
    "syndicate.output": ("Reason", "Written"),
    "syndicate.version": ("VERSION",),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


__all__ = [
    "VERSION",
    "Article",
    "BrakeError",
    "ClusterError",
    "ConfigError",
    "Cost",
    "DaskCluster",
    "Image",
    "LockedError",
    "Problem",
    "Provider",
    "PublishError",
    "PublishReport",
    "Reading",
    "Reason",
    "Related",
    "Report",
    "Rules",
    "Settings",
    "Severity",
    "StageCost",
    "Status",
    "SyndicateError",
    "TargetReport",
    "Video",
    "WriteError",
    "Written",
    "build",
    "build_and_publish",
    "build_and_publish_on_cluster",
    "build_on_cluster",
    "check",
    "check_feeds",
    "load_config",
    "publish",
    "read_article",
    "read_status",
]
