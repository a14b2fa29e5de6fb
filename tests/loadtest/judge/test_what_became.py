"""What became of the cars, in a sentence."""

import dataclasses

from loadtest.judge.conditions import Change, ChangeKind
from loadtest.judge.result import Measurements, conclude
from loadtest.judge.what_became import what_became
from loadtest.record.requests import Attempt, RequestOutcome
from loadtest.record.stopped_sessions import StoppedSessions
from tests.loadtest.runs import IDS, admitted, perfect


def sentence(measured: Measurements) -> str:
    return what_became(measured, conclude(measured))


def with_refusals(count: int, **more: object) -> Measurements:
    no = [
        admitted(4 + n, IDS[0], outcome=RequestOutcome.REFUSED, status=503, session=None)
        for n in range(count)
    ]
    run = perfect()
    total = 4 + count
    return dataclasses.replace(run, planned=total, sent=total, requests=[*run.requests, *no], **more)  # type: ignore[arg-type]


def test_all_charged() -> None:
    assert sentence(perfect()) == "4 of 4 cars charged."


def test_refusals_have_their_reason() -> None:
    assert sentence(with_refusals(1)) == (
        "4 of 5 cars charged; 1 was refused because no substation had room."
    )


def test_cars_that_charged_after_they_had_asked_again_are_counted() -> None:
    no = Attempt(100, 100.1, RequestOutcome.REFUSED, 503, "503 /problems/no-capacity", 1)
    run = perfect()
    again = dataclasses.replace(run.requests[0], attempts=(no, *run.requests[0].attempts))
    told = sentence(dataclasses.replace(run, requests=[again, *run.requests[1:]]))
    assert told == "4 of 4 cars charged, 1 of them after a first refusal."


def test_a_stop_that_ends_sessions_lets_nobody_charge_to_the_end() -> None:
    ended = StoppedSessions(sessions=4, ended=4, over=0, left={}, unknown=0)
    told = sentence(dataclasses.replace(perfect(), planned=9, interrupted=True, ended_by_stop=ended))
    assert told == "4 of 9 cars were admitted; 5 were not sent."


def test_a_drain_during_the_run_or_before_it_is_named() -> None:
    run = perfect()
    drained = [
        dataclasses.replace(
            each,
            readings={**each.readings, IDS[1]: dataclasses.replace(each.readings[IDS[1]], draining=True)},
        )
        for each in run.samples
    ]
    assert sentence(with_refusals(2, samples=drained)) == (
        f"4 of 6 cars charged; 2 were refused because no substation had room while {IDS[1]} was drained."
    )


def test_a_limit_that_was_lowered_is_named_and_one_that_was_raised_is_not() -> None:
    lowered = Change(101, ChangeKind.LIMIT, IDS[0], 20.0, 10.0)
    raised = Change(102, ChangeKind.LIMIT, IDS[1], 10.0, 20.0)
    assert sentence(with_refusals(2, changes=(lowered, raised))).endswith(
        f"while {IDS[0]} had its limit lowered."
    )


def test_what_was_not_sent_and_what_failed_is_counted() -> None:
    run = perfect()
    failed = dataclasses.replace(run.requests[-1], outcome=RequestOutcome.FAILED, session=None)
    stopped = dataclasses.replace(run, planned=500, requests=[*run.requests[:-1], failed])
    assert sentence(stopped) == "3 of 500 cars charged; 1 got no answer, or an error; 496 were not sent."
    assert sentence(dataclasses.replace(run, sent=0, requests=[])) == ""
