"""Single sign-on against a provider in a process of its own: who is let in, and every answer that must let nobody in."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from admin_ui.settings import Settings
from runtime.settings import SettingsError, load
from tests.support.console import ROOT, Console
from tests.support.single_sign_on import (
    CLIENT,
    Provider,
    begin,
    browser_cookies,
    log_in,
    me,
    path_of,
    refused,
    settings,
)


@pytest.fixture(scope="module")
def console(provider_process: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    data = tmp_path_factory.mktemp("console")
    made = Console(data, settings(data, provider_process.url)).serves()
    yield made
    made.stop()


def test_a_login_leads_to_the_provider_and_back_to_where_one_wanted_to(
    console: Console, op: Provider
) -> None:
    assert "Log in with 127.0.0.1" in console.ask("GET", "/login").body
    answer = log_in(console, op, "grace", next="/audit?person=ann")
    assert (answer.status, answer.headers["Location"]) == (302, "/login?kept=1&next=%2Faudit%3Fperson%3Dann")
    found = me(console, browser_cookies(answer))
    assert (found["name"], found["role"]) == ("grace@127.0.0.1", "operator")


@pytest.mark.parametrize(
    ("groups", "role"),
    [(["staff"], "viewer"), (["x", "staff", "grid-admins"], "administrator"), ("grid-ops", "operator")],
)
def test_the_highest_role_of_the_groups_counts(
    console: Console, op: Provider, groups: Any, role: str
) -> None:
    op.control(groups=groups)
    assert me(console, browser_cookies(log_in(console, op, "g@example")))["role"] == role


@pytest.mark.parametrize("groups", [[], ["strangers", "*"], None, [7]], ids=str)
def test_who_has_no_group_with_a_role_is_refused_and_told_why(
    console: Console, op: Provider, groups: Any
) -> None:
    op.control(groups=groups)
    refused(log_in(console, op, "eve@example"), 403, "no role here for eve@example: the claim 'groups' has")


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"iss": "https://evil.example"}, "iss"),
        ({"aud": "another-client"}, "aud"),
        ({"aud": [CLIENT, "another"], "azp": "another"}, "azp"),
        ({"exp": 1_000_000_000}, "the clock of this machine"),
        ({"nbf": 9_000_000_000}, ""),
        ({"sub": None}, "sub"),
        ({"preferred_username": ""}, "OIDC_NAME_CLAIM"),
    ],
    ids=str,
)  # fmt: skip
def test_a_token_that_is_wrong_in_anything_logs_nobody_in(
    console: Console, op: Provider, claims: dict[str, Any], why: str
) -> None:
    op.control(claims=claims)
    refused(log_in(console, op, "eve"), 403, why)


def test_clocks_may_differ_by_a_minute(console: Console, op: Provider) -> None:
    now_s = int(time.time())
    op.control(claims={"exp": now_s - 30, "iat": now_s - 330})
    assert me(console, browser_cookies(log_in(console, op, "late")))
    op.control(claims={"iat": now_s + 30, "nbf": now_s + 30})
    assert me(console, browser_cookies(log_in(console, op, "early")))


def test_a_signature_by_another_key_logs_nobody_in(console: Console, op: Provider) -> None:
    op.control(by_wrong_key=True)
    refused(log_in(console, op, "eve"), 503, "signature")


def test_new_keys_of_the_provider_are_fetched_when_a_token_is_signed_with_one(
    console: Console, op: Provider
) -> None:
    assert log_in(console, op, "before").status == 302
    before = op.control(rotate=True)
    assert me(console, browser_cookies(log_in(console, op, "after")))
    after = op.control()
    assert after["keys_asked"] == before["keys_asked"] + 1
    assert after["discovered"] == before["discovered"], "the configuration is kept"


def test_an_answer_is_good_once_and_only_in_the_browser_that_asked(console: Console, op: Provider) -> None:
    to, cookies = begin(console)
    back = path_of(op.sign_in(to, "grace"))
    refused(
        console.ask("GET", back), 400, "not begun in this browser"
    )  # another browser, which used the state up
    refused(console.ask("GET", back, cookies), 400, "log in again")
    to, cookies = begin(console)
    back = path_of(op.sign_in(to, "grace"))
    assert console.ask("GET", back, cookies).status == 302
    refused(console.ask("GET", back, cookies), 400, "log in again")
    refused(console.ask("GET", "/sso/callback?state=x&code=y", cookies), 400, "log in again")
    refused(console.ask("GET", "/sso/callback"), 400, "log in again")


def test_a_code_that_the_provider_does_not_know_and_its_own_refusals_are_told(
    console: Console, op: Provider
) -> None:
    to, cookies = begin(console)
    state = re.findall("state=([^&]+)", to)[0]
    refused(console.ask("GET", f"/sso/callback?state={state}&code=x", cookies), 503, "invalid_grant")
    to, cookies = begin(console)
    state = re.findall("state=([^&]+)", to)[0]
    answer = console.ask("GET", f"/sso/callback?state={state}&error=access_denied", cookies)
    refused(answer, 403, "answered access_denied")
    to, cookies = begin(console)
    state = re.findall("state=([^&]+)", to)[0]
    answer = console.ask("GET", f"/sso/callback?state={state}&code=x&iss=https://evil.example", cookies)
    refused(answer, 403, "another provider")


def test_the_request_has_pkce_a_state_and_a_nonce_each_time_anew(console: Console) -> None:
    first, second = (dict(re.findall("[?&]([^=&]+)=([^&]*)", begin(console)[0])) for _ in range(2))
    assert first["code_challenge_method"] == "S256"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 40
        assert first[name] != second[name]


def test_who_logged_in_by_sso_confirms_at_the_provider_and_nobody_else_can(
    console: Console, op: Provider
) -> None:
    login = browser_cookies(log_in(console, op, "grace"))
    answer = console.ask("GET", "/sso?again=1", login)
    to = answer.headers["Location"]
    assert "prompt=login" in to
    assert "max_age=0" in to
    cookies = {"Cookie": f"{login['Cookie']}; {browser_cookies(answer)['Cookie']}"}
    done = console.ask("GET", path_of(op.sign_in(to, "grace")), cookies)
    assert (done.status, "Password confirmed" in done.body) == (200, True)
    for name, claims in (
        ("mallory", {}),
        ("grace", {"auth_time": int(time.time()) - 3600}),
        ("grace", {"auth_time": None}),
    ):
        op.control(claims=claims)
        answer = console.ask("GET", "/sso?again=1", login)
        cookies = {"Cookie": f"{login['Cookie']}; {browser_cookies(answer)['Cookie']}"}
        assert (
            console.ask("GET", path_of(op.sign_in(answer.headers["Location"], name)), cookies).status == 403
        )
    assert me(console, login), "the login itself goes on"


def test_every_fault_of_the_settings_is_named_at_once_before_anything_starts(tmp_path: Path) -> None:
    environ = settings(
        tmp_path, "https://login.example", OIDC_CLIENT_ID="", OIDC_ROLES="", CONSOLE_PATH="/grid"
    )
    environ |= {"OIDC_CLIENT_SECRET_FILE": str(tmp_path / "none"), "CONSOLE_URL": "https://x.example/other"}
    command = [sys.executable, "-m", "admin_ui"]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=environ | {"DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    said = ended.stderr + ended.stdout
    for fault in (
        "OIDC_CLIENT_ID must be set",
        "OIDC_ROLES must be set",
        "can't be read",
        "must end with CONSOLE_PATH",
    ):
        assert fault in said, said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_ISSUER", "http://login.example"),
        ("OIDC_ISSUER", "login.example"),
        ("OIDC_ISSUER", "https://login.example/?x=y"),
        ("OIDC_ROLES", "grid-ops"),
        ("OIDC_ROLES", "grid-ops=root"),
        ("OIDC_ROLES", "a=viewer,a=operator"),
        ("OIDC_SCOPES", "profile"),
        ("CONSOLE_PATH", "console"),
        ("CONSOLE_PATH", "/alarms/x"),
        ("CONSOLE_PATH", "/a/../b"),
        ("CONSOLE_PATH", "//evil.example"),
    ],
)
def test_a_setting_that_can_t_be_used_is_refused_with_what_is_accepted(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}="):
        load(Settings, {name: value})
