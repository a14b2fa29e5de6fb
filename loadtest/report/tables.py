"""Prints a result: a table of substations, the fleet's figures, and each threshold with its verdict."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtest.judge.result import LATE_AFTER_MS, Result
from loadtest.judge.substations import SubstationResult
from loadtest.judge.threshold import Threshold
from loadtest.record.generator_health import GeneratorHealth
from loadtest.report.runs import RunSummary

UNKNOWN = "-"
NOT_JUDGED = "not judged"


def show(console: Console, result: Result, thresholds: Sequence[Threshold]) -> None:
    """Print a result."""
    console.print(_substations(result.stations))
    for line in _lines(result):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    console.print(_generator(result.generator), soft_wrap=True)
    if result.interrupted:
        console.print("The run was interrupted, so its thresholds are not judged.", highlight=False)
    console.print(_threshold_table(thresholds, judged=not result.interrupted))
    if not result.interrupted:
        for note in sorted({f"* {t.name}: {t.note}" for t in thresholds if t.note}):
            console.print(note, soft_wrap=True, markup=False, highlight=False)


def show_runs(console: Console, runs: Sequence[RunSummary]) -> None:
    """Print the list of runs."""
    table = _table("run", "preset", "seed", "when (UTC)", "verdict")
    for run in runs:
        table.add_row(
            run.run_id, run.preset, str(run.seed), run.at.strftime("%Y-%m-%d %H:%M:%S"), run.verdict
        )
    console.print(table)


def _substations(substations: Sequence[SubstationResult]) -> Table:
    table = _table(
        "substation",
        "handled\n(count)",
        "201\nanswers",
        "refused",
        "limit\nkW",
        "load\navg\nkW",
        "load\npeak\nkW",
        "util.\navg",
        "util.\npeak",
        "recom-\nputed\npeak",
        "over-\nload\nW·s",
        "energy\nkWh",
    )
    for substation in substations:
        counted, sampled = substation.counted, substation.sampled
        overload_ws = counted and counted.overload_admission_ws + counted.overload_derating_ws
        table.add_row(
            substation.substation_id,
            str(counted.admitted) if counted else UNKNOWN,
            str(substation.answered),
            str(counted.refused) if counted else UNKNOWN,
            f"{sampled.capacity_kw:.0f}" if sampled else UNKNOWN,
            f"{sampled.load_average_kw:.1f}" if sampled else UNKNOWN,
            f"{sampled.load_peak_kw:.1f}" if sampled else UNKNOWN,
            f"{sampled.utilization_average:.1%}" if sampled else UNKNOWN,
            f"{sampled.utilization_peak:.1%}" if sampled else UNKNOWN,
            f"{substation.recomputed_peak_kw:.1f}",
            UNKNOWN if overload_ws is None else f"{overload_ws:g}",
            f"{counted.energy_kwh:.1f}" if counted else UNKNOWN,
        )
    return table


def _lines(result: Result) -> Iterator[str]:
    if result.interrupted:
        yield "INTERRUPTED: the figures are of what was sent until then."
    if result.disturbed:
        yield "CONDITIONS CHANGED: somebody changed the grid during the run."
    yield from (f"  at {_utc(each.at_unix_s)}: {each.in_words()}" for each in result.disturbed)
    if result.ended_by_stop:
        yield f"  {result.ended_by_stop.in_words()}"
    yield (
        f"requests: {result.planned} planned, {result.sent} sent, {result.admitted} admitted, "
        f"{result.refused} refused, {result.failed} failed"
    )
    yield from (f"  {count} x {reason}" for reason, count in result.reasons.items())
    yield (
        f"  {result.first_refused} refused at first, {result.retries} retries, "
        f"{result.late} sent late (over {LATE_AFTER_MS:g} ms), {result.dropped} never sent"
    )
    yield (
        f"fleet: max/mean utilization {_figure(result.balance_ratio, '.4f')}, "
        f"Jain {_figure(result.jain, '.5f')}, range {_figure(result.range, '.1%')}, "
        f"peak {_figure(result.fleet_peak_utilization, '.1%')} of capacity, "
        f"{_figure(result.energy_kwh, '.0f')} kWh"
    )
    base_load = f"up to {result.base_load_peak_kw:.0f} kW in all" if result.base_load_peak_kw else "none"
    yield f"  base load: {base_load}"
    yield (
        f"  {_figure(result.commits_per_100_admissions, '.1f')} commits per 100 admissions, "
        f"{result.whole_samples} samples, {result.missed_readings} readings missed"
    )
    if result.oracle:
        yield (
            f"oracle: max/mean utilization {_figure(result.oracle.balance_ratio, '.4f')}, "
            f"peak {_figure(result.oracle.fleet_peak_utilization, '.1%')} of capacity, "
            f"{result.oracle.refused} refused; "
            f"the run's max/mean is {_figure(result.imbalance_vs_oracle, '.4f')} times as high"
        )
    yield f"sent after the intended moment: {_latency(result.late_ms)}"
    yield f"service time (of each attempt, from its sending): {_latency(result.service_ms)}"
    yield f"response time (of the whole, from the intended sending): {_latency(result.response_ms)}"


def _generator(health: GeneratorHealth | None) -> Text:
    if health is None:
        return Text("generator: not measured")
    figures = (
        f"event loop lag p99 {health.loop_lag_p99_ms:.1f} ms, max {health.loop_lag_max_ms:.1f} ms; "
        f"CPU {health.cpu_share:.0%} of a core; woke up late p99 {_figure(health.late_p99_ms, '.1f')} ms"
    )
    if not health.saturated:
        return Text(f"generator: ok ({figures})")
    return Text(
        f"GENERATOR SATURATED: {health.why}. The latencies above are not the grid's alone ({figures})",
        style="bold red",
    )


def _threshold_table(thresholds: Sequence[Threshold], *, judged: bool) -> Table:
    """Return the thresholds as a table; those of an interrupted run are not `judged`."""
    table = _table("threshold", "value", "limit", "verdict")
    for threshold in thresholds:
        verdict = _verdict(threshold) if judged else NOT_JUDGED
        table.add_row(threshold.name, threshold.value, threshold.limit, verdict)
    return table


def _verdict(threshold: Threshold) -> str:
    words = "passed" if threshold.passed else "[bold red]FAILED[/]" if threshold.judged else NOT_JUDGED
    return words + ("*" if threshold.note else "")


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right")
    return table


def _utc(unix_s: float) -> str:
    return dt.datetime.fromtimestamp(unix_s, dt.UTC).strftime("%H:%M:%S UTC")


def _figure(value: float | None, form: str) -> str:
    return UNKNOWN if value is None else format(value, form)


def _latency(percentiles_ms: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {ms:.1f} ms" for name, ms in percentiles_ms.items()) or "no answer"
