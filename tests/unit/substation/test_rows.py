"""The rows of the journal: what is read is what was written, and what sessions share is in memory once."""

from substation.contract import SessionState
from substation.plan import Plan
from substation.records import Entry, Record
from substation.rows import ENTRY_COLUMNS, entries_from_rows, record_from_row, record_to_row
from substation.schema import COLUMNS

PAUSED = Entry(
    "s-1.a", "car-1", Plan(36_000_000, 11_000, 7_200_000, taper=False), 5, 6, 7, caller="fleet",
    paused_ms=8, paused_unix_ms=9, pauses_ms=10, first_end_unix_ms=11,
)  # fmt: skip
STOPPED = Entry(
    "s-1.b", "car-2", Plan(7_200_000, 3_700), 1, 2, 3, ended_ms=4, ended_unix_ms=5, caller="fleet"
)


def written(record: Record) -> dict[str, object]:
    return dict(zip(("key", *COLUMNS), record_to_row(record, 1), strict=True))


def test_a_record_is_read_as_it_was_written() -> None:
    for record in (
        Record("k", 1, SessionState.PAUSED, PAUSED),
        Record("k", 0, SessionState.STOPPED, STOPPED),
        Record("k", 2, SessionState.REFUSED),
    ):
        assert record_from_row(written(record)) == record


def test_sessions_are_read_in_the_order_of_their_rows_and_share_equal_plans_and_callers() -> None:
    rows = []
    for number in range(6):
        plan = Plan(int(f"72{number % 2}00000"), 11_000)
        entry = Entry(f"s-1.{number}", f"car-{number}", plan, 1, 2, 3, caller=b"any-one".decode())
        row = written(Record("k", 0, SessionState.CHARGING, entry))
        rows.append([row[name] for name in ENTRY_COLUMNS])
    sessions = list(entries_from_rows(rows))
    assert [entry.session_id for entry in sessions] == [f"s-1.{number}" for number in range(6)]
    assert len({id(entry.plan) for entry in sessions}) == 2
    assert len({id(entry.caller) for entry in sessions}) == 1
    assert {entry.caller for entry in sessions} == {"any-one"}
