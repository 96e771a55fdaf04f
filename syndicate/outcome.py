"""Outcome: what one command came to, for the log's last line and the metrics. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from syndicate.errors import Severity

if TYPE_CHECKING:
    from syndicate.cluster.build import Cost
    from syndicate.publishing.targets import PublishReport
    from syndicate.run import Report


@dataclass
class Outcome:
    """One run of ``check``, ``build``, ``publish`` or ``run``."""

    command: str
    started: datetime
    seconds: float = 0
    exit_code: int = 0
    error: str = ""  # what ended it, if something did
    report: Report | None = None  # None: it did not build, or did not come so far
    published: PublishReport | None = None
    cost: Cost | None = None  # None: no cluster had a part in it

    def problems(self, severity: Severity) -> int:
        """How many problems of this severity the articles and the config have."""
        problems = self.report.problems if self.report else ()
        return sum(problem.severity is severity for problem in problems)

    def numbers(self) -> dict[str, int]:
        """What was counted, by name; what the command does not do is not among it."""
        found: dict[str, int] = {}
        if self.report:
            found |= {"articles": self.report.articles, "files": self.report.files, "read": self.report.read}
            found |= {f"{severity.value}s": self.problems(severity) for severity in Severity}
            if self.command != "check":
                from syndicate.output import Reason

                found |= {f"documents_{reason.value}": self.report.count(reason) for reason in Reason}
                found["bytes_written"] = self.report.bytes_written
        if self.published:
            from syndicate.publishing.plan import Reason as Sent

            targets = self.published.targets
            found |= {
                "uploaded": sum(step.uploads for target in targets for step in target.steps),
                "removed": sum(target.count(Sent.GONE) for target in targets),
                "bytes_sent": sum(target.bytes_sent for target in targets),
                "purged": self.published.purged,
                "pinged": self.published.pinged,
                "pending_purges": sum(target.pending_purges for target in targets),
                "pending_pings": sum(target.pending_pings for target in targets),
            }
        return found
