"""Ledger and journal against a model of claim-then-place that knows neither, over every sequence tried."""

import copy
import dataclasses
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from substation.contract import Answer, Outcome, Page, Place, Stop, Withdraw
from substation.station import resume
from substation.writer import Request
from tests.support.desk import Desk
from tests.support.sessions import ordered, place

KEYS = [f"key-{number}" for number in range(8)]
NEW = "not answered yet"
CAPACITIES_W = st.sampled_from([22_000, 33_000, 66_000])
ASKED = st.tuples(
    st.sampled_from(["place", "place", "place", "withdraw", "stop"]),
    st.sampled_from(KEYS),
    st.integers(0, 3),  # attempt
    st.sampled_from([11_000, 22_000, 33_000]),
    st.integers(1, 120),  # seconds
    st.booleans() | st.just(value=True),  # whether somebody still waits
)


@dataclasses.dataclass
class Known:
    """What the model knows of a key; `end_ms` is when its watts are free, whatever freed them."""

    attempt: int
    state: Outcome
    session_id: str = ""
    power_w: int = 0
    end_ms: int = 0


class Model:
    """The rules, over a dict."""

    def __init__(self, capacity_w: int) -> None:
        self.capacity_w = capacity_w
        self.keys: dict[str, Known] = {}

    def load_w(self, now_ms: int) -> int:
        return sum(known.power_w for known in self.keys.values() if known.end_ms > now_ms)

    def sessions(self, now_ms: int) -> int:
        return sum(known.end_ms > now_ms for known in self.keys.values())

    def place(self, command: Place, now_ms: int) -> Outcome:
        known = self.keys.get(command.key)
        if known and known.session_id:
            return Outcome.REFUSED if known.state is Outcome.WITHDRAWN else Outcome.PLACED
        if known and command.attempt < known.attempt:
            return Outcome.STALE
        if known and (command.attempt == known.attempt or known.state is Outcome.WITHDRAWN):
            return Outcome.REFUSED
        room = self.load_w(now_ms) + command.plan.power_w <= self.capacity_w
        outcome = Outcome.PLACED if room else Outcome.REFUSED
        self.keys[command.key] = Known(command.attempt, outcome)
        if room:
            power_w, end_ms = command.plan.power_w, now_ms + command.plan.duration_ms
            self.keys[command.key] = Known(command.attempt, outcome, NEW, power_w, end_ms)
        return outcome

    def withdraw(self, command: Withdraw, now_ms: int) -> Outcome:
        known = self.keys.setdefault(command.key, Known(command.attempt, Outcome.WITHDRAWN))
        if not known.session_id:
            known.attempt = max(known.attempt, command.attempt)
            known.state = Outcome.WITHDRAWN
        elif known.end_ms > now_ms:
            known.end_ms, known.state = now_ms, Outcome.WITHDRAWN
        return Outcome.WITHDRAWN

    def stop(self, command: Stop, now_ms: int) -> Outcome:
        for known in self.keys.values():
            if known.session_id == command.session_id:
                known.end_ms = min(known.end_ms, now_ms)
                return Outcome.STOPPED
        return Outcome.NOT_FOUND

    def decide(self, command: object, now_ms: int) -> Outcome:
        match command:
            case Place():
                return self.place(command, now_ms)
            case Withdraw():
                return self.withdraw(command, now_ms)
            case Stop():
                return self.stop(command, now_ms)
        raise AssertionError(command)


class Substation(RuleBasedStateMachine):
    """A writer with a real journal beside the model; time passes only when a rule lets it."""

    @initialize(capacity_w=CAPACITIES_W)
    def begin(self, capacity_w: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.desk = Desk(self.folder / "journal.sqlite", capacity_w)
        self.model = Model(capacity_w)
        self.full = False

    def teardown(self) -> None:
        self.desk.stop()
        shutil.rmtree(self.folder)

    @rule(asked=st.lists(ASKED, min_size=1, max_size=6))
    def batch(self, asked: list[tuple[Any, ...]]) -> None:
        self._commit([self._request(*one) for one in asked])

    @rule(key=st.sampled_from(KEYS), power_w=st.sampled_from([11_000, 22_000]))
    def bulky_batch(self, key: str, power_w: int) -> None:
        """Admitted, the second needs new pages: on a full disk, the whole batch must fail."""
        bulky = dataclasses.replace(place(key, 9, power_w), vehicle_id="x" * 20_000)
        had_session = key in self.model.keys and self.model.keys[key].session_id
        failed = self._commit([Request(place("beside", 0, 11_000, 5)), Request(bulky)])
        grew = key in self.model.keys and self.model.keys[key].session_id and not had_session
        assert failed or not (self.full and grew)

    @rule(wall_s=st.floats(0, 60))
    def pass_time(self, wall_s: float) -> None:
        self.desk.pass_time(wall_s)

    @rule(down_s=st.floats(0, 60), set_back_s=st.sampled_from([0, 0, 500]), capacity_w=CAPACITIES_W)
    def restart(self, down_s: float, set_back_s: float, capacity_w: int) -> None:
        stored = self.desk.journal.station()
        self.desk.stop()
        self.desk.pass_time(down_s)
        self.desk.unix_s -= set_back_s
        self.desk.capacity_w = self.model.capacity_w = capacity_w
        self.desk.start()
        self.full = False
        assert self.desk.now_ms >= stored.grid_ms
        assert self.desk.journal.station().epoch > stored.epoch

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
        self.desk.ledger.check()

    @invariant()
    def no_overload_is_an_admission_s(self) -> None:
        assert self.desk.writer.published.curve.usage_at(self.desk.now_ms).admission_wms == 0

    @invariant()
    def the_journal_replayed_is_the_state_in_memory(self) -> None:
        now_ms = self.desk.now_ms
        replayed = resume(self.desk.journal, self.desk.capacity_w, now_ms).curve()
        self.desk.ledger.begin(now_ms)
        assert ordered(replayed) == ordered(self.desk.ledger.curve())

    @invariant()
    def a_key_has_at_most_one_session(self) -> None:
        (found,) = self.desk.ask(Page(0, 1000))
        expected = sorted(known.session_id for known in self.model.keys.values() if known.session_id)
        assert sorted(session.session_id for session in found.sessions) == expected

    def _request(self, kind: str, key: str, attempt: int, power_w: int, seconds: int, waits: bool) -> Request:  # noqa: FBT001 - drawn
        until_s = self.desk.monotonic_s + (1 if waits else -1)
        if kind == "place":
            return Request(place(key, attempt, power_w, seconds), until_s)
        if kind == "withdraw":
            return Request(Withdraw(key, attempt), until_s)
        known = self.model.keys.get(key)
        return Request(Stop((known and known.session_id) or "nobody"), until_s)

    def _commit(self, batch: list[Request]) -> bool:
        """Commit, hold the answers to the model, and return whether the disk refused the batch."""
        answers = self.desk.commit(batch)
        model = copy.deepcopy(self.model)
        expected = [self._decide(model, request) for request in batch]
        found = [answer.outcome for answer in answers]
        if self.full and found != expected:
            assert set(found) == {Outcome.UNAVAILABLE}
            assert self.desk.writer.published.full
            return True
        assert found == expected
        self.model = model
        for request, answer in zip(batch, answers, strict=True):
            if isinstance(request.command, Place) and answer.outcome is Outcome.PLACED:
                self._note_session(request.command.key, answer)
        return False

    def _decide(self, model: Model, request: Request) -> Outcome:
        if request.until_s < self.desk.monotonic_s:
            return Outcome.UNAVAILABLE
        return model.decide(request.command, self.desk.now_ms)

    def _note_session(self, key: str, answer: Answer) -> None:
        """The first answer gives the key its session; every other must give the same."""
        known = self.model.keys[key]
        assert answer.session
        if known.session_id == NEW:
            known.session_id = answer.session.session_id
        assert answer.session.session_id == known.session_id


TestSubstation = Substation.TestCase
TestSubstation.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,  # fsync takes as long as it takes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
