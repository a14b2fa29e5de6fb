"""The choice that saves looks is the choice of the plain way: look at every substation, then take the best.

`plain_choice` is that way: it judges every substation completely, whatever is known of the others.
"""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.fleet.health import HealthState
from balancer.fleet.member import Demand, Member, released_w
from balancer.placing.policies import policies
from tests.unit.balancer.fleets import KW, Fleet, releases, report

NAMES = tuple("abcdef")
OWN, OTHER = "own-book", "other-book"
TIERS = ({HealthState.HEALTHY}, {HealthState.SUSPECT, HealthState.PROBING}, {HealthState.EJECTED})


@dataclasses.dataclass(frozen=True)
class Case:
    """A demand at a moment, and who may take it."""

    demand_w: int
    now_s: float
    surely: bool
    eligible: tuple[str, ...]
    allowed: frozenset[str]


def plain_load_w(fleet: Fleet, member: Member, case: Case) -> float:
    """The load of a member, straight from its report."""
    if fleet.view.policy.by_last_poll:
        return member.polled_w
    if case.surely:
        return member.report.capacity_w - member.free_w(case.now_s)
    freed_w = released_w(member.report.releases_w, case.now_s - member.received_s)
    return member.report.load_w - freed_w + member.outstanding_w


def plain_choice(fleet: Fleet, case: Case) -> dict[str, float]:
    """The substations between which the policy decides, with their utilizations."""
    members, view = fleet.roster.members, fleet.view
    states = {name: view.state(member, case.now_s) for name, member in members.items()}
    counted = [state for state in states.values() if state not in {HealthState.GONE, HealthState.CONFLICT}]
    panic = counted.count(HealthState.EJECTED) > len(counted) / 2
    with_w = {name: plain_load_w(fleet, member, case) + case.demand_w for name, member in members.items()}
    for tier in TIERS if panic else TIERS[:2]:
        found = {
            name: with_w[name] / member.report.capacity_w
            for name, member in members.items()
            if states[name] in tier
            and with_w[name] <= member.report.capacity_w
            and name in (case.eligible or NAMES)
            and name in case.allowed
            and name in fleet.linked
            and not member.report.draining
            and member.book_id != OTHER
        }
        if found:
            return found
    return {}


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    """Substations of few different loads and sizes, so that many are equal, and with every kind of trouble."""
    reports = []
    for name in NAMES:
        load_kw = draw(st.sampled_from((0, 20, 60, 90)))
        freed_w = {1.0: draw(st.integers(0, load_kw)) * KW, 5.0: load_kw * KW}
        reports.append(
            report(
                name,
                load_kw,
                capacity_w=draw(st.sampled_from((100 * KW, 100 * KW, 250 * KW))),
                draining=draw(st.integers(0, 9)) == 0,
                releases_w=releases(freed_w, load_kw * KW),
                book_id=draw(st.sampled_from((OWN, OWN, OWN, "", OTHER))),
            )
        )
    fleet = Fleet(*reports, seed=draw(st.integers(0, 99)), book_id=OWN)
    for name in NAMES:
        fleet.miss(name, draw(st.sampled_from((0, 0, 0, 0, 1, 3, 3))))
        if draw(st.integers(0, 9)) == 0:
            fleet.linked.discard(name)
        fleet.view.holding(name, draw(st.sampled_from((0, 0, 10, 70))) * KW)
        fleet.roster.members[name].polled_w = draw(st.sampled_from((0, 50, 95))) * KW
    return fleet


CASES = st.builds(
    Case,
    demand_w=st.sampled_from((1, 10 * KW, 11 * KW, 40 * KW, 150 * KW)),
    now_s=st.sampled_from((0.0, 0.3, 0.5, 1.0, 2.7)),
    surely=st.booleans(),
    eligible=st.sampled_from(((), (), ("a",), ("b", "c", "b", "elsewhere"))),
    allowed=st.frozensets(st.sampled_from(NAMES), min_size=3),
)


@pytest.mark.parametrize("policy", policies())
@given(fleet=fleets(), case=CASES)
def test_the_choice_is_one_of_those_that_a_look_at_every_substation_leaves(
    policy: str, fleet: Fleet, case: Case
) -> None:
    view = fleet.view
    assert view.policy.use(policy)
    plain = plain_choice(fleet, case)
    candidates = view.candidates(case.eligible, case.demand_w, case.now_s, surely=case.surely)
    chosen = view.pick(candidates, Demand(case.demand_w, 3_600_000, case.now_s), case.allowed.__contains__)
    if not plain:
        assert chosen is None
        return
    assert chosen in plain
    if policy in {"least_loaded", "snapshot_least_loaded"}:
        assert plain[chosen] == pytest.approx(min(plain.values()), rel=1e-12)


def test_the_demand_counts_so_that_it_weighs_more_on_a_small_one() -> None:
    small, large = report("small", 0, capacity_w=100 * KW), report("large", 100, capacity_w=1000 * KW)
    fleet = Fleet(small, large)
    assert fleet.choose(1) == "small"
    assert fleet.choose(50) == "large"


def test_what_fits_exactly_has_room_and_a_watt_more_has_not() -> None:
    fleet = Fleet(report("a", 90))
    assert fleet.choose(10) == "a"
    assert fleet.choose(10.001) is None


def test_the_snapshot_goes_by_the_last_poll_alone() -> None:
    fleet = Fleet(report("a", 30), report("b", 10))
    assert fleet.view.policy.use("snapshot_least_loaded")
    with fleet.view.holding("b", 95 * KW):  # it is full, but not by the last poll
        assert fleet.choose(10) == "b"


def test_a_state_is_asked_for_only_where_it_decides() -> None:
    """Of 300 substations in falling order of load all might win in turn; in rising order only the first does."""
    fleet = Fleet(*(report(f"s-{load:03}", load, capacity_w=1000 * KW) for load in range(300)))
    asked: list[str] = []

    def allowed(name: str) -> bool:
        asked.append(name)
        return True

    candidates = fleet.view.candidates((), 1, 0.0, surely=False)
    assert fleet.view.pick(candidates, Demand(1, 3_600_000, 0.0), allowed) == "s-000"
    assert asked == ["s-000"]
