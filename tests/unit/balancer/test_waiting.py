"""The waiting room: first come first, small ones may pass, and nobody is passed for ever."""

import dataclasses

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from balancer.waiting import MOST_PASSES, Waiter, WaitingRoom

CAPACITY_W = 100
ONE = {"a": CAPACITY_W}
TWO = {"a": CAPACITY_W, "b": CAPACITY_W}


class Free:
    """What is free at each substation; `choose` takes it."""

    def __init__(self, **free_w: int) -> None:
        self.free_w = free_w
        self.asked: list[int] = []

    def choose(self, waiter: Waiter, kept: set[str]) -> str | None:
        self.asked.append(waiter.number)
        for name, free_w in self.free_w.items():
            if name not in kept and waiter.demand_w <= free_w and waiter.suits(name, TWO):
                self.free_w[name] -= waiter.demand_w
                return name
        return None


def entered(room: WaitingRoom, *demands_w: int, eligible: tuple[str, ...] = ()) -> list[Waiter]:
    return [waiter for demand_w in demands_w if (waiter := room.enter(demand_w, eligible))]


def test_those_who_fit_are_served_in_the_order_of_coming() -> None:
    room = WaitingRoom(9)
    first, second, third = entered(room, 10, 10, 10)
    assert room.serve(ONE, Free(a=25).choose) == [first, second]
    assert list(room) == [third]


def test_a_smaller_one_passes_one_that_does_not_fit() -> None:
    room = WaitingRoom(9)
    big, small = entered(room, 50, 10)
    assert room.serve(ONE, Free(a=20).choose) == [small]
    assert list(room) == [big]
    assert big.passes == 1


def test_one_that_asks_for_as_much_as_the_one_before_it_is_not_even_tried() -> None:
    room = WaitingRoom(9)
    entered(room, 50, 50, 60, 40)
    free = Free(a=45)
    assert [waiter.demand_w for waiter in room.serve(ONE, free.choose)] == [40]
    assert free.asked == [1, 4]


def test_who_was_passed_often_enough_is_passed_by_nobody_any_more() -> None:
    room = WaitingRoom(99)
    (big,) = entered(room, 50)
    small = entered(room, *[1] * (MOST_PASSES + 3))
    assert room.serve(ONE, Free(a=40).choose) == small[:MOST_PASSES]
    assert big.passes == MOST_PASSES
    assert room.serve(ONE, Free(a=40).choose) == []
    assert room.serve(ONE, Free(a=51).choose) == [big, small[MOST_PASSES]]


def test_newcomers_that_never_waited_count_and_then_find_it_kept() -> None:
    room = WaitingRoom(9)
    (big,) = entered(room, 50)
    for _ in range(MOST_PASSES):
        assert room.kept(ONE) == set()
        room.passed("a", ONE)
    assert big.passes == MOST_PASSES
    assert room.kept(ONE) == {"a"}
    room.leave(big)
    assert room.kept(ONE) == set()


def test_those_who_come_before_pass_nobody() -> None:
    room = WaitingRoom(9)
    first, second = entered(room, 10, 50)
    assert room.serve(ONE, Free(a=10).choose) == [first]
    assert second.passes == 0


def test_somebody_who_gets_what_one_could_not_use_has_passed_nobody() -> None:
    room = WaitingRoom(9)
    (picky,) = entered(room, 10, eligible=("a",))
    (big,) = entered(room, 150)
    room.passed("b", TWO | {"b": 120})
    assert (picky.passes, big.passes) == (0, 0)
    room.passed("b", TWO | {"b": 150})
    assert (picky.passes, big.passes) == (0, 1)


def test_what_is_kept_for_one_is_only_what_it_could_use() -> None:
    room = WaitingRoom(99)
    (picky,) = entered(room, 50, eligible=("a",))
    picky.passes = MOST_PASSES
    (any_,) = entered(room, 10)
    assert room.kept(TWO) == {"a"}
    assert room.serve(TWO, Free(a=20, b=0).choose) == []
    assert room.serve(TWO, Free(a=20, b=20).choose) == [any_]


@pytest.mark.parametrize("others", [{}, {"b": CAPACITY_W}, {"a": 49}], ids=["none", "other", "derated"])
def test_what_can_t_serve_one_is_not_kept_for_it(others: dict[str, int]) -> None:
    room = WaitingRoom(9)
    (picky,) = entered(room, 50, eligible=("a",))
    picky.passes = MOST_PASSES
    assert room.kept(others) == set()
    assert room.kept(others | {"a": 50}) == {"a"}


def test_who_waits_for_one_substation_does_not_hold_up_who_waits_for_another() -> None:
    room = WaitingRoom(99)
    (blocked,) = entered(room, 50, eligible=("a",))
    others = entered(room, *[50] * 30, eligible=("b",))
    assert room.serve(TWO, Free(a=0, b=1500).choose) == others
    assert blocked.passes == 0


def test_who_leaves_is_not_served_and_holds_up_nobody() -> None:
    room = WaitingRoom(9)
    gone, left = entered(room, 50, 40)
    room.leave(gone)
    room.leave(gone)
    assert room.serve(ONE, Free(a=100).choose) == [left]
    assert len(room) == 0


def test_a_full_room_takes_nobody_until_somebody_leaves() -> None:
    room = WaitingRoom(2)
    first, _ = entered(room, 1, 1)
    assert room.enter(1, ()) is None
    room.leave(first)
    assert room.enter(1, ()) is not None
    assert len(room) == 2


def test_a_room_of_nobody_takes_nobody() -> None:
    assert WaitingRoom(0).enter(1, ()) is None


def test_one_that_comes_back_has_its_former_place_even_in_a_full_room() -> None:
    room = WaitingRoom(2)
    first, second = entered(room, 10, 10)
    assert room.serve(ONE, Free(a=10).choose) == [first]
    (third,) = entered(room, 10)
    room.back(first)
    assert list(room) == [first, second, third]
    assert room.serve(ONE, Free(a=20).choose) == [first, second]


@dataclasses.dataclass
class Came:
    """One who waits in the model, with those that came later and got in before it."""

    waiter: Waiter
    passed_by: int = 0


class Room(RuleBasedStateMachine):
    """One substation whose sessions end one after the other; a model that knows who should be where."""

    def __init__(self) -> None:
        super().__init__()
        self.room = WaitingRoom(40)
        self.sessions: list[int] = []
        self.waiting: list[Came] = []

    @property
    def free_w(self) -> int:
        return CAPACITY_W - sum(self.sessions)

    def serve(self) -> None:
        def choose(waiter: Waiter, kept: set[str]) -> str | None:
            if kept or waiter.demand_w > self.free_w:
                return None
            self.sessions.append(waiter.demand_w)
            return "a"

        for waiter in self.room.serve(ONE, choose):
            at = next(index for index, came in enumerate(self.waiting) if came.waiter is waiter)
            for earlier in self.waiting[:at]:
                earlier.passed_by += 1
            del self.waiting[at]

    @rule(demand_w=st.integers(1, CAPACITY_W))
    def arrive(self, demand_w: int) -> None:
        """As the balancer does: those who wait first, then the newcomer, then it waits."""
        self.serve()
        if demand_w <= self.free_w and not self.room.kept(ONE):
            self.sessions.append(demand_w)
            self.room.passed("a", ONE)
            for came in self.waiting:
                came.passed_by += 1
        elif waiter := self.room.enter(demand_w, ()):
            self.waiting.append(Came(waiter))
        else:
            assert len(self.waiting) == 40

    @precondition(lambda self: self.sessions)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        self.sessions.pop(data.draw(st.integers(0, len(self.sessions) - 1)))
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
        for _ in range(MOST_PASSES + CAPACITY_W):
            self.arrive(small_w)
            if first not in self.room:
                return
            if self.sessions:
                self.sessions.pop(0)
        raise AssertionError(first)

    @invariant()
    def who_waits_is_who_should(self) -> None:
        assert list(self.room) == [came.waiter for came in self.waiting]
        assert len(self.room) <= 40

    @invariant()
    def nobody_is_passed_too_often(self) -> None:
        assert all(came.passed_by == came.waiter.passes <= MOST_PASSES for came in self.waiting)

    @invariant()
    def the_capacity_holds(self) -> None:
        assert self.free_w >= 0

    def teardown(self) -> None:
        """Everybody is served when sessions end and nobody comes."""
        for _ in range(200):
            if self.sessions:
                self.sessions.pop(0)
            self.serve()
        assert not self.waiting


TestRoom = Room.TestCase
TestRoom.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
