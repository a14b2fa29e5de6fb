"""Records when the balancers and the gateway were lost and when they were back, even for short outages.

Pure: time comes as unix seconds. Rules:

- an alarm has an on-delay; an outage is recorded at once, so that a process that was killed and is back within two
  seconds is recorded too;
- an outage lasts from the last message of the service to its next one;
- a service that never answered is not lost: alarms report that;
- one of several balancers has outages of its own, which leave no gap in charts; the balancer as such is lost when all are.
"""

import collections
import enum
from typing import Any

from admin_ui.grid.event_log import Event, EventLog

SHOWN = 4  # outages
SHOWN_S = 900.0  # the time span of the charts


class Service(enum.StrEnum):
    """A service that the console follows; an outage links to the runbook of the rule."""

    BALANCER = "balancer"
    GATEWAY = "gateway"


RULE = {Service.BALANCER: "BalancerStreamLost", Service.GATEWAY: "GatewayUnreachable"}
ONE_OF_SEVERAL = "BalancerLost"
Subject = tuple[Service, str]  # a service; of one among several, its address


class Outages:
    """The outages, recorded in a log. Outages that had not ended go on after a restart of the console."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._lost: dict[Subject, float] = {}  # outages that have not ended, and since when
        self._ended: collections.deque[dict[str, Any]] = collections.deque(maxlen=SHOWN)
        for event in log.events:
            if event["event"] == "lost":
                self._lost[_subject(event)] = event["unix_s"]
            elif event["event"] == "back":
                self._lost.pop(_subject(event), None)

    def lost(self, service: Service, heard_unix_s: float, which: str = "") -> None:
        """Record that a service is lost, with the time of its last message; repeating this changes nothing.

        `which` is the address of one among several.
        """
        if (service, which) not in self._lost:
            self._lost[service, which] = heard_unix_s
            at = f" at {which}" if which else ""
            self._note(
                "lost", (service, which), heard_unix_s, f"The console gets no answer from the {service}{at}"
            )

    def back(self, service: Service, unix_s: float, which: str = "") -> None:
        """Record that a service answers; does nothing for a service that was not lost."""
        since_s = self._lost.pop((service, which), None)
        if since_s is None:
            return
        said = f"It was lost for {lasted(unix_s - since_s)}"
        self._note("back", (service, which), unix_s, said, since_unix_s=round(since_s, 1))
        if which:
            return
        self._ended.append(
            {"service": service, "from_unix_s": round(since_s, 1), "to_unix_s": round(unix_s, 1)}
        )

    def shown(self, unix_s: float) -> list[dict[str, Any]]:
        """Return the newest outages in the time span of the charts, oldest first; `to_unix_s` is None while one lasts."""
        ended = [each for each in self._ended if unix_s - each["to_unix_s"] < SHOWN_S]
        last = [
            {"service": service, "from_unix_s": round(since_s, 1), "to_unix_s": None}
            for (service, which), since_s in self._lost.items()
            if not which
        ]
        return [*ended, *last]

    def _note(self, event: str, subject: Subject, unix_s: float, said: str, **more: Any) -> None:
        service, which = subject
        rule = ONE_OF_SEVERAL if which else RULE[service]
        about = {"of": self._log.next_number, "rule": rule, "substation_id": which, "service": service}
        self._log.note(event, unix_s, about, said=said, **more)


def _subject(event: Event) -> Subject:
    return Service(event["service"]), str(event.get("substation_id", ""))


def lasted(seconds: float) -> str:
    """Return a duration in words."""
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} s"
    if seconds < 600:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 36_000 else f"{seconds / 3600:.0f} h"
