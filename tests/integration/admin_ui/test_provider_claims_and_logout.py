"""What a provider tells at its userinfo endpoint, and the logout there, against a provider in a process of its own."""

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.console import Console
from tests.support.single_sign_on import (
    CLIENT,
    HONEST,
    Provider,
    browser_cookies,
    log_in,
    me,
    path_of,
    refused,
    settings,
)

LACKS = "left out"  # of the ID token: see tests.support.openid_provider
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def console(op: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console that has not asked the provider for its configuration yet."""
    data = tmp_path_factory.mktemp("console")
    made = Console(data, settings(data, op.url)).serves()
    yield made
    made.stop()


def test_name_and_groups_come_from_the_userinfo_where_the_id_token_lacks_them(
    console: Console, op: Provider
) -> None:
    op.control(
        claims={"groups": LACKS, "preferred_username": LACKS},
        userinfo={"preferred_username": "grace", "groups": ["grid-admins"]},
    )
    found = me(console, browser_cookies(log_in(console, op, "grace")))
    assert (found["name"], found["role"]) == ("grace@127.0.0.1", "administrator")


def test_what_the_id_token_says_counts_more_than_the_userinfo(console: Console, op: Provider) -> None:
    op.control(userinfo={"preferred_username": "mallory", "groups": ["grid-admins"]})
    found = me(console, browser_cookies(log_in(console, op, "grace")))
    assert (found["name"], found["role"]) == ("grace@127.0.0.1", "operator")


@pytest.mark.parametrize(
    ("userinfo", "status", "why"),
    [
        ({"sub": "id-of-another", "groups": ["grid-admins"]}, 403, "another person"),
        ({"sub": None, "groups": ["grid-admins"]}, 403, "another person"),
        ({}, 403, "no role here for grace"),
    ],
)
def test_a_userinfo_that_does_not_help_logs_nobody_in(
    console: Console, op: Provider, userinfo: dict[str, Any], status: int, why: str
) -> None:
    op.control(claims={"groups": LACKS}, userinfo=userinfo)
    refused(log_in(console, op, "grace"), status, why)


def test_a_userinfo_that_can_t_be_asked_is_named(console: Console, op: Provider) -> None:
    op.control(claims={"groups": LACKS}, endpoints=HONEST["endpoints"] | {"userinfo_endpoint": "/nothing"})
    refused(log_in(console, op, "grace"), 503, "/nothing answered with status 404")


@pytest.mark.parametrize("path", ["/logout", "/logout/everywhere"])
def test_a_logout_leads_to_the_one_of_the_provider_with_the_token_and_back(
    console: Console, op: Provider, path: str
) -> None:
    login = browser_cookies(log_in(console, op, "grace"))
    answer = console.ask("POST", path, login | FORM, "")
    assert answer.status == 200
    assert me(console, login) is None
    (found,) = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.body)
    to = html.unescape(found)
    asked = parse_qs(urlsplit(to).query)
    assert to.startswith(f"{op.url}/end?")
    assert asked["client_id"] == [CLIENT]
    ended = op.send("GET", path_of(to))  # which checks the token
    assert (ended.status, ended.headers["Location"]) == (302, f"http://127.0.0.1:{console.port}/login")


def test_without_a_logout_at_the_provider_one_comes_to_the_login_page(console: Console, op: Provider) -> None:
    op.control(endpoints={})
    login = browser_cookies(log_in(console, op, "grace"))
    answer = console.ask("POST", "/logout", login | FORM, "")
    assert (answer.status, answer.headers["Location"]) == (303, "/login")
    assert me(console, login) is None
