"""A whole substation on real sockets, asked as a balancer, Prometheus and a person ask."""

import asyncio
import dataclasses
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from tornado.web import Application

from balancer.fleet.roster import Roster
from balancer.fleet.scan import NAMES
from balancer.substation_stream import Links
from runtime import http
from runtime.backup import BackupFailed
from runtime.operator_token import OperatorToken
from runtime.settings import load
from substation.app import substation
from substation.clock import GridClock
from substation.contract import (
    MOST_STREAMED,
    RELEASES_WITHIN_S,
    Derate,
    Drain,
    FindSession,
    ListSessions,
    Place,
    SessionState,
    StopSession,
    Withdraw,
)
from substation.handlers import SessionsHandler
from substation.journal import Journal
from substation.metrics import EnergyCollector, ReportCollector, WriterMetrics
from substation.plan import Plan
from substation.proto import substation_pb2 as pb
from substation.pruning import MOST_PRUNED
from substation.records import Record
from substation.settings import Settings
from substation.station import Station
from substation.wire import session_from_message
from substation.writer import Request
from tests.support.ports import free_port
from tests.support.raw_http import exchange
from tests.support.sessions import place
from tests.support.substation_app import ID, Grid, connected, running
from tests.support.substation_stream import Ask, raw_stream_to

LOAD = "smartgrid_substation_load_watts"


@pytest.mark.gen_test
async def test_a_placed_session_is_found_counted_and_stopped(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        placed = await grid.ask(place("a"))
        assert placed.outcome == "placed"
        assert placed.session.substation_id == ID
        assert placed.session.session_id.startswith(f"{ID}.")
        assert await grid.value(LOAD) == 11_000
        assert (await grid.ask(FindSession(placed.session.session_id))).session.state == "charging"
        stopped = await grid.ask(StopSession(placed.session.session_id))
        assert (stopped.outcome, stopped.session.state) == ("stopped", "stopped")
        assert await grid.value(LOAD) == 0
        assert await grid.value("smartgrid_substation_sessions_total", outcome="admitted") == 1
        assert await grid.value("smartgrid_substation_sessions_total", outcome="stopped") == 1


@pytest.mark.gen_test
async def test_many_at_once_fill_the_capacity_and_never_more(tmp_path: Path) -> None:
    async with running(tmp_path, capacity_kw=100) as grid:
        answers = await asyncio.gather(*(grid.ask(place(f"key-{n}")) for n in range(60)))
        outcomes = [answer.outcome for answer in answers]
        assert (outcomes.count("placed"), outcomes.count("refused")) == (9, 51)
        assert await grid.value(LOAD) == 99_000
        assert await grid.value("smartgrid_substation_headroom_watts") == 1_000
        assert max(message.report.load_w for message in grid.messages) == 99_000
        assert await grid.value("smartgrid_substation_overload_watt_seconds_total", cause="admission") == 0


@pytest.mark.gen_test
async def test_copies_of_a_request_that_come_at_once_get_one_session(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        answers = await asyncio.gather(*(grid.ask(place("same")) for _ in range(20)))
        assert len({answer.session.session_id for answer in answers}) == 1
        assert await grid.value(LOAD) == 11_000


@pytest.mark.gen_test
async def test_every_message_carries_a_newer_report(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        for number in range(5):
            await grid.ask(place(f"key-{number}"))
        reports = [message.report for message in grid.messages]
        assert [report.load_w for report in reports] == [11_000 * n for n in range(6)]
        order = [(report.epoch, report.seq) for report in reports]
        assert order == sorted(set(order))
        assert {report.substation_id for report in reports} == {ID}


@pytest.mark.gen_test
async def test_the_release_schedule_adds_up_to_the_load(tmp_path: Path) -> None:
    async with running(tmp_path, time_scale=120.0) as grid:
        await grid.ask(place("minutes", power_w=22_000, seconds=120 * 20))  # 20 s of wall time
        await grid.ask(place("hours", power_w=7_000, seconds=120 * 7200))
        samples = await grid.metrics("smartgrid_substation_releases_watts")
        within = {float(sample.labels["within"]): sample.value for sample in samples}
        assert tuple(within) == RELEASES_WITHIN_S
        assert within[5.0] == 0
        assert within[30.0] == within[3600.0] == 22_000
        assert within[4 * 3600.0] == within[math.inf] == 29_000
        report = grid.messages[-1].report
        assert report.releases_w[-1] == report.load_w == 29_000


@pytest.mark.gen_test
async def test_what_ends_by_itself_frees_its_power_and_stays_in_the_journal(tmp_path: Path) -> None:
    async with running(tmp_path, time_scale=1000.0) as grid:
        placed = await grid.ask(place("a", seconds=100))
        while await grid.value(LOAD):
            await asyncio.sleep(0.02)
        found = await grid.ask(FindSession(placed.session.session_id))
        assert (found.session.state, found.session.delivered_j) == ("completed", 1_100_000)
        assert found.session.ended_unix_ms == placed.session.expected_end_unix_ms
        assert await grid.value("smartgrid_substation_energy_joules_total") == 1_100_000
        assert await grid.value("smartgrid_substation_sessions_active") == 0


@pytest.mark.gen_test
async def test_every_substation_metric_names_its_substation(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        await grid.ask(place("a"))
        samples = await grid.metrics()
        names = {sample.name for sample in samples}
        own = [sample for sample in samples if sample.name.startswith("smartgrid_substation_")]
        assert {sample.labels.get("substation") for sample in own} == {ID}
        assert {
            f"smartgrid_substation_{name}"
            for name in (
                "load_watts",
                "draw_watts",
                "capacity_watts",
                "headroom_watts",
                "sessions_active",
                "sessions_total",
                "energy_joules_total",
                "overload_watt_seconds_total",
                "releases_watts",
                "report_epoch",
                "report_seq",
                "draining",
                "info",
                "commit_seconds_bucket",
            )
        } <= names
        assert {"smartgrid_time_scale", "smartgrid_build_info", "process_cpu_seconds_total"} <= names


async def series(grid: Grid) -> set[tuple[object, ...]]:
    return {(s.name, *sorted(s.labels.items())) for s in await grid.metrics()}


@pytest.mark.gen_test
async def test_every_series_exists_before_the_first_session(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        before = await series(grid)
        placed = await grid.ask(place("a"))
        await grid.ask(place("b", power_w=1_000_000))
        await grid.ask(StopSession(placed.session.session_id))
        await grid.ask(Withdraw("c", 0))
        assert await series(grid) == before


@pytest.mark.gen_test
async def test_a_scrape_of_a_few_names_gets_those_and_no_other(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        every = {sample.name for sample in await grid.metrics()}
        for asked in ([LOAD], ["smartgrid_substation_info", "smartgrid_substation_sessions_total"]):
            assert {sample.name for sample in await grid.metrics(*asked)} == set(asked)
        for name in sorted(name for name in every if name.startswith("smartgrid_")):
            assert {sample.name for sample in await grid.metrics(name)} == {name}
        assert await grid.metrics("smartgrid_nothing") == []


@pytest.mark.gen_test
async def test_a_command_for_another_substation_decides_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        assert (await grid.link.call(Ask("substation-9", place("a")), 10)).outcome == "not_me"
        assert (await grid.get("/sessions"))[1]["sessions"] == []


@pytest.mark.gen_test
async def test_another_order_book_is_told_so(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        await grid.ask(place("a"))
        other = dataclasses.replace(place("b"), book_id="book-b")
        assert (await grid.ask(other)).outcome == "wrong_book"
        assert await grid.value(LOAD) == 11_000


@pytest.mark.gen_test
async def test_a_request_whose_deadline_has_passed_decides_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        with pytest.raises(TimeoutError):
            await grid.ask(place("late"), within_s=0)
        # The link would never send what has no time left at all.
        answer = await _say(grid, pb.Call(number=1, remaining_ms=0, substation_id=ID, place=_wish("late")))
        assert answer.outcome == "unavailable"
        assert (await grid.ask(place("late", attempt=0))).outcome == "placed"
        assert (await grid.get("/sessions"))[1]["sessions"][0]["state"] == "charging"


@pytest.mark.parametrize(
    ("energy_j", "power_w", "stay_ms"), [(0, 1, 0), (1, -1, 0), (1, 1, -1), (2**62, 1, 0)]
)
@pytest.mark.gen_test
async def test_a_nonsense_plan_decides_nothing_and_ends_no_stream(
    tmp_path: Path, energy_j: int, power_w: int, stay_ms: int
) -> None:
    async with running(tmp_path) as grid:
        wish = pb.Place(book_id="book-a", key="n", energy_j=energy_j, power_w=power_w, stay_ms=stay_ms)
        call = pb.Call(number=1, remaining_ms=9000, substation_id=ID, place=wish)
        assert (await _say(grid, call)).outcome == "not_me"
        assert (await grid.ask(place("a"))).outcome == "placed"


@pytest.mark.gen_test
async def test_the_largest_numbers_that_the_wire_can_carry_are_refused_and_survived(tmp_path: Path) -> None:
    most = 2**63 - 1
    async with running(tmp_path, time_scale=0.001) as grid:
        huge = Place("book-a", "huge", 2**32 - 1, "car", Plan(10**12, most, most))
        assert (await grid.ask(huge)).outcome == "refused"
        slow = Place("book-a", "slow", 2**32 - 1, "car", Plan(10**12, 1, most))
        assert (await grid.ask(slow)).outcome == "placed"
        assert (await grid.get("/readyz"))[0] == 200


@pytest.mark.gen_test
async def test_sessions_are_paged_to_the_end(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        for number in range(5):
            await grid.ask(place(f"key-{number}", power_w=1000))
        await grid.ask(Withdraw("tombstone", 0))
        seen, path = [], "/sessions?limit=2"
        while path:
            _, found = await grid.get(path)
            seen += [session["vehicle_id"] for session in found["sessions"]]
            path = f"/sessions?limit=2&after={found['next_after']}" if found["next_after"] else ""
        assert seen == [f"car-key-{number}" for number in range(5)]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "after=-1",
        f"after={'0' * 20}{'9' * 30}",
        "after=1.5",
        "limit=%2B1",
    ],
)
@pytest.mark.gen_test
async def test_a_page_that_can_t_be_read_is_a_problem_and_not_the_end(tmp_path: Path, query: str) -> None:
    async with running(tmp_path) as grid:
        status, document = await grid.get(f"/sessions?{query}")
        assert (status, document["type"]) == (400, "urn:smartgrid:problem:malformed")
        assert "a whole number from" in document["detail"]
        assert (await grid.get("/livez"))[0] == 200


@pytest.mark.gen_test
async def test_what_was_placed_is_there_after_a_restart_under_a_higher_epoch(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        placed = await grid.ask(place("a"))
        epoch = await grid.value("smartgrid_substation_report_epoch")
    async with running(tmp_path, capacity_kw=5) as grid:
        assert (await grid.ask(place("a"))).session.session_id == placed.session.session_id
        assert await grid.value("smartgrid_substation_report_epoch") > epoch
        assert await grid.value(LOAD) == 11_000  # over the lowered capacity: nobody is cut off
        assert await grid.value("smartgrid_substation_headroom_watts") == -6_000
        assert (await grid.ask(place("b", power_w=1))).outcome == "refused"
        assert await grid.value("smartgrid_substation_overload_watt_seconds_total", cause="derating") > 0
        assert await grid.value("smartgrid_substation_overload_watt_seconds_total", cause="admission") == 0


@pytest.mark.gen_test
async def test_a_station_that_stops_answers_unavailable_and_503(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite", ID, 0)
    metrics = WriterMetrics(CollectorRegistry(), ID)
    station = Station(journal, 100_000, GridClock(0, 0.0, 1.0), metrics)
    await station.close()
    app = Application([("/sessions", SessionsHandler, {"station": station})])
    async with http.listen(app, "127.0.0.1", 0) as port:
        reply = await exchange(port, b"GET /sessions HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (reply.status, reply.json()["type"]) == (503, "urn:smartgrid:problem:unavailable")
    assert reply.json()["detail"] == "the substation is stopping"
    journal.close()


@pytest.mark.gen_test
async def test_an_operator_s_orders_are_reported_at_once_and_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        session_id = (await grid.ask(place("a", power_w=60_000))).session.session_id
        assert (await grid.ask(Derate(50_000))).outcome == "done"
        assert grid.messages[-1].report.capacity_w == 50_000
        assert (await grid.ask(Drain(on=True))).outcome == "done"
        assert grid.messages[-1].report.draining
        assert (await grid.ask(Derate(100_001))).outcome == "invalid"
    async with running(tmp_path) as grid:
        assert await grid.value("smartgrid_substation_draining") == 1
        assert await grid.value("smartgrid_substation_capacity_watts") == 50_000
        assert await grid.value("smartgrid_substation_headroom_watts") == -10_000
        assert (await grid.ask(FindSession(session_id))).session.state == "charging"
        assert (await grid.ask(place("b", power_w=1))).outcome == "refused"
        assert (await grid.get("/readyz"))[0] == 200  # drained is an order, not a fault
        assert [(await grid.ask(order)).outcome for order in (Drain(on=False), Derate(0))] == ["done"] * 2
        assert (await grid.ask(place("b", attempt=1, power_w=40_000))).outcome == "placed"
        assert await grid.value("smartgrid_substation_overload_watt_seconds_total", cause="derating") > 0
        assert await grid.value("smartgrid_substation_overload_watt_seconds_total", cause="admission") == 0


@pytest.mark.gen_test
async def test_a_vehicle_s_sessions_are_paged_alike_over_http_and_over_the_stream(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        for number in range(10):
            wish = dataclasses.replace(place(f"key-{number}", power_w=1000), vehicle_id=f"EV {number % 2}&ü")
            await grid.ask(wish)
        listed, path = [], "/sessions?limit=2&vehicle_id=EV%201%26%C3%BC"
        while path:
            _, found = await grid.get(path)
            listed += [session["session_id"] for session in found["sessions"]]
            after = found["next_after"]
            path = f"/sessions?limit=2&vehicle_id=EV%201%26%C3%BC&after={after}" if after else ""
        streamed, after = [], 0
        while True:
            answer = await grid.ask(ListSessions(after, 2, "EV 1&ü"))
            assert answer.outcome == "found"
            streamed += [session_from_message(session).session_id for session in answer.sessions]
            assert {session.vehicle_id for session in answer.sessions} <= {"EV 1&ü"}
            if not (after := answer.next_after):
                break
        assert listed == streamed
        assert len(listed) == 5
        assert (await grid.get("/sessions?vehicle_id=EV"))[1] == {"sessions": [], "next_after": None}


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(0, 1), (-1, 1), (-(2**31), 1), (2**31 - 1, MOST_STREAMED), (MOST_STREAMED + 1, MOST_STREAMED)],
)
@pytest.mark.gen_test
async def test_a_page_of_the_stream_is_bounded_whatever_is_asked_for(
    tmp_path: Path, limit: int, expected: int
) -> None:
    async with running(tmp_path) as grid:
        await asyncio.gather(*(grid.ask(place(f"key-{n}", power_w=1)) for n in range(MOST_STREAMED + 5)))
        answer = await grid.ask(ListSessions(0, limit))
        assert len(answer.sessions) == expected
        assert (await grid.ask(ListSessions(-(2**63), limit))).sessions == answer.sessions
        assert (await grid.ask(ListSessions(2**63 - 1, limit))).next_after == 0
        rest = await grid.ask(ListSessions(answer.next_after, limit))
        assert rest.sessions[0].session_id not in {s.session_id for s in answer.sessions}
        assert (await grid.get("/readyz"))[0] == 200


@pytest.mark.gen_test
async def test_a_session_s_taper_is_told_to_whoever_replays_it(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        placed = await grid.ask(place("a"))
        assert session_from_message(placed.session).plan == place("a").plan
        assert (await grid.get("/sessions"))[1]["sessions"][0]["taper"] is True


@pytest.mark.gen_test
async def test_a_car_s_draw_falls_below_what_is_reserved_while_it_tapers(tmp_path: Path) -> None:
    async with running(tmp_path, time_scale=300.0) as grid:
        await grid.ask(Place("book-a", "a", 0, "car", Plan(10_000 * 1000, 10_000)))  # 4.5 s of wall time
        pages, last_j = [], 0.0
        while last_j < 10_000_000:
            page = {s.name: s.value for s in await grid.metrics() if "cause" not in s.labels}
            load_w, draw_w = page[LOAD], page["smartgrid_substation_draw_watts"]
            assert 0 <= draw_w <= load_w
            assert page["smartgrid_substation_energy_joules_total"] >= last_j
            last_j = page["smartgrid_substation_energy_joules_total"]
            pages.append((load_w, draw_w))
            await asyncio.sleep(0.02)
        assert {load_w for load_w, _ in pages} >= {10_000, 7_500, 5_000, 2_500}
        assert any(0 < draw_w < load_w for load_w, draw_w in pages)
        assert pages[-1] == (0, 0)


@pytest.mark.gen_test
async def test_load_and_draw_of_one_page_are_of_one_moment_whatever_is_committed_meanwhile(
    tmp_path: Path,
) -> None:
    """The page is written in parts; the writer's thread may publish between them."""
    journal = Journal(tmp_path / "journal.sqlite", ID, 0)
    station = Station(journal, 100_000, GridClock(0, 0.0, 1.0), WriterMetrics(CollectorRegistry(), ID))
    before = station.report()
    station._commits.submit(Request(place("a")))
    station._commits._hand_over()  # type: ignore[attr-defined]  # as if it had been submitted in an earlier turn of the loop
    while station._writer.published.curve.load_w == 0:
        time.sleep(0.001)
    assert (before.load_w, station.draw_w(), station.delivered_j()) == (0, 0, 0)
    await asyncio.sleep(0)
    assert station.report().load_w == station.draw_w() == 11_000
    await station.close()
    journal.close()


@pytest.mark.gen_test
async def test_records_are_dropped_one_piece_after_the_other_while_there_are_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "journal.sqlite", ID, 0)
    with journal.transaction():
        for number in range(3 * MOST_PRUNED):
            journal.write(Record(f"old-{number}", 0, SessionState.REFUSED), 0)
        journal.write(Record("newest", 0, SessionState.REFUSED), int(time.time() * 1000))
    monkeypatch.setattr("substation.chores.PRUNE_S", 0.01)
    station = Station(journal, 100_000, GridClock(0, 0.0, 1.0), WriterMetrics(CollectorRegistry(), ID))
    await asyncio.sleep(0)  # the chore sleeps
    monkeypatch.setattr("substation.chores.PRUNE_S", 3600)
    while journal._store.one("SELECT 1 FROM record WHERE key = ?", (f"old-{3 * MOST_PRUNED - 1}",)):
        await asyncio.sleep(0.01)
    await station.close()
    assert [row["key"] for row in journal._store.rows("SELECT key FROM record")] == ["newest"]
    journal.close()


@pytest.mark.gen_test
async def test_what_balancers_poll_looks_at_no_session(tmp_path: Path) -> None:
    looked: list[str] = []

    class Watched(Station):
        def draw_w(self) -> float:
            looked.append("draw")
            return super().draw_w()

        def delivered_j(self) -> int:
            looked.append("energy")
            return super().delivered_j()

    journal = Journal(tmp_path / "journal.sqlite", ID, 0)
    station = Watched(journal, 100_000, GridClock(0, 0.0, 1.0), WriterMetrics(CollectorRegistry(), ID))
    registry = CollectorRegistry()
    registry.register(ReportCollector(station, ID, ":9101"))
    registry.register(EnergyCollector(station, ID))
    polled = generate_latest(registry.restricted_registry(NAMES))
    assert all(name.encode() in polled for name in NAMES)
    assert not looked
    for name, evaluated in (
        ("smartgrid_substation_draw_watts", "draw"),
        ("smartgrid_substation_energy_joules_total", "energy"),
    ):
        assert name.encode() in generate_latest(registry.restricted_registry([name]))
        assert evaluated in looked
    await station.close()
    journal.close()


def _journals(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.sqlite"))


@pytest.mark.gen_test
async def test_a_backup_is_a_journal_that_can_be_opened(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        placed = await grid.ask(place("before"))
        await grid.ask(Drain(on=True))
        status, document = await grid.post("/backup")
        assert status == 201
        assert list(document) == ["path"]
        await grid.ask(StopSession(placed.session.session_id))
        again = (await grid.post("/backup"))[1]["path"]
        assert [str(path) for path in _journals(tmp_path / ID / "backups")] == [document["path"], again]
    copy = Journal(Path(document["path"]), ID, 0)
    known = copy.by_session(placed.session.session_id)
    assert known
    assert known.state == "charging"
    assert copy.station().draining
    copy.close()


@pytest.mark.gen_test
async def test_the_newest_backups_are_kept_and_nobody_else_reads_them(tmp_path: Path) -> None:
    async with running(tmp_path, MOST_BACKUPS="2") as grid:
        made = [(await grid.post("/backup"))[1]["path"] for _ in range(4)]
        folder = tmp_path / ID / "backups"
        assert [str(path) for path in _journals(folder)] == made[-2:]
        journal = tmp_path / ID / "journal.sqlite"
        files = [*_journals(folder), journal, journal.with_name("journal.sqlite-wal")]
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
        assert {path.stat().st_mode & 0o777 for path in (folder, tmp_path / ID)} == {0o700}


@pytest.mark.gen_test
async def test_a_substation_with_a_token_takes_no_order_and_shows_no_session_without_it(
    tmp_path: Path,
) -> None:
    token = OperatorToken("t" * 32)
    (tmp_path / "token").write_text("t" * 32)
    settings = Settings(
        http_port=free_port(),
        stream_port=0,
        substation_id=ID,
        data=tmp_path / "data",
        operator_token=tmp_path / "token",
    )
    async with substation(settings), connected(settings.http_port) as grid:
        base = f"http://127.0.0.1:{settings.http_port}"
        for headers, statuses in (({}, [401, 401]), (token.headers(), [201, 200])):
            async with (
                grid.http.post(f"{base}/backup", headers=headers) as made,
                grid.http.get(f"{base}/sessions", headers=headers) as shown,
            ):
                assert [made.status, shown.status] == statuses
        assert (await grid.get("/readyz"))[0] == 200
        with pytest.raises(TimeoutError):  # the stream is refused, again and again
            await grid.ask(Drain(on=True), 0.5)
        links = Links(Roster(1.0), authorization=token.field)
        links.connect(ID, f"127.0.0.1:{grid.stream_port}")
        link = links.get(ID)
        assert link
        assert (await link.call(Drain(on=True), 30)).outcome == "done"
        await links.close()


@pytest.mark.gen_test
async def test_a_backup_is_asked_for_with_post_alone(tmp_path: Path) -> None:
    async with (
        running(tmp_path) as grid,
        grid.http.get(f"http://127.0.0.1:{grid.port}/backup") as reply,
    ):
        assert (reply.status, reply.headers["Allow"]) == (405, "POST")
        assert (await reply.json(content_type=None))["type"] == "urn:smartgrid:problem:method-not-allowed"
        assert not (tmp_path / ID / "backups").exists()


@pytest.mark.gen_test
async def test_one_backup_at_a_time(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        answers = await asyncio.gather(*(grid.post("/backup") for _ in range(8)))
        made = [document["path"] for status, document in answers if status == 201]
        assert sorted(made) == [str(path) for path in _journals(tmp_path / ID / "backups")]
        for status, document in answers:
            if status != 201:
                assert (status, document["detail"]) == (503, "another backup is being written")
        assert made
        assert (await grid.post("/backup"))[0] == 201


@pytest.mark.gen_test
async def test_a_backup_that_can_t_be_written_is_a_problem_and_leaves_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as grid:
        (tmp_path / ID / "backups").touch()  # a file where the folder should be
        status, document = await grid.post("/backup")
        assert (status, document["type"]) == (503, "urn:smartgrid:problem:unavailable")
        assert document["detail"].startswith("the copy can't be written")
        assert (await grid.ask(place("a"))).outcome == "placed"
        (tmp_path / ID / "backups").unlink()
        assert (await grid.post("/backup"))[0] == 201


@pytest.mark.gen_test
async def test_a_station_that_stops_makes_no_backup(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite", ID, 0)
    station = Station(journal, 100_000, GridClock(0, 0.0, 1.0), WriterMetrics(CollectorRegistry(), ID))
    await station.close()
    with pytest.raises(BackupFailed, match="the substation is stopping"):
        await station.backup(tmp_path / "backups", 1)
    journal.close()


def _wish(key: str) -> pb.Place:
    return pb.Place(book_id="book-a", key=key, vehicle_id="car", energy_j=1000, power_w=1000)


async def _say(grid: Grid, call: pb.Call) -> pb.Answer:
    """Send one call as it is, on a stream of its own."""
    async with raw_stream_to(grid.stream_port) as stream:
        stream.write(pb.Calls(calls=[call]))
        await stream.read()  # the greeting
        answers = await stream.read()
        assert answers
        return answers.answers[0]


@pytest.mark.gen_test
async def test_readings_of_a_meter_need_the_token_and_what_is_none_is_refused(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a" * 40)
    token.chmod(0o600)
    environ = {"BASE_LOAD": "meter", "BASE_LOAD_KW": "30", "OPERATOR_TOKEN_FILE": str(token)}
    async with _metered(tmp_path, **environ) as (http, url):
        headers = {"Authorization": "Bearer " + "a" * 40}
        async with http.get(url) as reply:
            shown = await reply.json()
        assert shown == {
            "source": "meter",
            "base_load_kw": 30.0,
            "stale": True,
            "basis": "last_known",
            "grid_time": "Monday 06:00",
        }
        async with http.put(url, json={"kw": 20}) as reply:
            assert reply.status == 401
        async with http.put(url, json={"kw": 20}, headers=headers) as reply:
            assert (reply.status, (await reply.json())["base_load_kw"]) == (200, 20.0)
        async with http.put(url, json={"kw": -1, "w": 5}, headers=headers) as reply:
            assert (reply.status, (await reply.json())["detail"]) == (
                400,
                "'w' is not a field of a reading; kw must be a number from 0 to 1000000",
            )
        async with http.get(url) as reply:
            assert (await reply.json())["stale"] is False


@pytest.mark.gen_test
async def test_a_substation_that_plays_a_profile_takes_no_readings(tmp_path: Path) -> None:
    async with _metered(tmp_path, BASE_LOAD="sample-3") as (http, url):
        async with http.put(url, json={"kw": 20}) as reply:
            assert reply.status == 400
            assert "the source here is sample-3" in (await reply.json())["detail"]
        async with http.get(url) as reply:
            assert (await reply.json())["base_load_kw"] > 0


@asynccontextmanager
async def _metered(data: Path, **environ: str) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """A substation, and the address of its base load; streams need the token, so there is none."""
    port = str(free_port())
    given = {"SUBSTATION_PORT": port, "SUBSTATION_STREAM_PORT": "0", "DATA_DIR": str(data), "TIME_SCALE": "1"}
    async with substation(load(Settings, given | environ)), aiohttp.ClientSession() as http:
        yield http, f"http://127.0.0.1:{port}/base-load"
