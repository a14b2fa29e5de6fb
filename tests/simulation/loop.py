"""An event loop in virtual time, whose timers and tasks belong to processes that may be stopped or killed at any step."""

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.network import Network
    from tests.simulation.process import Process

START_S = 1000.0
OWNER: contextvars.ContextVar["Process | None"] = contextvars.ContextVar("owner", default=None)


class Stuck(Exception):
    """Nothing is scheduled any more, and the run is not at its end."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """One loop for all processes; `now_s` is its time, which passes only when nothing is left to be done.

    What a process has scheduled is run while it lives; what is due while it is stopped is run when it goes on. After a
    process was killed nothing of it is run any more, not even the cleaning up of its tasks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now_s = START_S
        self.steps = 0
        self.network: Network
        self._due: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = 0
        self._next: deque[asyncio.Handle] = deque()

    def time(self) -> float:
        return self.now_s

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._next.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.now_s + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._numbers += 1
        heapq.heappush(self._due, (when, self._numbers, handle))
        return handle

    async def create_connection(  # type: ignore[override]
        self, protocol_factory: Callable[[], Any], host: str, port: int, **_: Any
    ) -> tuple[Any, Any]:
        return await self.network.connect(protocol_factory, host, port)

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Callable[[], Any], host: str, port: int, **_: Any
    ) -> Any:
        return self.network.listen(protocol_factory, host, port)

    def again(self, handles: "deque[asyncio.Handle]") -> None:
        """Run what a process could not while it was stopped."""
        self._next.extend(handles)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer is dropped when it is due."""

    def _run_once(self) -> None:
        due, ready = self._due, self._next
        if not ready:
            while due and due[0][2].cancelled():
                heapq.heappop(due)
            if not due:
                raise Stuck("nothing is scheduled any more")
            self.now_s = max(self.now_s, due[0][0])
        while due and due[0][0] <= self.now_s:
            ready.append(heapq.heappop(due)[2])
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle.cancelled():
                self._step(handle)

    def _step(self, handle: asyncio.Handle) -> None:
        owner = handle._context.get(OWNER)  # type: ignore[attr-defined]
        if owner and (owner.stopped or not owner.alive):
            owner.backlog.append(handle)
            return
        self.steps += 1
        handle._run()

    def _process_events(self, event_list: Any) -> None:
        """There are no files."""

    def _write_to_self(self) -> None:
        """There are no other threads."""
