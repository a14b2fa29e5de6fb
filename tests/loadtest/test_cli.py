"""The command line refuses what it must, with exit code 2, before it sends anything."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtest.cli import faults, main, parser
from loadtest.contract import MAX_RATE_PER_S, MAX_REQUESTS, MAX_SECONDS
from loadtest.judge.thresholds import FIGURES
from loadtest.send.target import base_url, refusal

ROOT = Path(__file__).parents[2]
USAGE = 2
LoadTest = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def loadtest(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> LoadTest:
    """Run the command line in this process, with an environment; wrong usage ends it by SystemExit."""

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patched:
            for name, value in environ.items():
                patched.setenv(name, value)
            try:
                code = main(arguments)
            except SystemExit as ended:
                code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)

    return run


def test_without_a_command_the_usage_is_shown() -> None:
    def program(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "loadtest", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    ended = program()
    assert ended.returncode == USAGE
    assert "rush-hour" in program("--help").stdout
    assert ended.stderr.startswith("usage:")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--requests", "0"),
        ("--requests", "100001"),
        ("--requests", "many"),
        ("--seconds", "0"),
        ("--seconds", "3601"),
        ("--seconds", "nan"),
        ("--seed", "-1"),
        ("--concurrency", "0"),
        ("--retries", "-1"),
        ("--retries", "11"),
        ("--fail-if", "p98_ms>1"),
        ("--fail-if", "p99_ms"),
        ("--api-key-file", "no/such/file"),
        ("--api-key-file", "/dev/null"),
        ("--settle-s", "-1"),
        ("--gateway", "not a url"),
        ("--json", "no/such/folder/result.json"),
        ("--allow-target", "nowhere"),
        ("--progress", "loud"),
        ("--surprise", "1"),
    ],
)
def test_a_value_out_of_bounds_is_named_and_ends_with_2(loadtest: LoadTest, option: str, value: str) -> None:
    ended = loadtest("rush-hour", option, value)
    assert ended.returncode == USAGE
    assert option in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unknown_figure_is_refused_with_the_list_of_those_there_are(loadtest: LoadTest) -> None:
    said = loadtest("rush-hour", "--fail-if", "p98_ms>1").stderr
    assert all(name in said for name in FIGURES)


def test_a_key_that_can_not_be_sent_is_refused_and_never_shown(loadtest: LoadTest, tmp_path: Path) -> None:
    secret = "two words"
    (tmp_path / "key").write_text(secret)
    for ended in (
        loadtest("rush-hour", "--api-key-file", str(tmp_path / "key")),
        loadtest("rush-hour", API_KEY=secret),
    ):
        assert ended.returncode == USAGE
        assert "visible ASCII" in ended.stderr
        assert secret not in ended.stdout + ended.stderr


def test_a_target_elsewhere_is_refused_from_the_command_line_and_the_environment(loadtest: LoadTest) -> None:
    for ended in (
        loadtest("rush-hour", "--gateway", "http://192.0.2.1:8000"),
        loadtest("rush-hour", "--balancer", "http://192.0.2.1:8001"),
        loadtest("rush-hour", GATEWAY_URL="http://192.0.2.1:8000"),
        loadtest("rush-hour", BALANCER_URL="http://192.0.2.1:8001"),
    ):
        assert ended.returncode == USAGE
        assert "'192.0.2.1' is not a loopback address" in ended.stderr


def test_a_target_elsewhere_is_taken_when_it_is_named_and_only_then() -> None:
    elsewhere, balancer = "http://192.0.2.1:8000", "http://192.0.2.2:8001"
    both = ("rush-hour", "--gateway", elsewhere, "--balancer", balancer)

    def why(*options: str, **environ: str) -> str:
        return faults(parser({}).parse_args([*both, *options]), environ)

    assert "'192.0.2.1' is not a loopback address" in why()
    assert "'192.0.2.2' is not a loopback address" in why("--allow-target", elsewhere)
    assert why("--allow-target", elsewhere, "--allow-target", f"{balancer}/") == ""
    assert why(LOADTEST_TARGETS=f"{elsewhere}, {balancer}") == ""
    assert why("--allow-target", elsewhere, LOADTEST_TARGETS=balancer) == ""
    assert "'192.0.2.1' is not" in why("--allow-target", "http://192.0.2.1:8001")
    assert "LOADTEST_TARGETS='nonsense' can't be used" in why(LOADTEST_TARGETS="nonsense")


def test_more_than_the_highest_rate_is_refused(loadtest: LoadTest) -> None:
    ended = loadtest("rush-hour", "--requests", "5001", "--seconds", "1")
    assert ended.returncode == USAGE
    assert "--requests 5001 in --seconds 1 is too fast" in ended.stderr
    assert faults(parser({}).parse_args(["rush-hour", "--requests", "5000", "--seconds", "1"]), {}) == ""


def test_the_bounds_are_in_the_help(loadtest: LoadTest) -> None:
    told = " ".join(loadtest("rush-hour", "--help").stdout.split())
    assert f"bounds: {MAX_REQUESTS} requests, {MAX_SECONDS} s, {MAX_RATE_PER_S} requests/s" in told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://127.0.0.1:8000/", "https://127.0.0.1:8000"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:8000/", "http://localhost:8000"),
        ("http://LOCALHOST", "http://localhost"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_a_loopback_target_is_taken_in_its_plain_form(text: str, expected: str) -> None:
    assert base_url(text) == expected
    assert refusal(expected, ()) == ""


@pytest.mark.parametrize(
    "text",
    [
        "http://128.0.0.1",
        "http://0.0.0.0:8000",
        "http://example.org",
        "http://localhost.example.org",
        "http://127.0.0.1.example.org",
        "http://127.0.0.1@example.org",
        "http://127.0.0.1\\@example.org",
        "http://2130706433",
        "http://[::2]",
        "http://[::ffff:192.0.2.1]",
        "http://gateway:8000",
        "https://example.org",
        "ftp://127.0.0.1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:port",
        "http://",
        "",
    ],
)
def test_any_other_target_is_refused(text: str) -> None:
    try:
        url = base_url(text)
    except ValueError:
        return
    assert "is not a loopback address" in refusal(url, ())
