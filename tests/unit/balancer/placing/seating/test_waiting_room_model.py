"""The waiting room under any sequence of events: nobody is lost, and nobody is passed for ever."""

import dataclasses

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from balancer.placing.seating.waiting_room import MOST_PASSES, Outlook, Waiter, WaitingRoom
from tests.support.examples import examples

CAPACITY_W = 100

NAMES = ("a", "b", "c", "d")


@dataclasses.dataclass
class Came:
    """One who waits in the model, with those that came later and were admitted where it could have been."""

    waiter: Waiter
    passed_by: int = 0


class Room(RuleBasedStateMachine):
    """Four substations whose sessions end one after the other; a model that knows who should be where."""

    def __init__(self) -> None:
        super().__init__()
        self.room = WaitingRoom(40)
        self.sessions: dict[str, list[int]] = {name: [] for name in NAMES}
        self.waiting: list[Came] = []
        self.view = Outlook(dict.fromkeys(NAMES, CAPACITY_W), self.fits_in_s)

    def fits_in_s(self, name: str, demand_w: int) -> float | None:
        """As many seconds as sessions must end."""
        left = list(self.sessions[name])
        while CAPACITY_W - sum(left) < demand_w:
            del left[0]
        return float(len(self.sessions[name]) - len(left))

    def free_w(self) -> dict[str, int]:
        return {name: CAPACITY_W - sum(sessions) for name, sessions in self.sessions.items()}

    def fitting(self, demand_w: int, eligible: tuple[str, ...], kept: set[str]) -> str | None:
        return next((n for n in eligible or NAMES if n not in kept and self.free_w()[n] >= demand_w), None)

    def admit(self, target: str, demand_w: int, earlier: list[Came]) -> None:
        """Every request that came earlier, still waits and could use it was passed."""
        self.sessions[target].append(demand_w)
        for came in earlier:
            came.passed_by += came.waiter.suits(target, self.view.capacities)

    def serve(self) -> None:
        free_w: dict[str, int] = self.free_w()

        def choose(waiter: Waiter, kept: set[str]) -> str | None:
            target = self.fitting(waiter.demand_w, waiter.eligible, kept)
            if target:
                at = next(index for index, came in enumerate(self.waiting) if came.waiter is waiter)
                self.admit(target, waiter.demand_w, self.waiting[:at])
                del self.waiting[at]
                free_w[target] -= waiter.demand_w
                targets.append((waiter, target))
            return target

        targets: list[tuple[Waiter, str]] = []
        served = self.room.serve(self.view, free_w, choose)
        assert served == [waiter for waiter, _ in targets]
        for waiter, target in targets:
            self.room.passed(target, self.view.capacities, before=waiter.number)

    @rule(demand_w=st.integers(1, CAPACITY_W), eligible=st.sampled_from([(), (), ("a",), ("b", "c")]))
    def arrive(self, demand_w: int, eligible: tuple[str, ...] = ()) -> None:
        """As the balancer does: those who wait first, then the newcomer, then it waits."""
        self.serve()
        target = self.fitting(demand_w, eligible, self.room.kept(self.view))
        if target:
            equal = [came for came in self.waiting if came.waiter.demand_w <= demand_w]
            assert not any(came.waiter.suits(target, self.view.capacities) for came in equal)
            self.admit(target, demand_w, self.waiting)
            self.room.passed(target, self.view.capacities)
        elif waiter := self.room.enter(demand_w, eligible):
            self.waiting.append(Came(waiter))
        else:
            assert len(self.waiting) == 40

    @rule(name=st.sampled_from(NAMES), data=st.data())
    def end(self, name: str, data: st.DataObject) -> None:
        if sessions := self.sessions[name]:
            sessions.pop(data.draw(st.integers(0, len(sessions) - 1)))
            self.serve()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        came = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        self.room.leave(came.waiter)

    @precondition(lambda self: self.waiting)
    @rule(small_w=st.integers(1, 3))
    def small_ones_keep_coming_and_the_first_is_served_though(self, small_w: int) -> None:
        """Nobody starves: as many small ones as one likes come, as long as sessions end."""
        first = self.waiting[0].waiter
        for _ in range(MOST_PASSES + len(NAMES) * CAPACITY_W):
            self.arrive(small_w)
            if first not in self.room:
                return
            for sessions in self.sessions.values():
                del sessions[:1]
        raise AssertionError(first)

    @invariant()
    def who_waits_is_who_should(self) -> None:
        assert list(self.room) == [came.waiter for came in self.waiting]
        assert len(self.room) <= 40

    @invariant()
    def admissions_are_counted_and_nothing_else_is(self) -> None:
        assert all(came.passed_by == came.waiter.passes for came in self.waiting)

    @invariant()
    def the_first_one_is_not_passed_at_its_home(self) -> None:
        for came in self.waiting[:1]:
            assert came.passed_by <= MOST_PASSES or self.room.kept(self.view) >= {came.waiter.home}

    @invariant()
    def waiters_keep_at_most_one_each_and_half_in_all(self) -> None:
        kept = self.room.kept(self.view)
        assert len(kept) <= len(NAMES) / 2
        assert kept <= {came.waiter.home for came in self.waiting}

    @invariant()
    def the_capacity_holds(self) -> None:
        assert min(self.free_w().values()) >= 0

    def teardown(self) -> None:
        """Everybody is served when sessions end and nobody comes."""
        for _ in range(200):
            for sessions in self.sessions.values():
                del sessions[:1]
            self.serve()
        assert not self.waiting


TestRoom = Room.TestCase
TestRoom.settings = settings(max_examples=examples(60), stateful_step_count=40, deadline=None)
