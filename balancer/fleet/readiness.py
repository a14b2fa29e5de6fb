"""Decides whether a request would be placed now, and names what is missing if not.

Pure: time comes as seconds of a monotonic clock. A full fleet is ready, because it can say when to come back.
"""

from collections.abc import Collection

from balancer.fleet.health import HealthState
from balancer.fleet.view import View

USED = frozenset({HealthState.HEALTHY, HealthState.SUSPECT, HealthState.PROBING})
MOST_NAMED = 5


def lacking(view: View, now_s: float) -> list[str]:
    """Return in words what keeps every substation from being used; empty when one can be used.

    This is asked all the time, so it looks at the whole fleet only when the first ones can't be used.
    """
    members, foreign = view.roster.members, view.roster.foreign

    def answers(name: str) -> bool:
        return view.linked(name) and view.state(members[name], now_s) in USED

    if any(not m.report.draining and not foreign(m) and answers(name) for name, m in members.items()):
        return []
    answering = [name for name in members if answers(name)]
    own = [name for name in answering if not foreign(members[name])]
    if own:
        return [f"a substation that takes cars: {_named(own)} take none now"]
    if answering:
        lost = "was the order book lost? See docs/how-to/recover-after-a-crash.md"
        return [f"a substation of order book {view.roster.book_id}: {of_another_book(answering)}; {lost}"]
    return ["a substation that answers"]


def of_another_book(names: Collection[str]) -> str:
    """Return a sentence about substations that belong to another order book; '' for none."""
    if not names:
        return ""
    return f"{_named(names)} belong{'s' if len(names) == 1 else ''} to another order book"


def _named(names: Collection[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(sorted(names)[:MOST_NAMED]) + more
