"""What Grafana makes of a panel's JSON, as far as the tests need it: its rules for values, colours and widths.

From its documents and the faults that a real Grafana 12.2 showed; none can be run here.
"""

from typing import Any

Json = dict[str, Any]

FIGURES = {"stat", "gauge", "bargauge", "table"}
NARROW_PX = 1280  # the narrowest screen on which everything must be read
MARGINS_PX = 48  # of a dashboard: both sides and the scroll bar
GAP_PX = 8  # between panels
PADDING_PX = 16
ROW_PX = 38  # a unit of height, with its gap
TITLE_CHARACTER_PX = 7.6  # 14 px, medium
TITLE_ICONS_PX = 30  # of the description
LEGEND_CHARACTER_PX = 6.5  # 12 px
LEGEND_MARKER_PX = 37
LEGEND_ROW_PX = 22
LEGEND_SHARE = 0.35  # of a panel: a longer legend is cut
CALCULATED = 16  # characters of one figure in a legend


def panel_px(width: float) -> float:
    """How wide the inside of a panel of so many columns is on a narrow screen."""
    return width * (NARROW_PX - MARGINS_PX) / 24 - GAP_PX - PADDING_PX


def title_characters(width: float) -> float:
    """How long a title may be before it is cut."""
    return (panel_px(width) - TITLE_ICONS_PX) / TITLE_CHARACTER_PX


def legend_rows(names: list[str], calculated: int, width: float) -> float:
    """How many rows a legend takes that is a list."""
    longest = max(map(len, names)) + CALCULATED * calculated
    beside = max(1, int(panel_px(width) / (longest * LEGEND_CHARACTER_PX + LEGEND_MARKER_PX)))
    return -(-len(names) // beside)


def legend_rows_shown(height: float) -> float:
    """How many rows of a legend are shown below a chart."""
    return (height * ROW_PX - GAP_PX - 40) * LEGEND_SHARE // LEGEND_ROW_PX


def coloured(defaults: Json, value: float | None) -> str:
    """The colour of a value: that of its mapping, else of the highest threshold that it has reached.

    What is no value has reached the lowest one only.
    """
    for mapping in defaults["mappings"]:
        if mapping["type"] == "special" and value is None:
            return str(mapping["options"]["result"]["color"])
    steps = defaults["thresholds"]["steps"]
    reached = [
        step for step in steps if step["value"] is None or (value is not None and value >= step["value"])
    ]
    return str(reached[-1]["color"])


def said(defaults: Json, value: float | None) -> str:
    """The words of a value."""
    if value is None:
        mapped = [m["options"]["result"]["text"] for m in defaults["mappings"] if m["type"] == "special"]
        return str((*mapped, defaults["noValue"])[0])
    for mapping in defaults["mappings"]:
        if mapping["type"] == "value" and f"{value:g}" in mapping["options"]:
            return str(mapping["options"][f"{value:g}"]["text"])
    decimals = defaults.get("decimals")
    if defaults["unit"] == "percentunit":
        return f"{100 * value:.{decimals or 0}f} %"
    scale, unit = {"watt": _watts(value), "s": _seconds(value)}.get(defaults["unit"], (1.0, ""))
    text = f"{value / scale:.{decimals}f}" if decimals is not None else f"{value / scale:.3g}"
    return f"{text} {unit}".strip()


def _watts(value: float) -> tuple[float, str]:
    return (1e6, "MW") if value >= 1e6 else (1e3, "kW") if value >= 1e3 else (1.0, "W")


def _seconds(value: float) -> tuple[float, str]:
    return (1.0, "s") if value >= 1 else (1e-3, "ms")


def shown(defaults: Json, value: float | None) -> str:
    """A figure as the reference has it: its words, and its colour where that is not grey."""
    colour = coloured(defaults, value)
    return said(defaults, value) + (f", {colour}" if colour != "text" else "")
