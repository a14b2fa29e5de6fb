"""Whatever a server sends, in whatever pieces: a page is exactly its Content-Length, or there is none."""

import re

from hypothesis import given
from hypothesis import strategies as st

from runtime.page_client import Connection
from runtime.response_head import ResponseUnusable, response_head

MOST = 50
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"
FRAGMENTS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.0 200",
        b"HTTP/1.1 404 No",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"Content-Length: 3",
        b"Content-Length: 51",
        b"Transfer-Encoding: chunked",
        b"Connection: close",
        b"X: y",
        b": ",
        b"abc",
    ]
)
ANYTHING = st.lists(FRAGMENTS | st.binary(max_size=6), max_size=12).map(b"".join)


class FakeTransport:
    """Takes what is written, and notes that it was closed."""

    closed = False

    def write(self, data: bytes) -> None:
        """Send nothing."""

    def abort(self) -> None:
        self.closed = True


def outcome(data: bytes, cuts: list[int]) -> bytes | BaseException:
    """Return what becomes of a request that is answered with `data`, cut into pieces, before the server hangs up."""
    connection, transport = Connection(MOST), FakeTransport()
    connection.connection_made(transport)
    found = list[bytes | OSError | ResponseUnusable]()
    connection.ask(b"", found.append)
    for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        if not transport.closed and begin < end:
            connection.data_received(data[begin:end])
    connection.connection_lost(None)
    (told,) = found  # nobody waits for ever
    return told


def cuts_of(data: bytes) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, len(data)), max_size=6).map(sorted)


@given(st.data(), st.binary(max_size=MOST), st.binary(max_size=20))
def test_a_page_is_read_whole_however_it_is_cut(data: st.DataObject, page: bytes, more: bytes) -> None:
    sent = OK % (len(page), page) + more
    assert outcome(sent, data.draw(cuts_of(sent))) == page


@given(st.data(), ANYTHING)
def test_any_bytes_are_a_page_of_the_length_said_or_an_error(data: st.DataObject, sent: bytes) -> None:
    found = outcome(sent, data.draw(cuts_of(sent)))
    if isinstance(found, bytes):
        head, _, rest = sent.partition(b"\r\n\r\n")
        (length,) = re.findall(rb"(?i)\r\ncontent-length:[ \t]*(\d+)", head)
        assert found == rest[: int(length)]
        assert len(found) == int(length) <= MOST
    else:
        assert isinstance(found, ConnectionResetError | ResponseUnusable)


@given(ANYTHING | st.binary(max_size=200))
def test_a_head_is_read_or_refused_in_words(head: bytes) -> None:
    try:
        said = str(response_head(head, MOST).body_bytes)
    except ResponseUnusable as refused:
        said = str(refused)
    assert said
