"""Pages over substations whose answers are made up."""

import pytest

from balancer.contract import ListSessions
from balancer.operating.sessions import Sessions
from substation.contract import ListSessions as Asked
from substation.contract import Session, SessionState, SubstationAnswer, SubstationOutcome
from substation.plan import Plan
from tests.unit.balancer.views import View, report


class Exact:
    """Substations that know, when they give a full page, that it is their last."""

    def __init__(self, **held: int) -> None:
        self._held = held

    async def ask(self, name: str, page: Asked, until_s: float) -> SubstationAnswer:  # noqa: ARG002
        last = min(page.after + page.limit, self._held[name])
        numbers = range(page.after + 1, last + 1)
        sessions = tuple(
            Session(f"{name}.{number}", name, "car", SessionState.CHARGING, Plan(1, 1), 0, 0, 0)
            for number in numbers
        )
        return SubstationAnswer(
            SubstationOutcome.FOUND, None, sessions, last if last < self._held[name] else 0
        )


@pytest.mark.gen_test
@pytest.mark.parametrize("limit", range(1, 9))
async def test_a_page_that_ends_with_a_substation_goes_on_at_the_start_of_the_next(limit: int) -> None:
    sessions = Sessions(View(*map(report, "abc")).fleet, Exact(a=2, b=3, c=2))  # type: ignore[arg-type]
    found: list[str] = []
    cursor = ""
    for _ in range(20):
        page = await sessions.ask(ListSessions("car", cursor, limit), 0.0)
        found += [session.session_id for session in page.sessions]
        assert len(page.sessions) <= limit
        if not (cursor := page.next_cursor):
            break
    assert found == ["a.1", "a.2", "b.1", "b.2", "b.3", "c.1", "c.2"]
