"""How many frames a client of a stream may send: a burst, and then so many a second.

Pure: time comes as seconds of a monotonic clock. A frame is a message, a part of one, a ping or a pong. A browser sends a
message when a dialog opens, and everybody answers our pings: one frame in 20 s.
"""

BURST = 20
A_SECOND = 10.0


class FrameAllowance:
    """The frames that one client may still send."""

    def __init__(self, now_s: float) -> None:
        self._left = float(BURST)
        self._at_s = now_s

    def take(self, now_s: float) -> bool:
        """Take a frame that has come; returns whether the client may send it."""
        self._left = min(BURST, self._left + (now_s - self._at_s) * A_SECOND)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True
