"""Orders through a real console to a real balancer: confirmed, refused, unconfirmed; audited each time."""

import asyncio
import contextlib
import dataclasses
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from admin_ui.app import console
from admin_ui.audit.log import MIGRATIONS, path
from admin_ui.people import one_time_link
from admin_ui.settings import Settings
from admin_ui.web.logins import Role
from gateway.callers import digest
from runtime.settings import load
from runtime.store import Store
from tests.integration.balancer.grid import HOST, Grid, Plan, running, until
from tests.support.console import PASSWORD, people
from tests.support.ports import free_ports

KEYS = {"acme": "a" * 40, "console": "c" * 40}


@dataclasses.dataclass
class Desk:
    """An operator at a console of a grid."""

    grid: Grid
    url: str
    data: Path
    cookie: str = ""

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Cookie": self.cookie}
        async with self.grid.session.request(method, self.url + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def log_in(self) -> None:
        form = {"token": one_time_link.create(self.data), "name": "olga"}
        async with self.grid.session.post(f"{self.url}/enter", data=form, allow_redirects=False) as answer:
            given = answer.headers.get("Set-Cookie")
        if not given:  # not on loopback: there links let nobody in
            form = {"name": "ann", "password": PASSWORD}
            async with self.grid.session.post(
                f"{self.url}/login", data=form, allow_redirects=False
            ) as answer:
                given = answer.headers["Set-Cookie"]
        self.cookie = given.partition(";")[0]

    async def preview(self, order: str, target: str, value: Any = None) -> Any:
        status, reply = await self.ask(
            "POST", "/api/preview", {"order": order, "target": target, "value": value}
        )
        assert status == 200, reply
        return reply

    async def give(self, order: str, target: str, value: Any = None, **more: Any) -> tuple[int, Any]:
        """Order as the dialog does: preview, then the order in that state."""
        basis = more.pop("basis", None) or (await self.preview(order, target, value))["basis"]
        body = {"order": order, "target": target, "value": value, "reason": "a test", "basis": basis}
        return await self.ask("POST", "/api/orders", body | more)

    def audited(self) -> list[tuple[str, str, str, str]]:
        """(action, target, reason, outcome) of what was ordered, oldest first."""
        store = Store(path(self.data), MIGRATIONS)
        rows = store.rows(
            "SELECT action, target, reason, coalesce(outcome, '') FROM entry WHERE action NOT LIKE 'log in%' AND action != 'change people'"
        )
        store.close()
        return [(row[0], row[1], row[2], row[3]) for row in rows]


@contextlib.asynccontextmanager
async def desk(folder: Path, plan: Plan | None = None, **environ: str) -> AsyncIterator[Desk]:
    """A grid, and a console with an operator who is logged in."""
    async with running(folder, plan) as grid:
        (port,) = free_ports(1)
        given = {
            "CONSOLE_PORT": str(port),
            "DATA_DIR": str(folder / "console"),
            "BALANCER_URL": grid.balancer_url,
            "GATEWAY_URL": grid.gateway_url,
        }
        async with console(load(Settings, given | environ)):
            made = Desk(grid, f"http://{HOST}:{port}", folder / "console")
            await made.log_in()
            await until(lambda: sees(made, len(grid.names)))
            yield made


async def sees(at: Desk, count: int) -> bool:
    """Whether the console sees so many substations, all of them live."""
    return bool((await at.ask("GET", "/readyz"))[0] == 200) and len(await shown(at)) == count


async def shown(at: Desk) -> dict[str, str]:
    """The states of the substations as a browser sees them."""
    async with at.grid.session.ws_connect(at.url + "/stream", headers={"Cookie": at.cookie}) as stream:
        state = (await stream.receive_json())["state"]
    return {row["substation_id"]: row["state"] for row in state["substations"]}


def code(reply: Any) -> str:
    return str(reply["type"]).rpartition(":")[2]


async def charge(at: Desk, key: str = "", **wish: Any) -> Any:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = {"vehicle_id": "EV-1", "max_power_kw": 20} | wish
    async with at.grid.session.post(f"{at.grid.gateway_url}/charge", json=body, headers=headers) as answer:
        assert answer.status == 201
        return await answer.json()


@pytest.mark.gen_test
async def test_an_order_is_done_when_the_grid_shows_it_and_its_undo_brings_it_back(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        for order, value, undo in (
            ("drain", None, ("restore", None)),
            ("capacity", 40, ("capacity", None)),
            ("capacity", 30, ("capacity", 40)),
        ):
            status, reply = await at.give(order, "s-1", value)
            assert (status, reply["outcome"]) == (200, "confirmed"), reply
            assert (reply["undo"]["order"], reply["undo"]["value"]) == undo
        fleet = await at.grid.fleet()
        assert (fleet["s-1"]["draining"], fleet["s-1"]["capacity_kw"]) == (True, 30)
        status, reply = await at.give("policy", "the fleet", "random")
        assert (status, reply["undo"]["value"]) == (200, "least_loaded")
        assert (await at.grid.get_json(f"{at.grid.balancer_url}/fleet"))["policy"] == "random"
        assert (await at.give("restore", "s-1"))[0] == 200
        assert (await at.give("capacity", "s-1", None))[0] == 200
        assert (await at.grid.fleet())["s-1"]["capacity_kw"] == 100
    assert at.audited()[:2] == [("drain", "s-1", "a test", ""), ("drain", "s-1", "", "done")]
    assert [row[3] for row in at.audited()] == ["", "done"] * 6


@pytest.mark.gen_test
async def test_an_order_in_another_state_than_that_of_its_preview_is_not_sent(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        seen = (await at.preview("drain", "s-1"))["basis"]
        assert (await at.give("drain", "s-2"))[0] == 200
        status, reply = await at.give("drain", "s-1", basis=seen, reason="my reason")
        assert (status, code(reply)) == (409, "changed")
        assert (await at.grid.fleet())["s-1"]["draining"] is False
        assert "No substation would be left" in (await at.preview("drain", "s-1"))["warnings"][0]
    assert at.audited()[-1] == ("drain", "s-1", "my reason", "refused")


@pytest.mark.gen_test
async def test_the_slower_of_two_operators_is_told_who_did_it_when_and_why_and_his_reason_is_kept(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as at:
        shown = await at.preview("drain", "s-1")
        based = {"basis": shown["basis"], "seen": shown["seen"]}
        assert (await at.give("drain", "s-1", **based, reason="the first reason"))[0] == 200
        assert (await at.give("capacity", "s-1", 40))[0] == 200  # another order does not hide it
        status, reply = await at.give("drain", "s-1", **based, reason="the second reason")
        assert (status, code(reply)) == (422, "order-refused")
        (earlier,) = reply["earlier"]
        assert (earlier["who"], earlier["order"], earlier["reason"]) == (
            "olga",
            "drain",
            "the first reason",
        )
        assert re.match(r"olga drained s-1 at \d\d:\d\d:\d\d UTC \(the first reason\)\.", reply["detail"])
        assert (await at.preview("drain", "s-1"))["earlier"] == [earlier]
        status, reply = await at.give("restore", "s-2", **based)  # restored already, and by nobody
        assert (status, reply["earlier"]) == (422, [])
        status, reply = await at.give("drain", "s-2", **based)
        assert (status, code(reply)) == (409, "changed")
        assert [(each["order"], each["value"]) for each in reply["earlier"]] == [
            ("capacity", 40),
            ("drain", None),
        ]
    refused = [row[:3] for row in at.audited() if row[3] == "refused"]
    assert refused[0] == ("drain", "s-1", "the second reason")


@pytest.mark.gen_test
async def test_a_session_that_another_operator_has_stopped_is_not_stopped_again(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        session_id = (await charge(at))["session_id"]
        assert (await at.give("stop", session_id, reason="by the first"))[0] == 200
        status, reply = await at.give("stop", session_id, reason="by the second")
        assert (status, code(reply)) == (422, "order-refused")
        assert [each["reason"] for each in reply["earlier"]] == ["by the first"]
    assert [row[2:] for row in at.audited()] == [
        ("by the first", ""),
        ("", "done"),
        ("by the second", "refused"),
    ]


@pytest.mark.gen_test
async def test_of_two_operators_at_once_one_is_told_of_the_other(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        seen = (await at.preview("drain", "s-1"))["basis"]
        answers = await asyncio.gather(
            at.give("drain", "s-1", basis=seen), at.give("drain", "s-2", basis=seen)
        )
        assert sorted(status for status, _ in answers) == [200, 409]
        reply = next(reply for status, reply in answers if status == 409)
        assert (code(reply), "olga has just ordered drain" in reply["detail"]) == (
            "order-under-way",
            True,
        )
        assert sum(row["draining"] for row in (await at.grid.fleet()).values()) == 1


@pytest.mark.gen_test
async def test_an_order_to_a_substation_that_does_not_answer_is_unconfirmed_and_may_be_given_again(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, Plan(capacities_kw=(100, 100, 100))) as at:
        # While it stops it may be polled, and then it is shown as draining for good: drain would be refused.
        await at.grid.stop("s-1")
        await until(lambda: is_shown(at, "s-1", "ejected"))
        status, reply = await at.give("capacity", "s-1", 50)
        assert (status, code(reply)) == (503, "unconfirmed"), reply
        assert "giving the order again is safe" in reply["detail"]
        await at.grid.start("s-1")
        await until(lambda: is_shown(at, "s-1", "healthy"))
        reply = await at.preview("capacity", "s-1", 50)  # nobody knows whether it was carried out meanwhile
        if not reply["refused"]:
            assert (await at.give("capacity", "s-1", 50))[0] == 200
        assert (await at.grid.fleet())["s-1"]["capacity_kw"] == 50
    assert at.audited()[:2] == [("capacity", "s-1", "a test", ""), ("capacity", "s-1", "", "unconfirmed")]


async def is_shown(at: Desk, name: str, state: str) -> bool:
    return (await shown(at)).get(name) == state


@pytest.mark.gen_test
async def test_while_the_stream_is_lost_nothing_is_sent_and_the_reason_is_kept(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        seen = (await at.preview("drain", "s-1"))["basis"]
        await at.grid.stop("balancer")
        await until(lambda: lost(at))
        status, reply = await at.give("drain", "s-1", basis=seen)
        assert (status, code(reply)) == (503, "stream-lost")
    assert [row[2:] for row in at.audited()] == [("a test", "refused")]


async def lost(at: Desk) -> bool:
    return (await at.ask("GET", "/readyz"))[0] == 503


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"order": "capacity", "target": "s-1", "value": 101}, 422),
        ({"order": "drain", "target": "s-9"}, 422),
        ({"order": "policy", "target": "the fleet", "value": "best"}, 422),
        ({"order": "drain"}, 400),
        ({"order": "drain", "target": "s-1", "reason": "  x "}, 422),
        ([], 400),
        ({"order": "drain", "target": "s-1", "reason": "x" * 201}, 422),
    ],
)
async def test_what_can_t_be_ordered_is_refused_and_changes_nothing(
    tmp_path: Path, body: Any, status: int
) -> None:
    async with desk(tmp_path) as at:
        seen = (await at.preview("drain", "s-1"))["basis"]
        sent = {"reason": "a test", "basis": seen} | body if isinstance(body, dict) else body
        assert (await at.ask("POST", "/api/orders", sent))[0] == status
        assert not any(row["draining"] for row in (await at.grid.fleet()).values())
    assert [row[3] for row in at.audited()] == ["refused"]


@pytest.mark.gen_test
async def test_a_session_is_stopped_and_its_story_told_to_its_end(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        placed = await charge(at)
        session_id = placed["session_id"]
        reply = await at.preview("stop", session_id)
        assert f"{placed['substation_id']} gets 20 kW of room back at once." in reply["effects"]
        status, reply = await at.give("stop", session_id)
        assert (status, reply["undo"]) == (200, None)
        assert (await at.preview("stop", session_id))["refused"] == "The session has ended already: stopped."
        _, story = await at.ask("GET", f"/api/story?session_id={session_id}")
        (session,) = story["sessions"]
        assert (session["state"], session["reserved"][-1]["power_kw"]) == ("stopped", 0)
        assert session["reserved"][-1]["from"] == session["ended_at"]
        assert [each["session_id"] for each in story["decisions"]] == [session_id]
        _, unknown = await at.ask("GET", "/api/story?session_id=s-1.0000000000000000")
        assert unknown["faults"][0].startswith("There is no session s-1.0000000000000000")
        assert (await at.ask("GET", "/api/story?session_id=x&vehicle_id=y"))[0] == 400
        await at.grid.stop(placed["substation_id"])
        _, gone = await at.ask("GET", f"/api/story?session_id={session_id}")
        assert gone["sessions"] == []
        assert "can't be looked up" in gone["faults"][0]


@pytest.mark.gen_test
async def test_with_api_keys_the_console_tells_of_other_callers_cars_by_its_own_key(tmp_path: Path) -> None:
    keys, own = tmp_path / "keys", tmp_path / "key"
    role = {"console": " operator"}
    keys.write_text("".join(f"{name} {digest(key)}{role.get(name, '')}\n" for name, key in KEYS.items()))
    own.write_text(KEYS["console"] + "\n")
    plan = Plan(gateway={"API_KEYS": str(keys)})
    async with desk(tmp_path, plan, GATEWAY_API_KEY_FILE=str(own)) as at:
        placed = await charge(at, KEYS["acme"])
        _, story = await at.ask("GET", "/api/story?vehicle_id=acme:EV-1")
        assert [each["session_id"] for each in story["sessions"]] == [placed["session_id"]]
        assert story["faults"] == []
        own.write_text("wrong")
        _, story = await at.ask("GET", "/api/story?vehicle_id=acme:EV-1")
        assert "set GATEWAY_API_KEY_FILE" in story["faults"][0]
        assert len(story["decisions"]) == 1


@pytest.mark.gen_test
async def test_the_feed_tells_the_newest_past_a_number_and_how_many_it_left_out(tmp_path: Path) -> None:
    async with desk(tmp_path, Plan(capacities_kw=(1000, 1000))) as at:
        for number in range(105):
            await charge(at, vehicle_id=f"EV-{number}", max_power_kw=1)
        await asyncio.sleep(0.5)  # what is asked again sooner is what was told before
        _, reply = await at.ask("GET", "/api/decisions?after=2")
        assert [each["number"] for each in reply["decisions"]] == list(range(105, 5, -1))
        assert reply["left_out"] == 3
        _, reply = await at.ask("GET", "/api/decisions?after=104")
        assert [each["vehicle_id"] for each in reply["decisions"]] == ["EV-104"]
        assert (await at.ask("GET", "/api/decisions?after=x"))[0] == 400
        await at.grid.stop("balancer")
        await asyncio.sleep(0.5)
        _, reply = await at.ask("GET", "/api/decisions")
        assert reply["fault"].startswith("The balancer's decisions can't be read")


@pytest.mark.gen_test
async def test_where_others_come_in_an_order_on_the_fleet_takes_the_password_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("admin_ui.web.logins.CONFIRMED_FOR_S", -1.0)  # no password is new enough
    people(tmp_path / "console", ann=Role.OPERATOR)
    async with desk(tmp_path, BEHIND_TLS_PROXY="1") as at:
        for order, value in (("drain", None), ("restore", None), ("capacity", 50)):
            status, reply = await at.give(order, "s-1", value)
            assert (status, code(reply)) == (403, "confirm-first")
        assert (await at.give("policy", "the fleet", "random"))[0] == 403
        assert (await at.grid.fleet())["s-1"]["draining"] is False
        assert (await at.give("stop", (await charge(at))["session_id"]))[0] == 200
    assert [row[0] for row in at.audited()] == ["stop", "stop"]


@pytest.mark.gen_test
async def test_the_newest_orders_name_who_what_and_why_and_refused_ones_too(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        first = at.grid.names[0]
        assert (await at.give("drain", first, reason="a new fan"))[0] == 200
        assert (await at.give("drain", first, reason="once more", basis="old"))[0] == 422
        status, reply = await at.ask("GET", "/api/orders/newest")
        assert status == 200
        refused, drained = reply["orders"]
        assert (drained["order"], drained["target"], drained["reason"], drained["outcome"]) == (
            "drain",
            first,
            "a new fan",
            "done",
        )
        assert drained["who"]
        assert (refused["outcome"], refused["reason"]) == ("refused", "once more")
        after = drained["number"]
        assert (await at.ask("GET", f"/api/orders/newest?after={after}"))[1]["orders"] == [refused]
        status, reply = await at.ask("GET", "/api/orders/newest?after=-1")
        assert (status, "after: " in reply["detail"]) == (400, True)
