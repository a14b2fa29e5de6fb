"""Chores run while their context lasts; when it ends, all of them have ended too."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from runtime import background as background_module
from runtime.background import background, kept_going


class Chore:
    """Runs until it is cancelled, and takes a moment to end."""

    def __init__(self) -> None:
        self.ended = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            self.ended = True


async def fail() -> None:
    raise LookupError("a fault")


async def break_off(chore: Coroutine[Any, Any, None]) -> None:
    async with background(chore):
        await asyncio.sleep(0)
        raise KeyError


@pytest.mark.gen_test
async def test_every_chore_has_ended_after_the_context() -> None:
    first, second = Chore(), Chore()
    async with background(first.run(), second.run()):
        await asyncio.sleep(0)
        assert not first.ended
    assert first.ended
    assert second.ended


@pytest.mark.gen_test
async def test_the_fault_of_a_chore_is_raised_after_all_others_have_ended() -> None:
    chore = Chore()
    with pytest.raises(LookupError):
        async with background(fail(), chore.run()):
            await asyncio.sleep(0)
    assert chore.ended


@pytest.mark.gen_test
async def test_the_fault_of_the_context_is_not_replaced_by_that_of_a_chore() -> None:
    with pytest.raises(KeyError):
        await break_off(fail())


@pytest.mark.gen_test
async def test_who_is_cancelled_while_chores_end_stays_cancelled() -> None:
    chore = Chore()

    async def service() -> None:
        async with background(chore.run()):
            await asyncio.sleep(0)

    serving = asyncio.create_task(service())
    await asyncio.sleep(0.005)  # now it waits for the chore to end
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


@pytest.mark.gen_test
async def test_a_chore_that_loses_its_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background_module, "CANCEL_AGAIN_S", 0.01)
    lost = 0

    async def loses_one() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except (
                asyncio.CancelledError
            ):  # as asyncio.wait_for does when its result comes in the same moment
                if lost:
                    raise
                lost += 1

    async with background(loses_one()):
        await asyncio.sleep(0)
    assert lost == 1


@pytest.mark.gen_test
async def test_a_chore_that_fails_begins_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background_module, "ANEW_S", 0.001)
    starts, on = [], asyncio.Event()

    async def chore() -> None:
        starts.append(1)
        if len(starts) < 3:
            raise LookupError("a fault")
        on.set()
        await asyncio.Event().wait()

    going = asyncio.create_task(kept_going(chore))
    await on.wait()
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["a fault"] * 2
