"""A gateway that can ask nobody for room: no failure is taken for a refusal, and no session that may be there is forgotten."""

from functools import partial
from typing import Any, cast

import pytest

from loadtest.record.requests import RequestOutcome
from loadtest.run.session_stopper import SessionStopper
from loadtest.send.credential import Credential
from tests.loadtest.send.test_engine import Turns, problem, sent

AWAY = partial(problem, 503, "0", type="urn:smartgrid:problem:unavailable")
LOST = partial(problem, 503, "0", type="urn:smartgrid:problem:outcome-unknown", outcome="unknown")


def test_it_has_failed_and_not_refused_as_on_the_console() -> None:
    _, engine = sent(Turns(AWAY), retries=0, cars=1)
    assert engine.outcomes == {RequestOutcome.FAILED: 1}


@pytest.mark.parametrize(("first", "unknown"), [(LOST, 1), (AWAY, 0)])
def test_a_session_may_be_there_when_the_last_answer_says_nothing_of_one_that_was_lost(
    first: partial[Any], unknown: int
) -> None:
    _, engine = sent(Turns(first, AWAY), retries=1, cars=1)
    assert engine.outcomes == {RequestOutcome.FAILED: 1}
    stopper = SessionStopper(cast("Any", None), "", Credential(), engine.requests)
    assert stopper.so_far().unknown == unknown
