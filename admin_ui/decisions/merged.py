"""The newest decisions of all balancers in one list, with numbers of the console's own.

Pure. Rules:

- a decision keeps its number, whatever other balancers answer, so that a browser can go on after a number;
- what comes together is numbered by time. What comes late, from a balancer that hung, gets a later number all the same:
  otherwise nobody who has read on would see it;
- a balancer that was started anew begins its own numbers again: its decisions are new ones;
- decisions that came too fast to be read leave a gap in the numbers.
"""

import bisect
import collections
import dataclasses
from collections.abc import Mapping
from typing import Any

MOST = 100  # decisions that are kept

Decision = dict[str, Any]
Key = tuple[str, int, int]  # the balancer, the start of its process, and its number there


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """The newest decisions of one balancer's process, newest first, that was started at a unix time in ms."""

    started_unix_ms: int
    decisions: list[Decision]


class MergedDecisions:
    """The list: its decisions have a `number`, and an `id` that tells them apart for ever."""

    def __init__(self) -> None:
        self.newest = 0  # the highest number that was given
        self._by_number: collections.OrderedDict[int, Decision] = collections.OrderedDict()
        self._numbers: dict[Key, int] = {}
        self._seen: dict[
            str, tuple[int, int]
        ] = {}  # by balancer: its process, and the highest of its numbers

    def take(self, answers: Mapping[str, Answer]) -> None:
        """Take what balancers answered; decisions that are listed already are replaced by their newest state."""
        fresh: list[tuple[int, Key, Decision]] = []
        first = not self._seen
        for balancer, answer in answers.items():
            self.newest += self._missed(balancer, answer, first=first)
            seen = self._seen.get(balancer)
            after = seen[1] if seen and seen[0] == answer.started_unix_ms else 0
            for decision in answer.decisions:
                key = balancer, answer.started_unix_ms, int(decision["number"])
                if number := self._numbers.get(key):
                    self._by_number[number] = identified(decision, key, number)
                elif key[2] > after:
                    fresh.append((decision["unix_ms"], key, decision))
            highest = max((int(each["number"]) for each in answer.decisions), default=0)
            self._seen[balancer] = answer.started_unix_ms, max(highest, after)
        for _, key, decision in sorted(fresh, key=lambda each: each[:2]):
            self.newest += 1
            self._numbers[key] = self.newest
            self._by_number[self.newest] = identified(decision, key, self.newest)
        self._drop()

    def after(self, number: int) -> list[Decision]:
        """Return the decisions past a number, the highest first."""
        numbers = list(self._by_number)
        return [self._by_number[each] for each in reversed(numbers[bisect.bisect_right(numbers, number) :])]

    def _missed(self, balancer: str, answer: Answer, *, first: bool) -> int:
        """Return how many decisions came and went since the last answer of a balancer, and before the `first` answer of any."""
        seen = self._seen.get(balancer, (0, 0) if first else None)
        if not seen or not answer.decisions:
            return 0
        before = seen[1] if seen[0] == answer.started_unix_ms else 0
        return max(min(int(each["number"]) for each in answer.decisions) - before - 1, 0)

    def _drop(self) -> None:
        while len(self._by_number) > MOST:
            self._by_number.popitem(last=False)
        self._numbers = {key: number for key, number in self._numbers.items() if number in self._by_number}


def identified(decision: Mapping[str, Any], key: Key, number: int) -> Decision:
    """Return a decision with its number in a list, its id, and the address of its balancer."""
    balancer, started_unix_ms, own = key
    return {**decision, "number": number, "id": f"{balancer}-{started_unix_ms}-{own}", "balancer": balancer}


def by_time(answers: Mapping[str, Answer], most: int) -> list[Decision]:
    """Return the newest decisions of all answers, newest first, each with the number of its place from the end."""
    found = [
        (decision["unix_ms"], (balancer, answer.started_unix_ms, int(decision["number"])), decision)
        for balancer, answer in answers.items()
        for decision in answer.decisions
    ]
    newest = sorted(found, key=lambda each: each[:2])[-most:]
    return [identified(decision, key, place) for place, (_, key, decision) in enumerate(newest, 1)][::-1]


def complete(
    answers: Mapping[str, Answer], following: Mapping[str, int | None]
) -> tuple[list[Decision], int | None]:
    """Join a page of each balancer to one, newest first; returns it, and before which unix ms the next one begins.

    `following` is where the next page of each begins, None where there is none. What is older than the first of these is
    left for the next page: another balancer may have decisions in between.
    """
    next_ms = max((each for each in following.values() if each is not None), default=None)
    found = by_time(answers, sum(len(each.decisions) for each in answers.values()))
    return [each for each in found if next_ms is None or each["unix_ms"] >= next_ms], next_ms
