"""Patience: how often, and for how long, what failed is tried again. No request of its own."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from syndicate.errors import PublishError

Result = TypeVar("Result")

_TRIES = 6
_FIRST_PAUSE = 0.2  # seconds; doubles with each try
_LONGEST_PAUSE = 10.0


class TransientError(Exception):
    """What may go well when it is tried again."""

    def __init__(self, what: str, after: float = 0) -> None:
        """``after``: the seconds that the server asked for (Retry-After, RFC 9110, section 10.2.3)."""
        super().__init__(what)
        self.after = after


class Patience:
    """The time that one piece of work may take, all tries of all its requests together."""

    def __init__(
        self,
        seconds: float,
        *,
        tries: int = _TRIES,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """``tries``: of each call. ``chance`` gives numbers from 0 to 1, which spread the pauses of many."""
        self._tries = tries
        self._clock, self._sleep, self._chance = clock, sleep, chance
        self._end = clock() + seconds

    def tried(self, call: Callable[[], Result], what: str) -> Result:
        """``call``'s result; on a TransientError it is called again, a few times, after growing pauses.

        Raises PublishError, naming ``what`` failed, when tries or time are used up; and whatever else
        ``call`` raises.
        """
        for number in range(self._tries):
            left = self._end - self._clock()
            if left <= 0:
                raise PublishError(what, why="the time for publishing is used up (publish.deadline)")
            try:
                return call()
            except TransientError as error:
                pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**number) * (0.5 + self._chance() / 2)
                pause = max(pause, min(error.after, 3 * _LONGEST_PAUSE))
                left = self._end - self._clock()
                if number == self._tries - 1 or pause >= left:
                    raise PublishError(what, why=f"{error} (tried {number + 1} times)") from None
                self._sleep(pause)
        raise AssertionError("unreachable")
