"""docs/explanation/charging.md has the constants of the plan, and other pages the bounds of pages."""

import re

from substation.contract import MOST_LISTED, MOST_STREAMED
from substation.plan import CUT_OFF, FULL_AT, FULL_SHARE, MILLION, STEPS_AT, Plan
from substation.pruning import KEEP_MS
from tests.unit.docs import car_picture
from tests.unit.docs.pages import DOCS

TEXT = (DOCS / "explanation" / "charging.md").read_text(encoding="utf-8")


def cell(row: str) -> str:
    """The second cell of the row whose first cell is `row`."""
    found = re.search(rf"^\| {re.escape(row)} \| ([^|]+) \|", TEXT, flags=re.MULTILINE)
    assert found, row
    return found[1]


def test_the_constants_are_those_of_the_plan() -> None:
    assert cell("share of the energy at full power") == f"{FULL_SHARE}"
    assert cell("cut-off") == f"{CUT_OFF} of `P`"
    assert f"while x <= {FULL_SHARE}" in TEXT
    assert f"tau     = {1 - FULL_SHARE:.1f} / (1 - {CUT_OFF}) = 2/9" in TEXT
    assert f"= {FULL_AT / MILLION:.3f}` times" in TEXT


def test_the_steps_of_the_reservation_are_those_of_the_plan() -> None:
    ends = [at / MILLION for at, _ in STEPS_AT] + [FULL_AT / MILLION]
    written = [cell(name) for name in ("`P`", "3/4 `P`", "1/2 `P`", "1/4 `P`")]
    assert written == [*(f"{end:.6f}" for end in ends[:3]), f"{ends[3]:.6f}, the end"]


def test_the_example_is_worked_out_right() -> None:
    plan = Plan(22 * 3_600_000, 11_000)
    hours, minutes = divmod(plan.duration_ms // 60_000, 60)
    assert f"22 kWh at 11 kW take {hours} h {minutes} min" in " ".join(TEXT.split())
    knee_ms = next(ms for ms in range(0, plan.duration_ms, 60_000) if plan.draw_w(ms + 1) < plan.power_w)
    assert f"first {knee_ms // 3_600_000} h {knee_ms // 60_000 % 60} min are at full power" in " ".join(
        TEXT.split()
    )


def test_the_bounds_of_pages_and_of_keeping_are_those_of_the_code() -> None:
    api = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
    protocol = (DOCS / "reference" / "protocol.md").read_text(encoding="utf-8")
    assert f"`limit` is 1 to {MOST_LISTED}, 100 when absent" in api
    assert f"`limit` is brought within 1 and {MOST_STREAMED}." in protocol
    assert KEEP_MS == 3 * 24 * 3600 * 1000
    assert "three days after its planned end" in protocol


def test_the_picture_of_one_car_is_that_of_its_plan() -> None:
    assert car_picture.PICTURE.read_text(encoding="utf-8") == car_picture.picture()
    assert "](../images/one-car.svg)" in TEXT
