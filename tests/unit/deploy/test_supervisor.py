"""supervisord starts the programs before its loop waits for anything, and reads many lines in one look."""

import itertools
import types
from typing import Any

import pytest
from supervisor import supervisord

from deploy.local.supervisor import LOOK_EVERY_S, PromptSupervisor, spaced


class Group:
    """A group of programs that records when it was started."""

    def __init__(self, done: list[str]) -> None:
        self._done = done

    def transition(self) -> None:
        self._done.append("started")


class Clock:
    """Time that passes only in sleeps and looks."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, for_s: float) -> None:
        self.slept.append(for_s)
        self.now_s += for_s


def supervisor(done: list[str], poll: Any) -> PromptSupervisor:
    made = PromptSupervisor(types.SimpleNamespace(poller=types.SimpleNamespace(poll=poll)))
    made.process_groups = {"grid": Group(done)}
    return made


def test_programs_are_started_before_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(supervisord.Supervisor, "runforever", lambda _: done.append("loop"))
    supervisor(done, lambda _: None).runforever()
    assert done == ["started", "loop"]


def test_the_loop_looks_spaced(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, float]] = []

    def recorded(poll: Any, every_s: float) -> Any:
        asked.append((poll, every_s))
        return lambda _: "spaced"

    monkeypatch.setattr("deploy.local.supervisor.spaced", recorded)
    looks: list[str] = []
    monkeypatch.setattr(
        supervisord.Supervisor, "runforever", lambda own: looks.append(own.options.poller.poll(1))
    )

    def poll(_: float) -> str:
        return "at once"

    supervisor([], poll).runforever()
    assert (asked, looks) == ([(poll, LOOK_EVERY_S)], ["spaced"])


def test_lines_that_come_one_after_the_other_are_found_in_one_look() -> None:
    clock = Clock()
    looked_s: list[float] = []

    def poll(timeout_s: float) -> str:
        assert timeout_s == 1
        clock.now_s += 0.001  # the next line is there already
        looked_s.append(clock.now_s)
        return "found"

    look = spaced(poll, 0.02, clock, clock.sleep)
    assert [look(1) for _ in range(50)] == ["found"] * 50
    assert all(later - earlier > 0.02 for earlier, later in itertools.pairwise(looked_s))


def test_a_look_after_a_pause_does_not_wait() -> None:
    clock = Clock()
    look = spaced(lambda _: None, 0.02, clock, clock.sleep)
    for _ in range(3):
        look(1)
        clock.now_s += 0.03
    assert clock.slept == []
