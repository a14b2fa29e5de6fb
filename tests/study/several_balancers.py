"""How evenly several balancers fill substations that none of them has for itself: `--seeds`, `--lasts`."""

import argparse
import dataclasses
import statistics
from collections.abc import Iterator, Mapping, Sequence

from tests.unit.balancer.placing.simulation import Result, Setup, estimated, oracle, simulate

BALANCERS = (1, 2, 4)
# At 73 % the balance is measured, at 95 % how often the first substation has no room. The cars of `hour` charge as long
# as in the default rush hour of `make run`; those of `minute` six times as short, so that reports are older to them.
LOADS: Mapping[str, Setup] = {
    "73 %, 20 cars/s for 10 s": Setup(1.0, powers_w=(1_100,)),
    "95 %, 8 cars/s for 60 s": Setup(
        1.0, powers_w=(594,), per_s=8.0, charging_s=60.0, lasts_s=300.0, settled_s=120.0
    ),
    "95 %, 20 cars/s for 10 s": Setup(1.0, powers_w=(1_425,)),
}


@dataclasses.dataclass(frozen=True)
class Row:
    """The means over the seeds; `excess` is that of max/mean above 1, in multiples of the oracle's."""

    load: str
    balancers: int
    ratio: float
    excess: float
    refused_at_first: float
    refused: float


def rows(load: str, seeds: Sequence[int], balancers: Sequence[int] = BALANCERS) -> Iterator[Row]:
    """Simulate a load with each number of balancers."""
    setup = LOADS[load]
    ideal = statistics.mean(simulate(setup, oracle, seed).imbalance for seed in seeds) - 1
    for count in balancers:
        several = dataclasses.replace(setup, balancers=count)
        runs = [simulate(several, estimated, seed) for seed in seeds]
        ratio = statistics.mean(run.imbalance for run in runs)
        cars = _sum(runs, "placed") + _sum(runs, "refused")
        yield Row(
            load,
            count,
            ratio,
            (ratio - 1) / ideal,
            _sum(runs, "refused_at_first") / cars,
            _sum(runs, "refused") / cars,
        )


def _sum(runs: Sequence[Result], field: str) -> int:
    return sum(getattr(run, field) for run in runs)


def main() -> None:
    """Print the table of docs/adr/0057 in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.study.several_balancers", description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    seeds = range(1, parser.parse_args().seeds + 1)
    print(
        "| load | balancers | max/mean | excess to the oracle's | refused by the first substation | by all |"
    )
    print("|---|---|---|---|---|---|")
    for load in LOADS:
        for row in rows(load, seeds):
            print(
                f"| {row.load} | {row.balancers} | {row.ratio:.4f} | {row.excess:.2f} "
                f"| {row.refused_at_first:.1%} | {row.refused:.1%} |"
            )


if __name__ == "__main__":
    main()
