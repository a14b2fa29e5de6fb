"""Frames: four bytes of length and as many of content. Four bytes of ones are a heartbeat.

Pure.
"""

LENGTH_BYTES = 4
HEARTBEAT = b"\xff" * LENGTH_BYTES  # no frame is as long


class FrameTooLong(Exception):
    """A frame is longer than is accepted; the message says how long, and what is accepted."""


def framed(content: bytes) -> bytes:
    """Return the frame with a content."""
    return len(content).to_bytes(LENGTH_BYTES, "big") + content


class FrameCutter:
    """Cuts the bytes of a connection into frames, however they come; one of over `most_bytes` is not accepted."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._bytes = bytearray()
        self._at = 0  # where the next frame begins

    @property
    def within_frame(self) -> bool:
        """Whether there is more than the frames that were taken."""
        return self._at < len(self._bytes)

    def add(self, data: bytes) -> None:
        """Take bytes that came."""
        del self._bytes[: self._at]
        self._at = 0
        self._bytes += data

    def next(self) -> bytes | None:
        """Return the content of the next frame, None when it is not complete; raises FrameTooLong."""
        while len(self._bytes) - self._at >= LENGTH_BYTES:
            begin = self._at + LENGTH_BYTES
            length = self._bytes[self._at : begin]
            if length == HEARTBEAT:
                self._at = begin
                continue
            end = begin + int.from_bytes(length, "big")
            if end - begin > self.most_bytes:
                raise FrameTooLong(f"it has {end - begin} bytes, and at most {self.most_bytes} are accepted")
            if len(self._bytes) < end:
                break
            self._at = end
            return bytes(self._bytes[begin:end])
        return None
