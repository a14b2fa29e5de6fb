"""`make soak MINUTES=n`: upgrades from every released version, and then a year of grid time in so many minutes.

What was measured is in `data/soak/samples.csv`. Exits with 1 when something was lost, rose or failed.
"""

import csv
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.measures import Measures, judged, rising
from tests.soak.upgrades import eras, upgraded
from tests.soak.year import Outcome, Year
from tests.support.grid import FreshGrid

FOLDER = Path(os.environ.get("DATA_DIR", "data")) / "soak"


def main(minutes: float) -> int:
    """Do both; returns the exit code."""
    faults = _upgrades()
    with tempfile.TemporaryDirectory() as folder:
        year = Year(Path(folder), minutes * 60)
        _say(f"a year: {minutes:g} minutes at {year.scale:,.0f} grid seconds a second")
        outcome = year.run()
        _write(year.measures)
    _tell(outcome)
    faults += [*outcome.faults, *rising(outcome.trends)]
    _say(f"{len(faults)} faults", *faults[:50])
    return 1 if faults else 0


def _upgrades() -> list[str]:
    faults = []
    for book, journals in eras():
        with tempfile.TemporaryDirectory() as folder:
            found = upgraded(Path(folder) / "data", book, journals, FreshGrid)
        _say(f"upgrade from order book {book} and journals {journals}: {'; '.join(found) or 'all is there'}")
        faults += found
    return faults


def _tell(outcome: Outcome) -> None:
    _say(f"{outcome.days:.0f} days of grid time, {outcome.restarts} restarts")
    _say("answers: " + ", ".join(f"{name} x {count:,}" for name, count in outcome.answers.items()))
    _say(f"{'':44}{'first':>12}{'last':>12}{'by slope':>12}")
    for (who, what), trend in sorted(outcome.trends.items(), key=lambda each: (each[0][1], each[0][0])):
        note = "" if judged(who) else "  not judged"
        _say(f"{who[-28:]:30}{what:14}{trend.first:12.0f}{trend.last:12.0f}{trend.growth:+12.1f}{note}")


def _write(measures: Measures) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "samples.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("who", "what", "monotonic_s", "value"))
        for (who, what), points in measures.series.items():
            rows.writerows((who, what, f"{at_s:.2f}", f"{value:.1f}") for at_s, value in points)


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{time.strftime('%H:%M:%S')} {line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0))
