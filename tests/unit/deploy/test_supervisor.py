"""supervisord starts the programs before its loop waits for anything."""

import pytest
from supervisor import supervisord

from deploy.local.supervisor import PromptSupervisor


class Group:
    """A group of programs that records when it was started."""

    def __init__(self, done: list[str]) -> None:
        self._done = done

    def transition(self) -> None:
        self._done.append("started")


def test_programs_are_started_before_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(supervisord.Supervisor, "runforever", lambda _: done.append("loop"))
    made = PromptSupervisor(None)
    made.process_groups = {"grid": Group(done)}
    made.runforever()
    assert done == ["started", "loop"]
