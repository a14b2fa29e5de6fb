"""What every action goes through: the password given a short while ago, and the audit log before it."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from tornado.web import Application

from admin_ui.audit.chain import AuditOutcome
from admin_ui.audit.log import AuditLog
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.logins import CONFIRMED_FOR_S, Logins, Role
from runtime import http


class Drain(ConsoleHandler):
    """An action as they all are."""

    def setup(self, audit: AuditLog) -> None:  # type: ignore[override]
        self._audit = audit

    async def post(self) -> None:
        if not self.confirmed():
            return
        assert self.login
        entry = await self._audit.begin(self.login.name, "drain", "substation-1", "works")
        await self._audit.end(entry, AuditOutcome.DONE)
        self.write_json({"entry": entry.number})


COOKIE = "__Host-console-test"


@asynccontextmanager
async def serving(folder: Path, logins: Logins) -> AsyncIterator[tuple[str, AuditLog]]:
    log = AuditLog(folder / "audit.sqlite")
    given = {"logins": logins, "needs": Role.OPERATOR, "audit": log}
    app = Application([("/drain", Drain, given)], login_cookie=COOKIE)
    try:
        async with http.listen(app, "127.0.0.1", 0) as port:
            yield f"http://127.0.0.1:{port}/drain", log
    finally:
        await log.close()


async def asked(url: str, token: str) -> tuple[int, dict[str, str]]:
    async with (
        aiohttp.ClientSession(headers={"Cookie": f"{COOKIE}={token}"}) as client,
        client.post(url) as answer,
    ):
        return answer.status, json.loads(await answer.text())


@pytest.mark.gen_test
async def test_a_password_of_long_ago_must_be_given_again_and_that_lasts_five_minutes(tmp_path: Path) -> None:
    logins, now_s = Logins(12), time.time()
    logins.open("token", "ann", Role.OPERATOR, now_s - CONFIRMED_FOR_S - 5)
    async with serving(tmp_path, logins) as (url, log):
        status, problem = await asked(url, "token")
        assert (status, problem["type"]) == (403, "urn:smartgrid:problem:confirm-first")
        assert log.head.number == 0
        logins.confirm("token", now_s)
        assert (await asked(url, "token"))[0] == 200
        assert log.head.number == 2


@pytest.mark.gen_test
async def test_where_only_this_machine_comes_in_nobody_is_asked_again(tmp_path: Path) -> None:
    logins = Logins(12, confirming=False)
    logins.open("token", "olga", Role.OPERATOR, time.time() - 3000)
    async with serving(tmp_path, logins) as (url, _):
        assert (await asked(url, "token"))[0] == 200


@pytest.mark.gen_test
async def test_with_a_full_disk_nothing_is_done_and_that_is_said(tmp_path: Path) -> None:
    logins = Logins(12)
    logins.open("token", "ann", Role.OPERATOR, time.time())
    async with serving(tmp_path, logins) as (url, log):
        pages = log._store.one("PRAGMA page_count")
        assert pages
        log._store.run(f"PRAGMA max_page_count = {pages[0]}")
        for _ in range(20):
            await log.note("ann", "fill", "", AuditOutcome.DONE, {"x": "x" * 3000})
        before = log.head
        status, problem = await asked(url, "token")
        assert (status, problem["type"]) == (503, "urn:smartgrid:problem:no-audit")
        assert "full" in problem["detail"]
        assert log.head == before
        log._store.run("PRAGMA max_page_count = 100000")
        assert (await asked(url, "token"))[0] == 200
