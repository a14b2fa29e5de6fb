"""Sends inputs to a listener, each on a connection of its own, and judges what comes back."""

import asyncio
import contextlib
import dataclasses
import re
import ssl
from collections import Counter
from collections.abc import Iterable

STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")
EXPLAINED = re.compile(rb'"urn:smartgrid:problem:[a-z-]+"')
FIRST_S = 0.25  # who says nothing for so long waits for the rest of the request
MORE_S = 0.02  # after an answer: another one comes at once, or the connection stays open
MOST_ANSWER = 4 * 1024 * 1024


@dataclasses.dataclass
class Answers:
    """What came back: how many answers of each status, and the inputs of those that nothing explains."""

    inputs: int = 0
    statuses: Counter[int] = dataclasses.field(default_factory=Counter)
    refused_connections: int = 0
    unexplained: list[tuple[bytes, bytes]] = dataclasses.field(default_factory=list)

    def judge(self, sent: bytes, received: bytes) -> None:
        """Count the answers to one input."""
        self.inputs += 1
        starts = [*STATUS.finditer(received)]
        for found, following in zip(starts, [*starts[1:], None], strict=False):
            status = int(found[1])
            self.statuses[status] += 1
            answer = received[found.start() : following.start() if following else None]
            if status >= 500 and not (status == 503 and EXPLAINED.search(answer)):
                self.unexplained.append((sent, answer[:500]))


async def send_all(
    port: int,
    given: Iterable[bytes],
    answers: Answers,
    at_once: int = 48,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Send all inputs, `at_once` at a time; under TLS with a context."""
    waiting = iter(given)

    async def sender() -> None:
        for each in waiting:
            answers.judge(each, await _sent(port, each, answers, tls))

    await asyncio.gather(*(sender() for _ in range(at_once)))


async def _sent(port: int, data: bytes, answers: Answers, tls: ssl.SSLContext | None) -> bytes:
    """Return what comes back until it is quiet or the connection is closed."""
    received = bytearray()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    except OSError:
        answers.refused_connections += 1
        return b""
    try:
        writer.write(data)
        with contextlib.suppress(TimeoutError, OSError):
            while len(received) < MOST_ANSWER:
                async with asyncio.timeout(MORE_S if received else FIRST_S):
                    piece = await reader.read(65_536)
                if not piece:
                    break
                received += piece
    finally:
        writer.transport.abort()
    return bytes(received)
