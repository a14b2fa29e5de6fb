"""Where a substation's stream is."""

import pytest

from balancer.fleet.poller import stream_address


@pytest.mark.parametrize(
    ("url", "advertised", "expected"),
    [
        ("http://127.0.0.1:8101", ":9101", "127.0.0.1:9101"),
        ("http://substation:8101", ":9101", "substation:9101"),
        ("http://[::1]:8101", ":9101", "[::1]:9101"),
        ("http://substation:8101", "elsewhere:9101", "elsewhere:9101"),
        ("http://substation:8101", "[fe80::1]:9101", "[fe80::1]:9101"),
    ],
)
def test_the_stream_is_on_the_host_of_the_page(url: str, advertised: str, expected: str) -> None:
    assert stream_address(url, advertised) == expected
