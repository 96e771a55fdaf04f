"""Syndicate publishes a folder of articles as RSS 2.0, Atom 1.0 and JSON Feed 1.1 files.

The library does what the command line does::

    from datetime import UTC, datetime
    from pathlib import Path

    import syndicate

    settings = syndicate.load_config(Path("config/syndicate.yaml"))
    report = syndicate.check(settings)                          # read everything, write nothing
    report = syndicate.build(settings, now=datetime.now(UTC))   # write what changed
    for problem in report.problems:
        print(problem)                                          # path:line:column: …

Everything that stops a run is a ``SyndicateError``; a bad article never is: it is a ``Problem`` of the
report. One article can be read by itself, without a disk::

    reading = syndicate.read_article(data, "news/2021-01-25-title.md", "2021-01-25-title", settings.rules)
"""

from syndicate.articles import Article, Image, Provider, Reading, Related, Rules, Video, read_article
from syndicate.build import Report, build, check
from syndicate.config import Settings, load_config
from syndicate.errors import (
    BrakeError,
    ConfigError,
    LockedError,
    Problem,
    Severity,
    SyndicateError,
    WriteError,
)
from syndicate.output import Reason, Written
from syndicate.version import VERSION

__all__ = [
    "VERSION",
    "Article",
    "BrakeError",
    "ConfigError",
    "Image",
    "LockedError",
    "Problem",
    "Provider",
    "Reading",
    "Reason",
    "Related",
    "Report",
    "Rules",
    "Settings",
    "Severity",
    "SyndicateError",
    "Video",
    "WriteError",
    "Written",
    "build",
    "check",
    "load_config",
    "read_article",
]
