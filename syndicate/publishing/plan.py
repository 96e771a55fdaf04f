"""Plan: what differs between the output directory and a target, and why. Pure; nothing is sent."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from syndicate.groups import OPML, PAGE
from syndicate.publishing.headers import is_archive
from syndicate.publishing.manifest import Manifest, Object


class Reason(enum.Enum):
    """Why a document is uploaded, removed or left alone."""

    NEW = "new"
    CHANGED = "changed"
    HEADERS = "headers"  # its bytes are there, with other headers
    DOUBT = "in doubt"  # a publisher was killed before it could say what became of it
    GONE = "gone"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one document."""

    path: str
    reason: Reason
    object: Object  # as it is to be; for one that is gone, as it was

    @property
    def uploads(self) -> bool:
        return self.reason not in (Reason.GONE, Reason.UNCHANGED)


def plan(documents: Mapping[str, Object], manifest: Manifest, kept: set[str]) -> list[Step]:
    """One step for every document here or there, by path. ``kept`` stay on the target as they are."""
    steps = []
    for path in sorted(documents.keys() | manifest.objects.keys()):
        ours, there = documents.get(path), manifest.objects.get(path)
        if ours is None:
            assert there is not None
            if path not in kept:
                steps.append(Step(path, Reason.GONE, there))
        else:
            steps.append(Step(path, _reason(ours, there), ours))
    return steps


def _reason(ours: Object, there: Object | None) -> Reason:
    if there is None:
        return Reason.NEW
    if not there.sha256:
        return Reason.DOUBT
    if there.sha256 != ours.sha256:
        return Reason.CHANGED
    return Reason.UNCHANGED if there.headers == ours.headers else Reason.HEADERS


def stages(steps: list[Step]) -> list[list[Step]]:
    """The uploads in an order in which none names a document that is not there yet."""
    found: list[list[Step]] = [[], [], [], []]
    for step in steps:
        if step.uploads:
            found[_stage(step.path)].append(step)
    return [stage for stage in found if stage]


def _stage(path: str) -> int:
    """Archives, then the feeds that lead to them, the pages that lead to those, the lists of all."""
    if is_archive(path):
        return 0
    folder, _, name = path.rpartition("/")
    if not name.startswith((PAGE, OPML)):
        return 1
    return 2 if folder else 3
