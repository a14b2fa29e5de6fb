"""The proofs of `make proof` in short: the same scenarios in seconds."""

from pathlib import Path

from tests.proof.herding import herding
from tests.proof.replicas import replicas
from tests.proof.scenarios import derating, drain, overload


def test_a_demand_above_capacity_is_refused_with_a_time_to_come_back_and_overloads_nothing(
    tmp_path: Path,
) -> None:
    row = overload(tmp_path, requests=700, seconds=6, time_scale=900)  # a third is refused at first
    assert row["refused"] > 50
    assert row["refused by a 503 with Retry-After"] == row["refused"]
    assert row["came back at that time and got in"] > 0
    assert row["overload counted, W.s"] == 0
    assert float(row["highest load by the journals"].rstrip("%")) <= 100


def test_a_limit_that_is_halved_in_mid_run_cuts_nobody_off_and_admits_nobody_above_it(tmp_path: Path) -> None:
    row = derating(tmp_path, requests=240, seconds=6, time_scale=120)
    assert row["admitted"] == 240
    assert row["limit of substation-1 now, kW"] == 700
    assert row["sessions cut off"] == 0
    assert row["overload by admission, W.s"] == 0


def test_a_drained_substation_empties_while_the_others_fill_evenly(tmp_path: Path) -> None:
    row = drain(tmp_path, requests=240, seconds=10, time_scale=2400)
    assert row["admitted"] == 240
    assert float(row["substation-2 at the end"].rstrip("%")) < 2
    assert row["max/mean of the others after it"] < 1.3


def test_replicas_come_and_go_by_slots_and_lose_nothing(tmp_path: Path) -> None:
    row = replicas(tmp_path, requests=200, seconds=9, time_scale=2400)
    assert row["admitted"] == 200
    assert row["slots before"] == row["slots after"] == "substation-1 substation-2 substation-3"
    assert row["slots in between"] == "substation-1 substation-2 substation-3 substation-4 substation-5"
    kept, of = row["sessions on the three, found after"].split(" of ")
    assert kept == of
    assert row["ids after scaling up again"]


def test_who_trusts_old_reports_alone_herds_and_who_counts_on_does_not(tmp_path: Path) -> None:
    plan = ("--requests", "240", "--seconds", "8", "--fail-if", "max_mean > 1000")
    drawn = tmp_path / "herding.svg"
    counted, naive = herding(tmp_path, plan, drawn, POLL_S="4", TIME_SCALE="1800")
    assert counted["policy"] == "least_loaded"
    assert counted["max/mean"] < 1.2
    assert naive["max/mean"] > counted["max/mean"] + 0.2
    assert drawn.read_text(encoding="utf-8").count("<path") == 2 * 3
