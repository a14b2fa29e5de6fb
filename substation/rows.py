"""The rows of the journal's tables: what each one means, in both directions.

Pure. `substation.schema` names the columns.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from substation.clock import ClockReading
from substation.contract import SessionState
from substation.curve import Usage
from substation.plan import Plan
from substation.records import Entry, Record

ENTRY_COLUMNS = (
    "session_id",
    "vehicle_id",
    "energy_j",
    "power_w",
    "stay_ms",
    "taper",
    "start_ms",
    "started_unix_ms",
    "expected_end_unix_ms",
    "ended_ms",
    "ended_unix_ms",
    "caller",
    "paused_ms",
    "paused_unix_ms",
    "pauses_ms",
    "first_end_unix_ms",
)
CALLER = ENTRY_COLUMNS.index("caller") - 6  # among the columns after those of the plan
NO_ENTRY = (*(None,) * 5, 0, *(None,) * 6)  # the columns of a session in the row of a key that has none
NOT_PAUSED = (-1, 0, 0, 0)
WRAP = 2**63  # SQLite's integers: 106 days at 1 GW; a counter that starts again is a reset to Prometheus
NEVER_MS = 2**62  # the end of a paused session, which is not known


class Row(Protocol):
    """A row of a query, as SQLite returns it."""

    def __getitem__(self, column: str, /) -> Any:
        """Return the value of a column."""


@dataclasses.dataclass(frozen=True)
class StationRecord:
    """The journal's own row: its owner, and the moment and totals of its last commit."""

    substation_id: str
    journal_id: str
    book_id: str
    epoch: int
    moment: ClockReading
    usage: Usage
    draining: bool
    limit_w: int
    commits: int
    base_load_w: int = 0

    @property
    def grid_ms(self) -> int:
        """The grid time of the last commit."""
        return self.moment.grid_ms


def usage_to_row(usage: Usage) -> tuple[int, ...]:
    """Write the totals, in the order of their columns: see `station_from_row`."""
    return (
        usage.ended_j % WRAP,
        usage.admission_wms % WRAP,
        usage.derating_wms % WRAP,
        usage.allowed_w,
        usage.base_load_wms % WRAP,
        usage.allowed_base_w,
    )


def station_from_row(row: Row) -> StationRecord:
    """Read the row of the table `station`."""
    return StationRecord(
        row["substation_id"],
        row["journal_id"],
        row["book_id"],
        row["epoch"],
        ClockReading(row["grid_ms"], row["unix_ms"], row["time_scale"]),
        Usage(
            row["ended_j"],
            row["admission_wms"],
            row["derating_wms"],
            row["allowed_w"],
            row["base_load_wms"],
            row["allowed_base_w"],
        ),
        bool(row["draining"]),
        row["limit_w"],
        row["commits"],
        row["base_load_w"],
    )


def record_to_row(record: Record, unix_ms: int) -> tuple[object, ...]:
    """Write the key and the columns of a record; `unix_ms` is the wall time of the decision."""
    key = (record.key, record.attempt, record.state)
    entry = record.entry
    if not entry:
        return (*key, *NO_ENTRY, unix_ms, "", *NOT_PAUSED)
    plan = entry.plan
    return (
        *key,
        entry.session_id,
        entry.vehicle_id,
        plan.energy_j,
        plan.power_w,
        plan.stay_ms,
        int(plan.taper),
        entry.start_ms,
        NEVER_MS if record.state is SessionState.PAUSED else entry.end_ms,
        entry.started_unix_ms,
        entry.expected_end_unix_ms,
        entry.ended_ms,
        entry.ended_unix_ms,
        max(entry.expected_end_unix_ms, entry.ended_unix_ms),  # settled_unix_ms
        entry.caller,
        entry.paused_ms,
        entry.paused_unix_ms,
        entry.pauses_ms,
        entry.first_end_unix_ms,
    )


def record_from_row(row: Row) -> Record:
    """Read a row of the table `record`."""
    state = SessionState(row["state"])
    if row["session_id"] is None:
        return Record(row["key"], row["attempt"], state)
    return Record(row["key"], row["attempt"], state, entry_from_row([row[name] for name in ENTRY_COLUMNS]))


def entry_from_row(values: Iterable[Any]) -> Entry:
    """Read the ENTRY_COLUMNS of a row that has a session."""
    return next(entries_from_rows([values]))


def entries_from_rows(rows: list[Any]) -> Iterator[Entry]:
    """Read the ENTRY_COLUMNS of many rows, in their order, and take each out of the list.

    Plans and callers that are equal become one object: there are far fewer of them than sessions.
    """
    plans: dict[tuple[int, ...], Plan] = {}
    callers: dict[str, str] = {}
    rows.reverse()
    while rows:
        session_id, vehicle_id, energy_j, power_w, stay_ms, taper, *others = rows.pop()
        asked = (energy_j, power_w, stay_ms, taper)
        if not (plan := plans.get(asked)):
            plan = plans[asked] = Plan(energy_j, power_w, stay_ms, bool(taper))
        others[CALLER] = callers.setdefault(others[CALLER], others[CALLER])
        yield Entry(session_id, vehicle_id, plan, *others)
