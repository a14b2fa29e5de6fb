"""Draws docs/images/one-car.svg: what one car's session reserves and draws, from its request to its end.

The figures are those of the plan. `python -m tests.unit.docs.car_picture` writes the picture anew.
"""

from substation.plan import FULL_AT, FULL_SHARE, MILLION, Plan
from tests.unit.docs.pages import DOCS

PICTURE = DOCS / "images" / "one-car.svg"
PLAN = Plan(energy_j=22 * 3_600_000, power_w=11_000)
WIDTH, HEIGHT = 850, 330
LEFT, RIGHT, TOP, BOTTOM = 70, 770, 70, 250  # of the chart, in pixels
SHOWN_MS = 170 * 60_000
MOST_W = 12_000
STYLE = """
svg { --ground: #fff; --ink: #1b1f24; --quiet: #57606a; --rule: #d8dee4; --held: #0072b2; --drawn: #b35900; }
@media (prefers-color-scheme: dark) {
svg { --ground: #14171c; --ink: #e6e9ed; --quiet: #a3abb5; --rule: #353b44; --held: #56b4e9; --drawn: #f0a030; }
}
.ground { fill: var(--ground); }
text { font: 12px system-ui, sans-serif; fill: var(--quiet); }
text.title { font-size: 13px; font-weight: 600; fill: var(--ink); }
.grid { stroke: var(--rule); }
.mark { stroke: var(--quiet); stroke-dasharray: 2 3; }
.held { fill: none; stroke: var(--held); stroke-width: 2; }
.room { fill: var(--held); opacity: .14; }
.drawn { fill: none; stroke: var(--drawn); stroke-width: 2; stroke-dasharray: 7 3; }
"""
LABEL = (
    "The power of one car over its session. Reserved power begins at 11 kW and falls in steps to 8.25, 5.5, 2.75"
    " and 0 kW. Drawn power is 11 kW until 80 % of the energy is delivered, then falls along a curve that stays"
    " below the steps, and ends at about 1 kW when the car is full."
)


def x(ms: float) -> float:
    """Return the horizontal place of a moment of grid time."""
    return round(LEFT + (RIGHT - LEFT) * ms / SHOWN_MS, 1)


def y(watts: float) -> float:
    """Return the vertical place of a power."""
    return round(BOTTOM - (BOTTOM - TOP) * watts / MOST_W, 1)


def reserved() -> str:
    """Return the path of the reserved power."""
    path, held_w = f"M{x(0)} {y(PLAN.power_w)}", PLAN.power_w
    for after_ms, freed_w in PLAN.releases():
        held_w -= freed_w
        path += f" H{x(after_ms)} V{y(held_w)}"
    return path


def drawn() -> str:
    """Return the path of the power that the car draws, minute by minute."""
    moments = [*range(0, PLAN.duration_ms, 60_000), PLAN.duration_ms - 1]
    return "M" + " L".join(f"{x(ms)} {y(PLAN.draw_w(ms))}" for ms in moments)


def picture() -> str:
    """Return the picture."""
    knee_ms, end_ms = FULL_SHARE * MILLION / FULL_AT * PLAN.duration_ms, PLAN.duration_ms
    steps = [after_ms for after_ms, _ in PLAN.releases()][:-1]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{LABEL}">',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        *(line(LEFT, y(kw * 1000), RIGHT, y(kw * 1000), "grid") for kw in (0, 2.75, 5.5, 8.25, 11)),
        *(text(LEFT - 8, y(kw * 1000) + 4, f"{kw:g} kW", "end") for kw in (0, 2.75, 5.5, 8.25, 11)),
        *(text(x(hour * 3_600_000 / 2), BOTTOM + 18, f"{hour / 2:g} h", "middle") for hour in range(6)),
        text(
            (LEFT + RIGHT) / 2,
            BOTTOM + 38,
            f"grid time, as the car sees it; with make run, {round(PLAN.duration_ms / 120_000)} seconds pass on the clock",
            "middle",
        ),
        f'<path class="room" d="{reserved()} H{x(0)} Z"/>',
        f'<path class="held" d="{reserved()}"/>',
        f'<path class="drawn" d="{drawn()}"/>',
        line(x(0), TOP - 18, x(0), BOTTOM, "mark"),
        text(x(0) + 6, TOP - 24, "1. request and reservation", "start", "title"),
        text(x(0) + 6, TOP - 8, "22 kWh at 11 kW: the substation reserves 11 kW", "start"),
        line(x(knee_ms), TOP - 18, x(knee_ms), BOTTOM, "mark"),
        text(x(knee_ms) + 6, TOP - 24, "2. taper", "start", "title"),
        text(x(knee_ms) + 6, TOP - 8, "80 % is delivered, the draw falls", "start"),
        text(x(steps[0]) + 14, y(9600), "3. release", "start", "title"),
        text(x(steps[0]) + 14, y(8550), "power is free for other cars", "start"),
        line(x(end_ms), TOP + 90, x(end_ms), BOTTOM, "mark"),
        text(x(end_ms) + 6, y(3400), "4. full", "start", "title"),
        text(x(end_ms) + 6, y(2300), "after", "start"),
        text(x(end_ms) + 6, y(1300), f"{end_ms // 3_600_000} h {end_ms // 60_000 % 60} min", "start"),
        line(LEFT, HEIGHT - 20, LEFT + 28, HEIGHT - 20, "held"),
        text(LEFT + 34, HEIGHT - 16, "reserved: counts against the limit", "start"),
        line(LEFT + 260, HEIGHT - 20, LEFT + 288, HEIGHT - 20, "drawn"),
        text(LEFT + 294, HEIGHT - 16, "drawn: what flows into the car, never more than is reserved", "start"),
        "</svg>\n",
    ]
    return "\n".join(parts)


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """Return a straight line."""
    return f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def text(at_x: float, at_y: float, words: str, anchor: str, kind: str = "tick") -> str:
    """Return a text."""
    return f'<text class="{kind}" x="{at_x}" y="{round(at_y, 1)}" text-anchor="{anchor}">{words}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
