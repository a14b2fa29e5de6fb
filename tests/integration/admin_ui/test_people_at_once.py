"""Two who change the same people at the same moment, and links that can't be made, on a real console."""

import concurrent.futures
import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from admin_ui.people import file, invitation
from admin_ui.people.change import Change, ChangeKind, apply
from admin_ui.web.logins import Role
from tests.support.console import JSON, PASSWORD, Answer, Console, audited, people
from tests.support.grid import until

NEW = "another long password"
BASE = "/grid"


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    made = Console(tmp_path_factory.mktemp("console")).serves()
    yield made
    made.stop()


def change(console: Console, login: dict[str, str], **body: object) -> Answer:
    return console.ask("POST", "/api/people", login | JSON, json.dumps(body))


def logged_in(console: Console, answer: Answer) -> bool:
    given = [each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie") or ()]
    return console.ask("GET", "/api/me", {"Cookie": "; ".join(given)}).status == 200


def waits_for(lock: Path) -> bool:
    """Whether somebody waits for the lock of a file: Linux lists it with an arrow."""
    inode = f":{lock.stat().st_ino} "
    return any("->" in line and inode in line for line in Path("/proc/locks").read_text().splitlines())


def meanwhile(
    console: Console, administrators: Change, path: str, login: dict[str, str], **form: str
) -> Answer:
    """Have an administrator make a change just before the console saves what a form has asked for."""
    where = file.path(console.data)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with file.changing(where) as (known, save):
            asked = pool.submit(console.post, path, login, **form)
            until(lambda: asked.done() or waits_for(where.with_suffix(".lock")))
            assert not asked.done(), asked.result()
            apply(known, administrators)
            save("ada")
        return asked.result()


@pytest.mark.parametrize("kind", [ChangeKind.DISABLE, ChangeKind.RESET])
def test_who_is_disabled_or_reset_while_changing_the_password_stays_out(
    console: Console, kind: ChangeKind
) -> None:
    people(console.data, ada=Role.ADMINISTRATOR, eve=Role.OPERATOR)
    eve = console.log_in("eve")
    form = {"password": PASSWORD, "new": NEW, "again": NEW}
    answer = meanwhile(console, Change(kind, "eve"), "/account", eve, **form)
    assert (answer.status, "changed meanwhile" in answer.body) == (422, True)
    assert not logged_in(console, answer)
    left = file.load(file.path(console.data)).by_name["eve"]
    assert left.password == ("" if kind is ChangeKind.RESET else left.password)
    assert "m=65536" not in left.password, "the new password was not taken"
    assert console.post("/login", name="eve", password=NEW).status == 401


def test_who_is_disabled_while_using_a_personal_link_stays_out(console: Console) -> None:
    people(console.data, ada=Role.ADMINISTRATOR)
    ada = console.log_in("ada")
    link = json.loads(change(console, ada, do="add", name="bob", role="operator").body)["link"]
    form = {"token": link.partition("token=")[2], "new": NEW, "again": NEW}
    answer = meanwhile(console, Change(ChangeKind.DISABLE, "bob"), "/enter", {}, **form)
    assert (answer.status, "changed meanwhile" in answer.body) == (503, True)
    assert not logged_in(console, answer)
    assert file.load(file.path(console.data)).by_name["bob"].password == ""


def test_a_person_without_a_link_was_added_all_the_same_and_the_answer_says_so(tmp_path: Path) -> None:
    console = Console(tmp_path).serves()
    try:
        ada = console.log_in("ada")
        folder = tmp_path / "admin_ui" / invitation.FOLDER
        folder.touch()  # no folder can be made here
        answer = change(console, ada, do="add", name="bob", role="viewer")
        said = json.loads(answer.body)
        assert (answer.status, "link" in said) == (200, False)
        assert "bob may log in as viewer. The link could not be made" in said["said"]
        folder.unlink()
        again = change(console, ada, do="reset", name="bob")
        assert "token=" in json.loads(again.body)["link"]
    finally:
        console.stop()
    assert ("ada", "add person", "done") in audited(tmp_path)


def test_logins_go_on_where_their_end_can_t_be_saved(tmp_path: Path) -> None:
    console = Console(tmp_path).serves()
    try:
        ada, ann = console.log_in("ada"), console.log_in("ann")
        file.path(tmp_path).write_text("{")
        answer = change(console, ada, do="end-logins", name="ann")
        assert (answer.status, "nothing was changed" in answer.body) == (503, True)
        assert console.ask("GET", "/api/me", ann).status == 200
    finally:
        console.stop()


def test_a_personal_link_leads_through_tls_to_the_path_of_the_console(tmp_path: Path) -> None:
    of_the_container = {"CONSOLE_URL": f"http://127.0.0.1:8080{BASE}"}  # past the proxy
    environ = {"CONSOLE_PATH": BASE, "BEHIND_TLS_PROXY": "1"} | of_the_container
    console = Console(tmp_path, environ).serves()
    try:
        given = console.post("/login", name="ada", password=PASSWORD).headers.get_all("Set-Cookie") or ()
        ada = {"Cookie": "; ".join(each.partition(";")[0] for each in given)}
        link = json.loads(change(console, ada, do="reset", name="vic").body)["link"]
        assert link.startswith(f"https://127.0.0.1:{console.port}{BASE}/enter?token="), link
    finally:
        console.stop()


def test_links_that_are_made_at_once_are_all_good(tmp_path: Path) -> None:
    names = [f"person-{number}" for number in range(200)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        tokens = list(pool.map(lambda name: invitation.create(tmp_path, name, 0.0), names))
    assert [invitation.person(tmp_path, token, 0.0) for token in tokens] == names


def test_an_administrator_who_is_demoted_meanwhile_changes_nobody(console: Console) -> None:
    people(console.data, ada=Role.ADMINISTRATOR, mal=Role.ADMINISTRATOR)
    mal = console.log_in("mal")
    where = file.path(console.data)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with file.changing(where) as (known, save):
            asked = pool.submit(change, console, mal, do="add", name="friend", role="administrator")
            until(lambda: asked.done() or waits_for(where.with_suffix(".lock")))
            assert not asked.done(), asked.result()
            apply(known, Change(ChangeKind.ROLE, "mal", Role.VIEWER))
            save("ada")
        answer = asked.result()
    assert (answer.status, "mal, who asks for it, was changed meanwhile" in answer.body) == (422, True)
    assert "friend" not in file.load(where).by_name


def test_an_order_that_is_refused_by_its_role_is_in_the_audit_log_with_its_reason(tmp_path: Path) -> None:
    console = Console(tmp_path).serves()
    try:
        vic = console.log_in("vic")
        order = {"order": "drain", "target": "substation-7", "value": None, "reason": "smoke in the room"}
        answer = console.ask("POST", "/api/orders", vic | JSON, json.dumps(order | {"basis": ""}))
        assert (answer.status, "not-allowed" in answer.body) == (403, True)
        assert console.ask("POST", "/api/orders", vic | JSON, "[").status == 403
        mute = {"rule": "ServiceDown", "substation_id": "", "minutes": 5, "reason": "too loud"}
        assert console.ask("POST", "/api/alarms/mutes", vic | JSON, json.dumps(mute)).status == 403
    finally:
        console.stop()
    with contextlib.closing(sqlite3.connect(tmp_path / "admin_ui" / "audit.sqlite")) as log:
        refused = log.execute(
            "SELECT action, target, reason FROM entry WHERE who = 'vic' AND outcome = 'refused' ORDER BY number"
        ).fetchall()
    assert refused[0] == ("drain", "substation-7", "smoke in the room")
    assert ("mute alarms", "ServiceDown", "too loud") in refused
