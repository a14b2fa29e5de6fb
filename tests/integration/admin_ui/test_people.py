"""Named people, personal links and the administration of people, on a real console: the server's own rules."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from admin_ui.people import invitation, one_time_link
from admin_ui.web.logins import Role
from tests.support.console import JSON, PASSWORD, ROOT, Answer, Console, audited, cookie, people
from tests.support.grid import until

NEW = "another long password"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console that other machines reach: links of this machine log nobody in."""
    made = Console(tmp_path_factory.mktemp("shared"), {"BEHIND_TLS_PROXY": "1"}).serves()
    yield made
    made.stop()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Console]:
    """A console on loopback, without accounts."""
    people(tmp_path)
    made = Console(tmp_path, keep_people=True).serves()
    yield made
    made.stop()


def link(console: Console) -> str:
    return one_time_link.url(console.data, "")


def me(console: Console, login: dict[str, str]) -> Any:
    answer = console.ask("GET", "/api/me", login)
    return json.loads(answer.body) if answer.status == 200 else None


def change(console: Console, login: dict[str, str], **body: object) -> Answer:
    return console.ask("POST", "/api/people", login | JSON, json.dumps(body))


def listed(console: Console, login: dict[str, str]) -> dict[str, Any]:
    found = json.loads(console.ask("GET", "/api/people", login).body)["people"]
    return {each["name"]: each for each in found}


def token(answer: Answer) -> str:
    return str(json.loads(answer.body)["link"]).rpartition("token=")[2]


def test_the_first_who_comes_by_link_works_at_once_and_everybody_else_gives_a_name(alone: Console) -> None:
    assert "Your name" not in alone.ask("GET", link(alone)).body
    first = cookie(alone.follow(link(alone)))
    assert (me(alone, first)["name"], me(alone, first)["role"]) == ("local administrator", "administrator")
    second = link(alone)
    assert "Your name" in alone.ask("GET", second).body
    refused = alone.follow(second)
    assert (refused.status, "somebody else is logged in" in refused.body) == (422, True)
    assert alone.follow(second, "no good name!").status == 422
    ben = cookie(alone.follow(second, "Ben"))  # the link was not used up by a name that was not accepted
    assert me(alone, ben)["name"] == "ben"
    assert alone.follow(second, "ben").headers["Location"] == "/login?link=used"
    alone.post("/logout", ben)
    again = alone.post("/enter", first, token=link(alone).partition("token=")[2])
    assert me(alone, cookie(again))["name"] == "local administrator", "the same browser, and nobody else"


def test_who_comes_by_link_can_t_take_the_name_of_an_account(alone: Console) -> None:
    people(alone.data, ann=Role.OPERATOR)
    until(lambda: alone.follow(link(alone), "ann").status == 422)
    assert "ann has an account" in alone.follow(link(alone), "ann").body


def test_an_administrator_adds_a_person_who_sets_a_password_by_a_link_that_works_once(
    shared: Console,
) -> None:
    people(shared.data, ada=Role.ADMINISTRATOR)
    ada = shared.log_in("ada")
    added = change(shared, ada, do="add", name="bob", role="viewer")
    assert added.status == 200, added.body
    assert listed(shared, ada)["bob"] | {"logins": 0} == {
        "name": "bob", "role": "viewer", "account": True, "disabled": False, "password_set": False, "logins": 0,
    }  # fmt: skip
    given = token(added)
    assert "Set your password" in shared.ask("GET", f"/enter?token={given}").body
    assert shared.post("/enter", token=given, new="short", again="short").status == 422
    assert shared.post("/enter", token=given, new=NEW, again=NEW + "x").status == 422
    assert shared.post("/login", name="bob", password="").status == 401
    bob = cookie(shared.post("/enter", token=given, new=NEW, again=NEW))
    assert (me(shared, bob)["name"], me(shared, bob)["role"]) == ("bob", "viewer")
    assert shared.post("/enter", token=given, new=NEW, again=NEW).status == 303
    assert "Set-Cookie" not in shared.post("/enter", token=given, new=NEW, again=NEW).headers
    assert me(shared, shared.log_in("bob", NEW))["name"] == "bob"


def test_a_reset_takes_the_password_and_the_logins_and_only_the_newest_link_works(shared: Console) -> None:
    people(shared.data, ada=Role.ADMINISTRATOR, cat=Role.OPERATOR)
    ada = shared.log_in("ada")
    cat = shared.log_in("cat")
    old = token(change(shared, ada, do="reset", name="cat"))
    assert me(shared, cat) is None
    assert shared.post("/login", name="cat", password=PASSWORD).status == 401
    new = token(change(shared, ada, do="reset", name="cat"))
    assert "Set-Cookie" not in shared.post("/enter", token=old, new=NEW, again=NEW).headers
    assert me(shared, cookie(shared.post("/enter", token=new, new=NEW, again=NEW)))["role"] == "operator"


def test_a_personal_link_ends_after_a_day_and_with_its_account(shared: Console) -> None:
    people(shared.data, ada=Role.ADMINISTRATOR)
    ada = shared.log_in("ada")
    late = token(change(shared, ada, do="add", name="dan", role="viewer"))
    for file in (shared.data / "admin_ui" / invitation.FOLDER).iterdir():
        if file.read_text() == "dan":
            os.utime(file, (time.time() - invitation.LASTS_S - 1,) * 2)
    assert shared.ask("GET", f"/enter?token={late}").status == 302
    gone = token(change(shared, ada, do="reset", name="dan"))
    assert shared.ask("GET", f"/enter?token={gone}").status == 200
    change(shared, ada, do="disable", name="dan")
    assert shared.ask("GET", f"/enter?token={gone}").status == 302
    change(shared, ada, do="remove", name="dan")
    assert "Set-Cookie" not in shared.post("/enter", token=gone, new=NEW, again=NEW).headers


def test_logins_are_ended_and_a_disabled_person_stays_out_until_enabled(shared: Console) -> None:
    people(shared.data, ada=Role.ADMINISTRATOR, eve=Role.OPERATOR)
    ada, eve = shared.log_in("ada"), shared.log_in("eve")
    assert listed(shared, ada)["eve"]["logins"] == 1
    assert change(shared, ada, do="end-logins", name="eve").status == 200
    assert me(shared, eve) is None
    eve = shared.log_in("eve")
    assert change(shared, ada, do="disable", name="eve").status == 200
    assert me(shared, eve) is None
    assert shared.post("/login", name="eve", password=PASSWORD).status == 401
    assert change(shared, ada, do="enable", name="eve").status == 200
    assert me(shared, shared.log_in("eve"))["role"] == "operator"


@pytest.mark.parametrize(
    "body", [{"do": "remove"}, {"do": "role", "role": "operator"}, {"do": "disable"}], ids=lambda b: b["do"]
)
def test_the_last_administrator_can_t_go_nor_be_demoted_by_page_or_command(
    shared: Console, body: dict[str, str]
) -> None:
    people(shared.data, ada=Role.ADMINISTRATOR, ann=Role.OPERATOR)
    ada = shared.log_in("ada")
    answer = change(shared, ada, name="ada", **body)
    assert (answer.status, "last administrator" in answer.body) == (422, True)
    options = ["--role", body["role"]] if "role" in body else []
    command = [sys.executable, "-m", "admin_ui.people", body["do"], "ada", *options]
    environ = os.environ | {"DATA_DIR": str(shared.data)}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, "last administrator" in done.stderr) == (1, True)
    assert me(shared, ada)["role"] == "administrator"


def test_the_logins_of_who_has_no_account_are_ended_too(alone: Console) -> None:
    first = cookie(alone.follow(link(alone)))
    ben = cookie(alone.follow(link(alone), "ben"))
    assert listed(alone, first)["ben"]["account"] is False
    assert change(alone, first, do="end-logins", name="ben").status == 200
    assert (me(alone, ben), change(alone, first, do="end-logins", name="ben").status) == (None, 422)
    ben = cookie(alone.follow(link(alone), "ben"))
    change(alone, first, do="add", name="ben", role="viewer")  # an account of the same name
    assert change(alone, first, do="end-logins", name="ben").status == 200
    assert me(alone, ben) is None


def test_only_administrators_change_people_and_what_others_try_is_audited(alone: Console) -> None:
    people(alone.data, ada=Role.ADMINISTRATOR, ann=Role.OPERATOR)
    until(lambda: alone.post("/login", name="ann", password=PASSWORD).status == 303)
    ann = alone.log_in("ann")
    for do in ("add", "role", "reset", "end-logins", "disable", "enable", "remove"):
        assert change(alone, ann, do=do, name="ada", role="viewer").status == 403
    assert alone.ask("GET", "/people", ann).status == 403
    assert 'href="/people"' not in alone.ask("GET", "/alarms", ann).body
    ada = alone.log_in("ada")
    assert 'href="/people"' in alone.ask("GET", "/alarms", ada).body
    change(alone, ada, do="role", name="ann", role="viewer")
    change(alone, ada, do="role", name="ada", role="viewer")
    assert change(alone, ada, do="explode", name="ann").status == 400
    assert change(alone, ada, do="role", name="ann", role="root").status == 400
    assert change(alone, ada, do="remove", name="").status == 400
    alone.stop()
    entries = audited(alone.data)
    assert ("ann", "add person", "refused") in entries
    assert ("ann", "remove person", "refused") in entries
    assert ("ada", "change role", "done") in entries
    assert ("ada", "change role", "refused") in entries
