"""The command that makes keys, and the file that holds them as it changes under a running gateway."""

import logging
import os
from pathlib import Path

import pytest

from gateway.access import LOOK_EVERY_S, Access, KeyFile
from gateway.callers import ANONYMOUS, Caller, UnusableKeys, digest
from gateway.keys import main


class Clock:
    """Seconds that pass when told to."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def line(caller: str, key: str) -> str:
    return f"{caller} {digest(key)}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text(line("acme", "one"))
    return path


def test_a_new_key_is_told_once_and_its_line_opens_the_door(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["new", "acme"])
    made, told = capsys.readouterr()
    key = told.split()[-1]
    (tmp_path / "keys").write_text(made)
    assert KeyFile(tmp_path / "keys").find(key) == Caller("acme")
    assert key not in made
    assert len(key) >= 43  # 256 bits


def test_no_two_keys_are_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(20):
        main(["new", "acme"])
    assert len(set(capsys.readouterr().out.split())) == 21


@pytest.mark.parametrize("caller", ["Acme", "a:b", "anonymous", ""])
def test_a_name_that_no_file_may_hold_gets_no_key(caller: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["new", caller])
    assert "a caller is up to 63" in capsys.readouterr().err


def test_a_file_that_changed_is_read_again_after_a_while(path: Path) -> None:
    clock = Clock()
    keys = KeyFile(path, clock)
    path.write_text(line("acme", "one") + line("bolt", "two"))
    assert keys.find("two") is None
    clock.now_s += LOOK_EVERY_S
    assert keys.find("two") == Caller("bolt")
    path.write_text(line("bolt", "two"))
    clock.now_s += LOOK_EVERY_S
    assert keys.find("one") is None


def test_a_file_that_did_not_change_is_not_read_again(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    keys = KeyFile(path, clock)
    clock.now_s += LOOK_EVERY_S
    with caplog.at_level(logging.INFO):
        assert keys.find("one") == Caller("acme")
    assert caplog.text == ""


def test_a_file_that_was_replaced_by_one_of_the_same_size_and_time_is_read_again(path: Path) -> None:
    clock = Clock()
    keys = KeyFile(path, clock)
    other = path.with_name("other")
    other.write_text(line("acme", "two"))
    was = path.stat()
    os.utime(other, ns=(was.st_atime_ns, was.st_mtime_ns))
    other.rename(path)
    clock.now_s += LOOK_EVERY_S
    assert keys.find("two") == Caller("acme")


@pytest.mark.parametrize("text", ["", "acme", "acme 12\n", None])
def test_a_file_that_breaks_changes_nothing_is_logged_once_and_may_be_mended(
    path: Path, text: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    keys = KeyFile(path, clock)
    path.unlink()
    if text is not None:
        path.write_text(text)
    for _ in range(3):
        clock.now_s += LOOK_EVERY_S
        assert keys.find("one") == Caller("acme")
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.message for record in errors] == [
        "API keys can't be read; the previous keys stay in force"
    ]
    path.write_text(line("acme", "two"))
    clock.now_s += LOOK_EVERY_S
    assert (keys.find("one"), keys.find("two")) == (None, Caller("acme"))


def test_a_file_that_is_broken_from_the_start_is_an_error(path: Path) -> None:
    path.write_text("acme")
    with pytest.raises(UnusableKeys):
        KeyFile(path)
    path.write_bytes(b"\xff\xfe\n")
    with pytest.raises(UnusableKeys):
        KeyFile(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        KeyFile(path)


def test_without_a_file_everybody_is_anonymous_and_with_one_nobody_is(path: Path) -> None:
    assert Access(None, 60).caller([]) == Access(None, 60).caller(["Bearer one"]) == ANONYMOUS
    access = Access(KeyFile(path), 60)
    assert access.caller(["Bearer one"]) == Caller("acme")
    assert [access.caller(values) for values in ([], ["Bearer two"], ["Basic one"])] == [None] * 3


def test_a_caller_s_own_quota_stands_before_the_usual_one() -> None:
    access = Access(None, 60, lambda: 0)
    assert access.take(Caller("acme")).burst == 10
    assert access.take(Caller("bolt", 600)).burst == 100
