"""Settings: each parser, and all faults at once."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import settings
from runtime.settings import SettingsError, integer, load, matching, number, setting


@dataclasses.dataclass(frozen=True)
class Example:
    size: int = setting("SIZE", "3", integer(1, 10), "how big")
    name: str = setting("NAME", None, matching("[a-z]+", "lower case"), "who it is")
    share: float = setting("SHARE", "0.5", number(0, 1), "how much of it")


def test_what_is_not_set_has_its_default() -> None:
    assert load(Example, {"NAME": "abc"}) == Example(3, "abc", 0.5)


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load(Example, {"NAME": "abc", "SIZE": ""}).size == 3


def test_every_fault_is_named_at_once_with_its_variable_and_what_is_accepted() -> None:
    with pytest.raises(SettingsError) as caught:
        load(Example, {"SIZE": "11", "SHARE": "half"})
    size, name, share = caught.value.faults
    assert size == "SIZE='11' can't be used: a whole number from 1 to 10 is accepted (how big)"
    assert name == "NAME is not set: who it is"
    assert share == "SHARE='half' can't be used: a number from 0 to 1 is accepted (how much of it)"


@dataclasses.dataclass(frozen=True)
class Range:
    """Two settings that can be wrong together."""

    low: int = setting("LOW", "1", integer(0, 9), "from")
    high: int = setting("HIGH", "2", integer(0, 9), "to")

    def faults(self) -> list[str]:
        return (
            [f"LOW={self.low} is above HIGH={self.high}", "so nothing fits"] if self.low > self.high else []
        )


def test_what_settings_find_wrong_together_is_named_too() -> None:
    assert load(Range, {"LOW": "2"}) == Range(2, 2)
    with pytest.raises(SettingsError) as caught:
        load(Range, {"LOW": "3"})
    assert caught.value.faults == ["LOW=3 is above HIGH=2", "so nothing fits"]


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (integer(-5, 5), "-5", -5),
        (integer(0, 10), "007", 7),
        (number(0.5, 2), "5e-1", 0.5),
        (settings.port, "0", 0),
        (settings.port, "65535", 65535),
        (settings.address, "::1", "::1"),
        (settings.address, "0.0.0.0", "0.0.0.0"),
        (matching("a+", "a"), "aaa", "aaa"),
        (settings.urls, " http://a:1/ ,http://b:2,", ("http://a:1", "http://b:2")),
        (settings.path, "/x/y", Path("/x/y")),
        (settings.path_if_any, "/x/y", Path("/x/y")),
        (settings.path_if_any, "", None),
        (settings.page_url_if_any, "", ""),
        (settings.page_url_if_any, "http://[::1]:3000/", "http://[::1]:3000"),
        (settings.page_url_if_any, "https://a.example/grafana/", "https://a.example/grafana"),
    ],
)
def test_what_is_accepted(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


def test_a_relative_path_is_made_absolute() -> None:
    assert settings.path("data") == Path.cwd() / "data"


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        *[(integer(0, 10), text) for text in ("", "11", "-1", "1.0", "1e3", " 1", "1\n", "٣", "9" * 5000)],
        *[(number(0, 10), text) for text in ("", "nan", "inf", "-inf", "10.01", "ten", "1,5")],
        *[(settings.port, text) for text in ("-1", "65536", "http")],
        *[(settings.address, text) for text in ("localhost", "127.0.0.1:80", "", "256.1.1.1")],
        *[(matching("a+", "a"), text) for text in ("", "ab", "a\n")],
        *[
            (settings.page_url_if_any, text)
            for text in (
                "javascript:alert(1)",
                "a:3000",
                "http://",
                "http://a/?x=1",
                "http://a/#x",
                "http://me@a",
                "http://a/\n",
            )
        ],
        *[
            (settings.urls, text)
            for text in (
                "",
                ",",
                "a:1",
                "ftp://a:1",
                "http://",
                "http://a:1/path",
                "http://a:1?x=1",
                "http://a:1,http://a:1/",
                "http://a:port",
                "http://a:99999",
                "http://a:0",
                "http://me@a:1",
                "http://a:1#x",
                "http://[::1",
                "http://a..b:1",
            )
        ],
    ],
)
def test_what_is_refused(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match=r"accepted|form"):
        parse(text)


@given(text=st.text())
def test_a_number_is_finite_and_within_its_limits_whatever_is_written(text: str) -> None:
    try:
        value = number(-3, 7)(text)
    except ValueError:
        return
    assert math.isfinite(value)
    assert -3 <= value <= 7
