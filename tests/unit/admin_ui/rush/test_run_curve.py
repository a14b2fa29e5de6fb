"""The curve of a run: all of a short one, a bounded number of points of a long one."""

import itertools

from admin_ui.rush.curve import FIELDS, MOST_POINTS, RunCurve
from admin_ui.rush.progress import RunProgress
from loadtest.events import ProgressEvent, SubstationLoad, write_event


def progress(elapsed_s: float, **figures: object) -> ProgressEvent:
    loads = (SubstationLoad("a", 100.0, 400.0, 20.0), SubstationLoad("b", 50.5, 400.0))
    known = {
        "seconds": 60.0,
        "planned": 40,
        "sent": 10,
        "admitted": 8,
        "refused": 1,
        "failed": 0,
        "rate_per_s": 10.0,
        "p50_ms": 5.0,
        "p95_ms": 9.0,
        "p99_ms": None,
        "substations": loads,
        "waiting": 3,
    }
    return ProgressEvent(elapsed_s=elapsed_s, **{**known, **figures})  # type: ignore[arg-type]


def test_a_point_has_the_sums_over_the_substations_and_who_waits_to_retry() -> None:
    run = RunProgress({"preset": "rush-hour", "seed": 1}, "ann", 0.0)
    run.take(write_event(progress(1.5), 100.0).encode())
    curve = run.curve.shown()
    assert dict(zip(curve["fields"], curve["points"][0], strict=True)) == {
        "elapsed_s": 1.5,
        "load_kw": 150.5,
        "base_load_kw": 20.0,
        "capacity_kw": 800.0,
        "sent": 10,
        "admitted": 8,
        "refused": 1,
        "waiting": 3,
        "failed": 0,
        "p50_ms": 5.0,
        "p95_ms": 9.0,
    }
    assert (run.shown()["load_kw"], run.shown()["waiting"]) == (150.5, 3)


def test_a_long_run_keeps_its_shape_and_a_bounded_number_of_points() -> None:
    curve = RunCurve()
    for n in range(10 * MOST_POINTS):
        curve.take(progress(n / 4))
    at_s = [point[FIELDS.index("elapsed_s")] for point in curve.shown()["points"]]
    gaps = {round(after - before, 3) for before, after in itertools.pairwise(at_s)}
    assert MOST_POINTS / 2 <= len(at_s) <= MOST_POINTS
    assert at_s[0] == 0
    assert len(gaps) == 1
