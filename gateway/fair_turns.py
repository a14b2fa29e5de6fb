"""How many requests are with the balancers at once; when there are more, callers take turns.

A balancer answers in the order of coming. Without a limit, a caller with 400 connections has 400 requests before
everybody else's next one, and above what a grid can answer the balancers work on requests whose time is over. Rules
(docs/adr/0061):

- at most ALONE requests count as being with the balancers, and at most AMONG while several callers send;
- further ones wait in the gateway: each caller gets one turn after the other, however many requests it has;
- a request that has been away for STUCK_S does not count any more: what waits for one stalled substation keeps
  nobody from the others.

Each connection has one request at a time, so the limits of connections limit what waits here.
"""

import asyncio
import collections
import itertools
from collections.abc import Callable

# Large messages and commits cost less: 64 at once need a quarter more of a processor for a request than 256 do.
ALONE = 256
AMONG = 64  # so that the next request of another caller is answered after 64 others, not 256
SEVERAL_S = 1.0  # after two callers have taken turns
STUCK_S = 1.0
LOOK_S = 0.1  # how often stuck ones are looked for while somebody waits

Turn = asyncio.Future[int]


class FairTurns:
    """Who is with the balancers, and who waits for a turn; `now_s` is a monotonic clock."""

    def __init__(self, now_s: Callable[[], float], alone: int = ALONE, among: int = AMONG) -> None:
        self.now_s = now_s
        self._alone, self._among = alone, among
        self._inside: dict[int, float] = {}  # since when, the oldest first
        self._numbers = itertools.count()
        self._waiting: collections.OrderedDict[str, collections.deque[Turn]] = collections.OrderedDict()
        self._last_caller = ""
        self._several_until_s = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many requests wait for a turn."""
        return sum(map(len, self._waiting.values()))

    def at_once(self, caller: str) -> int | None:
        """Begin a turn that nobody waits for; returns the number with which it ends, None if it has to wait."""
        if caller != self._last_caller:
            self._several_until_s = self.now_s() + SEVERAL_S if self._last_caller else float("-inf")
            self._last_caller = caller
        return self._enter() if not self._waiting and self._room() else None

    async def begin(self, caller: str) -> int:
        """Wait for a turn of this caller; returns the number with which it ends."""
        turn: Turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, collections.deque()).append(turn)
        if not self._timer:
            self.look()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it had its turn in the same moment
                self.end(turn.result())
            raise

    def end(self, number: int) -> None:
        """End a turn."""
        if self._inside.pop(number, None) is not None and self._waiting:
            self._let_in()

    def look(self) -> None:
        """Let in who can, also for those that are stuck; again and again while somebody waits."""
        stuck_s = self.now_s() - STUCK_S
        while self._inside and next(iter(self._inside.values())) <= stuck_s:
            del self._inside[next(iter(self._inside))]
        self._let_in()
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self.look) if self._waiting else None

    def _room(self) -> bool:
        count = len(self._inside)
        return count < self._among or (count < self._alone and self.now_s() >= self._several_until_s)

    def _let_in(self) -> None:
        while self._waiting and self._room():
            caller, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[caller] = turns  # behind the other callers
            if not turn.done():
                turn.set_result(self._enter())

    def _enter(self) -> int:
        number = next(self._numbers)
        self._inside[number] = self.now_s()
        return number
