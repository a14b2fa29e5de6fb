"""The end of a run: computes its result, judges it, writes it and prints it."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtest.contract import REPORT_FILE, Verdict, result_text
from loadtest.judge import verdict
from loadtest.judge.oracle_result import OracleResult, oracle_result
from loadtest.judge.result import Measurements, Result, conclude
from loadtest.judge.threshold import Threshold
from loadtest.plan.document import GridSize, RunPlan
from loadtest.report import document as report
from loadtest.report import runs, tables
from loadtest.report.runs import NotWritten
from loadtest.run.measure import RunDisplay
from loadtest.run.options import RunOptions
from loadtest.run.outcome import RunOutcome


@dataclasses.dataclass(frozen=True, slots=True)
class SendingResult:
    """A run after its sending: its folder, plan and policy, the grid, and what was measured.

    `size` is None when not all substations reported their capacity and one time scale. `fault` says what could
    not be put back in the grid, '' when nothing went wrong.
    """

    folder: Path
    plan: RunPlan
    policy: str
    size: GridSize | None
    measured: Measurements
    fault: str = ""


def conclude_run(options: RunOptions, sent: SendingResult, display: RunDisplay) -> RunOutcome:
    """Write the result, then print it, so that a failure to print loses nothing."""
    result = conclude(sent.measured, _oracle(sent))
    thresholds = verdict.judge(result, options.limits)
    run = options.document() | {
        "requests": len(sent.plan.arrivals),
        "plan_sha256": sent.plan.sha256,
        "policy": sent.policy,
        "time_scale": sent.size.time_scale if sent.size else None,
    }
    not_written = _write(options, sent.folder, report.document(run, sent.measured, result, thresholds))
    console = display.screen.console
    tables.show(console, result, thresholds)
    if not_written:
        return RunOutcome(Verdict.NOT_WRITTEN, not_written, sent.folder)
    console.print(f"report: {sent.folder / REPORT_FILE}", soft_wrap=True, markup=False, highlight=False)
    if sent.fault:
        return RunOutcome(Verdict.ERROR, sent.fault, sent.folder)
    if result.interrupted:
        return RunOutcome(Verdict.INTERRUPTED, display.stop.why, sent.folder)
    return _judged(result, thresholds, sent.folder)


def _judged(result: Result, thresholds: Sequence[Threshold], folder: Path) -> RunOutcome:
    """Return the outcome of a run that was not interrupted."""
    if all(threshold.passed for threshold in thresholds):
        return RunOutcome(Verdict.PASSED, "", folder)
    if any(threshold.failed for threshold in thresholds):
        return RunOutcome(Verdict.THRESHOLD_FAILED, "", folder)
    changes = "; ".join(each.in_words() for each in result.disturbed)
    return RunOutcome(Verdict.CHANGED, f"somebody changed the grid during the run: {changes}", folder)


def _write(options: RunOptions, folder: Path, document: dict[str, Any]) -> str:
    """Write a result into its folder and into further files; returns why that failed, '' if it did not."""
    try:
        report.write_files(folder, document)
        if options.json:
            runs.copy(options.json, result_text(document))
    except NotWritten as error:
        return str(error)
    runs.prune(options.runs)
    return ""


def _oracle(sent: SendingResult) -> OracleResult | None:
    """Return the figures of the oracle for the same plan, at the moments of the whole samples."""
    if not sent.size:
        return None
    measured, start_unix_s = sent.measured, sent.measured.from_unix_s
    whole = measured.whole()
    moments_s = [sample.at_unix_s - start_unix_s for sample in whole]
    base_w = [{each: reading.base_load_w for each, reading in sample.readings.items()} for sample in whole]
    return oracle_result(sent.plan, sent.size, moments_s, measured.until_unix_s - start_unix_s, base_w)
