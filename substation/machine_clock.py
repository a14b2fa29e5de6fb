"""The clocks of a machine as the writer reads them, and its chance."""

import time
from collections.abc import Callable
from random import Random

from runtime.machine import THIS, Machine


class MachineClock:
    """A monotonic clock in seconds and the wall clock; `steady_unix_ms` joins the two."""

    def __init__(
        self,
        monotonic_s: Callable[[], float] = time.monotonic,
        unix_s: Callable[[], float] = time.time,
        random: Random = THIS.random,
    ) -> None:
        self.monotonic_s = monotonic_s
        self.random = random
        self._unix_s = unix_s
        self._started_s = (monotonic_s(), unix_s())

    @classmethod
    def of(cls, machine: Machine) -> "MachineClock":
        """Return the clocks of a machine."""
        return cls(machine.monotonic_s, machine.unix_s, machine.random)

    def unix_ms(self) -> int:
        """Return the wall time."""
        return int(self._unix_s() * 1000)

    def steady_unix_ms(self) -> int:
        """Return the wall time by the monotonic clock since the start, which no jump reaches."""
        monotonic_s, unix_s = self._started_s
        return int((unix_s + self.monotonic_s() - monotonic_s) * 1000)
