"""Providers that answer slowly, strangely or not at all, each with a console of its own."""

import html
from pathlib import Path

from tests.support.console import Console, audited
from tests.support.grid import until
from tests.support.single_sign_on import (
    Provider,
    begin,
    browser_cookies,
    log_in,
    me,
    path_of,
    provider,
    refused,
    settings,
)


def test_a_provider_may_answer_in_several_packets(op: Provider, tmp_path: Path) -> None:
    op.control(in_pieces=True)
    console = Console(tmp_path, settings(tmp_path, op.url)).serves()
    try:
        assert me(console, browser_cookies(log_in(console, op, "far")))
    finally:
        console.stop()


def test_keys_that_are_of_no_use_here_do_not_matter(op: Provider, tmp_path: Path) -> None:
    """RFC 7517, 5: what is not understood in a set of keys is ignored."""
    op.control(other_keys=[{"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"}, {"kty": "new"}, {}, "no key"])
    console = Console(tmp_path, settings(tmp_path, op.url)).serves()
    try:
        assert me(console, browser_cookies(log_in(console, op, "grace")))
    finally:
        console.stop()


def test_an_address_that_nobody_has_verified_is_no_name(op: Provider, tmp_path: Path) -> None:
    """Else whoever registers at the provider with the address of somebody else has that name in the audit log."""
    console = Console(tmp_path, settings(tmp_path, op.url, OIDC_NAME_CLAIM="email")).serves()
    try:
        for verified in (False, "false", None):
            op.control(claims={"email": "boss@grid.example", "email_verified": verified})
            refused(log_in(console, op, "eve"), 403, "has not verified the address boss@grid.example")
        for claims in ({"email_verified": True}, {}):
            op.control(claims={"email": "boss@grid.example"} | claims)
            assert me(console, browser_cookies(log_in(console, op, "boss")))["name"] == "boss@grid.example"
    finally:
        console.stop()


def test_a_provider_that_is_down_is_told_and_comes_back_by_itself(tmp_path: Path) -> None:
    with provider() as op:
        console = Console(tmp_path, settings(tmp_path, op.url)).serves()
        try:
            op.stop()
            answer = console.ask("GET", "/sso")
            refused(answer, 503, f"The provider {op.url} failed: it does not answer")
            assert "name and password of this console" in html.unescape(answer.body)
            op.start()
            until(lambda: console.ask("GET", "/sso").status == 302)
            assert me(console, browser_cookies(log_in(console, op, "grace")))
            to, cookies = begin(console)
            back = path_of(op.sign_in(to, "grace"))
            op.stop()
            answer = console.ask("GET", back, cookies)
            refused(answer, 503, "it does not answer")
            assert "/sso/callback" not in answer.body, "an answer is good once: it can't be tried again"
        finally:
            console.stop()
    entries = audited(tmp_path)
    assert ("grace@127.0.0.1", "log in by single sign-on", "done") in entries
    assert ("(unknown name)", "log in by single sign-on", "refused") in entries


def test_a_provider_that_calls_itself_otherwise_is_not_used(op: Provider, tmp_path: Path) -> None:
    console = Console(tmp_path, settings(tmp_path, f"{op.url}/")).serves()
    try:
        refused(console.ask("GET", "/sso"), 503, f"it calls itself '{op.url}'")
    finally:
        console.stop()
