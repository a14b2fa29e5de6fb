"""The path below which browsers see the console: both directions, and what is accepted."""

import re
from pathlib import Path

import pytest

from admin_ui.web.base_path import OWN, in_template, parse, under, within
from admin_ui.web.pages import FOLDER
from tests.support.route_table import route_table

BASE = "/grid/console"


@pytest.mark.parametrize(
    ("own", "seen"),
    [("/", f"{BASE}/"), ("/audit?x=/y", f"{BASE}/audit?x=/y"), ("/grid", f"{BASE}/grid"), ("/grid/consoles", f"{BASE}/grid/consoles")],
)  # fmt: skip
def test_an_address_gets_the_path_once_and_loses_it_again(own: str, seen: str) -> None:
    assert (under(BASE, own), under(BASE, seen)) == (seen, seen)
    assert (within(BASE, seen), within(BASE, own)) == (own, own)
    assert (under("", own), within("", own)) == (own, own)


@pytest.mark.parametrize("other", ["https://login.example/", "//evil.example", "", "?page=2"])
def test_other_addresses_stay_as_they_are(other: str) -> None:
    assert under(BASE, other) == other


def test_the_path_alone_is_the_overview() -> None:
    assert within(BASE, BASE) == "/"
    assert within(BASE, f"{BASE}?sort=load_kw") == "/?sort=load_kw"


@pytest.mark.parametrize(("text", "path"), [("", ""), ("/", ""), ("/console/", "/console"), (BASE, BASE)])
def test_a_path_is_accepted_with_and_without_a_slash_at_its_end(text: str, path: str) -> None:
    assert parse(text) == path


@pytest.mark.parametrize(
    "text", ["console", "//x", "/a/../b", "/.", "/a b", "/audit", "/static/x", "/a?b", "/" + "x" * 101]
)
def test_what_is_no_path_or_an_address_of_the_console_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"accepted|address of the console"):
        parse(text)


def test_every_first_part_of_an_address_of_the_console_is_known(tmp_path: Path) -> None:
    first = {route.pattern.split("/")[1] for route in route_table(tmp_path)} - {""}
    assert first <= OWN


def test_every_script_asks_through_the_module_that_knows_the_path() -> None:
    scripts = FOLDER / "static" / "js"
    around = {
        file.relative_to(scripts).as_posix()
        for file in scripts.rglob("*.js")
        if re.search(
            r"""(?<![#\w.])fetch\(|new (WebSocket|URL)\(["`]/|location\.assign\(["`]/""", file.read_text()
        )
    }
    assert around == {"lib/address.js"}


def test_the_links_of_a_template_get_the_path_and_no_others() -> None:
    source = '<a href="/audit"><form action="/login"><a href="//x"><a href="{{ x }}"><i data-href="/a">'
    expected = '<a href="{{ base }}/audit"><form action="{{ base }}/login"><a href="//x"><a href="{{ x }}"><i data-href="{{ base }}/a">'
    assert in_template(source) == expected
