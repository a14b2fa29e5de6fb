"""The lists of several substations become one page, however they are spread."""

import asyncio
import random
from collections.abc import Awaitable, Iterable

import pytest

from admin_ui.sessions.answer import ListedSession, Listing
from admin_ui.sessions.merge import LEAST_AT_ONCE, Source, at_once, merged, sums

Lists = dict[str, list[tuple[int, str]]]


async def all_of(waiting: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*waiting)


class Lister:
    """Answers as substations do; those in `silent` don't."""

    def __init__(
        self, lists: Lists, *, descending: bool = False, silent: frozenset[str] = frozenset()
    ) -> None:
        self.asked: list[str] = []
        self._lists = {name: sorted(keys, reverse=descending) for name, keys in lists.items()}
        self._silent = silent

    async def fetch(self, name: str, cursor: str, limit: int) -> Listing | None:
        self.asked.append(name)
        if name in self._silent:
            return None
        keys = self._lists[name]
        start = [key[1] for key in keys].index(cursor) + 1 if cursor else 0
        part = keys[start : start + limit]
        found = [ListedSession(key, {"cursor": key[1]}) for key in part]
        counts = {"matching": len(keys), "before": start, "charging": len(keys), "paused": 0}
        return Listing(found, counts, start + limit < len(keys))


def lists(*sizes: int) -> Lists:
    """Substations with so many sessions, of few different values."""
    drawn = random.Random(3)
    return {
        f"s{n}": [(drawn.randrange(30), f"s{n}.{at:03}") for at in range(size)]
        for n, size in enumerate(sizes)
    }


def merge(known: Lists, lister: Lister, limit: int, *, descending: bool = False) -> list[tuple[int, str]]:
    sources = [Source(name) for name in known]
    found = asyncio.run(merged(sources, limit, lister.fetch, all_of, descending=descending))
    return [(int(each.key[0]), each.key[1]) for each in found]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sizes", [(40, 40, 40), (100, 0, 1), (0, 0), (7,), (), (3, 90, 3)])
@pytest.mark.parametrize("limit", [1, 25, 60])
def test_a_page_has_the_first_sessions_of_all(sizes: tuple[int, ...], limit: int, descending: bool) -> None:
    known = lists(*sizes)
    wanted = sorted((key for keys in known.values() for key in keys), reverse=descending)[:limit]
    assert merge(known, Lister(known, descending=descending), limit, descending=descending) == wanted


def test_a_page_whose_sessions_are_all_at_one_of_many_substations_takes_few_questions() -> None:
    known = lists(*[0] * 99, 200)
    lister = Lister(known)
    assert len(merge(known, lister, 50)) == 50
    assert 1 < lister.asked.count("s99") <= 50 / LEAST_AT_ONCE + 1
    assert all(lister.asked.count(f"s{n}") == 1 for n in range(99))


def test_a_substation_that_does_not_answer_is_asked_once_and_the_others_are_merged() -> None:
    known = lists(30, 30, 30)
    lister = Lister(known, silent=frozenset({"s1"}))
    sources = [Source(name) for name in known]
    found = asyncio.run(merged(sources, 20, lister.fetch, all_of, descending=False))
    assert [each.key for each in found] == sorted(known["s0"] + known["s2"])[:20]
    assert lister.asked.count("s1") == 1
    assert sums(sources)["matching"] == 60


def test_what_comes_before_a_page_is_counted_once_for_each_substation() -> None:
    known = lists(100)
    lister, source = Lister(known), Source("s0")

    async def twenty(name: str, cursor: str, _: int) -> Listing | None:
        return await lister.fetch(name, cursor, 20)

    asyncio.run(merged([source], 60, twenty, all_of, descending=False))
    assert len(lister.asked) == 3
    assert sums([source])["before"] == 0


def test_a_share_of_the_page_is_asked_of_each_substation_and_never_more_than_the_page() -> None:
    assert [at_once(50, n) for n in (0, 1, 3, 10, 1000)] == [50, 50, 34, 10, LEAST_AT_ONCE]
    assert at_once(5, 1000) == 5
