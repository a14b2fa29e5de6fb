"""Bugs in streams and links."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from runtime import coalescer
from runtime.message_stream import _Heart
from runtime.stream_peers import Peer
from runtime.stream_server import Conversation
from tests.simulation.planted.registry import planted


@planted
def an_answer_that_was_lost_is_not_remembered() -> AbstractContextManager[object]:
    """What was written to a stream that broke counts as read."""
    return patch.object(Peer, "wrote", lambda *_: None)


@planted
def a_cancellation_is_ignored() -> AbstractContextManager[object]:
    """A caller that hangs up does not end its call."""
    return patch.object(Conversation, "_cancel", lambda *_: None)


@planted
def a_call_is_sent_again_on_the_next_stream() -> AbstractContextManager[object]:
    """A call whose stream was lost is repeated, whatever it is."""

    def lose(self: Any) -> None:
        self.up, self._stream = False, None
        for call in self._sent.values():
            self._waiting[next(self._numbers)] = call
        self._sent = {}

    return patch.object(coalescer.Link, "_lose", lose)


@planted
def a_silent_stream_is_kept() -> AbstractContextManager[object]:
    """Nobody notices that the other end has gone."""
    beat = _Heart._beat

    def beaten(self: Any) -> None:
        self._silent_s = float("inf")
        beat(self)

    return patch.object(_Heart, "_beat", beaten)
