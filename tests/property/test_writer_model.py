"""Ledger and journal against a model of claim-then-place that knows neither, over every sequence tried."""

import copy
import dataclasses
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from runtime.store import StoreUnusable
from substation.contract import (
    Derate,
    Drain,
    ListSessions,
    Place,
    Settle,
    StopSession,
    SubstationAnswer,
    SubstationOutcome,
    Withdraw,
)
from substation.curve import Usage
from substation.journal import Journal
from substation.pausing import DEAD_BAND_MS
from substation.plan import Plan
from substation.station import resume
from substation.tasks import FollowBaseLoad, Probe, Prune
from substation.writer import Request
from tests.support.desk import SUBSTATION, Desk
from tests.support.examples import examples
from tests.support.sessions import place

KEYS = [f"key-{number}" for number in range(8)]
NEW = "not answered yet"
PAUSED_END_MS = 2**62
CAPACITIES_W = st.sampled_from([22_000, 33_000, 66_000])
BASE_LOADS_W = st.sampled_from([0, 1_000, 12_000, 23_000, 40_000, 70_000])
LIMITS_W = st.sampled_from([0, 11_000, 22_000, 44_000, 66_001, -1])
STEERED = st.builds(Drain, st.booleans()) | st.builds(Derate, LIMITS_W)
ASKED = st.tuples(
    st.sampled_from(
        ["place", "place", "place", "tapered", "tapered", "withdraw", "settle", "stop", "stop of another"]
    ),
    st.sampled_from(KEYS),
    st.integers(0, 3),  # attempt
    st.sampled_from([11_000, 22_000, 33_000]),
    st.integers(1, 120),  # seconds
    st.booleans() | st.just(value=True),  # whether somebody still waits
)


@dataclasses.dataclass
class KeyRecord:
    """What the model knows of a key; `end_ms` is when its watts are free, whatever freed them."""

    attempt: int
    state: SubstationOutcome
    session_id: str = ""
    plan: Plan = Plan(1, 1)  # noqa: RUF009 - frozen
    start_ms: int = 0  # later by each pause that is over
    end_ms: int = 0  # PAUSED_END_MS during a pause
    admitted_ms: int = 0
    paused_ms: int = -1

    @property
    def paused(self) -> bool:
        return self.end_ms == PAUSED_END_MS

    @property
    def age(self) -> tuple[int, str]:
        return self.admitted_ms, self.session_id

    @property
    def owed_w(self) -> int:
        return self.plan.reserved_w(self.paused_ms - self.start_ms) if self.paused else 0

    def charged_ms(self, now_ms: int) -> int:
        """How long it has charged."""
        until_ms = min(now_ms, self.end_ms)
        return (min(until_ms, self.paused_ms) if self.paused_ms >= 0 else until_ms) - self.start_ms


class Model:
    """The rules, over a dict."""

    def __init__(self, rated_w: int) -> None:
        self.rated_w = rated_w
        self.limit_w = 0
        self.draining = False
        self.base_w = 0
        self.room_since_ms: int | None = None
        self.least_room_w = 0
        self.keys: dict[str, KeyRecord] = {}

    @property
    def capacity_w(self) -> int:
        return min(self.rated_w, self.limit_w or self.rated_w)

    def load_w(self, now_ms: int) -> int:
        return sum(k.plan.reserved_w(now_ms - k.start_ms) for k in self.charging(now_ms))

    def charging(self, now_ms: int) -> list[KeyRecord]:
        return [k for k in self.keys.values() if now_ms < k.end_ms < PAUSED_END_MS]

    def paused(self) -> list[KeyRecord]:
        return sorted((k for k in self.keys.values() if k.paused), key=lambda k: k.age)

    def owed_w(self) -> int:
        return sum(k.owed_w for k in self.paused())

    def draw_w(self, now_ms: int) -> float:
        return sum(k.plan.draw_w(now_ms - k.start_ms) for k in self.charging(now_ms))

    def delivered_j(self, now_ms: int) -> int:
        sessions = [known for known in self.keys.values() if known.session_id]
        return sum(k.plan.delivered_j(k.charged_ms(now_ms)) for k in sessions)

    def sessions(self, now_ms: int) -> int:
        return sum(known.end_ms > now_ms for known in self.keys.values())

    def place(self, command: Place, now_ms: int) -> SubstationOutcome:
        known = self.keys.get(command.key)
        if known and known.session_id:
            return (
                SubstationOutcome.REFUSED
                if known.state is SubstationOutcome.WITHDRAWN
                else SubstationOutcome.PLACED
            )
        if known and command.attempt < known.attempt:
            return SubstationOutcome.STALE
        if known and (command.attempt == known.attempt or known.state is SubstationOutcome.WITHDRAWN):
            return SubstationOutcome.REFUSED
        taken_w = self.base_w + self.load_w(now_ms) + self.owed_w()
        room = not self.draining and taken_w + command.plan.power_w <= self.capacity_w
        outcome = SubstationOutcome.PLACED if room else SubstationOutcome.REFUSED
        self.keys[command.key] = KeyRecord(command.attempt, outcome)
        if room:
            end_ms = now_ms + command.plan.duration_ms
            self.keys[command.key] = KeyRecord(
                command.attempt, outcome, NEW, command.plan, now_ms, end_ms, now_ms
            )
        return outcome

    def withdraw(self, command: Withdraw, now_ms: int) -> SubstationOutcome:
        known = self.keys.setdefault(command.key, KeyRecord(command.attempt, SubstationOutcome.WITHDRAWN))
        if not known.session_id:
            known.attempt = max(known.attempt, command.attempt)
            known.state = SubstationOutcome.WITHDRAWN
        elif known.end_ms > now_ms:
            known.end_ms, known.state = now_ms, SubstationOutcome.WITHDRAWN
        return SubstationOutcome.WITHDRAWN

    def settle(self, command: Settle) -> SubstationOutcome:
        known = self.keys.setdefault(command.key, KeyRecord(command.attempt, SubstationOutcome.REFUSED))
        known.attempt = known.attempt if known.session_id else max(known.attempt, command.attempt)
        return SubstationOutcome.FOUND if known.session_id else SubstationOutcome.NOT_FOUND

    def stop(self, command: StopSession, now_ms: int) -> SubstationOutcome:
        for key, known in self.keys.items():
            if known.session_id == command.session_id and command.caller in {"", f"caller of {key}"}:
                known.end_ms = min(known.end_ms, now_ms)
                return SubstationOutcome.STOPPED
        return SubstationOutcome.NOT_FOUND

    def steer(self, command: Drain | Derate) -> SubstationOutcome:
        if isinstance(command, Drain):
            self.draining = command.on
        elif not 0 <= command.limit_w <= self.rated_w:
            return SubstationOutcome.INVALID
        else:
            self.limit_w = command.limit_w
        return SubstationOutcome.DONE

    def follow(self, limit_w: int, now_ms: int) -> SubstationOutcome:
        """Look at the base load; up to `limit_w` nobody is paused."""
        paused, room_w = self.paused(), self.capacity_w - self.base_w - self.load_w(now_ms)
        for known in sorted(self.charging(now_ms), key=lambda k: k.age, reverse=True):
            if self.base_w + self.load_w(now_ms) <= limit_w:
                break
            known.paused_ms, known.end_ms = now_ms, PAUSED_END_MS
        if not paused or room_w < paused[0].owed_w:
            self.room_since_ms = None
        elif self.room_since_ms is None or min(self.least_room_w, room_w) < paused[0].owed_w:
            self.room_since_ms, self.least_room_w = now_ms, room_w
        else:
            self.least_room_w = min(self.least_room_w, room_w)
            if now_ms - self.room_since_ms >= DEAD_BAND_MS:
                self.room_since_ms = None
                self.resume(paused, now_ms)
        return SubstationOutcome.DONE

    def resume(self, paused: list[KeyRecord], now_ms: int) -> None:
        room_w = self.least_room_w
        for known in paused:
            room_w -= known.owed_w
            if room_w < 0:
                return
            known.start_ms += now_ms - known.paused_ms
            known.paused_ms, known.end_ms = -1, known.start_ms + known.plan.duration_ms

    def decide(self, command: object, now_ms: int) -> SubstationOutcome:
        match command:
            case Place():
                return self.place(command, now_ms)
            case Withdraw():
                return self.withdraw(command, now_ms)
            case Settle():
                return self.settle(command)
            case StopSession():
                return self.stop(command, now_ms)
            case Drain() | Derate():
                return self.steer(command)
        raise AssertionError(command)


class Substation(RuleBasedStateMachine):
    """A writer with a real journal beside the model; time passes only when a rule lets it."""

    @initialize(capacity_w=CAPACITIES_W)
    def begin(self, capacity_w: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.desk = Desk(self.folder / "journal.sqlite", capacity_w)
        self._sync_nothing()
        self.model = Model(capacity_w)
        self.full = False
        self.newest = (0, 0, 0, 0)  # grid time, energy and overload: counters only rise
        self.with_base_load = False

    def teardown(self) -> None:
        self.desk.stop()
        shutil.rmtree(self.folder)

    @rule(asked=st.lists(ASKED, min_size=1, max_size=6))
    def batch(self, asked: list[tuple[Any, ...]]) -> None:
        self._commit([self._request(*one) for one in asked])

    @rule(order=STEERED, waits=st.booleans(), asked=st.lists(ASKED, max_size=2))
    def steered_batch(self, order: Drain | Derate, waits: bool, asked: list[tuple[Any, ...]]) -> None:
        """An operator's order, among requests that come at the same moment."""
        steered = Request(order, self.desk.monotonic_s + (1 if waits else -1))
        requests = [self._request(*one) for one in asked]
        self._commit([*requests[:1], steered, *requests[1:]])

    @rule()
    def prune(self) -> None:
        """All that is known here is younger than what is dropped."""
        self.desk.writer.commit([Request(Prune())])

    @rule(key=st.sampled_from(KEYS), power_w=st.sampled_from([11_000, 22_000]), order=STEERED)
    def bulky_batch(self, key: str, power_w: int, order: Drain | Derate) -> None:
        """Admitted, the second needs new pages: on a full disk, the whole batch must fail, orders too."""
        bulky = dataclasses.replace(place(key, 9, power_w), vehicle_id="x" * 20_000)
        had_session = key in self.model.keys and self.model.keys[key].session_id
        failed = self._commit([Request(place("beside", 0, 11_000, 5)), Request(bulky), Request(order)])
        grew = key in self.model.keys and self.model.keys[key].session_id and not had_session
        assert failed or not (self.full and grew)

    @rule(order=STEERED, asked=ASKED)
    def bulky_tombstone(self, order: Drain | Derate, asked: tuple[Any, ...]) -> None:
        """The order is given before the batch finds no room: it must be taken back."""
        bulky = Request(Withdraw(f"{len(self.model.keys)} {'x' * 20_000}", 0))
        failed = self._commit([Request(order), self._request(*asked), bulky])
        assert failed == self.full

    @rule(wall_s=st.floats(0, 60))
    def pass_time(self, wall_s: float) -> None:
        self.desk.pass_time(wall_s)

    @rule(base_w=BASE_LOADS_W, looks=st.integers(1, 4), wall_s=st.sampled_from([0.5, 10, 40]))
    def base_load_moves(self, base_w: int, looks: int, wall_s: float) -> None:
        """The base load is looked at several times, as the service does twice a second."""
        self._look(base_w, looks, wall_s)

    @rule(high_w=BASE_LOADS_W, low_w=BASE_LOADS_W, asked=st.lists(ASKED, min_size=1, max_size=4))
    def spike(self, high_w: int, low_w: int, asked: list[tuple[Any, ...]]) -> None:
        """Requests come when the base load has fallen, and those that it had paused have not resumed."""
        self._look(high_w, 1, 0.5)
        self._look(low_w, 1, 0.5)
        self._commit([self._request(*one) for one in asked])

    def _look(self, base_w: int, looks: int, wall_s: float) -> None:
        self.with_base_load = True
        self.desk.transformer.watts = self.model.base_w = base_w
        for _ in range(looks):
            self.desk.pass_time(wall_s)
            self._begin()
            limit_w = self.desk.ledger.usage.limit_w(self.model.capacity_w)
            failed = self._commit([Request(FollowBaseLoad())])
            load_w = self.desk.ledger.load_w
            assert failed or not load_w or base_w + load_w <= limit_w

    @rule(
        down_s=st.floats(0, 60),
        set_back_s=st.sampled_from([0, 0, 500]),
        capacity_w=CAPACITIES_W,
        scale=st.sampled_from([0.5, 1.0, 120.0]),
    )
    def restart(self, down_s: float, set_back_s: float, capacity_w: int, scale: float) -> None:
        self.desk.commit([Request(Probe())])  # the first of every start: it knows the time scale
        stored, epoch = self.desk.journal.station(), self.desk.journal.epoch
        self.desk.stop()
        self.desk.pass_time(down_s)
        self.desk.unix_s -= set_back_s
        self.desk.capacity_w = self.model.rated_w = capacity_w
        former, self.desk.scale = self.desk.scale, scale
        self.desk.start()
        self._sync_nothing()
        full, self.full = self.full, False
        self.model.room_since_ms = None  # the dead band begins anew
        self.newest = (0, 0, 0, 0)  # time of before the last commit may be counted anew
        if not full:
            passed_ms = max(0, int(self.desk.unix_s * 1000) - stored.moment.unix_ms)
            assert self.desk.now_ms == stored.grid_ms + int(passed_ms * former)
        assert self.desk.now_ms >= stored.grid_ms
        assert self.desk.journal.epoch > epoch

    @rule(part=st.floats(0, 1, exclude_max=True), length=st.sampled_from([1, 64, 5000]))
    def damage(self, part: float, length: int) -> None:
        """Bytes of the -wal go bad while the process is killed: no start is silent about what it lost."""
        made = self.desk.journal.station().commits
        copy_ = self.folder / "killed"
        copy_.mkdir()
        for path in self.folder.glob("journal.sqlite*"):
            shutil.copy(path, copy_)
        wal = copy_ / "journal.sqlite-wal"
        whole = wal.read_bytes()
        at = int(part * len(whole))
        wal.write_bytes(
            whole[:at] + bytes(byte ^ 0xA5 for byte in whole[at : at + length]) + whole[at + length :]
        )
        try:
            journal = Journal(copy_ / "journal.sqlite", SUBSTATION, 0)
        except StoreUnusable:
            assert whole
        else:
            assert journal.station().commits == made
            journal.close()
        shutil.rmtree(copy_)

    @precondition(lambda self: not self.full)
    @rule()
    def disk_fills(self) -> None:
        self.desk.fill_the_disk()
        self.full = True

    @precondition(lambda self: self.full)
    @rule()
    def room_returns(self) -> None:
        self.desk.make_room()
        self.full = False

    @invariant()
    def load_is_the_sum_of_the_open_sessions(self) -> None:
        now_ms, curve = self.desk.now_ms, self.desk.writer.published.curve
        assert curve.load_at(now_ms) == self.model.load_w(now_ms)
        assert curve.sessions_at(now_ms) == self.model.sessions(now_ms)
        assert curve.releases_at(now_ms, 1.0)[-1] == curve.load_at(now_ms)
        assert curve.owed_w == self.model.owed_w()
        assert [entry.session_id for entry in curve.paused] == [k.session_id for k in self.model.paused()]
        self.desk.ledger.check()

    @invariant()
    def the_operator_s_orders_are_in_force(self) -> None:
        published = self.desk.writer.published
        assert published.draining == self.model.draining
        assert published.curve.capacity_w == self.model.capacity_w

    @invariant()
    def cars_draw_what_their_plans_say_and_no_more_than_is_reserved(self) -> None:
        now_ms, curve = self.desk.now_ms, self.desk.writer.published.curve
        assert curve.draw_at(now_ms) == pytest.approx(self.model.draw_w(now_ms))
        for later_ms in range(now_ms, now_ms + 100_000, 9973):
            assert 0 <= curve.draw_at(later_ms) <= curve.load_at(later_ms)

    @invariant()
    def energy_is_what_all_sessions_were_given_and_never_falls(self) -> None:
        now_ms, curve = self.desk.now_ms, self.desk.writer.published.curve
        delivered_j, usage = curve.delivered_at(now_ms), curve.usage_at(now_ms)
        assert delivered_j == self.model.delivered_j(now_ms)
        found = (now_ms, delivered_j, usage.derating_wms, usage.base_load_wms)
        assert all(now >= before for now, before in zip(found, self.newest, strict=True))
        self.newest = found
        assert self.with_base_load or not usage.base_load_wms

    @invariant()
    def no_overload_is_an_admission_s(self) -> None:
        assert self.desk.writer.published.curve.usage_at(self.desk.now_ms).admission_wms == 0

    @invariant()
    def the_journal_replayed_is_the_state_in_memory(self) -> None:
        now_ms = self.desk.now_ms
        replayed = resume(self.desk.journal, self.desk.capacity_w, now_ms, self.desk.transformer).curve()
        self._begin()
        known = self.desk.ledger.curve()
        if self.with_base_load:  # between two commits it may have moved: the journal does not know
            replayed, known = (dataclasses.replace(each, usage=Usage()) for each in (replayed, known))
        assert replayed == known

    @invariant()
    def a_key_has_at_most_one_session(self) -> None:
        (found,) = self.desk.ask(ListSessions(0, 1000))
        expected = sorted(known.session_id for known in self.model.keys.values() if known.session_id)
        assert sorted(session.session_id for session in found.sessions) == expected

    @invariant()
    def a_caller_is_shown_its_own_sessions_and_no_other(self) -> None:
        keys = KEYS[:2]
        answers = self.desk.ask(*(ListSessions(0, 1000, caller=f"caller of {key}") for key in keys))
        for key, found in zip(keys, answers, strict=True):
            known = self.model.keys.get(key)
            assert [s.session_id for s in found.sessions] == (
                [known.session_id] if known and known.session_id else []
            )

    def _begin(self) -> None:
        """Bring the ledger to the present, as each batch does."""
        self.desk.ledger.begin(self.desk.now_ms, self.desk.transformer.watts)

    def _sync_nothing(self) -> None:
        """Let no commit wait for the disk: processes are killed here, but nothing pulls the plug."""
        self.desk.journal._store.run("PRAGMA synchronous = OFF")

    def _request(self, kind: str, key: str, attempt: int, power_w: int, seconds: int, waits: bool) -> Request:
        until_s = self.desk.monotonic_s + (1 if waits else -1)
        if kind == "place":
            return Request(place(key, attempt, power_w, seconds), until_s)
        if kind == "tapered":
            tapered = Plan(power_w * seconds, power_w, 0 if seconds % 3 else seconds * 1100)
            return Request(dataclasses.replace(place(key, attempt), plan=tapered), until_s)
        if kind == "withdraw":
            return Request(Withdraw(key, attempt), until_s)
        if kind == "settle":
            return Request(Settle(key, attempt), until_s)
        known = self.model.keys.get(key)
        caller = "somebody else" if kind == "stop of another" else f"caller of {key}" if seconds % 2 else ""
        return Request(StopSession((known and known.session_id) or "nobody", caller), until_s)

    def _commit(self, batch: list[Request]) -> bool:
        """Commit, hold the answers to the model, and return whether the disk refused the batch."""
        answers = self.desk.commit(batch)
        model = copy.deepcopy(self.model)
        expected = [self._decide(model, request) for request in batch]
        found = [answer.outcome for answer in answers]
        if self.full and found != expected:
            assert set(found) == {SubstationOutcome.UNAVAILABLE}
            assert self.desk.writer.published.full
            self.model.room_since_ms = model.room_since_ms  # the dead band is not undone
            self.model.least_room_w = model.least_room_w
            return True
        assert found == expected
        self.model = model
        for request, answer in zip(batch, answers, strict=True):
            if isinstance(request.command, Place) and answer.outcome is SubstationOutcome.PLACED:
                self._note_session(request.command.key, answer)
        return False

    def _decide(self, model: Model, request: Request) -> SubstationOutcome:
        if request.until_s < self.desk.monotonic_s:
            return SubstationOutcome.UNAVAILABLE
        if isinstance(request.command, FollowBaseLoad):
            limit_w = self.desk.ledger.usage.limit_w(model.capacity_w)
            return model.follow(limit_w, self.desk.now_ms)
        return model.decide(request.command, self.desk.now_ms)

    def _note_session(self, key: str, answer: SubstationAnswer) -> None:
        """The first answer gives the key its session; every other must give the same."""
        known = self.model.keys[key]
        assert answer.session
        if known.session_id == NEW:
            known.session_id = answer.session.session_id
        assert answer.session.session_id == known.session_id


TestSubstation = Substation.TestCase
TestSubstation.settings = settings(
    max_examples=examples(100),
    stateful_step_count=40,
    deadline=None,  # fsync takes as long as it takes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
