"""An HTTP server that answers every request with bytes of the test's choice."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def response(body: bytes, status: str = "200 OK", *more: str) -> bytes:
    """A whole response."""
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *more))
    return head.encode() + b"Connection: close\r\n\r\n" + body


@contextmanager
def answering(
    answer: Callable[[str], bytes], port: int = 0, hold: threading.Event | None = None
) -> Iterator[str]:
    """Serve on a port of 127.0.0.1; yields the base URL.

    `answer` is asked with the target of each request. With `hold`, connections stay open after it until that is set.
    """

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            target = self.rfile.readline().decode().split(" ")[1]
            while self.rfile.readline().strip():
                pass
            self.wfile.write(answer(target))
            self.wfile.flush()
            if hold:
                hold.wait()

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """The client has hung up: that is what is tested."""

    with Server(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            if hold:
                hold.set()
            server.shutdown()
            thread.join()
