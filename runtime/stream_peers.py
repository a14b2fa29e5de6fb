"""What the streams of one caller share: its numbers go on from stream to stream.

A stream that breaks leaves answers of which only the caller knows whether they arrived. So the caller says on
its next stream which numbers it has lost, and what is known of them outlives the stream.
"""

from collections import OrderedDict
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")

REMEMBERED = 4096  # answers, and numbers that were given up, of each caller
MOST_PEERS = 200  # twice as many as streams at once
LINK = "smartgrid-link"  # the name under which a stream begins with the id of its link


class Peer(Generic[Answer]):
    """One caller: its open streams, what was written to it, and the numbers that it has given up."""

    def __init__(self) -> None:
        self.streams: set[Any] = set()
        self._written: OrderedDict[int, Answer] = OrderedDict()
        self._given_up: OrderedDict[int, None] = OrderedDict()

    def wrote(self, answers: list[tuple[int, Answer]]) -> None:
        """Remember answers that are being written."""
        self._written.update(answers)
        _limit(self._written)

    def give_up(self, number: int) -> Answer | None:
        """Note that an answer is not used; returns it if it was written, and not given up before."""
        self._given_up[number] = None
        _limit(self._given_up)
        return self._written.pop(number, None)

    def gave_up(self, number: int) -> bool:
        """Whether a number was given up: a call that comes late, on a stream that was lost, is not begun."""
        return number in self._given_up


class Peers(Generic[Answer]):
    """The callers, by the ids of their links."""

    def __init__(self) -> None:
        self._peers: OrderedDict[str, Peer[Answer]] = OrderedDict()

    def of(self, context: Any) -> Peer[Answer]:
        """Return whose stream it is; one that does not say is a caller of its own."""
        fields: dict[str, Any] = dict(context.invocation_metadata() or ())
        if not (link := str(fields.get(LINK, ""))):
            return Peer()
        peer = self._peers.setdefault(link, Peer())
        self._peers.move_to_end(link)
        for name in [name for name, known in self._peers.items() if not known.streams and known is not peer]:
            if len(self._peers) <= MOST_PEERS:
                break
            del self._peers[name]
        return peer


def _limit(remembered: "OrderedDict[int, Any]") -> None:
    while len(remembered) > REMEMBERED:
        remembered.popitem(last=False)
