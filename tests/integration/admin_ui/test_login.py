"""Logging in and out of a real console process: passwords, links, limits, and how a login ends."""

import os
import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import argon2
import pytest

from admin_ui.people import one_time_link
from admin_ui.people.document import People, encode
from admin_ui.web.logins import Person, Role
from tests.support.console import JSON, PASSWORD, Answer, Console, audited, cookie, people
from tests.support.grid import until

MOST_TRIES = 60
UnicodeForm = Literal["NFC", "NFD", "NFKC"]
FORMS: dict[UnicodeForm, UnicodeForm] = {"NFC": "NFD", "NFD": "NFC", "NFKC": "NFC"}  # kept in, and typed in


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Console]]:
    """Start a console; it is stopped at the end."""
    started: list[Console] = []

    def begin(**environ: str) -> Console:
        started.append(Console(tmp_path, environ))
        return started[-1].serves()

    yield begin
    for each in started:
        each.stop()


@pytest.fixture
def console(start: Callable[..., Console]) -> Console:
    return start()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console for tests that leave the others' people, passwords and logins alone, and fail at hardly a login."""
    folder = tmp_path_factory.mktemp("shared")
    who_change_it = dict.fromkeys(map(str.lower, FORMS), Role.VIEWER)
    people(folder, ann=Role.OPERATOR, vic=Role.VIEWER, **who_change_it)
    made = Console(folder, keep_people=True).serves()
    yield made
    made.stop()


def in_(console: Console, headers: dict[str, str]) -> bool:
    return console.ask("GET", "/api/me", headers).status == 200


def tries_until_refused(console: Console, forwarded: str = "") -> int:
    """How many names are tried before 429: one more is taken for every 10 s that the tries last.

    Only the first two are unknown: the hash that stands in for a missing one takes long to compare. Try n comes with
    the header `forwarded`, in which {n} is the number.
    """
    tried = [f"n{n}" for n in range(MOST_TRIES)]
    people(console.data, vic=Role.VIEWER, **dict.fromkeys(tried[2:], Role.VIEWER))
    for n, name in enumerate(tried):
        headers = {"X-Forwarded-For": forwarded.format(n=n)} if forwarded else {}
        answer = console.post("/login", headers, name=name, password="x")
        if answer.status == 429:
            return n
        assert answer.status == 401
    return MOST_TRIES


def confirm(console: Console, headers: dict[str, str], password: str) -> Answer:
    return console.ask("POST", "/confirm", headers | JSON, f'{{"password": "{password}"}}')


def test_name_and_password_give_a_cookie_that_scripts_other_hosts_and_plain_networks_do_not_get(
    shared: Console,
) -> None:
    answer = shared.post("/login", name="ann", password=PASSWORD, next="/audit?person=ann")
    assert (answer.status, answer.headers["Location"]) == (303, "/login?kept=1&next=%2Faudit%3Fperson%3Dann")
    flags = {part.strip().partition("=")[0].lower() for part in answer.headers["Set-Cookie"].split(";")[1:]}
    assert flags == {"path", "secure", "httponly", "samesite", "expires"}
    assert "Path=/;" in answer.headers["Set-Cookie"] + ";"
    again = shared.ask("GET", answer.headers["Location"], cookie(answer))
    assert (again.status, again.headers["Location"]) == (302, "/audit?person=ann")


def test_a_browser_that_drops_the_cookie_is_told_why(shared: Console) -> None:
    assert "did not store the login" in shared.ask("GET", "/login?kept=1").body


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(shared: Console) -> None:
    bodies = []
    for name in ("ann", "zoe"):
        answer = shared.post("/login", name=name, password="wrong")
        assert (answer.status, answer.headers.get("Set-Cookie")) == (401, None)
        bodies.append(answer.body.replace(f'value="{name}"', ""))
    assert bodies[0] == bodies[1]


def test_who_tries_too_often_is_told_how_long_to_wait_and_then_even_the_right_password_is_not_taken(
    console: Console,
) -> None:
    for _ in range(10):
        assert console.post("/login", name="ann", password="wrong").status == 401
    answer = console.post("/login", name="ann", password=PASSWORD)
    assert answer.status == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    assert f"Wait {answer.headers['Retry-After']} s" in answer.body
    assert console.post("/login", name="vic", password=PASSWORD).status == 303
    console.stop()
    assert audited(console.data).count(("ann", "log in", "refused")) == 10


def test_a_stranger_s_guesses_lock_nobody_out_of_a_browser_that_they_have_used_nor_from_another_address(
    start: Callable[..., Console],
) -> None:
    console = start(BEHIND_TLS_PROXY="1")
    known = console.log_in("ann")
    open_login = console.log_in("ann")
    stranger = {"X-Forwarded-For": "192.0.2.1"}
    statuses = [console.post("/login", stranger, name="ann", password="wrong").status for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    mine = stranger | {"Cookie": known["Cookie"]}
    assert console.post("/login", mine, name="ann", password=PASSWORD).status == 303
    assert (
        console.post("/login", {"X-Forwarded-For": "192.0.2.2"}, name="ann", password=PASSWORD).status == 303
    )
    assert confirm(console, open_login | stranger, PASSWORD).status == 204
    of_ann = {"Cookie": known["Cookie"]} | stranger
    assert console.post("/login", of_ann, name="vic", password="wrong").status == 401, (
        "a device is one name's"
    )
    tries = [console.post("/login", mine, name="ann", password="wrong").status for _ in range(11)]
    assert tries == [401] * 10 + [429], "a known browser may not guess without end either"


def test_two_consoles_on_one_host_do_not_end_each_other_s_logins(
    start: Callable[..., Console], tmp_path: Path
) -> None:
    first, second = start(), Console(tmp_path / "other").serves()
    try:
        cookies = "; ".join(console.log_in("ann")["Cookie"] for console in (first, second))
        assert in_(first, {"Cookie": cookies})
        assert in_(second, {"Cookie": cookies})
    finally:
        second.stop()


@pytest.mark.parametrize(("kept", "typed"), FORMS.items())
def test_a_password_is_the_same_in_every_form_that_a_keyboard_writes(
    shared: Console, kept: UnicodeForm, typed: UnicodeForm
) -> None:
    new = "d\u00e9j\u00e0 vu \ufb01nal \u00c5ngstr\u00f6m"  # with a ligature, which NFKC alone takes apart
    name, given = kept.lower(), unicodedata.normalize(kept, new)
    login = shared.log_in(name)
    assert shared.post("/account", login, password=PASSWORD, new=given, again=given).status == 303
    shared.log_in(name, unicodedata.normalize(typed, new))


def test_a_password_that_was_hashed_as_it_was_typed_is_still_right(console: Console) -> None:
    decomposed = unicodedata.normalize("NFD", "d\u00e9j\u00e0 vu encore une fois")
    file = console.data / "admin_ui" / "people.json"
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(decomposed)
    file.write_text(encode(People({"ann": Person("ann", Role.OPERATOR, old)}, "the test")))
    until(lambda: console.post("/login", name="ann", password=decomposed).status == 303)


def test_an_address_is_slowed_down_whatever_names_it_tries(console: Console) -> None:
    assert 20 <= tries_until_refused(console) < MOST_TRIES


def test_behind_named_proxies_it_is_the_address_that_they_saw_whatever_the_client_says(
    start: Callable[..., Console],
) -> None:
    console = start(BEHIND_TLS_PROXY="1", TRUSTED_PROXIES="127.0.0.1, 198.51.100.0/24")
    assert tries_until_refused(console, "10.0.0.{n}, 192.0.2.1, 198.51.100.7") < MOST_TRIES
    for given, status in {"192.0.2.1": 429, "10.0.0.99, 192.0.2.1": 429, "192.0.2.1, 192.0.2.2": 303}.items():
        assert (
            console.post("/login", {"X-Forwarded-For": given}, name="vic", password=PASSWORD).status == status
        )


def test_without_a_proxy_nobody_is_believed_about_an_address(console: Console) -> None:
    assert 20 <= tries_until_refused(console, "192.0.2.{n}") < MOST_TRIES


def test_who_goes_past_the_proxy_sees_no_page_and_sends_no_password(start: Callable[..., Console]) -> None:
    console = start(BEHIND_TLS_PROXY="1", TRUSTED_PROXIES="192.0.2.7")
    for answer in (
        console.ask("GET", "/login"),
        console.post("/login", {"X-Forwarded-For": "192.0.2.7"}, name="ann", password=PASSWORD),
        console.ask("GET", "/stream", {"Upgrade": "websocket", "Connection": "Upgrade"}),
    ):
        assert (answer.status, answer.headers.get("Set-Cookie")) == (403, None)
    assert console.ask("GET", "/livez").status == 200, "probes come from this machine"


@pytest.mark.parametrize(
    "beyond",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "http:evil.example",
        " //evil.example",
        "///evil.example",
        "evil",
        "",
        "/\r\nX: y",
        "/ü",
    ],
)
def test_nobody_is_sent_elsewhere_after_the_login(shared: Console, beyond: str) -> None:
    answer = shared.post("/login", name="ann", password=PASSWORD, next=beyond)
    assert answer.headers["Location"] == "/login?kept=1&next=%2F"


def test_a_login_has_a_token_of_its_own_whatever_the_browser_came_with(shared: Console) -> None:
    name = shared.log_in("ann")["Cookie"].partition("=")[0]
    planted = {"Cookie": f"{name}=planted"}
    first = cookie(shared.post("/login", planted, name="ann", password=PASSWORD))
    assert not in_(shared, planted)
    second = cookie(shared.post("/login", first, name="ann", password=PASSWORD))
    assert second != first
    assert (in_(shared, first), in_(shared, second)) == (False, True)


def test_logging_out_ends_this_login_and_everywhere_all_of_them(console: Console) -> None:
    first, second, third = (console.log_in("ann") for _ in range(3))
    other = console.log_in("vic")
    answer = console.post("/logout", first)
    assert re.match('__Host-console-[0-9a-f]{8}="";', answer.headers["Set-Cookie"])
    assert (in_(console, first), in_(console, second)) == (False, True)
    console.post("/logout/everywhere", second)
    assert (in_(console, second), in_(console, third), in_(console, other)) == (False, False, True)
    console.stop()
    assert audited(console.data)[-2:] == [("ann", "log out", "done"), ("ann", "log out everywhere", "done")]


def test_who_is_removed_or_gets_another_role_is_logged_out_and_others_are_not(console: Console) -> None:
    people(console.data, ann=Role.OPERATOR, vic=Role.VIEWER, bob=Role.OPERATOR)
    ann, vic, bob = (console.log_in(name) for name in ("ann", "vic", "bob"))
    people(console.data, ann=Role.OPERATOR, bob=Role.VIEWER)
    until(lambda: not in_(console, vic) and not in_(console, bob))
    assert in_(console, ann)
    assert console.post("/login", name="vic", password=PASSWORD).status == 401
    assert '"role": "viewer"' in console.ask("GET", "/api/me", console.log_in("bob")).body
    console.stop()
    assert audited(console.data).count(("the test", "change people", "done")) == 3


def test_a_change_of_people_while_no_console_runs_is_audited_by_the_next(
    start: Callable[..., Console],
) -> None:
    first = start()
    first.stop()
    again = start()  # with the same people
    again.stop()
    assert audited(again.data) == [("the test", "change people", "done")]
    people(again.data, ann=Role.OPERATOR)
    without_vic = Console(again.data, keep_people=True).serves()
    without_vic.stop()
    assert len(audited(again.data)) == 2


def test_people_that_can_t_be_read_change_nothing_and_are_logged(console: Console) -> None:
    ann = console.log_in("ann")
    (console.data / "admin_ui" / "people.json").write_text("{")
    until(lambda: "the file of people can't be used" in console.said())
    assert in_(console, ann)
    assert in_(console, console.log_in("vic"))


def test_a_password_that_its_owner_changes_ends_the_other_logins_and_keeps_this_one(console: Console) -> None:
    here, elsewhere = console.log_in("ann"), console.log_in("ann")
    new = "another long password"
    wrong = console.post("/account", here, password="wrong", new=new, again=new)
    assert (wrong.status, "present password is not right" in wrong.body) == (403, True)
    short = console.post("/account", here, password=PASSWORD, new="short", again="short")
    assert (short.status, "12 to 256 characters" in short.body) == (422, True)
    assert console.post("/account", here, password=PASSWORD, new=new, again="x").status == 422
    done = console.post("/account", here, password=PASSWORD, new=new, again=new)
    assert (done.status, done.headers["Location"]) == (303, "/account?done=password")
    assert in_(console, cookie(done))
    assert not in_(console, elsewhere)
    assert not in_(console, here)
    assert console.post("/login", name="ann", password=PASSWORD).status == 401
    assert in_(console, console.log_in("ann", new))
    file = console.data / "admin_ui" / "people.json"
    assert (file.stat().st_mode & 0o777, "$argon2id$v=19$m=65536,t=3,p=4$" in file.read_text()) == (
        0o600,
        True,
    )


def test_the_printed_link_logs_in_once_by_its_button_however_often_it_is_looked_at(console: Console) -> None:
    url = one_time_link.url(console.data, "")
    for method in ("GET", "HEAD", "GET"):
        looked = console.ask(method, url)
        assert (looked.status, looked.headers.get("Set-Cookie")) in {(200, None), (405, None)}
    assert 'method="post"' in looked.body
    answer = console.follow(url)
    assert (answer.status, answer.headers["Location"]) == (303, "/login?kept=1")
    assert '"role": "administrator"' in console.ask("GET", "/api/me", cookie(answer)).body
    again = console.follow(url)
    assert (again.headers["Location"], again.headers.get("Set-Cookie")) == ("/login?link=used", None)
    assert console.ask("GET", url).headers["Location"] == "/login?link=used"
    console.stop()
    expected = [
        ("local administrator", "log in by link", "done"),
        ("(unknown name)", "log in by link", "refused"),
    ]
    assert audited(console.data)[-2:] == expected


def test_a_new_link_leaves_the_one_before_valid_and_a_wrong_one_logs_nobody_in(shared: Console) -> None:
    old, new = one_time_link.url(shared.data, ""), one_time_link.url(shared.data, "")
    for wrong in (
        "/enter",
        "/enter?token=",
        "/enter?token=x",
        "/enter?token=%FF%FE",
        "/enter?token=../people.json",
    ):
        assert shared.ask("GET", wrong).status in {302, 400}
        assert "Set-Cookie" not in shared.follow(wrong).headers
    for valid in (new, old):
        assert "Set-Cookie" in shared.follow(valid, "olga").headers


def test_a_link_is_made_for_the_console_that_runs_on_the_data(
    console: Console, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert one_time_link.print_link(console.data) == 0
    printed = capsys.readouterr().out.strip()
    base = f"http://127.0.0.1:{console.port}"
    assert printed.startswith(f"{base}/enter?token=")
    assert "Set-Cookie" in console.follow(printed).headers
    assert one_time_link.print_link(tmp_path / "elsewhere") == 1
    assert "No console runs on the data" in capsys.readouterr().err
    console.stop()
    assert one_time_link.print_link(console.data) == 1


def test_unused_links_do_not_pile_up_and_hold_no_token(tmp_path: Path) -> None:
    tokens = [one_time_link.create(tmp_path) for _ in range(one_time_link.MOST + 5)]
    files = list(one_time_link.folder(tmp_path).iterdir())
    assert len(files) == one_time_link.MOST
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert not any(token in file.name or file.read_bytes() for file in files for token in tokens)


def test_a_link_that_nobody_used_ends_after_an_hour(shared: Console) -> None:
    url = one_time_link.url(shared.data, "")
    hour_ago = time.time() - 3601
    (file,) = one_time_link.folder(shared.data).iterdir()
    os.utime(file, (hour_ago, hour_ago))
    assert shared.follow(url).headers["Location"] == "/login?link=used"
    url = one_time_link.url(shared.data, "")
    (file,) = one_time_link.folder(shared.data).iterdir()
    os.utime(file, (hour_ago + 60, hour_ago + 60))
    assert shared.follow(url, "olga").headers["Location"] == "/login?kept=1"


def test_where_others_come_in_no_link_logs_in(start: Callable[..., Console]) -> None:
    console = start(BEHIND_TLS_PROXY="1")
    answer = console.follow(one_time_link.url(console.data, ""))
    assert (answer.headers["Location"], answer.headers.get("Set-Cookie")) == ("/login?link=elsewhere", None)
    assert "name and password" in console.ask("GET", answer.headers["Location"]).body
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_a_password_is_confirmed_wrong_right_and_not_too_often(start: Callable[..., Console]) -> None:
    console = start(BEHIND_TLS_PROXY="1")
    ann = console.log_in("ann")
    wrong = confirm(console, ann, "wrong")
    assert (wrong.status, "urn:smartgrid:problem:wrong-password" in wrong.body) == (403, True)
    assert confirm(console, ann, PASSWORD).status == 204
    assert console.ask("POST", "/confirm", ann | JSON, "[]").status == 400
    for _ in range(9):
        confirm(console, ann, "wrong")
    late = confirm(console, ann, PASSWORD)
    assert (late.status, "too-many-tries" in late.body, "Retry-After" in late.headers) == (429, True, True)
    console.stop()
    assert ("ann", "confirm password", "done") in audited(console.data)


def test_who_came_by_link_has_no_password_to_confirm(shared: Console) -> None:
    local = cookie(shared.follow(one_time_link.url(shared.data, ""), "olga"))
    answer = confirm(shared, local, "x")
    assert (answer.status, "no-password" in answer.body) == (409, True)
    assert '"confirmed": true' in shared.ask("GET", "/api/me", local).body  # on loopback nobody is asked


def test_the_log_holds_no_password_and_no_token(console: Console) -> None:
    ann = console.log_in("ann")
    console.post("/login", name=PASSWORD, password=PASSWORD)  # typed into the wrong field
    console.stop()
    token = ann["Cookie"].partition(";")[0].partition("=")[2]
    data = b"".join(file.read_bytes() for file in console.data.rglob("*") if file.is_file()).decode("latin-1")
    assert not re.search(f"{re.escape(token)}|{PASSWORD}", data)
