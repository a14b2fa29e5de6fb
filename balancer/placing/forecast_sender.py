"""Hands each substation the forecast of its own base load, so that it can leave room for it (docs/adr/0036)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from balancer.fleet.member import Member
from balancer.forecast.model import Step
from substation.contract import MOST_W, Command, Foresee, SubstationAnswer, SubstationOutcome

WITHIN_S = 2.0


class AsksOnce(Protocol):
    """The one thing that is needed of an Asker."""

    async def once(self, substation_id: str, command: Command, within_s: float) -> SubstationAnswer | None:
        """Return the answer, None if there was none within so many seconds."""


class ForecastSender:
    """Sends each forecast once to each start of its substation, and again when that gave no answer."""

    def __init__(
        self,
        asker: AsksOnce,
        members: Mapping[str, Member],
        forecast: Callable[[str], Sequence[Step]],
        linked: Callable[[str], bool],
    ) -> None:
        """`forecast` returns the newest forecast of a substation, on its own calendar; `linked` whether its stream is up."""
        self._asker = asker
        self._members = members
        self._forecast = forecast
        self._linked = linked
        self._sent: dict[str, tuple[int, int]] = {}  # epoch of the substation, and first quarter hour

    async def send(self) -> None:
        """Send what is new; returns when each substation has answered, or its time is over."""
        due = [
            (name, member.report.epoch, steps)
            for name, member in self._members.items()
            if (steps := self._new(name))
        ]
        await asyncio.gather(*(self._send(*each) for each in due))

    def _new(self, name: str) -> Sequence[Step]:
        steps = self._forecast(name)
        new = (
            steps
            and self._linked(name)
            and self._sent.get(name) != (self._members[name].report.epoch, steps[0].slot)
        )
        return steps if new else ()

    async def _send(self, name: str, epoch: int, steps: Sequence[Step]) -> None:
        upper_w = tuple(min(max(round(step.p90), 0), MOST_W) for step in steps)
        answer = await self._asker.once(name, Foresee(steps[0].slot, upper_w), WITHIN_S)
        if answer and answer.outcome in {SubstationOutcome.DONE, SubstationOutcome.INVALID}:
            self._sent[name] = (epoch, steps[0].slot)
