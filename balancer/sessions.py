"""Finding and stopping sessions: at the substation that owns them, which their id names."""

from balancer.asking import Asker
from balancer.contract import Answer, Find, Outcome, Stop
from balancer.fleet import Fleet
from substation import contract as substation

RETRY_MS = 1000
OUTCOMES = {
    substation.Outcome.FOUND: Outcome.FOUND,
    substation.Outcome.STOPPED: Outcome.STOPPED,
    substation.Outcome.NOT_FOUND: Outcome.NOT_FOUND,
}


class Sessions:
    """Asks the owners."""

    def __init__(self, fleet: Fleet, asker: Asker) -> None:
        self._fleet = fleet
        self._asker = asker

    async def ask(self, command: Find | Stop, until_s: float) -> Answer:
        """Answer by the monotonic time `until_s`; an owner that can't be reached is not "not found"."""
        owner = substation.owner(command.session_id)
        if owner not in self._fleet.members:
            if self._fleet.unseen():
                return Answer(Outcome.UNREACHABLE, retry_after_ms=RETRY_MS)
            return Answer(Outcome.NOT_FOUND)
        asked = substation.Stop if isinstance(command, Stop) else substation.Find
        answer = await self._asker.ask(owner, asked(command.session_id), until_s)
        if answer is None or answer.outcome not in OUTCOMES:
            return Answer(Outcome.UNREACHABLE, retry_after_ms=RETRY_MS, detail=f"{owner} does not answer")
        return Answer(OUTCOMES[answer.outcome], answer.session)
