"""`python -m tests.bench.viewers URL COUNT`: browsers that watch a console, as raw sockets that read and drop.

The header with the cookies comes on stdin. It prints "ready" once each viewer has its first frame. When its stdin is
closed, it prints how many frames and bytes came since. It parses only the frames' lengths, so that on a small machine
the viewers take next to nothing from what is measured.
"""

import dataclasses
import json
import selectors
import socket
import sys
from urllib.parse import urlsplit

BUFFER_BYTES = 1 << 20
PING, CLOSE = 0x9, 0x8
PONG = bytes((0x8A, 0x80, 0, 0, 0, 0))  # masked, as a client's frames are, and empty
LIMIT_S = 30.0


@dataclasses.dataclass
class Viewer:
    """One connection, and how much of its present frame is still to come."""

    link: socket.socket
    frames: int = 0
    left: int = 0  # bytes of the present frame
    head: bytes = b""  # the beginning of a header

    def take(self, data: memoryview) -> None:
        """Count the frames whose headers are in `data`; raises ConnectionError when the console says goodbye."""
        at = 0
        while at < len(data):
            if self.left:
                step = min(self.left, len(data) - at)
                self.left -= step
                at += step
                continue
            need = header_bytes(self.head) - len(self.head)
            self.head += bytes(data[at : at + need])
            at += need
            if len(self.head) >= 2 and len(self.head) == header_bytes(self.head):
                self._begin()

    def _begin(self) -> None:
        kind, size = self.head[0] & 0xF, self.head[1]
        self.left = int.from_bytes(self.head[2:]) if size > 125 else size
        self.head = b""
        if kind == CLOSE:
            raise ConnectionError(f"the console ended the stream after {self.frames} frames")
        if kind == PING:
            self.link.sendall(PONG)
        else:
            self.frames += 1


def header_bytes(head: bytes) -> int:
    """Return how long the header is that begins with `head`: RFC 6455, 5.2."""
    if len(head) < 2:
        return 2
    return {126: 4, 127: 10}.get(head[1], 2)


def connected(url: str, cookies: str) -> Viewer:
    """Open a stream; raises ConnectionError when it is refused."""
    at = urlsplit(url)
    link = socket.create_connection((at.hostname or "", at.port or 80), LIMIT_S)
    link.sendall(
        f"GET /stream HTTP/1.1\r\nHost: {at.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: {cookies}\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        if not (more := link.recv(1)):
            raise ConnectionError("the stream was refused")
        answer += more
    if b" 101 " not in answer.partition(b"\r\n")[0]:
        raise ConnectionError(answer.decode())
    link.setblocking(False)
    return Viewer(link)


def watch(viewers: list[Viewer]) -> dict[str, int]:
    """Read until stdin is closed; returns the frames and bytes that came since every viewer had its first frame."""
    selector, buffer = selectors.DefaultSelector(), memoryview(bytearray(BUFFER_BYTES))
    for viewer in viewers:
        selector.register(viewer.link, selectors.EVENT_READ, viewer)
    selector.register(sys.stdin, selectors.EVENT_READ)
    came = before = 0
    while True:
        for key, _ in selector.select():
            if key.data is None:
                return {"frames": sum(each.frames for each in viewers) - before, "bytes": came}
            size = key.data.link.recv_into(buffer)
            if not size:
                raise ConnectionError("the console closed a connection")
            key.data.take(buffer[:size])
            came += size
        if not before and all(each.frames for each in viewers):
            came, before = 0, sum(each.frames for each in viewers)
            print("ready", flush=True)


def main(url: str, count: int) -> None:
    """Connect all viewers, watch, and print what came."""
    cookies = sys.stdin.readline().strip()
    print(json.dumps(watch([connected(url, cookies) for _ in range(count)])), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
