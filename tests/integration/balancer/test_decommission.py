"""A substation that is gone for good: what was claimed there moves on, and what comes back is known for what it is."""

import contextlib
import logging
import shutil
from collections import Counter
from pathlib import Path

import pytest

from balancer.contract import BalancerOutcome
from tests.integration.balancer.caller import Caller
from tests.integration.balancer.decommissioned import grids, lost, ordered
from tests.integration.balancer.grid import Grid, Plan, until
from tests.integration.balancer.operator import done, order

KEYS = [f"key-{n}" for n in range(6)]
SOON_S = 1.0  # a caller who does not wait long for an answer that can't come


async def charged(client: Caller) -> dict[str, str]:
    """Charge one car a key; returns where each is."""
    return {key: (await client.placed(key, vehicle_id=key)).session_id for key in KEYS}


async def given_up(grid: Grid, name: str) -> None:
    """Stop a substation and give it up."""
    await grid.stop(name)
    await lost(grid, name)
    await until(lambda: ordered(grid, name))
    assert name not in await grid.fleet()


async def one_session_each(grid: Grid) -> None:
    """On the substations that run, every key has exactly one."""
    found = Counter(session["vehicle_id"] for session in await grid.sessions())
    assert found == dict.fromkeys(KEYS, 1)


async def outcome(client: Caller, key: str) -> BalancerOutcome:
    return (await client.charge(key, vehicle_id=key, asking_s=SOON_S)).outcome


@pytest.mark.gen_test
async def test_what_was_claimed_at_one_that_is_gone_is_unknown_until_it_is_given_up_and_then_moves_on(
    tmp_path: Path,
) -> None:
    async with grids(tmp_path) as (grid, client):
        before = await charged(client)
        at_1 = [key for key in KEYS if before[key].startswith("s-1.")]
        assert len(at_1) == 3
        await grid.stop("s-1")
        await lost(grid, "s-1")
        assert {await outcome(client, key) for key in at_1} == {BalancerOutcome.UNKNOWN}
        await until(lambda: ordered(grid, "s-1"))
        assert (await order(grid, "s-1", "decommission")).status == 404
        for _ in range(2):
            after = await charged(client)
            assert all(name.startswith("s-2.") for name in after.values())
            assert {key: after[key] for key in KEYS if key not in at_1} == {
                key: before[key] for key in KEYS if key not in at_1
            }
        await one_session_each(grid)
        assert (await client.find(before[at_1[0]])).outcome is BalancerOutcome.NOT_FOUND
        assert len((await client.page("key-0")).sessions) == 1


@pytest.mark.gen_test
async def test_one_that_comes_back_with_its_old_journal_is_not_used_and_that_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with grids(tmp_path) as (grid, client):
        await charged(client)
        await given_up(grid, "s-1")
        after = await charged(client)
        for restart in (False, True):
            if restart:
                await grid.stop("balancer")
                await grid.start("balancer")
            caplog.clear()
            if not restart:
                await grid.start("s-1")

            async def logged() -> bool:
                return any(
                    record.levelno == logging.ERROR
                    and record.getMessage() == "a journal that was given up is back"
                    for record in caplog.records
                )

            await until(logged)
            assert "s-1" not in await grid.fleet()
            assert await charged(client) == after
            assert (await client.placed(vehicle_id="more", kw=1)).substation_id == "s-2"
            assert (await client.charge(kw=1, substations=("s-1",))).outcome is not BalancerOutcome.ADMITTED


@pytest.mark.gen_test
async def test_one_that_comes_back_with_a_new_journal_is_used_again(tmp_path: Path) -> None:
    async with grids(tmp_path) as (grid, client):
        await charged(client)
        await given_up(grid, "s-1")
        after = await charged(client)
        shutil.rmtree(tmp_path / "s-1")
        await grid.start("s-1")
        await grid.placeable()
        assert await charged(client) == after
        await one_session_each(grid)
        assert (await client.placed(vehicle_id="key-new")).substation_id == "s-1"


@pytest.mark.gen_test
async def test_claims_at_a_new_journal_do_not_move_on_because_an_old_one_was_given_up(tmp_path: Path) -> None:
    """A balancer that starts knows the new journal from its book alone, as long as its substation is away."""
    async with grids(tmp_path) as (grid, client):
        await given_up(grid, "s-1")
        shutil.rmtree(tmp_path / "s-1")
        await grid.start("s-1")
        await grid.placeable()
        before = await charged(client)
        at_1 = [key for key in KEYS if before[key].startswith("s-1.")]
        assert at_1
        await grid.stop("balancer")
        await grid.stop("s-1")
        await grid.start("balancer")
        assert {await outcome(client, key) for key in at_1} == {BalancerOutcome.UNKNOWN}
        await grid.start("s-1")
        await grid.placeable()
        assert await charged(client) == before
        await one_session_each(grid)


@pytest.mark.gen_test
async def test_one_that_was_lost_before_the_balancer_started_can_be_given_up_by_what_the_book_says(
    tmp_path: Path,
) -> None:
    async with grids(tmp_path) as (grid, client):
        before = await charged(client)
        await grid.stop("balancer")
        await grid.stop("s-1")
        await grid.start("balancer")
        await until(lambda: healthy(grid, "s-2"))
        await until(
            lambda: ordered(grid, "s-1")
        )  # it may still be at an address that was polled in vain once
        assert all(name.startswith("s-2.") for name in (await charged(client)).values())
        await one_session_each(grid)
        await grid.start("s-1")  # with its old journal
        assert (await order(grid, "s-1", "decommission")).status == 404
        assert {key: name for key, name in before.items() if name.startswith("s-2.")}.items() <= (
            await charged(client)
        ).items()


async def healthy(grid: Grid, name: str) -> bool:
    return await grid.state(name) == "healthy"


@pytest.mark.gen_test
async def test_a_claim_that_was_never_answered_is_placed_once_elsewhere(tmp_path: Path) -> None:
    async with grids(tmp_path, Plan(proxied=True)) as (grid, client):
        for stream in grid.streams.values():
            stream.replies = False
        answer = await client.charge("key-0", vehicle_id="key-0", asking_s=SOON_S)
        assert answer.outcome is BalancerOutcome.UNKNOWN
        (session,) = await until(grid.sessions)
        target = session["substation_id"]
        for stream in grid.streams.values():
            stream.pass_all()
        await given_up(grid, target)

        async def placed() -> bool:
            return await outcome(client, "key-0") is BalancerOutcome.ADMITTED

        await until(placed)
        (moved,) = await grid.sessions()
        assert moved["substation_id"] != target


@pytest.mark.gen_test
async def test_a_withdrawal_at_one_that_is_given_up_is_dropped(tmp_path: Path) -> None:
    async with grids(tmp_path, Plan(proxied=True)) as (grid, client):
        for stream in grid.streams.values():
            stream.replies = False
        with contextlib.suppress(
            TimeoutError
        ):  # on a busy machine the note may be later than the caller waits
            assert (await client.charge(asking_s=SOON_S)).outcome is BalancerOutcome.WITHDRAWN
        await grid.stop("balancer")
        (noted,) = await grid.withdrawals()
        for stream in grid.streams.values():
            stream.pass_all()
        await grid.stop(noted.target)
        await grid.start("balancer")
        await grid.stop("balancer")
        assert await grid.withdrawals() == [noted]
        await grid.start(noted.target)  # so that the balancer knows which journal it gives up
        grid.streams[noted.target].requests = grid.streams[noted.target].replies = False
        await grid.start("balancer")

        async def known() -> bool:
            return noted.target in await grid.fleet()

        await until(known)
        await given_up(grid, noted.target)
        await grid.stop("balancer")
        await grid.start("balancer")

        async def dropped() -> bool:
            await grid.stop("balancer")
            left = await grid.withdrawals()
            await grid.start("balancer")
            return not left

        await until(dropped)


@pytest.mark.gen_test
async def test_a_key_of_an_exchanged_disk_is_unknown_until_its_journal_is_given_up(tmp_path: Path) -> None:
    async with grids(tmp_path) as (grid, client):
        first = await client.placed("key", substations=("s-1",))
        was = (await grid.fleet())["s-1"]["journal_id"]
        await grid.stop("s-1")
        (tmp_path / "s-1").rename(tmp_path / "elsewhere")
        await grid.start("s-1")

        async def another() -> bool:
            shown = (await grid.fleet())["s-1"]
            return bool(shown["journal_id"] != was and shown["state"] == "healthy")

        await until(another)
        assert await outcome(client, "key") is BalancerOutcome.UNKNOWN
        for body in ({"journal_id": ""}, {"journal_id": 5}, {"journal_id": None}):
            assert (await order(grid, "s-1", "decommission", json=body)).status == 400
        assert (await order(grid, "s-1", "decommission")).status == 422
        assert (await order(grid, "s-1", "decommission", json={"journal_id": "never"})).status == 404
        await done(grid, "s-1", "decommission", json={"journal_id": was})
        again = await client.placed("key", substations=("s-1",))
        assert again.session_id not in {first.session_id, ""}
        assert [session["session_id"] for session in await grid.sessions()] == [again.session_id]
