"""One picture of a few runs side by side, as an SVG file for a page of documentation.

Pure. The picture has its own background, so that it is readable on a light and on a dark page.
"""

from collections.abc import Sequence
from html import escape

from loadtest.compare import pictures
from loadtest.compare.charts import LEFT, inner, sample
from loadtest.compare.groups import ComparedRun, Comparison, Group
from loadtest.compare.style import CHART, DARK, LIGHT
from loadtest.paper import svg

PANEL, HEIGHT, HEAD, STEP = 420, 240, 30, 130

STYLE = f"svg {{ {LIGHT} }} @media (prefers-color-scheme: dark) {{ svg {{ {DARK} }} }} .ground {{ fill: var(--ground); }} {CHART}"


def picture(comparison: Comparison) -> str:
    """Return the utilization of each substation in one run of each group, side by side on the same axes."""
    runs = [typical(group) for group in comparison.groups]
    seconds, highest = pictures.window_s(runs), pictures.highest_percent(runs)
    width, height = PANEL * len(runs) + 10, HEAD + HEIGHT
    panels = []
    for number, (group, compared) in enumerate(zip(comparison.groups, runs, strict=True)):
        chart = pictures.loads(compared, seconds, highest, group.name, (PANEL, HEIGHT))
        panels.append(f'<g transform="translate({number * PANEL} {HEAD})">{inner(chart)}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{_about(comparison)}">'
        f'<style>{STYLE}</style><rect class="ground" width="{width}" height="{height}" rx="6"/>'
        f"{_names(pictures.substations(runs))}{''.join(panels)}</svg>\n"
    )


def typical(group: Group) -> ComparedRun:
    """Return the run of a group whose max/mean utilization is the lower median of the group."""
    known = [compared for compared in group.runs if _ratio(compared) is not None]
    ordered = sorted(known, key=lambda compared: _ratio(compared) or 0.0)
    return ordered[(len(ordered) - 1) // 2] if ordered else group.runs[0]


def _ratio(compared: ComparedRun) -> float | None:
    ratio = compared.document["result"].get("balance_ratio")
    return float(ratio) if ratio is not None else None


def _about(comparison: Comparison) -> str:
    names = " and ".join(group.name for group in comparison.groups)
    return escape(f"Utilization of each substation over time under {names}")


def _names(substations: Sequence[str]) -> str:
    parts = []
    for kind, name in enumerate(substations):
        x = LEFT + kind * STEP
        parts += [
            f'<g transform="translate({x} 16)">{sample(kind, 0.0)}</g>',
            svg.label(x + 34.0, 20.0, name, "tick", "start"),
        ]
    return "".join(parts)
