"""What answers the requests of the API: the balancers, and who may ask them how much."""

import asyncio
import dataclasses
from collections.abc import Mapping

from balancer.contract import (
    BalancerAnswer,
    BalancerOutcome,
    Charge,
    Command,
    FindSession,
    ListSessions,
    StopSession,
)
from gateway import metrics
from gateway.access import Access
from gateway.balancers import Balancers, NotAsked
from gateway.callers import ANONYMOUS, Caller
from gateway.contract import BY_OUTCOME, QUOTA_EXCEEDED, UNAUTHORIZED
from gateway.fair_turns import FairTurns
from gateway.refusals import Refusal
from runtime.coalescer import LinkLost
from runtime.values import value

AGAIN_MS = 1000  # when the balancer does not say
NONE_UP = "no balancer answers; the request was sent to none"
NO_TURN = "more requests than the balancers take at once; this one was sent to none"
SUCCESS = {
    Charge: BalancerOutcome.ADMITTED,
    FindSession: BalancerOutcome.FOUND,
    StopSession: BalancerOutcome.STOPPED,
    ListSessions: BalancerOutcome.FOUND,
}


@value(frozen=True, slots=True)
class Entry:
    """Whether a request may go on: its caller, the headers that its answer has in any case, and why it is refused.

    `outcome` is what the metrics count for a refusal.
    """

    caller: Caller
    headers: Mapping[str, str]
    refusal: Refusal | None = None
    outcome: str = ""


@dataclasses.dataclass(frozen=True)
class Services:
    """The services that the requests share: the balancers and the turns with them, metrics, access and time limits."""

    balancers: Balancers
    metrics: metrics.GatewayMetrics
    access: Access
    deadline_s: float
    max_wait_s: float
    turns: FairTurns

    def enter(self, authorization: list[str]) -> Entry:
        """Find the caller that these `Authorization` headers name, and count the request against its quota."""
        caller = self.access.caller(authorization)
        if caller is None:
            refusal = Refusal(UNAUTHORIZED, {"detail": "send Authorization: Bearer, and a key"})
            return Entry(ANONYMOUS, {"WWW-Authenticate": "Bearer"}, refusal, metrics.UNAUTHORIZED)
        grant = self.access.take(caller)
        headers = {"RateLimit-Policy": grant.policy_field(), "RateLimit": grant.limit_field()}
        if grant.admitted:
            return Entry(caller, headers)
        headers["Retry-After"] = str(grant.next_s)
        return Entry(caller, headers, Refusal(QUOTA_EXCEEDED), metrics.QUOTA_EXCEEDED)

    async def ask(self, command: Command) -> BalancerAnswer:
        """Return the balancer's answer; when it is cancelled, the balancer learns that nobody uses the answer.

        A car that waits for room takes no turn: it is with the balancer for long, and costs it little.
        """
        try:
            if not isinstance(command, Charge):
                answer = await self.balancers.call(command, self.deadline_s)
            elif command.max_wait_ms:
                answer = await self.balancers.call(command, self.deadline_s + command.max_wait_ms / 1000)
            else:
                answer = await self._in_turn(command)
        except NotAsked:
            return _unsent(command, NONE_UP)
        except (LinkLost, TimeoutError):
            return _lost(command, "the balancer does not answer")
        return answer if answers(command, answer) else _lost(command, "the balancer's answer can't be used")

    async def _in_turn(self, command: Charge) -> BalancerAnswer:
        within_s = self.deadline_s
        if (number := self.turns.at_once(command.caller)) is None:
            began_s = self.turns.now_s()
            try:
                async with asyncio.timeout(within_s):
                    number = await self.turns.begin(command.caller)
            except TimeoutError:
                return _unsent(command, NO_TURN)
            within_s -= self.turns.now_s() - began_s
        try:
            return await self.balancers.call(command, within_s)
        finally:
            self.turns.end(number)


def answers(command: Command, answer: BalancerAnswer) -> bool:
    """Whether an answer fits a command: a refusal, or the outcome that the command can have, and complete."""
    if answer.outcome is SUCCESS[type(command)]:
        return answer.session is not None or isinstance(command, ListSessions)
    if answer.outcome is BalancerOutcome.UNKNOWN:
        return isinstance(command, Charge)
    return answer.outcome in BY_OUTCOME


def _unsent(command: Command, detail: str) -> BalancerAnswer:
    """Return the answer to a command that no balancer was given: a car was surely not placed by it."""
    outcome = BalancerOutcome.UNAVAILABLE if isinstance(command, Charge) else BalancerOutcome.UNREACHABLE
    return BalancerAnswer(outcome, retry_after_ms=AGAIN_MS, detail=detail)


def _lost(command: Command, detail: str) -> BalancerAnswer:
    """Return the answer to a command whose outcome is not known."""
    outcome = BalancerOutcome.UNKNOWN if isinstance(command, Charge) else BalancerOutcome.UNREACHABLE
    return BalancerAnswer(outcome, retry_after_ms=AGAIN_MS, detail=detail)
