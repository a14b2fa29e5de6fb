"""The waiting room: first come first, small ones may pass, and nobody is passed for ever."""

import pytest

from balancer.placing.seating.waiting_room import MOST_PASSES, Outlook, Waiter, WaitingRoom

CAPACITY_W = 100


def outlook(**capacities_w: int) -> Outlook:
    """Substations where everything fits in as many seconds as it needs watts."""
    return Outlook(capacities_w, lambda _, demand_w: float(demand_w))


def soon(**waits_s: float | None) -> Outlook:
    """Substations of one capacity, with the seconds in which there will be room for anything."""
    return Outlook(dict.fromkeys(waits_s, CAPACITY_W), lambda name, _: waits_s[name])


ONE = outlook(a=CAPACITY_W)
TWO = outlook(a=CAPACITY_W, b=CAPACITY_W)


class Free:
    """What is free at each substation; `choose` takes it."""

    def __init__(self, **free_w: int) -> None:
        self.free_w = free_w
        self.asked: list[int] = []
        self.targets: dict[int, str] = {}

    def choose(self, waiter: Waiter, kept: set[str]) -> str | None:
        self.asked.append(waiter.number)
        for name, free_w in self.free_w.items():
            if name not in kept and waiter.demand_w <= free_w and waiter.suits(name, TWO.capacities):
                self.free_w[name] -= waiter.demand_w
                self.targets[waiter.number] = name
                return name
        return None

    def serve(self, room: WaitingRoom, view: Outlook = ONE) -> list[Waiter]:
        """Serve those who fit, and admit them."""
        served = room.serve(view, self.free_w, self.choose)
        for waiter in served:
            room.passed(self.targets[waiter.number], view.capacities, before=waiter.number)
        return served


def entered(room: WaitingRoom, *demands_w: int, eligible: tuple[str, ...] = ()) -> list[Waiter]:
    return [waiter for demand_w in demands_w if (waiter := room.enter(demand_w, eligible))]


def test_those_who_fit_are_served_in_the_order_of_coming() -> None:
    room = WaitingRoom(9)
    first, second, third = entered(room, 10, 10, 10)
    assert Free(a=25).serve(room) == [first, second]
    assert list(room) == [third]


def test_a_smaller_one_passes_one_that_does_not_fit() -> None:
    room = WaitingRoom(9)
    big, small = entered(room, 50, 10)
    assert Free(a=20).serve(room) == [small]
    assert list(room) == [big]
    assert big.passes == 1


def test_one_that_asks_for_as_much_as_the_one_before_it_is_not_even_tried() -> None:
    room = WaitingRoom(9)
    entered(room, 50, 50, 60, 40)
    free = Free(a=45)
    assert [waiter.demand_w for waiter in free.serve(room)] == [40]
    assert free.asked == [4]


def test_who_was_passed_often_enough_is_passed_by_nobody_any_more() -> None:
    room = WaitingRoom(99)
    (big,) = entered(room, 50)
    small = entered(room, *[1] * (MOST_PASSES + 3))
    assert Free(a=40).serve(room) == small[:MOST_PASSES]
    assert big.passes == MOST_PASSES
    assert Free(a=40).serve(room) == []
    assert Free(a=51).serve(room) == [big, small[MOST_PASSES]]


def test_newcomers_that_never_waited_count_and_then_find_it_kept() -> None:
    room = WaitingRoom(9)
    (big,) = entered(room, 50)
    for _ in range(MOST_PASSES):
        assert room.kept(ONE) == set()
        room.passed("a", ONE.capacities)
    assert big.passes == MOST_PASSES
    assert room.kept(ONE) == {"a"}
    room.leave(big)
    assert room.kept(ONE) == set()


def test_those_who_come_before_pass_nobody() -> None:
    room = WaitingRoom(9)
    first, second = entered(room, 10, 50)
    assert Free(a=10).serve(room) == [first]
    assert second.passes == 0


def test_somebody_who_gets_what_one_could_not_use_has_passed_nobody() -> None:
    room = WaitingRoom(9)
    (picky,) = entered(room, 10, eligible=("a",))
    (big,) = entered(room, 150)
    room.passed("b", {"a": CAPACITY_W, "b": 120})
    assert (picky.passes, big.passes) == (0, 0)
    room.passed("b", {"a": CAPACITY_W, "b": 150})
    assert (picky.passes, big.passes) == (0, 1)


def test_what_is_kept_for_one_is_only_what_it_could_use() -> None:
    room = WaitingRoom(99)
    (picky,) = entered(room, 50, eligible=("a",))
    picky.passes = MOST_PASSES
    (any_,) = entered(room, 10)
    assert room.kept(TWO) == {"a"}
    assert Free(a=20, b=0).serve(room, TWO) == []
    assert Free(a=20, b=20).serve(room, TWO) == [any_]


@pytest.mark.parametrize("others", [{}, {"b": CAPACITY_W}, {"a": 49}], ids=["none", "other", "derated"])
def test_what_can_t_serve_one_is_not_kept_for_it(others: dict[str, int]) -> None:
    room = WaitingRoom(9)
    (picky,) = entered(room, 50, eligible=("a",))
    picky.passes = MOST_PASSES
    assert room.kept(outlook(**others)) == set()
    assert room.kept(outlook(**others | {"a": 50})) == {"a"}


def test_who_waits_for_one_substation_does_not_hold_up_who_waits_for_another() -> None:
    room = WaitingRoom(99)
    (blocked,) = entered(room, 50, eligible=("a",))
    others = entered(room, *[50] * 30, eligible=("b",))
    assert Free(a=0, b=1500).serve(room, TWO) == others
    assert blocked.passes == 0


def test_who_leaves_is_not_served_and_holds_up_nobody() -> None:
    room = WaitingRoom(9)
    gone, left = entered(room, 50, 40)
    room.leave(gone)
    room.leave(gone)
    assert Free(a=100).serve(room) == [left]
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
    assert Free(a=10).serve(room) == [first]
    (third,) = entered(room, 10)
    room.back(first)
    assert list(room) == [first, second, third]
    assert Free(a=20).serve(room) == [first, second]


def test_a_waiter_keeps_one_substation_where_it_will_fit_first_and_stays_with_it() -> None:
    room = WaitingRoom(9)
    (big,) = entered(room, 50)
    assert room.kept(soon(a=9.0, b=5.0, c=None, d=None)) == set()
    big.passes = MOST_PASSES
    assert room.kept(soon(a=9.0, b=5.0, c=None, d=None)) == {"b"}
    assert room.kept(soon(a=1.0, b=7.0, c=None, d=None)) == {"b"}
    assert room.kept(soon(a=9.0, c=None, d=None)) == {"a"}  # b drains, or is lost


def test_a_waiter_whose_plans_say_nothing_keeps_one_substation_too() -> None:
    room = WaitingRoom(9)
    (big,) = entered(room, 50)
    big.passes = MOST_PASSES
    assert room.kept(soon(b=None, a=None, c=None)) == {"a"}


def test_waiters_never_keep_more_than_half_of_the_substations_and_who_came_first_keeps_first() -> None:
    room = WaitingRoom(9)
    waiters = entered(room, 50, 50, 50)
    for waiter in waiters:
        waiter.passes = MOST_PASSES
    view = soon(a=4.0, b=3.0, c=2.0, d=1.0)
    assert room.kept(view) == {"c", "d"}
    assert [waiter.home for waiter in waiters] == ["d", "c", None]
    room.leave(waiters[0])
    assert room.kept(view) == {"c", "d"}
    assert [waiter.home for waiter in waiters[1:]] == ["c", "d"]


def test_a_waiter_that_was_passed_too_often_gets_in_elsewhere_when_there_is_room() -> None:
    room = WaitingRoom(9)
    (big,) = entered(room, 50)
    big.passes = MOST_PASSES
    assert room.kept(soon(a=9.0, b=1.0)) == {"b"}
    assert Free(a=50, b=0).serve(room, TWO) == [big]


def test_a_look_at_a_full_fleet_asks_nobody_however_many_wait_and_for_what() -> None:
    room = WaitingRoom(2000)
    entered(room, *range(1000, 10, -1))
    entered(room, *[20] * 500, eligible=("b",))
    free = Free(a=10, b=5)
    assert free.serve(room, TWO) == []
    assert free.asked == []
