"""Times and figures of reports and comparisons are written as on all pages of the console."""

import pytest

from loadtest.compare.merits import Unit
from loadtest.paper.fields import moment


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-12-01T13:29:06.066+00:00", "2026-12-01 13:29:06 UTC"),
        ("2026-12-01T15:29:06+02:00", "2026-12-01 13:29:06 UTC"),
        ("2026-12-01T13:29:06", "2026-12-01T13:29:06"),  # of no known zone
        ("rush-hour", "rush-hour"),
        (None, ""),
    ],
)
def test_a_time_has_one_format_with_its_zone(value: object, shown: str) -> None:
    assert moment(value) == shown


def test_thousands_are_separated_and_have_their_unit() -> None:
    assert Unit.MS.text(10068.0) == "10,068.0 ms"
    assert Unit.KWH.text(7858.2) == "7,858 kWh"
    assert Unit.WATT_SECONDS.text(12345.0) == "12,345 W·s"
    assert Unit.MS.difference(-8524.3) == "-8,524.3 ms"
