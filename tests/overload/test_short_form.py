"""Far more kW than there is: the short form of `make overload`.

Nothing here depends on how fast the machine is: figures of speed are judged by `make overload`.
"""

from pathlib import Path

from tests.overload.scenarios import demand


def test_twenty_times_the_kw_of_the_grid_leaves_it_full_and_every_refusal_says_when_to_return(
    tmp_path: Path,
) -> None:
    row = demand(tmp_path / "grid", rate=25, factor=20, seconds=16)
    assert row["overload, W.s"] == 0
    assert row["refused without Retry-After"] == 0
    assert row["refused"] > row["admitted"] > 0
    assert row["asked of substations, a request"] <= 1.1
    assert row["capacity used"] > 0
