"""The architecture as a picture, with the substations of a run.

Pure.
"""

from collections.abc import Sequence

from markupsafe import Markup

from loadtest.paper import svg

SIZE = (760, 220)
BOX = (120.0, 50.0)
SHOWN = 4  # boxes of substations; the last box stands for all that have none
PARTS = (
    ("load test", "", 8.0, 85.0),
    ("gateway", "HTTP API", 216.0, 85.0),
    ("balancer", "the least loaded", 424.0, 85.0),
)
RIGHT_X = 620.0


def architecture(substation_ids: Sequence[str], cars: str) -> Markup:
    """Return the picture; `cars` are the words below the load test."""
    shown = [*substation_ids[:SHOWN]]
    if len(substation_ids) > SHOWN:
        shown[-1] = f"and {len(substation_ids) - SHOWN + 1} more"
    middle = PARTS[0][3] + BOX[1] / 2
    children = [_box(name, cars if n == 0 else about, x, y) for n, (name, about, x, y) in enumerate(PARTS)]
    children += [
        _arrow(PARTS[n][2] + BOX[0], PARTS[n + 1][2], (middle, middle), words)
        for n, words in enumerate(("POST /charge", "messages"))
    ]
    start = PARTS[2][2] + BOX[0]
    for n, substation_id in enumerate(shown):
        y = (n + 0.5) * SIZE[1] / max(len(shown), 1) - BOX[1] / 2
        children += [
            _box(substation_id, "admits or refuses", RIGHT_X, y),
            _arrow(start, RIGHT_X, (middle, y + BOX[1] / 2)),
        ]
    about = (
        "The load test sends cars to the gateway over HTTP. The gateway asks the balancer, which chooses a "
    )
    about += (
        "substation. The substation admits or refuses the car, and writes what it admits into its journal."
    )
    return svg.picture("architecture", "The parts of the system", about, SIZE, children)


def _box(name: str, about: str, x: float, y: float) -> Markup:
    middle = x + BOX[0] / 2
    return svg.tag(
        "g",
        svg.bar(x, y, BOX, "box"),
        svg.label(middle, y + 21, name, "name", "middle"),
        svg.label(middle, y + 38, about, "tick", "middle"),
    )


def _arrow(start_x: float, end_x: float, heights: tuple[float, float], words: str = "") -> Markup:
    start_y, end_y = heights
    head = svg.polyline([(end_x - 7, end_y - 4), (end_x, end_y), (end_x - 7, end_y + 4)], "arrow")
    line = svg.line((start_x, start_y), (end_x, end_y), "arrow")
    return svg.tag("g", line, head, svg.label((start_x + end_x) / 2, start_y - 8, words, "tick", "middle"))
