"""The decisions of several balancers in one list: none is lost or doubled, whatever is restarted, late, or in between."""

import random
from typing import Any

from admin_ui.decisions.merged import MOST, Answer, MergedDecisions, by_time, complete


def decision(number: int, unix_ms: int, outcome: str = "placed") -> dict[str, Any]:
    return {"number": number, "unix_ms": unix_ms, "outcome": outcome}


def answer(*decisions: dict[str, Any], started: int = 1) -> Answer:
    return Answer(started, sorted(decisions, key=lambda each: -each["number"]))


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in found]


def test_what_comes_together_is_numbered_by_time() -> None:
    merged = MergedDecisions()
    merged.take(
        {"b": answer(decision(1, 20), decision(2, 40)), "a": answer(decision(1, 10), decision(2, 30))}
    )
    assert [(each["number"], each["balancer"], each["unix_ms"]) for each in merged.after(0)] == [
        (4, "b", 40),
        (3, "a", 30),
        (2, "b", 20),
        (1, "a", 10),
    ]
    assert ids(merged.after(2)) == ["b-1-2", "a-1-2"]


def test_the_list_of_one_balancer_has_its_own_numbers() -> None:
    merged = MergedDecisions()
    merged.take({"a": answer(decision(8, 10), decision(9, 20))})
    assert [each["number"] for each in merged.after(0)] == [9, 8]


def test_a_balancer_that_was_started_anew_doubles_and_loses_nothing() -> None:
    merged = MergedDecisions()
    merged.take({"a": answer(decision(1, 10), decision(2, 20))})
    merged.take({"a": answer(decision(1, 30), decision(2, 40), decision(3, 50), started=2)})
    assert ids(merged.after(0)) == ["a-2-3", "a-2-2", "a-2-1", "a-1-2", "a-1-1"]
    assert [each["number"] for each in merged.after(0)] == [5, 4, 3, 2, 1]


def test_of_a_process_that_was_started_anew_the_decisions_that_were_not_read_leave_a_gap_too() -> None:
    merged = MergedDecisions()
    merged.take({"a": answer(decision(1, 10), decision(2, 20))})
    merged.take({"a": answer(decision(5, 30), started=2)})
    assert [each["number"] for each in merged.after(0)] == [7, 2, 1]


def test_what_an_idle_balancer_tells_again_after_it_has_left_the_list_is_not_listed_anew() -> None:
    merged, idle = MergedDecisions(), answer(decision(1, 1), decision(2, 2))
    merged.take({"a": idle})
    for number in range(1, 2 * MOST):
        merged.take({"a": idle, "b": answer(decision(number, 10 + number))})
    assert {each["balancer"] for each in merged.after(0)} == {"b"}
    assert merged.newest == 2 * MOST + 1


def test_what_a_balancer_that_hung_tells_late_comes_after_what_was_read() -> None:
    merged = MergedDecisions()
    merged.take({"a": answer(decision(1, 10)), "b": answer(decision(1, 11))})
    merged.take({"a": answer(decision(1, 10), decision(2, 30))})
    read = merged.after(0)[0]["number"]
    merged.take({"a": answer(decision(2, 30)), "b": answer(decision(1, 11), decision(2, 20))})
    assert ids(merged.after(read)) == ["b-1-2"]


def test_a_decision_keeps_its_number_when_its_outcome_comes() -> None:
    merged = MergedDecisions()
    merged.take({"a": answer(decision(1, 10, ""))})
    merged.take({"a": answer(decision(1, 10, "placed"), decision(2, 20))})
    assert [(each["number"], each["outcome"]) for each in merged.after(0)] == [(2, "placed"), (1, "placed")]


def test_decisions_that_came_too_fast_leave_a_gap() -> None:
    merged = MergedDecisions()
    merged.take({"a": answer(decision(1, 10)), "b": answer(decision(1, 10))})
    merged.take({"a": answer(decision(7, 70)), "b": answer(decision(2, 20))})
    assert [each["number"] for each in merged.after(2)] == [9, 8]  # five of `a` are missing


def test_the_newest_are_kept() -> None:
    merged = MergedDecisions()
    for number in range(1, 3 * MOST):
        merged.take({"a": answer(decision(number, number))})
    assert [each["number"] for each in merged.after(0)] == list(range(3 * MOST - 1, 2 * MOST - 1, -1))


def test_the_newest_of_a_story_are_by_time_and_told_apart() -> None:
    found = by_time({"b": answer(decision(1, 20)), "a": answer(decision(1, 10), decision(2, 30))}, 2)
    assert ids(found) == ["a-1-2", "b-1-1"]


def test_a_reader_who_goes_on_after_what_it_has_read_sees_each_decision_once() -> None:
    """Three balancers that are asked at random, hang and are restarted; a reader of all that comes."""
    for seed in range(200):
        chance = random.Random(seed)
        rings: dict[str, list[dict[str, Any]]] = {"a": [], "b": [], "c": []}
        started = dict.fromkeys(rings, 1)
        merged, after, read, made = MergedDecisions(), 0, list[str](), set[str]()
        for moment in range(60):
            name = chance.choice("abc")
            if chance.random() < 0.05:
                rings[name], started[name] = [], started[name] + 1
            rings[name].append(decision(len(rings[name]) + 1, moment))
            made.add(f"{name}-{started[name]}-{len(rings[name])}")
            asked = [each for each in rings if rings[each] and chance.random() < 0.6]
            merged.take({each: answer(*rings[each][-20:], started=started[each]) for each in asked})
            read += reversed(ids(found := merged.after(after)))
            after = found[0]["number"] if found else after
        merged.take({each: answer(*ring[-60:], started=started[each]) for each, ring in rings.items()})
        read += ids(merged.after(after))
        assert len(read) == len(set(read))
        # What was made just before a restart, and was not asked for, is gone with the process.
        of_living = {
            f"{name}-{started[name]}-{each['number']}" for name, ring in rings.items() for each in ring
        }
        assert of_living <= set(read) <= made


def page(kept: list[dict[str, Any]], before: int, limit: int) -> tuple[Answer, int | None]:
    """A page as a balancer gives it: with all decisions of its last millisecond."""
    left = [each for each in kept if each["unix_ms"] < before]
    if len(left) <= limit:
        return answer(*left), None
    last = left[limit - 1]["unix_ms"]
    return answer(*(each for each in left if each["unix_ms"] >= last)), last


def test_pages_of_all_balancers_give_each_decision_once_and_in_the_order_of_time() -> None:
    for seed in range(100):
        chance = random.Random(seed)
        kept = {
            name: [
                decision(number, unix_ms)
                for number, unix_ms in enumerate(
                    sorted(chance.randint(1, 60) for _ in range(chance.randint(0, 40))), 1
                )
            ][::-1]
            for name in "abc"
        }
        found: list[dict[str, Any]] = []
        before: int | None = 100
        while before is not None:
            pages = {name: page(each, before, chance.randint(1, 7)) for name, each in kept.items()}
            some, before = complete(
                {name: each for name, (each, _) in pages.items()},
                {name: following for name, (_, following) in pages.items()},
            )
            found += some
        times = [each["unix_ms"] for each in found]
        assert times == sorted(times, reverse=True)
        assert sorted(ids(found)) == sorted(
            f"{name}-1-{each['number']}" for name, some in kept.items() for each in some
        )
