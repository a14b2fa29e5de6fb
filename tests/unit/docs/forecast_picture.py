"""Draws docs/images/forecast.svg: a day of a real grid, and the forecast that was made of it at noon.

The figures are those of the model. `python -m tests.unit.docs.forecast_picture` writes the picture anew.
"""

from collections.abc import Sequence

from balancer.forecast.calendar_days import SLOTS, start_of
from balancer.forecast.model import SeriesModel
from tests.unit.balancer.forecast.series import holidays_of, year
from tests.unit.docs.pages import DOCS

PICTURE = DOCS / "images" / "forecast.svg"
SERIES = "lv6_kw"
DAY = 300  # of the year: 27 October 2016, a Thursday
NOON = SLOTS // 2
WIDTH, HEIGHT = 850, 330
LEFT, RIGHT, TOP, BOTTOM = 70, 820, 50, 280
MOST_KW = 160
STYLE = """
svg { --ground: #fff; --ink: #1b1f24; --quiet: #57606a; --rule: #d8dee4; --seen: #57606a; --ahead: #0072b2; }
@media (prefers-color-scheme: dark) {
svg { --ground: #14171c; --ink: #e6e9ed; --quiet: #a3abb5; --rule: #353b44; --seen: #a3abb5; --ahead: #56b4e9; }
}
.ground { fill: var(--ground); }
text { font: 12px system-ui, sans-serif; fill: var(--quiet); }
text.title { font-size: 13px; font-weight: 600; fill: var(--ink); }
.grid { stroke: var(--rule); }
.seen { fill: none; stroke: var(--seen); stroke-width: 1.5; }
.mean { fill: none; stroke: var(--ahead); stroke-width: 2; }
.band { fill: var(--ahead); opacity: .16; }
"""


def x_of(slot: int) -> float:
    """Return the pixel of a quarter hour of the 36 h that are shown."""
    return LEFT + (RIGHT - LEFT) * slot / (1.5 * SLOTS)


def y_of(load_kw: float) -> float:
    """Return the pixel of a load."""
    return BOTTOM - (BOTTOM - TOP) * load_kw / MOST_KW


def points(values: Sequence[tuple[int, float]]) -> str:
    """Return points of a line."""
    return " ".join(f"{x_of(slot):.1f},{y_of(value):.1f}" for slot, value in values)


def drawn() -> str:
    """Return the picture."""
    values = year()[SERIES]
    first = min(values) + DAY * SLOTS
    model = SeriesModel(holidays_of(values))
    for slot, value in values.items():
        if slot < first + NOON:
            model.observe(slot, value)
    steps = model.forecast()
    seen = points([(slot, values[first + slot]) for slot in range(SLOTS + NOON)])
    mean = points([(step.slot - first, step.mean) for step in steps])
    low = [(step.slot - first, step.p10) for step in reversed(steps)]
    band = points([(step.slot - first, step.p90) for step in steps] + low)
    rules = "".join(
        f'<path class="grid" d="M{LEFT} {y_of(kw):.1f}H{RIGHT}"/><text x="{LEFT - 8}" y="{y_of(kw) + 4:.1f}"'
        f' text-anchor="end">{kw} kW</text>'
        for kw in range(0, MOST_KW + 1, 40)
    )
    hours = "".join(
        f'<text x="{x_of(4 * hour):.1f}" y="{BOTTOM + 20}" text-anchor="middle">{hour % 24:02}:00</text>'
        for hour in range(0, 37, 6)
    )
    title = (
        f"Load of a real grid on {start_of(first):%d %B %Y}, and its forecast at noon with the band of 80 %"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">'
        f'<style>{STYLE}</style><rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>'
        f'<text class="title" x="{LEFT}" y="28">{title}</text>{rules}{hours}'
        f'<polygon class="band" points="{band}"/><polyline class="seen" points="{seen}"/>'
        f'<polyline class="mean" points="{mean}"/></svg>\n'
    )


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")
