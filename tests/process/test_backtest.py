"""`python -m balancer.forecast backtest` as people start it: its figures, its table, its refusals."""

import gzip
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import template
from tests.support.grid import ROOT

YEAR = ROOT / "tests/data/base_load_2016.csv.gz"
WITHIN = 0.03
HORIZONS = ["1h", "4h", "12h", "24h"]


def backtest(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "balancer.forecast", "backtest", *map(str, arguments)]
    return template.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=500)


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    done = backtest(YEAR, "--json")
    assert done.returncode == 0, done.stderr
    assert "lv4_kw (2 of 3)" in done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six weeks of one series."""
    path = tmp_path_factory.mktemp("extract") / "six_weeks.csv"
    with gzip.open(YEAR, "rt", encoding="utf-8") as lines:
        rows = [line.split(",")[:2] for line in itertools.islice(lines, 1 + 42 * 96)]
    path.write_text("\n".join(",".join(row) for row in rows))
    return path


def test_a_year_of_three_grids_is_forecast_as_well_as_promised(figures: dict[str, Any]) -> None:
    mean = figures["mean"]
    assert list(mean["mase"]) == HORIZONS
    assert list(mean["mase"].values()) == pytest.approx([0.59, 0.68, 0.72, 0.73], abs=WITHIN)
    assert list(mean["pinball"]["4h"].values()) == pytest.approx([0.14, 0.36, 0.20], abs=WITHIN)
    assert 0.74 <= mean["coverage_80"] <= 0.84
    assert mean["cold_start"]["4h"] <= 0.80
    assert mean["cold_start"]["24h"] <= 0.85
    assert mean["after_step"]["4h"] == pytest.approx(1.4, abs=WITHIN)


def test_each_grid_is_forecast_well(figures: dict[str, Any]) -> None:
    assert sorted(figures["series"]) == ["lv2_kw", "lv4_kw", "lv6_kw"]
    for each in figures["series"].values():
        assert all(
            each["mase"][name] <= most for name, most in zip(HORIZONS, (0.67, 0.75, 0.785, 0.80), strict=True)
        )
        assert 0.74 <= each["coverage_80"] <= 0.84
        assert each["origins"] > 8000


def test_the_table_of_an_extract_is_aligned_and_always_the_same(extract: Path) -> None:
    done = backtest(extract, "--holidays", "")
    header, *rows = done.stdout.split("\n\n")[0].splitlines()
    assert done.returncode == 0, done.stderr
    assert {len(row) for row in [header, *rows]} == {len(header)}
    cells = [row.split() for row in rows if row.startswith("lv2_kw")]
    assert [row[1] for row in cells] == HORIZONS
    assert [float(row[2]) for row in cells] == pytest.approx(EXTRACT, abs=0.002)
    assert "coverage of the 80 % band: lv2_kw" in done.stdout


EXTRACT = [0.655, 0.719, 0.747, 0.754]  # MASE


def test_holidays_are_told_by_option(extract: Path) -> None:
    with_, without = (
        json.loads(backtest(extract, "--json", "--holidays", days).stdout) for days in ("2016-02-02", "")
    )
    assert with_["mean"]["mase"]["24h"] > without["mean"]["mase"]["24h"]  # it was none


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("missing.csv", None, "No such file"),
        ("empty.csv", b"", "the file is empty"),
        ("words.csv", b"time,a\n2016-01-01T00:00,much\n", "line 2: 'much' in column a is not a number"),
        (
            "short.csv",
            b"time,a\n2016-01-01T00:00,1\n2016-01-01T00:15,1\n",
            "the series a can't be judged: 28 days",
        ),
        ("picture.csv", b"\x89PNG\r\n\x1a\n\xff", "can't decode"),
        ("broken.csv.gz", b"\x1f\x8b\x08\x00", "ended before"),
    ],
)
def test_a_bad_file_is_refused_in_words(
    tmp_path: Path, name: str, content: bytes | None, expected: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = backtest(path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert str(path) in done.stderr
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_holiday_is_named(extract: Path) -> None:
    done = backtest(extract, "--holidays", "12-25,whitsun")
    assert done.returncode == 2
    assert "'whitsun' is no date" in done.stderr
