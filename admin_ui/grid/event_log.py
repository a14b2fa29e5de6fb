"""The newest events of alarms, mutes and outages, numbered without a gap.

Pure: time comes as unix seconds.
"""

import collections
from collections.abc import Iterable, Mapping
from typing import Any

HISTORY = 1000
RATE_S = 600.0  # the time span in which raised alarms are counted

Event = Mapping[str, Any]


class EventLog:
    """The newest HISTORY events, oldest first; `number` is the number of the newest one."""

    def __init__(self, events: Iterable[Event] = (), number: int = 0) -> None:
        """`events` and `number` are those from before a restart."""
        self.events: collections.deque[Event] = collections.deque(events, maxlen=HISTORY)
        self.number = number

    @property
    def next_number(self) -> int:
        """The number of the next event, which can also serve as the id of its subject."""
        return self.number + 1

    def note(self, event: str, unix_s: float, about: dict[str, Any], **more: Any) -> None:
        """Record an event; `about` is its subject: `of` (an id), `rule` and `substation_id`."""
        self.number = self.next_number
        blank = {"said": "", "by": "", "muted": ""}
        self.events.append(
            {"number": self.number, "unix_s": round(unix_s, 1), "event": event} | about | blank | more
        )

    def newest(self, count: int) -> list[Event]:
        """Return the newest `count` events, newest first."""
        return list(reversed(self.events))[:count]

    def raised(self, unix_s: float) -> tuple[int, int]:
        """Return how many alarms were raised in the last ten minutes, and how many of them were muted at that time."""
        raised = [e for e in self.events if e["event"] == "raised" and unix_s - e["unix_s"] < RATE_S]
        return len(raised), sum(bool(event["muted"]) for event in raised)
