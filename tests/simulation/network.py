"""A network in virtual time: connections that carry bytes in order, late, in pieces, and break at any byte.

What TCP promises is kept: bytes come in order or not at all, and none comes twice. How late they come, at which byte a
connection breaks, whether its ends learn of that and when, is chance. So a message can reach its receiver long after its
sender has given the connection up and sent it again on another one.
"""

import asyncio
import hashlib
import itertools
import random
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.simulation.loop import OWNER, SimulatedLoop

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

DELAY_S = (0.0001, 0.002)
LATE_S = (0.02, 1.5)
MOST_AHEAD = 64 * 1024  # bytes on their way from which on a sender is asked to wait


class Conditions:
    """How the network is now: shares of what is late and in pieces, and directions that are cut off, by names of hosts."""

    def __init__(self) -> None:
        self.late = 0.01
        self.pieces = 0.05
        self.cut: dict[tuple[str, str], int] = {}

    def open(self, sender: str, receiver: str) -> bool:
        return not self.cut.get((sender, receiver))


class Network:
    """All connections, and the listeners by host and port."""

    def __init__(self, loop: SimulatedLoop, rng: random.Random, world: "World") -> None:
        self.loop = loop
        self.rng = rng
        self.world = world
        self.conditions = Conditions()
        self.digest = hashlib.sha256()
        self.numbers = itertools.count(1)
        self.ends: dict[End, None] = {}  # of open connections
        self._listeners: dict[tuple[str, int], tuple[Process, Callable[[], Any]]] = {}

    def listen(self, made: Callable[[], Any], host: str, port: int) -> "Listener":
        process = OWNER.get()
        assert process
        self._listeners[host, port] = process, made
        return Listener(self, host, port)

    def gone(self, host: str, port: int) -> None:
        self._listeners.pop((host, port), None)

    async def connect(self, made: Callable[[], Any], host: str, port: int) -> tuple["End", Any]:
        """Connect the process that runs; raises OSError when nothing listens there."""
        caller = OWNER.get()
        assert caller
        await self.reach(caller.name, host)
        process, serve = self._listeners.get((host, port), (None, None))
        if not process or not process.alive or not serve:
            await self.reach(host, caller.name)
            raise ConnectionRefusedError(f"{host}:{port} is closed")
        here, there = End(self, caller), End(self, process)
        here.peer, there.peer = there, here
        self.loop.call_soon(there.begin, serve, context=process.context())
        await self.reach(host, caller.name)
        if here.over:
            raise ConnectionResetError(f"{host}:{port} was reset")
        return here, here.begin(made)

    def died(self, process: "Process") -> None:
        """Close what a process had open: its system does, or the machine has gone and says nothing."""
        for key in [key for key, (owner, _) in self._listeners.items() if owner is process]:
            del self._listeners[key]
        says = self.rng.random() < 0.8
        for end in [end for end in self.ends if end.owner is process]:
            self.cut(end, whole=says, told=says)

    def cut(self, end: "End", *, whole: bool = False, told: bool = True) -> None:
        """Break a connection: what is on its way comes up to some byte, or `whole`.

        Without `told`, the ends have to find out by themselves.
        """
        for each in (end, end.peer):
            each.lose(each.coming if whole else self.rng.randint(0, each.coming))
            if told:
                delay_s = self.rng.choice((0.0, self.delay_s(), self.rng.uniform(0, 0.8)))
                self.loop.call_later(delay_s, each.reset, context=each.owner.context())

    def delay_s(self) -> float:
        late = self.rng.random() < self.conditions.late
        return self.rng.uniform(*(LATE_S if late else DELAY_S))

    async def reach(self, sender: str, receiver: str) -> None:
        await asyncio.sleep(self.delay_s())
        while not self.conditions.open(sender, receiver):
            await asyncio.sleep(0.05)


class Listener:
    """What `create_server` returns."""

    def __init__(self, network: Network, host: str, port: int) -> None:
        self._network, self._at = network, (host, port)
        self.sockets = [self]

    def getsockname(self) -> tuple[str, int]:
        return self._at

    def close(self) -> None:
        self._network.gone(*self._at)


class End(asyncio.Transport):
    """One end of a connection: the transport of a process, and what is on its way to it."""

    peer: "End"

    def __init__(self, network: Network, owner: "Process") -> None:
        super().__init__()
        self.owner = owner
        self.over = False  # nothing is written or read any more
        self.coming = 0  # bytes on their way here
        self._network = network
        self._protocol: Any = None
        self._arrival_s = 0.0  # of the last byte that is on its way
        self._left: int | None = None  # bytes that still come over a connection that broke
        self._reading = True
        self._inbox: deque[bytes | None] = deque()  # None: the other end has closed
        self._held: deque[bytes | None] = deque()  # cut off on its way
        self._full = False
        self._number = next(network.numbers)
        network.ends[self] = None

    def begin(self, made: Callable[[], Any]) -> Any:
        """Make the protocol of this end."""
        self._protocol = made()
        self._protocol.connection_made(self)
        self._network.loop.call_soon(self._take, context=self.owner.context())
        return self._protocol

    def write(self, data: Any) -> None:
        if self.over or self.peer.over or self._left is not None:
            return
        content = bytes(data)
        network = self._network
        while content:
            size = len(content)
            if size > 1 and network.rng.random() < network.conditions.pieces:
                size = network.rng.randint(1, size - 1)
            self._send(content[:size])
            content = content[size:]
        if self.peer.coming > MOST_AHEAD and not self._full:
            self._full = True
            self._protocol.pause_writing()

    def close(self) -> None:
        """Send what was written, then say that this is the end."""
        if not self.over:
            self._end(None)
            self._send(None)

    def abort(self) -> None:
        """End at once; the other end learns it, unless what says so is lost."""
        if not self.over:
            self._end(None)
            loop, peer = self._network.loop, self.peer
            if self._open():
                loop.call_later(self._network.delay_s(), peer.reset, context=peer.owner.context())

    def reset(self) -> None:
        """The connection is found to be broken."""
        if not self.over:
            self._end(ConnectionResetError("the connection was reset"))

    def lose(self, coming: int) -> None:
        """The connection broke: only so many of the bytes on their way still come."""
        self._left = min(coming, self.coming if self._left is None else self._left)

    def is_closing(self) -> bool:
        return self.over

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        at = {
            "sockname": (self.owner.name, self._number),
            "peername": (self.peer.owner.name, self.peer._number),
        }
        return at.get(name, default)

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self._network.loop.call_soon(self._take, context=self.owner.context())

    def _open(self) -> bool:
        return self._network.conditions.open(self.owner.name, self.peer.owner.name)

    def _send(self, content: bytes | None) -> None:
        peer, loop = self.peer, self._network.loop
        peer.coming += len(content or b"")
        peer._arrival_s = max(peer._arrival_s + 1e-6, loop.now_s + self._network.delay_s())
        loop.call_at(peer._arrival_s, peer._arrive, content, context=peer.owner.context())

    def _arrive(self, content: bytes | None) -> None:
        """Take what comes from the other end; while that direction is cut off, it comes later, by sending it again."""
        if self._held or not self._network.conditions.open(self.peer.owner.name, self.owner.name):
            if not self._held:
                self._network.loop.call_later(0.05, self._retry, context=self.owner.context())
            self._held.append(content)
            return
        self._come(content)

    def _retry(self) -> None:
        if not self._network.conditions.open(self.peer.owner.name, self.owner.name):
            self._network.loop.call_later(0.05, self._retry, context=self.owner.context())
            return
        while self._held:
            self._come(self._held.popleft())

    def _come(self, content: bytes | None) -> None:
        if self.over:
            return
        network = self._network
        size = len(content or b"")
        self.coming -= size
        if self._left is not None:
            if content is None:
                return
            content, self._left = content[: self._left], max(0, self._left - size)
            if not content:
                return
        network.digest.update(f"{network.loop.now_s:.9f} {self.owner.name} {size}".encode())
        self._inbox.append(content)
        self._take()
        if self.peer._full and self.coming < MOST_AHEAD / 4:
            self.peer._full = False
            if not self.peer.over:
                network.loop.call_soon(self.peer._protocol.resume_writing, context=self.peer.owner.context())

    def _take(self) -> None:
        while self._inbox and self._reading and self._protocol and not self.over:
            content = self._inbox.popleft()
            if content is not None:
                self._protocol.data_received(content)
            elif not self._protocol.eof_received():
                self.close()

    def _end(self, error: Exception | None) -> None:
        self.over = True
        self._network.ends.pop(self, None)
        if self._protocol:
            self._network.loop.call_soon(self._protocol.connection_lost, error, context=self.owner.context())
