"""Which tests run on one worker, and in which order: `make test` and `make quick` run several workers at once.

Most slow tests wait for processes, most quick ones compute. A slow group and a quick one take turns, so that the
processors have work while tests wait, and the last groups of a run are short.
"""

from collections.abc import Iterable
from itertools import chain, zip_longest

import pytest
from xdist.scheduler import LoadScopeScheduling

SLOW = (
    "process",
    "chaos",
    "overload",
    "console",
    "monitoring",
    "loadtest",
    "integration",
    "fuzz",
    "soak",
)  # folders, the slowest first
APART = (
    "tests/process/test_proofs.py",
    "tests/process/test_two_balancers.py",
)  # long, and next to nothing is shared that would keep the tests of such a file together
# Files that share more than a start costs: a grid and a browser, or a console and a browser.
TOGETHER = {
    "tests/console/shared_grid": (
        "tests/console/audit/test_audit_page.py",
        "tests/console/decisions/test_decisions.py",
        "tests/console/decisions/test_story.py",
        "tests/console/grid/test_base_load.py",
        "tests/console/grid/test_charts.py",
        "tests/console/grid/test_layout.py",
        "tests/console/grid/test_overview.py",
        "tests/console/orders/test_orders.py",
        "tests/console/orders/test_together.py",
        "tests/console/sessions/test_sessions.py",
    ),
    "tests/console/lone_consoles": (
        "tests/console/grid/test_large_fleet.py",
        "tests/console/lib/test_format_and_charts.py",
        "tests/console/lib/test_stream.py",
        "tests/console/people/test_people.py",
        "tests/console/people/test_people_page.py",
        "tests/console/people/test_single_sign_on_page.py",
        "tests/console/web/test_behind_a_proxy.py",
        "tests/console/web/test_every_page.py",
        "tests/console/web/test_problem_pages.py",
        "tests/console/web/test_without_scripts.py",
    ),
}
GROUP_OF = {path: name for name, paths in TOGETHER.items() for path in paths}


def group(nodeid: str) -> str:
    """Return the group of a test: its file, files that share, or the test alone where a file shares nothing."""
    path = nodeid.partition("::")[0]
    return nodeid if path in APART else GROUP_OF.get(path, path)


def in_turns(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return the tests by group, a slow group and a quick one in turn."""
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        groups.setdefault(group(item.nodeid), []).append(item)
    slow = sorted((name for name in groups if _rank(name) < len(SLOW)), key=_rank)
    quick = [name for name in groups if name not in slow]
    turns = chain.from_iterable(zip_longest(slow, quick))
    return [item for name in turns if name for item in groups[name]]


class Groups(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives a worker a group at a time, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def _rank(name: str) -> int:
    if name.partition("::")[0] in APART:
        return 0
    folder = name.split("/")[1]
    return SLOW.index(folder) if folder in SLOW else len(SLOW)
