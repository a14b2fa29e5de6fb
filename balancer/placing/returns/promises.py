"""All promises to refused requests: by request and by substation, and the share of callers who come back.

Pure: time comes as seconds of a monotonic clock.
"""

from balancer.contract import Charge
from balancer.placing.returns.timetable import Promise, Timetable

LATE_S = 2.0  # how long a promise is kept for a caller who is late
RECENT = 50  # about how many promises count for the share of callers who come back


class Promises:
    """The promises that are kept, at most one for each request.

    `come_back` is the share of callers who came back recently; `changes` rises whenever more power may have come free
    of promises, or fewer.
    """

    def __init__(self) -> None:
        self.changes = 0
        self._changed: dict[str, int] = {}  # by substation, `changes` when its promises changed last
        self.come_back = 1.0
        self._by_request: dict[str, Promise] = {}
        self._timetables: dict[str, Timetable] = {}
        self._seated: set[str] = set()  # requests that are being placed; their power counts as outstanding

    def __len__(self) -> int:
        """Return how many promises there are."""
        return len(self._by_request)

    def of(self, charge: Charge) -> Promise | None:
        """Return the promise of a request, None if it has none."""
        return self._by_request.get(request_name(charge))

    def at(self, name: str) -> Timetable | None:
        """Return the promises at a substation, None if there is none."""
        return self._timetables.get(name)

    def keeps_power(self, promise: Promise, most_w: float) -> bool:
        """Whether power is kept for a promise: it is of at most `most_w`, and its request is not being placed."""
        return promise.demand_w <= most_w and promise.who not in self._seated

    def add(self, promise: Promise) -> None:
        """Keep a promise."""
        self._by_request[promise.who] = promise
        self._note_change(promise)
        self._timetables.setdefault(promise.target, Timetable()).add(promise)

    def seated(self, charge: Charge) -> None:
        """Stop keeping power for a request, because it is being placed."""
        if request_name(charge) in self._by_request:
            self._seated.add(request_name(charge))
            self._note_change(self._by_request[request_name(charge)])

    def drop(self, promise: Promise) -> None:
        """Drop a promise."""
        del self._by_request[promise.who]
        self._note_change(promise)
        self._seated.discard(promise.who)
        self._timetables[promise.target].drop(promise)

    def count(self, promise: Promise, *, came: bool) -> None:
        """Count whether the caller of a promise came back; one that waits did not have to."""
        if not promise.waits:
            self.come_back += (came - self.come_back) / RECENT
            self.changes += 1

    def changed(self, name: str) -> int:
        """Return a number that differs whenever the promises at a substation have changed."""
        return self._changed.get(name, 0)

    def _note_change(self, promise: Promise) -> None:
        self.changes += 1
        self._changed[promise.target] = self.changes

    def pass_time(self, now_s: float) -> None:
        """Drop the promises whose callers did not come back."""
        if not self._timetables:
            return
        for name, timetable in list(self._timetables.items()):
            while timetable.promises and timetable.promises[0].at_s + LATE_S < now_s:
                late = timetable.promises[0]
                self.count(late, came=False)
                self.drop(late)
            if not timetable.promises:
                del self._timetables[name]


def request_name(charge: Charge) -> str:
    """Return what identifies a request: its key, or the vehicle of its caller where there is no key."""
    return f"key {charge.key}" if charge.key else f"vehicle {charge.caller} {charge.vehicle_id}"
