"""Which clients get a compressed answer."""

import pytest

from admin_ui.web.compression import takes_gzip


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, GZIP;q=0.2", True),
        ("*", True),
        ("*;q=0.1", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("xgzip", False),
    ],
)
def test_only_a_client_that_says_so_gets_gzip(accepted: str, taken: bool) -> None:
    assert takes_gzip(accepted) == taken
