"""The charts of a comparison: the utilization in each run over time, and the latencies of all groups.

Pure. All runs have the same axes, so that they can be compared by eye.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

from loadtest.compare.charts import KINDS, Axis, Chart, Line
from loadtest.compare.groups import ComparedRun, Comparison, Group
from loadtest.compare.merits import UtilizationSample, complete_samples, median
from loadtest.paper import series
from loadtest.paper.axes import decade_ticks, tail, tick_text, ticks
from loadtest.paper.document import changes, read

PERCENTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
MOST_TITLE = 52  # characters of a title that fit above a chart
MOST_POINTS = 200  # points of a line; a chart is not wide enough for more
LEAST_MS = 0.1  # the lowest latency on a logarithmic axis
TENTH = 0.1  # decades: the least length of that axis
WIDE = 960  # of a chart that has the page for itself
ROWS = 13  # rows of the table below a chart over time


def loads(
    compared: ComparedRun, seconds: float, highest: float, title: str, size: tuple[int, int] = (460, 220)
) -> Chart:
    """Return the utilization of each substation in one run, in percent, over the seconds of the window."""
    moments = complete_samples(compared.document)
    moments = moments[:: math.ceil(len(moments) / MOST_POINTS) or 1]
    lines = [
        Line(each, kind, [(m.at_s, m.utilization[each] * 100) for m in moments if each in m.utilization])
        for kind, each in enumerate(substations([compared]))
    ]
    marks = [max(each.at_s, 0.0) for each in changes(compared.document)]
    shown = title if len(title) <= MOST_TITLE else f"{title[: MOST_TITLE - 1]}…"
    return Chart(shown, over(seconds, "seconds"), percent(highest), lines, 100, *size, marks)


def run_lines(comparison: Comparison) -> list[tuple[ComparedRun, str, int]]:
    """Return each run with its name and the kind of its line.

    Up to KINDS runs have a line of their own kind each, more have that of their group.
    """
    of_group = {
        id(compared): number for number, group in enumerate(comparison.groups) for compared in group.runs
    }
    names = [group.name for group in comparison.groups]
    own = len(comparison.in_order) <= KINDS
    return [
        (
            compared,
            " ".join(
                filter(
                    None, (comparison.letter(compared), f"{names[of_group[id(compared)]]}: {compared.name}")
                )
            ),
            number if own else of_group[id(compared)],
        )
        for number, compared in enumerate(comparison.in_order)
    ]


def fleet(comparison: Comparison, seconds: float) -> Chart | None:
    """Return the utilization of the whole fleet in each run, in percent, on one chart; None without samples."""
    lines = []
    for compared, name, kind in run_lines(comparison):
        moments = complete_samples(compared.document)
        moments = moments[:: math.ceil(len(moments) / MOST_POINTS) or 1]
        lines.append(Line(name, kind, [(m.at_s, m.fleet * 100) for m in moments]))
    highest = max((y for line in lines for _, y in line.points), default=0.0)
    if not highest:
        return None
    size = (WIDE, 260)
    return Chart(
        "Load of the fleet over its limit", over(seconds, "seconds"), percent(highest), lines, 100, *size
    )


def fleet_rows(comparison: Comparison) -> Iterator[tuple[float, list[float | None]]]:
    """Return a few moments in seconds, with the utilization of the fleet in each run; None after its last sample."""
    runs = [complete_samples(compared.document) for compared in comparison.in_order]
    end_s = max((moments[-1].at_s for moments in runs if moments), default=0.0)
    for n in range(ROWS):
        at_s = n * end_s / (ROWS - 1)
        yield at_s, [_at(moments, at_s) for moments in runs]


def _at(moments: Sequence[UtilizationSample], at_s: float) -> float | None:
    """Return the utilization of the fleet at a moment; None beyond the samples."""
    if not moments or at_s > moments[-1].at_s:
        return None
    return next((each.fleet for each in reversed(moments) if each.at_s <= at_s), moments[0].fleet)


def over(seconds: float, name: str) -> Axis:
    """Return the axis of time."""
    return Axis(0, seconds, [(value, tick_text(value)) for value in ticks(0, seconds, 6)], name)


def percent(highest: float) -> Axis:
    """Return the axis of utilization; it always reaches the limit, 100 %."""
    top = max(math.ceil(highest / 25) * 25, 100)
    return Axis(0, top * 1.02, [(value, f"{value} %") for value in range(0, top + 1, 25)], "")


def window_s(runs: Sequence[ComparedRun]) -> float:
    """Return the longest arrival window in seconds; 1 when none is known."""
    ends = [moment.at_s for compared in runs for moment in complete_samples(compared.document)[-1:]]
    planned = [float(compared.run.get("seconds") or 0) for compared in runs]
    return max([*ends, *planned]) or 1.0


def highest_percent(runs: Sequence[ComparedRun]) -> float:
    """Return the highest utilization of any substation in any run."""
    return max(
        (100 * share for g in runs for m in complete_samples(g.document) for share in m.utilization.values()),
        default=0,
    )


def substations(runs: Sequence[ComparedRun]) -> list[str]:
    """Return the ids of all substations that were sampled."""
    return sorted(
        {
            each
            for compared in runs
            for moment in complete_samples(compared.document)[:1]
            for each in moment.utilization
        }
    )


def load_rows(compared: ComparedRun) -> Iterator[tuple[float, Mapping[str, float]]]:
    """Return a few moments of a run in seconds, with each substation's utilization."""
    moments = complete_samples(compared.document)
    for index in sorted({round(n * (len(moments) - 1) / (ROWS - 1)) for n in range(ROWS)} if moments else ()):
        yield moments[index].at_s, moments[index].utilization


def latencies(comparison: Comparison, kind: str, title: str) -> Chart | None:
    """Return the latency of each run by percentile, in its colour; None if no run has latencies."""
    lines = [Line(name, number, _tail(compared, kind)) for compared, name, number in run_lines(comparison)]
    found = [point for line in lines for point in line.points]
    if not found:
        return None
    most = max(x for x, _ in found)
    marks = [(tail(share), f"{share * 100:g} %") for share in PERCENTILES if tail(share) <= most]
    low, high = min(y for _, y in found), max(y for _, y in found)
    heights = [(math.log10(ms), tick_text(ms)) for ms in decade_ticks(10**low, 10**high)]
    y = Axis(low, max(high, low + TENTH), heights, "ms")
    return Chart(title, Axis(0, most, marks, "of the answers"), y, lines, height=260)


def _tail(compared: ComparedRun, kind: str) -> list[tuple[float, float]]:
    """Return the logarithms of the latencies by nines, without the longest: its share, 1, is beyond any axis."""
    shares = series.latency(read(compared.document), kind)
    found = [(tail(share), math.log10(max(ms, LEAST_MS))) for share, ms in shares if share < 1]
    return found[:: math.ceil(len(found) / (10 * MOST_POINTS)) or 1]


def latency_rows(group: Group, kind: str) -> Iterator[tuple[float, float | None]]:
    """Return the median over a group's runs of each percentile in ms."""
    runs = [series.latency(read(compared.document), kind) for compared in group.runs]
    for wanted in PERCENTILES:
        found = (next((ms for share, ms in run if share >= wanted), None) for run in runs)
        yield wanted, median([ms for ms in found if ms is not None])
