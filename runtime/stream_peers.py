"""The shared state of the streams of one caller: call numbers, and answers that may have been lost.

Pure.

When a stream breaks, only the caller knows which answers arrived. So the caller sends the numbers that it lost on
its next stream, and what the serving end knows of them outlives the stream.
"""

from collections import OrderedDict, deque
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")

MOST_REMEMBERED = 4096  # answers, and numbers that were given up, of each caller
MOST_PEERS = 200  # twice as many as streams at once


class Peer(Generic[Answer]):
    """One caller: its open streams, the answers written to it, and the numbers that it has given up."""

    def __init__(self) -> None:
        self.streams: dict[Any, None] = {}  # in the order of their coming
        self._written: _Written[Answer] = _Written()
        self._given_up: OrderedDict[int, None] = OrderedDict()

    def wrote(self, answers: list[tuple[int, Answer]]) -> None:
        """Remember answers that are being written."""
        self._written.add(answers)

    def give_up(self, number: int) -> Answer | None:
        """Note that the answer to a number is not used; returns the answer if it was written and not given up before."""
        self._given_up[number] = None
        _limit(self._given_up)
        return self._written.pop(number)

    def gave_up(self, number: int) -> bool:
        """Whether a number was given up; a call that arrives after that, from a lost stream, must not begin."""
        return number in self._given_up


class _Written(Generic[Answer]):
    """The newest MOST_REMEMBERED answers by their numbers, as the messages in which they went until one is asked for.

    Thousands are written for each one that is given up.
    """

    def __init__(self) -> None:
        self._messages: deque[list[tuple[int, Answer]]] = deque()
        self._in_messages = 0  # answers
        self._found: OrderedDict[int, Answer] = OrderedDict()

    def __len__(self) -> int:
        """How many answers are kept."""
        return self._in_messages + len(self._found)

    def add(self, answers: list[tuple[int, Answer]]) -> None:
        """Remember the answers of a message."""
        self._messages.append(answers)
        self._in_messages += len(answers)
        while self._in_messages - len(self._messages[0]) >= MOST_REMEMBERED:
            self._in_messages -= len(self._messages.popleft())

    def pop(self, number: int) -> Answer | None:
        """Take an answer out; None when it is not known, or not any more."""
        while self._messages:
            self._found.update(self._messages.popleft())
        self._in_messages = 0
        _limit(self._found)
        return self._found.pop(number, None)


class Peers(Generic[Answer]):
    """The callers, by the ids of their links."""

    def __init__(self) -> None:
        self._peers: OrderedDict[str, Peer[Answer]] = OrderedDict()

    def of(self, link: str) -> Peer[Answer]:
        """Return the peer of a link; a stream without the id of a link ('') is a peer of its own."""
        if not link:
            return Peer()
        peer = self._peers.setdefault(link, Peer())
        self._peers.move_to_end(link)
        for name in [name for name, known in self._peers.items() if not known.streams and known is not peer]:
            if len(self._peers) <= MOST_PEERS:
                break
            del self._peers[name]
        return peer


def _limit(remembered: "OrderedDict[int, Any]") -> None:
    while len(remembered) > MOST_REMEMBERED:
        remembered.popitem(last=False)
