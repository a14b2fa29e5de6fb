"""Where a substation's stream is, and when it is polled: in even steps, however many there are."""

import itertools

import pytest

from balancer.fleet.poller import shares_apart, stream_address


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


@pytest.mark.parametrize("count", [2, 3, 10, 100, 1_000])
def test_polls_are_spread_over_the_interval_however_many_addresses_there_are(count: int) -> None:
    shares = sorted(itertools.islice(shares_apart(), count))
    gaps = [after - before for before, after in itertools.pairwise([*shares, shares[0] + 1])]
    assert 0.3 / count < min(gaps)
    assert max(gaps) < 2 / count
