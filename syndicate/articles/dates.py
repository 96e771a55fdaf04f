"""Dates: from what people write to aware UTC times. The clock is never read here."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

# 2021-01-25, with a time after T or a space, with Z, +01:00, +0100 or +01, in RFC 3339's order.
_DATE = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?:[Tt]|\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*"
    r"(?:([Zz]|UTC|GMT)|([+-])(\d{2}):?(\d{2})?)?)?"
)
_FILE_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})-")


class DateError(ValueError):
    """Not a date; the message says why."""


def parse_date(written: str, zone: tzinfo) -> tuple[datetime, str]:
    """The UTC time that ``written`` means, and a warning where the clock change made it unclear.

    A date without a zone is in ``zone`` (pytz). A time that the clocks skipped is read as if they
    had not gone forward yet; a time that they repeated is the first of the two. Seconds are the
    finest unit. Raises DateError.
    """
    if len(written) == 20 and written[10] == "T" and written[4] == written[7] == "-" and written[19] == "Z":
        try:
            return datetime.fromisoformat(written), ""  # the usual form, ten times faster
        except ValueError:
            pass  # said below
    found = _DATE.fullmatch(written.strip())
    if found is None:
        raise DateError("not a date such as 2021-01-25 or 2021-01-25T07:02:00Z")
    year, month, day, hour, minute, second, utc, sign, off_hours, off_minutes = found.groups()
    seconds = 59 if second == "60" else int(second or 0)  # 60 is a leap second
    warning = ""
    try:
        naive = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), seconds)  # noqa: DTZ001
        if utc:
            return naive.replace(tzinfo=UTC), warning
        if sign:
            offset = timedelta(hours=int(off_hours), minutes=int(off_minutes or 0))
            aware = naive.replace(tzinfo=timezone(-offset if sign == "-" else offset))
        else:
            aware, warning = _localized(naive, zone)
        return aware.astimezone(UTC), warning
    except (ValueError, OverflowError) as error:
        raise DateError(f"not a date: {error}") from None


def _localized(naive: datetime, zone: tzinfo) -> tuple[datetime, str]:
    import pytz

    if not isinstance(zone, pytz.tzinfo.BaseTzInfo):
        return naive.replace(tzinfo=zone), ""
    try:
        return zone.localize(naive, is_dst=None), ""
    except pytz.NonExistentTimeError:
        return zone.localize(naive, is_dst=False), (
            f"the clocks of {zone} skipped {naive:%H:%M} that day; read as before the change"
        )
    except pytz.AmbiguousTimeError:
        return zone.localize(naive, is_dst=True), (
            f"the clocks of {zone} showed {naive:%H:%M} twice that day; read as the first time"
        )


def date_in_name(name: str) -> str | None:
    """The ``YYYY-MM-DD`` at the head of a file's name (``2021-01-25-title``), if there is one."""
    found = _FILE_DATE.match(name)
    return found[1] if found else None


def rfc3339(time: datetime) -> str:
    """``2021-01-25T07:02:00Z`` (RFC 3339) of a UTC time."""
    return time.isoformat()[:19] + "Z"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def rfc822(time: datetime) -> str:
    """``Mon, 25 Jan 2021 07:02:00 +0000`` (RFC 822 with a four-digit year, as RSS 2.0 asks).

    Written by hand since strftime's names follow the locale.
    """
    t = time
    return (
        f"{_DAYS[t.weekday()]}, {t.day:02} {_MONTHS[t.month - 1][:3]} {t.year:04}"
        f" {t.hour:02}:{t.minute:02}:{t.second:02} +0000"
    )


def long_date(time: datetime) -> str:
    """``25 January 2021``, as people write dates in HTML."""
    return f"{time.day} {_MONTHS[time.month - 1]} {time.year}"
