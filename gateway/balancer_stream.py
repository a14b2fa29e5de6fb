"""The gateway's stream to one balancer."""

import dataclasses
import logging
from collections.abc import Callable, Iterator
from typing import Any

from balancer.contract import BalancerAnswer, BalancerOutcome, Command
from balancer.wire import (
    PROTOCOL,
    Answers,
    Call,
    answer_from_message,
    calls_to_message,
    greeting_from_message,
)
from runtime.coalescer import Link, Outgoing, Wire
from runtime.machine import THIS, Machine
from runtime.message_stream import SILENT_S
from runtime.stream_hello import Hello
from runtime.tls.credentials import Callee

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Caller:
    """How a gateway calls balancers.

    `authorization` begins every stream. With `tls`, a balancer must prove by its certificate that it is one. A stream on
    which nothing comes for `silent_s` is lost.
    """

    authorization: str = dataclasses.field(default="", repr=False)
    tls: Callee | None = None
    silent_s: float = SILENT_S
    machine: Machine = THIS


ALONE = Caller()


class BalancerLink(Link[Command, BalancerAnswer]):
    """The link to the balancer at `host:port`; `book_id` is its order book, '' until the balancer has named it.

    `waiting_for` are the reasons that the balancer gave last for not placing requests; empty when it can.
    """

    def __init__(
        self,
        address: str,
        caller: Caller = ALONE,
        on_batch: Callable[[int], None] = lambda _: None,
        on_greeting: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_batch` is called with the number of calls in each message.

        `on_greeting` is called when the link is up, and when the balancer can place cars again or no more. Calls don't
        wait for the next stream when one is lost.
        """
        self.book_id = ""
        self.waiting_for: list[str] = []
        self.called = 0  # calls that this balancer was given
        self._on_greeting = on_greeting
        hello = Hello(PROTOCOL, caller.machine.token(16), caller.authorization)
        wire = Wire(
            hello,
            Answers,
            _encode,
            self._read,
            tls=caller.tls,
            silent_s=caller.silent_s,
            waits=False,
            chance=caller.machine.random,
        )
        super().__init__(address, wire, on_batch)

    @property
    def in_flight(self) -> int:
        """How many calls wait for their answers."""
        return len(self._waiting) + len(self._sent)

    def _read(self, message: Any) -> Iterator[tuple[int, BalancerAnswer]]:
        if greeting := greeting_from_message(message):
            self.book_id, self.waiting_for = greeting.book_id, list(greeting.waiting_for)
            self._on_greeting()
        return ((answer.number, _answer(answer)) for answer in message.answers)


def _encode(calls: list[Outgoing[Command]], cancelled: list[int]) -> Any:
    return calls_to_message(map(_call, calls), cancelled)


def _call(outgoing: Outgoing[Command]) -> Call:
    trace = outgoing.trace
    return Call(
        outgoing.number,
        outgoing.remaining_ms,
        outgoing.item,
        trace.traceparent() if trace else "",
        trace.request_id if trace else "",
    )


def _answer(message: Any) -> BalancerAnswer:
    """Return an answer; one that can't be read is UNKNOWN."""
    try:
        return answer_from_message(message)
    except ValueError as error:
        log.error("an answer can't be read", extra={"why": str(error)})
        return BalancerAnswer(BalancerOutcome.UNKNOWN, detail="the balancer's answer can't be read")
