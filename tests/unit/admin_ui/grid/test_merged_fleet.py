"""One fleet out of several: the newest report wins, whoever can't reach a substation is named, and one balancer changes nothing."""

import dataclasses
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from admin_ui.grid.board import Board
from admin_ui.grid.merged_fleet import SETTLED_S
from balancer.contract import FLEET
from tests.support.frames import PlainClient
from tests.unit.admin_ui.grid.test_board import fleet, row

A, B, C = "http://a:1", "http://b:1", "http://c:1"


@dataclasses.dataclass
class Streams:
    """The streams of some balancers to one board."""

    board: Board
    clients: dict[str, PlainClient] = dataclasses.field(default_factory=dict)

    def send(self, balancer: str, shown: dict[str, Any], now_s: float) -> None:
        if balancer not in self.clients:
            self.clients[balancer] = PlainClient(FLEET)
            self.board.connect(balancer)
        if frame := self.clients[balancer].next(shown, now_s):
            self.board.apply(frame, now_s, balancer)

    def lose(self, balancer: str) -> None:
        del self.clients[balancer]
        self.board.lose(balancer)


def streams() -> Streams:
    return Streams(Board())


def test_of_each_substation_the_newest_report_is_shown_and_its_balancer_is_known() -> None:
    made = streams()
    made.send(A, fleet(row("s-1", 100.0, 0.9), row("s-2", 200.0, 0.1)), 0.0)
    made.send(B, fleet(row("s-1", 110.0, 0.1), row("s-2", 210.0, 0.9)), 0.0)
    assert {name: each["load_kw"] for name, each in made.board.rows.items()} == {"s-1": 110.0, "s-2": 200.0}
    assert [made.board.source(name) for name in ("s-1", "s-2", "s-3")] == [B, A, None]
    made.send(A, fleet(row("s-1", 120.0, 0.0), row("s-2", 200.0, 0.1)), 0.5)
    assert made.board.rows["s-1"]["load_kw"] == 120.0
    assert made.board.shown(0.5)["substations"][0]["report_age_s"] == 0.0


def test_a_balancer_that_does_not_reach_a_substation_is_named_and_its_report_does_not_win() -> None:
    made = streams()
    for balancer, state in ((A, "ejected"), (B, "healthy"), (C, "healthy")):
        made.send(balancer, fleet(row("s-1", state=state, age_s=0.0 if balancer == A else 0.5)), 0.0)
        made.send(balancer, fleet(row("s-1", state=state, age_s=0.1)), SETTLED_S)
    made.send(C, fleet(), SETTLED_S + 1)  # it knows of no substation at all
    made.send(A, fleet(row("s-1", state="ejected", age_s=0.0)), SETTLED_S + 1)
    assert made.board.rows["s-1"]["state"] == "healthy"
    assert sorted(made.board.rows["s-1"]["unreached_by"]) == [A, C]
    assert made.board.unreached == {A: ("s-1",), C: ("s-1",)}
    made.send(B, fleet(row("s-1", state="ejected")), SETTLED_S + 1)
    assert made.board.rows["s-1"]["state"] == "ejected"  # nobody reaches it: no balancer is blamed
    assert made.board.unreached == {}


def test_a_balancer_that_has_just_come_is_not_blamed_for_what_it_has_not_found_yet() -> None:
    made = streams()
    made.send(A, fleet(row("s-1")), 0.0)
    made.send(A, fleet(row("s-1", 2.0)), SETTLED_S)
    made.send(B, fleet(), SETTLED_S)
    assert made.board.unreached == {}


def test_a_duplicate_id_that_one_balancer_has_noticed_is_shown() -> None:
    made = streams()
    made.send(A, fleet(row("s-1", state="conflict", age_s=0.9)), 0.0)
    made.send(B, fleet(row("s-1", age_s=0.1)), 0.0)
    assert made.board.rows["s-1"]["state"] == "conflict"


def test_a_lost_balancer_counts_no_more_and_the_last_state_stays_when_all_are_lost() -> None:
    made = streams()
    made.send(A, fleet(row("s-1"), row("s-2"), policy="random"), 0.0)
    made.send(B, fleet(row("s-1", 5.0, 0.5), policy="least_loaded"), 0.0)
    made.lose(A)
    made.send(B, fleet(row("s-1", 7.0, 0.5)), 1.0)
    assert made.board.rows.keys() == {"s-1"}
    assert (made.board.rest["policy"], made.board.connected) == ("least_loaded", True)
    made.lose(B)
    assert list(made.board.rows) == ["s-1"]
    assert not made.board.connected
    assert made.board.stale(9.0)


def test_a_second_balancer_that_has_said_nothing_yet_changes_nothing() -> None:
    made = streams()
    made.send(A, fleet(row("s-1", 7.0)), 0.0)
    made.board.connect(B)
    assert made.board.shown(0.0)["substations"][0]["load_kw"] == 7.0
    assert made.board.source("s-1") == A


def test_an_address_is_unseen_only_where_no_balancer_has_seen_a_substation() -> None:
    made = streams()
    made.send(A, {**fleet(row("s-1")), "unseen": ["http://s-9"]}, 0.0)
    made.send(B, {**fleet(), "unseen": ["http://s-1", "http://s-9"]}, 0.0)
    assert made.board.rest["unseen"] == ["http://s-9"]


def test_a_balancer_that_is_followed_no_more_leaves_nothing_behind() -> None:
    made = streams()
    made.send(A, fleet(row("s-1")), 0.0)
    made.send(B, fleet(row("s-2")), 0.0)
    made.board.forget(B, 0.0)
    assert made.board.rows.keys() == {"s-1"}
    assert made.board.shown(0.0)["totals"]["substations"] == 1


STATES = st.sampled_from(["healthy", "suspect", "ejected", "conflict"])


@given(
    st.dictionaries(
        st.sampled_from([A, B, C]),
        st.dictionaries(st.sampled_from(["s-1", "s-2"]), st.tuples(STATES, st.floats(0, 2))),
        min_size=1,
    )
)
def test_each_row_is_one_that_a_balancer_has_reported_and_none_is_left_out(
    reported: dict[str, dict[str, tuple[str, float]]],
) -> None:
    made = streams()
    for balancer, rows in reported.items():
        made.send(
            balancer,
            fleet(*(row(name, state=state, age_s=age_s) for name, (state, age_s) in rows.items())),
            0.0,
        )
    assert made.board.rows.keys() == {name for rows in reported.values() for name in rows}
    for name, shown in made.board.rows.items():
        own = {(rows[name][0], rows[name][1]) for rows in reported.values() if name in rows}
        assert (shown["state"], shown["report_age_s"]) in own
        if any(state == "conflict" for state, _ in own):
            assert shown["state"] == "conflict"
        elif reaching := [age_s for state, age_s in own if state in {"healthy", "suspect"}]:
            assert shown["report_age_s"] == min(reaching)
