"""A journal of schema 1, from before the taper, opened with the present code."""

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.store import StoreUnusable
from substation.contract import (
    Derate,
    Drain,
    FindSession,
    ListSessions,
    SessionState,
    StopSession,
    SubstationOutcome,
    Withdraw,
)
from substation.journal import Journal
from substation.plan import Plan
from substation.pruning import KEEP_MS
from substation.schema import MIGRATIONS, SCHEMA_1
from substation.tasks import Prune
from substation.writer import Request
from tests.support.desk import SUBSTATION, Desk
from tests.support.sessions import BOOK, UNIX_MS, place

GRID_MS = 100_000  # the last commit, at UNIX_MS
HOUR_J = 11_000 * 3600
OLD = {  # key: state, energy, power, stay, start, ended early at
    "open": ("charging", HOUR_J, 11_000, 0, 40_000, -1),
    "leaves": ("charging", HOUR_J, 7_000, 160_000, 90_000, -1),
    "ends soon": ("charging", 3_000_001, 3_000, 0, 0, -1),  # 1,000.001 s: rounded up to the millisecond
    "ended": ("charging", 22_000, 11_000, 0, 10_000, -1),
    "stopped": ("stopped", HOUR_J, 11_000, 0, 20_000, 50_000),
    "withdrawn": ("withdrawn", HOUR_J, 11_000, 0, 20_000, 20_500),
}
TOMBSTONES = {"refused": (4, "refused"), "late": (2, "withdrawn")}
ENDED_J = 22_000 + 11_000 * 30 + 5_500
GOING_J = 11_000 * 60 + 7_000 * 10 + 3_000 * 100


def of_old(key: str) -> Plan:
    _, energy_j, power_w, stay_ms, *_ = OLD[key]
    return Plan(energy_j, power_w, stay_ms, taper=False)


def end_ms(key: str) -> int:
    """As the program of then computed it."""
    _, energy_j, power_w, stay_ms, start_ms, _ = OLD[key]
    full_ms = -(-energy_j * 1000 // power_w)
    return start_ms + (min(full_ms, stay_ms) if stay_ms else full_ms)


def load_w(now_ms: int) -> int:
    going = [key for key, row in OLD.items() if row[0] == "charging" and row[4] <= now_ms < end_ms(key)]
    return sum(OLD[key][2] for key in going)


def write_schema_1(path: Path, load_wms: int = (ENDED_J + GOING_J) * 1000 + 999) -> None:
    database = sqlite3.connect(path)
    database.executescript(f"PRAGMA journal_mode=WAL; BEGIN; {SCHEMA_1}; PRAGMA user_version=1; COMMIT;")
    database.execute(
        "INSERT INTO station VALUES (1, ?, 'the-journal', ?, 1699999999, ?, ?, ?, 0, 55, 0)",
        (SUBSTATION, BOOK, GRID_MS, UNIX_MS, load_wms),
    )
    for key, (state, energy_j, power_w, stay_ms, start_ms, ended_ms) in OLD.items():
        unix_ms = UNIX_MS - GRID_MS
        database.execute(
            "INSERT INTO record (key, attempt, state, session_id, vehicle_id, energy_j, power_w, stay_ms, start_ms,"
            " end_ms, started_unix_ms, expected_end_unix_ms, ended_ms, ended_unix_ms)"
            " VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key,
                state,
                f"{SUBSTATION}.{key}",
                f"car-{key}",
                energy_j,
                power_w,
                stay_ms,
                start_ms,
                end_ms(key),
                unix_ms + start_ms,
                unix_ms + end_ms(key),
                ended_ms,
                unix_ms + ended_ms if ended_ms >= 0 else 0,
            ),
        )
    for key, (attempt, state) in TOMBSTONES.items():
        database.execute("INSERT INTO record (key, attempt, state) VALUES (?, ?, ?)", (key, attempt, state))
    database.commit()
    database.close()


CALLERS = {  # of a key and a vehicle, as they were written before sessions had a caller
    ("acme:order 7", "acme:car"): "acme",
    ("acme:a:b", "acme:car"): "acme",
    ("anonymous:order", "acme:car"): "anonymous",
    ("~0f", "acme:car"): "acme",
    ("~0f", "car"): "anonymous",
    ("~0f", ":car"): "anonymous",
    ("~0f", "VIN-1:car"): "anonymous",  # no caller has such a name
    ("plain", "car"): "anonymous",
}


@pytest.mark.parametrize(("written", "caller"), CALLERS.items())
def test_a_session_of_old_belongs_to_the_caller_of_its_key_or_of_its_vehicle(
    tmp_path: Path, written: tuple[str, str], caller: str
) -> None:
    write_schema_1(tmp_path / "journal.sqlite")
    database = sqlite3.connect(tmp_path / "journal.sqlite")
    database.execute("UPDATE record SET key = ?, vehicle_id = ? WHERE key = 'open'", written)
    database.commit()
    database.close()
    with contextlib.closing(Journal(tmp_path / "journal.sqlite", SUBSTATION, UNIX_MS)) as journal:
        known = journal.by_session(f"{SUBSTATION}.open", caller)
        assert known
        assert known.entry
        assert known.entry.caller == caller
        assert journal.by_session(f"{SUBSTATION}.open", "somebody else") is None


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    write_schema_1(tmp_path / "journal.sqlite")
    made = Desk(tmp_path / "journal.sqlite", 100_000)
    yield made
    made.stop()


def test_what_was_released_is_not_changed() -> None:
    """A journal out there was made by this very script: a change needs one more script."""
    assert hashlib.sha256(SCHEMA_1.encode()).hexdigest().startswith("07581b5aca834bf0")


def test_open_sessions_go_on_exactly_as_they_would_have(desk: Desk) -> None:
    curve = desk.writer.published.curve
    assert curve.load_at(GRID_MS) == 21_000
    ends = [end_ms(key) for key in ("open", "leaves", "ends soon")]
    for now_ms in (GRID_MS, *(end + off for end in ends for off in (-1, 0, 1)), 10**9):
        assert curve.load_at(now_ms) == curve.draw_at(now_ms) == load_w(now_ms)
    for key in ("open", "leaves", "ends soon"):
        (found,) = desk.ask(FindSession(f"{SUBSTATION}.{key}"))
        assert found.session
        assert found.session.plan == of_old(key)
        assert found.session.state is SessionState.CHARGING
        passed_ms = GRID_MS - OLD[key][4]
        assert found.session.delivered_j == OLD[key][2] * passed_ms // 1000


def test_they_go_on_so_after_another_restart_too(desk: Desk) -> None:
    desk.ask(place("new", power_w=1000, seconds=10_000))
    for _ in range(3):
        desk.pass_time(500)
        desk.stop()
        desk.start()
        expected = load_w(desk.now_ms) + 1000
        assert desk.writer.published.curve.load_at(desk.now_ms) == expected
    desk.pass_time(3600)
    (found,) = desk.ask(FindSession(f"{SUBSTATION}.open"))
    assert found.session
    assert (found.session.state, found.session.delivered_j) == (SessionState.COMPLETED, HOUR_J)


def test_energy_goes_on_from_what_the_old_counter_showed(desk: Desk) -> None:
    assert desk.journal.station().usage.ended_j == ENDED_J
    assert desk.journal.station().usage.derating_wms == 55
    assert desk.writer.published.curve.delivered_at(GRID_MS) == ENDED_J + GOING_J
    desk.pass_time(10_000)
    desk.ask(Withdraw("nobody", 0))
    left = HOUR_J + 7_000 * 160 + 3_000_001
    assert desk.writer.published.curve.delivered_at(desk.now_ms) == ENDED_J + left


def test_a_total_that_had_started_again_gives_no_negative_energy(tmp_path: Path) -> None:
    write_schema_1(tmp_path / "journal.sqlite", load_wms=5)
    with contextlib.closing(Journal(tmp_path / "journal.sqlite", SUBSTATION, UNIX_MS)) as journal:
        assert journal.station().usage.ended_j == 0


def test_keys_ids_and_tombstones_still_say_what_they_said(desk: Desk) -> None:
    for key in OLD:
        known = desk.journal.by_key(key)
        assert known
        assert known.entry
        assert known.entry.end_ms == end_ms(key)
        assert desk.journal.by_session(f"{SUBSTATION}.{key}") == known
    again = desk.ask(place("open"), place("ended"), place("withdrawn"), place("refused", 4), place("late", 2))
    assert [a.outcome for a in again] == ["placed", "placed", "refused", "refused", "refused"]
    assert [a.session and a.session.session_id for a in again[:2]] == [
        f"{SUBSTATION}.open",
        f"{SUBSTATION}.ended",
    ]
    assert desk.ask(place("refused", 3))[0].outcome is SubstationOutcome.STALE
    (found,) = desk.ask(ListSessions(0, 100, "car-stopped"))
    assert [(s.state, s.delivered_j) for s in found.sessions] == [(SessionState.STOPPED, 11_000 * 30)]


def test_whose_it_is_is_kept_and_nothing_is_ordered(desk: Desk) -> None:
    station = desk.journal.station()
    assert (station.substation_id, station.journal_id, station.book_id) == (SUBSTATION, "the-journal", BOOK)
    assert desk.journal.epoch == UNIX_MS // 1000
    assert (station.moment.scale, station.commits) == (0, 0)  # not known
    assert (station.draining, station.limit_w) == (False, 0)
    assert [a.outcome for a in desk.ask(Drain(on=True), Derate(50_000))] == ["done", "done"]


def test_a_session_of_old_can_be_stopped_and_a_new_one_tapers(desk: Desk) -> None:
    stopped, placed = desk.ask(StopSession(f"{SUBSTATION}.open"), place("refused", 5))
    assert stopped.session
    assert stopped.session.delivered_j == 11_000 * 60
    assert placed.session
    assert placed.session.plan.taper
    assert desk.ledger.load_w == 21_000


def test_records_of_old_are_kept_as_long_as_new_ones(desk: Desk) -> None:
    """From their planned end; a tombstone, whose time nobody knew, from the last commit."""
    desk.ask(Withdraw("newest", 0))
    settled = {key: UNIX_MS - GRID_MS + end_ms(key) for key in OLD} | dict.fromkeys(TOMBSTONES, UNIX_MS)
    for settled_ms in sorted(set(settled.values())):
        desk.pass_time((settled_ms + KEEP_MS) / 1000 - desk.unix_s)
        for passed_s, is_kept in ((0, True), (0.002, False)):
            desk.pass_time(passed_s)
            desk.writer.commit([Request(Prune())])
            for key in (key for key in settled if settled[key] == settled_ms):
                assert bool(desk.journal.by_key(key)) == is_kept, key
    assert desk.journal.by_key("newest")


def test_a_journal_of_a_newer_schema_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path, SUBSTATION, UNIX_MS).close()
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    database.close()
    before = path.read_bytes()
    with pytest.raises(
        StoreUnusable, match=f"has schema {len(MIGRATIONS) + 1}, this program knows up to {len(MIGRATIONS)}"
    ):
        Journal(path, SUBSTATION, UNIX_MS)
    assert path.read_bytes() == before


def test_a_migration_that_finds_no_room_leaves_the_old_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    write_schema_1(path)
    database = sqlite3.connect(path)
    script = f"BEGIN IMMEDIATE; {MIGRATIONS[1]}; PRAGMA user_version=2; COMMIT;"
    database.execute("PRAGMA max_page_count=1")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        database.executescript(script)
    database.close()
    with contextlib.closing(Journal(path, SUBSTATION, UNIX_MS)) as journal:
        assert journal.by_key("open")
        assert journal.station().usage.ended_j == ENDED_J
