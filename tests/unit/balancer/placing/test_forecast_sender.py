"""Each substation is told its own forecast: once, and again after a restart or when no answer came."""

import asyncio

from balancer.forecast.model import Step
from balancer.placing.forecast_sender import ForecastSender
from substation.contract import MOST_W, Command, Foresee, SubstationAnswer, SubstationOutcome
from tests.unit.balancer.fleets import Fleet, report


class Substations:
    """What substations are asked, and how they answer; None is no answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Command]] = []
        self.outcome: SubstationOutcome | None = SubstationOutcome.DONE

    async def once(self, substation_id: str, command: Command, within_s: float) -> SubstationAnswer | None:
        self.asked.append((substation_id, command))
        return SubstationAnswer(self.outcome) if self.outcome else None

    def names(self) -> list[str]:
        names, self.asked = [name for name, _ in self.asked], []
        return names


def steps(first: int, upper_w: float = 100.4) -> tuple[Step, ...]:
    return tuple(Step(first + step, 50.0, 0.0, upper_w) for step in range(3))


def test_a_forecast_is_sent_once_to_those_that_have_one_and_a_stream() -> None:
    fleet, asked = Fleet(report("a"), report("b"), report("c")), Substations()
    forecasts = {"a": steps(5), "c": steps(7)}
    fleet.linked.discard("c")
    sender = ForecastSender(
        asked, fleet.roster.members, lambda name: forecasts.get(name, ()), fleet.linked.__contains__
    )
    asyncio.run(sender.send())
    assert asked.asked == [("a", Foresee(5, (100, 100, 100)))]
    assert asked.names() == ["a"]
    asyncio.run(sender.send())
    assert asked.names() == []
    fleet.linked.add("c")
    asyncio.run(sender.send())
    assert asked.names() == ["c"]
    forecasts["a"] = steps(6)
    asyncio.run(sender.send())
    assert asked.names() == ["a"]


def test_it_is_sent_again_when_no_answer_came_and_after_a_restart() -> None:
    fleet, asked = Fleet(report("a")), Substations()
    sender = ForecastSender(asked, fleet.roster.members, lambda _: steps(5), lambda _: True)
    for outcome in (None, SubstationOutcome.UNAVAILABLE, SubstationOutcome.DONE, SubstationOutcome.DONE):
        asked.outcome = outcome
        asyncio.run(sender.send())
    assert asked.names() == ["a"] * 3
    fleet.poll(report("a", epoch=2), 1.0)
    asyncio.run(sender.send())
    assert asked.names() == ["a"]


def test_bounds_are_those_that_a_substation_takes() -> None:
    fleet, asked = Fleet(report("a")), Substations()
    for upper_w, sent_w in ((-5.0, 0), (1e12, MOST_W)):
        ahead = steps(5, upper_w)
        sender = ForecastSender(asked, fleet.roster.members, {"a": ahead}.__getitem__, lambda _: True)
        asyncio.run(sender.send())
        assert asked.asked.pop()[1] == Foresee(5, (sent_w,) * 3)


def test_a_substation_that_is_forgotten_at_that_moment_stops_nothing() -> None:
    fleet, asked = Fleet(report("a"), report("b")), Substations()
    sender = ForecastSender(asked, fleet.roster.members, lambda _: steps(5), lambda _: True)

    async def main() -> None:
        sending = asyncio.create_task(sender.send())
        asyncio.get_running_loop().call_soon(fleet.roster.give_up, "a")
        await sending

    asyncio.run(main())
    assert "b" in asked.names()
