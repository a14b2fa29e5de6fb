"""Takes connections from a listening socket, and pauses when no file descriptor is left.

Tornado and asyncio would try again at once and for ever, because the socket stays readable. That takes a
whole processor core.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

OUT_OF_FILES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
PAUSE_S = 0.2
AT_ONCE = 128  # connections accepted before the loop does other work


class Acceptor:
    """Gives every connection to `take`; calls `short` each time that no file descriptor was left for one."""

    def __init__(
        self,
        listening: socket.socket,
        take: Callable[[socket.socket, Any], None],
        short: Callable[[], None],
    ) -> None:
        self._listening = listening
        self._take = take
        self._short = short
        self._loop = asyncio.get_running_loop()
        self._pausing: asyncio.TimerHandle | None = None
        self._said = False
        self._loop.add_reader(listening, self._ready)

    def close(self) -> None:
        """Stop accepting."""
        self._loop.remove_reader(self._listening)
        if self._pausing:
            self._pausing.cancel()

    def _ready(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, address = self._listening.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:  # the client hung up while it waited
                continue
            except OSError as error:
                if error.errno not in OUT_OF_FILES:
                    raise
                self._pause(error)
                return
            self._said = False
            self._take(connection, address)

    def _pause(self, error: OSError) -> None:
        if not self._said:
            log.error("no connection can be accepted: %s", error.strerror, extra={"again_in_s": PAUSE_S})
        self._said = True
        self._loop.remove_reader(self._listening)
        self._pausing = self._loop.call_later(PAUSE_S, self._resume)
        self._short()

    def _resume(self) -> None:
        self._pausing = None
        self._loop.add_reader(self._listening, self._ready)
