"""Plain data for tests of the substation: plans, commands and entries."""

from substation.contract import Place
from substation.plan import Plan
from substation.records import Entry

UNIX_MS = 1_700_000_000_000
BOOK = "book-a"


def plan(power_w: int = 11_000, seconds: int = 3600) -> Plan:
    """A plan of constant power that takes `seconds` of grid time: the car leaves before its taper."""
    return Plan(2 * power_w * seconds, power_w, seconds * 1000)


def place(key: str, attempt: int = 0, power_w: int = 11_000, seconds: int = 3600) -> Place:
    return Place(BOOK, key, attempt, f"car-{key}", plan(power_w, seconds), f"caller of {key}")


def entry(command: Place, now_ms: int = 0) -> Entry:
    """The session that a place would become at grid time `now_ms`."""
    ends = UNIX_MS + command.plan.duration_ms
    return Entry(f"substation-1.{command.key}", command.vehicle_id, command.plan, now_ms, UNIX_MS, ends)
