"""A head that says exactly how long its body is is taken; any other is refused, and says why."""

import pytest

from runtime.response_head import ResponseHead, ResponseUnusable, response_head

MOST = 1000


def head(*lines: str) -> bytes:
    return "\r\n".join(("HTTP/1.1 200 OK", *lines)).encode("latin-1")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (head("Content-Length: 7"), ResponseHead(7, keeps_open=True)),
        (head("content-length:0"), ResponseHead(0, keeps_open=True)),
        (head("CONTENT-LENGTH:\t1000 "), ResponseHead(1000, keeps_open=True)),
        (head("X-Any: a:b", "Content-Length: 007", "Content-Encoding: Identity"), ResponseHead(7, True)),
        (head("Content-Length: 7", "Connection: Close"), ResponseHead(7, keeps_open=False)),
        (head("Content-Length: 7", "Connection: keep-alive"), ResponseHead(7, keeps_open=True)),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 7", ResponseHead(7, keeps_open=False)),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\nConnection: keep-alive", ResponseHead(7, False)),
        (b"HTTP/1.1 200\r\nContent-Length: 7", ResponseHead(7, keeps_open=True)),
    ],
)
def test_a_plain_head_says_how_long_the_body_is(given: bytes, expected: ResponseHead) -> None:
    assert response_head(given, MOST) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 7", "status 500"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0", "status 302"),
        (b"HTTP/1.1 100 Continue", "status 100"),
        (b"HTTP/1.1 206 Partial Content\r\nContent-Length: 7", "status 206"),
        (b"HTTP/2.0 200 OK\r\nContent-Length: 7", "no status line"),
        (b"http/1.1 200 OK\r\nContent-Length: 7", "no status line"),
        (b"HTTP/1.1 2000 OK\r\nContent-Length: 7", "no status line"),
        (b"HTTP/1.1 200OK\r\nContent-Length: 7", "no status line"),
        (b"HTTP/1.1 200 O\nK\r\nContent-Length: 7", "no status line"),
        (b"", "no status line"),
        (b"\x16\x03\x01\x02\x00", "no status line"),
        (head(), "Content-Length b''"),
        (head("Content-Length:"), "Content-Length b''"),
        (head("Content-Length: 7", "Content-Length: 7"), "Content-Length b'7, 7'"),
        (head("Content-Length: 7", "content-length: 8"), "Content-Length b'7, 8'"),
        (head("Content-Length: 7, 7"), "Content-Length b'7, 7'"),
        (head("Content-Length: -7"), "Content-Length b'-7'"),
        (head("Content-Length: +7"), "Content-Length b'+7'"),
        (head("Content-Length: 7.0"), "Content-Length b'7.0'"),
        (head("Content-Length: 0x7"), "Content-Length b'0x7'"),
        (head("Content-Length: 1_0"), "Content-Length b'1_0'"),
        (head("Content-Length: \xb2"), "Content-Length"),
        (head(f"Content-Length: {'9' * 5000}"), "Content-Length"),
        (head("Content-Length: 1001"), "1001 bytes, over 1000"),
        (head("Transfer-Encoding: chunked"), "Transfer-Encoding"),
        (head("Content-Length: 7", "Transfer-Encoding: chunked"), "Transfer-Encoding"),
        (head("Content-Length: 7", "Content-Encoding: gzip"), "Content-Encoding"),
        (head("Content-Length : 7"), "no header field"),
        (head(" Content-Length: 7"), "no header field"),
        (head("X: 1", "  folded", "Content-Length: 7"), "no header field"),
        (head("X: 1\nContent-Length: 7"), "no header field"),
        (head("X: 1\rContent-Length: 7"), "no header field"),
        (head("X: \0", "Content-Length: 7"), "no header field"),
        (head("Content-Length: 7", ""), "no header field"),
        (head("nonsense", "Content-Length: 7"), "no header field"),
    ],
)
def test_a_head_that_leaves_doubt_is_refused(given: bytes, said: str) -> None:
    with pytest.raises(ResponseUnusable) as refused:
        response_head(given, MOST)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 500
