"""Tornado's view of the event loop, by the monotonic clock.

Tornado's own goes by the wall clock: when that is set back by an hour, a PeriodicCallback pauses for an hour.
"""

from tornado.platform.asyncio import AsyncIOMainLoop


class SteadyLoop(AsyncIOMainLoop):
    """To be made once, before Tornado is asked for the loop that is running; Tornado keeps it as long as that loop."""

    def time(self) -> float:
        """Return the time of the loop that runs, which no jump of the wall clock reaches."""
        return float(self.asyncio_loop.time())
