"""What an operator may ask of the load test."""

from typing import Any

import pytest

from admin_ui.rush.options import RushHourOptions, compared, presets, read

KNOWN = ["rush-hour", "burst"]
RUN = "20261122T170358Z-rush-hour-1-9c4{}"


def test_nothing_asked_for_is_the_default_rush_hour() -> None:
    assert read({}, KNOWN) == RushHourOptions("rush-hour", 1)
    assert read({}, KNOWN).arguments() == [
        "rush-hour",
        "--progress",
        "jsonl",
        "--end-sessions-on-stop",
        "--seed",
        "1",
    ]


def test_every_value_is_an_argument_of_its_own() -> None:
    wish = read({"preset": "burst", "seed": 2**53, "requests": 40, "seconds": 0.5}, KNOWN)
    assert wish.arguments() == [
        "burst",
        "--progress",
        "jsonl",
        "--end-sessions-on-stop",
        "--seed",
        str(2**53),
        "--requests",
        "40",
        "--seconds",
        "0.5",
    ]


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"preset": "--help"}, "preset"),
        ({"preset": ["burst"]}, "preset"),
        ({"preset": ""}, "preset"),
        ({"seed": -1}, "seed"),
        ({"seed": "1"}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": True}, "seed"),
        ({"seed": float("nan")}, "seed"),
        ({"seed": 2**53 + 2}, "seed"),
        ({"seed": None}, "seed"),
        ({"requests": 0}, "requests"),
        ({"requests": 1e9}, "requests"),
        ({"requests": "1; true"}, "requests"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": float("inf")}, "seconds"),
        ({"gateway": "http://evil"}, "gateway"),
        ([], "object"),
        (None, "object"),
    ],
)
def test_anything_else_is_refused_by_name(asked: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        read(asked, KNOWN)


def test_presets_are_listed_with_what_they_do_the_default_one_first() -> None:
    listed = "burst       500 cars at once\nrush-hour   500 cars in 60 s\n\nusage: this is no preset, is it\n"
    assert list(presets(listed).items()) == [
        ("rush-hour", "500 cars in 60 s"),
        ("burst", "500 cars at once"),
    ]


def test_runs_are_compared_once_each() -> None:
    assert compared([RUN.format(1), RUN.format(2), RUN.format(1)]) == [RUN.format(1), RUN.format(2)]


@pytest.mark.parametrize(
    "asked",
    [
        [],
        [RUN.format(1)],
        [RUN.format(1)] * 2,
        [RUN.format(n % 10) + "x" * n for n in range(11)],
        ["../../etc", RUN.format(1)],
        ["--svg", RUN.format(1)],
    ],
)
def test_too_few_too_many_or_what_is_no_run_is_not_compared(asked: list[str]) -> None:
    with pytest.raises(ValueError, match="run"):
        compared(asked)
