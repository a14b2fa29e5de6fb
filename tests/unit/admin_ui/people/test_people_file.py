"""The command that changes people, on real files; passwords come from a pipe."""

import io
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from admin_ui.people import file, passwords
from admin_ui.people.command import main
from admin_ui.people.document import People
from admin_ui.people.file import PeopleFile, path
from admin_ui.people.passwords import Passwords
from admin_ui.web.logins import Role

GOOD = "correct horse battery"
Typed = Callable[..., int]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Run the command with a password on its standard input."""

    def run(*arguments: str, password: str = "") -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        return main(arguments, tmp_path)

    return run


@pytest.fixture(scope="module")
def only_ann(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What the file holds when ann, a viewer, was added: made once, because a hash is slow on purpose."""
    folder = tmp_path_factory.mktemp("ann")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO(f"{GOOD}\n"))
        assert main(("add", "ann", "--role", "viewer"), folder) == 0
    return path(folder).read_bytes()


@pytest.fixture
def people(only_ann: bytes, tmp_path: Path) -> Path:
    """The file of a test of its own, with ann alone."""
    file = path(tmp_path)
    file.parent.mkdir()
    file.write_bytes(only_ann)
    return file


@pytest.mark.gen_test
async def test_a_person_is_added_with_a_password_that_then_matches(command: Typed, tmp_path: Path) -> None:
    assert command("add", "ann", "--role", "operator", password=GOOD) == 0
    file = path(tmp_path)
    ann = PeopleFile(file).people.by_name["ann"]
    assert (ann.role, ann.password.startswith("$argon2id$v=19$m=65536,t=3,p=4$")) == (Role.OPERATOR, True)
    assert file.stat().st_mode & 0o777 == 0o600
    assert GOOD not in file.read_text()
    hashes = Passwords()
    assert [
        await hashes.matches(kept, typed)
        for kept, typed in [
            (ann.password, GOOD),
            (ann.password, GOOD + " "),
            (None, GOOD),
            (None, "nobody's"),
            ("$argon2id$nonsense", GOOD),
        ]
    ] == [True, False, False, False, False]
    hashes.close()


def test_roles_and_passwords_are_changed_and_people_removed(
    command: Typed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command("add", "ann", "--role", "viewer", password=GOOD)
    before = PeopleFile(path(tmp_path)).people.by_name["ann"]
    assert command("role", "ann", "--role", "operator") == 0
    assert command("passwd", "ann", password=GOOD + "2") == 0
    after = PeopleFile(path(tmp_path)).people.by_name["ann"]
    assert (after.role, after.password != before.password) == (Role.OPERATOR, True)
    capsys.readouterr()
    assert command("list") == 0
    assert capsys.readouterr().out == "operator      ann\n"
    assert command("remove", "ann") == 0
    assert PeopleFile(path(tmp_path)).people.by_name == {}


@pytest.mark.parametrize(
    ("arguments", "password", "message"),
    [
        (("add", "ann", "--role", "viewer"), GOOD, "a name is new"),
        (("add", "Bob", "--role", "viewer"), GOOD, "a name is new"),
        (("add", "bob", "--role", "viewer"), "short", "12 to 256 characters"),
        (("add", "robert", "--role", "viewer"), "Robert is here", "must not contain the name"),
        (("add", "bob", "--role", "viewer"), "a" * 20, "one letter again and again"),
        (("passwd", "zoe"), GOOD, "nobody called zoe"),
        (("remove", "zoe"), "", "nobody called zoe"),
    ],
)
def test_what_is_refused_changes_nothing(
    command: Typed,
    people: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    password: str,
    message: str,
) -> None:
    before = people.read_bytes()
    assert command(*arguments, password=password) == 1
    assert message in capsys.readouterr().err
    assert people.read_bytes() == before


def test_a_password_is_no_argument(command: Typed) -> None:
    with pytest.raises(SystemExit):
        command("add", "ann", GOOD, "--role", "viewer")
    with pytest.raises(SystemExit):
        command("add", "ann", "--role", "viewer", "--password", GOOD)


def test_the_file_is_read_again_when_it_changed_and_only_then(command: Typed, tmp_path: Path) -> None:
    file = PeopleFile(path(tmp_path))
    assert (file.people.by_name, file.look()) == ({}, False)
    command("add", "ann", "--role", "viewer", password=GOOD)
    assert (file.look(), file.look(), list(file.people.by_name)) == (True, False, ["ann"])
    path(tmp_path).write_text("{")
    with pytest.raises(ValueError, match=r"people\.json"):
        file.look()
    assert (file.look(), list(file.people.by_name)) == (False, ["ann"])
    path(tmp_path).unlink()
    assert (file.look(), file.people.by_name) == (True, {})


@pytest.mark.gen_test
async def test_a_queue_of_passwords_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MOST_WAITING", -passwords.AT_ONCE)
    hashes = Passwords()
    with pytest.raises(passwords.TooManyPasswords):
        await hashes.matches(None, "x")
    hashes.close()


def test_who_has_read_an_older_file_is_never_the_last_to_keep_it(
    command: Typed, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that is slow to read, and another one after a change: nobody who was removed may come back."""
    known, real = PeopleFile(people), file.load
    has_read, goes_on = threading.Event(), threading.Event()

    def slow(path: Path) -> People:
        found = real(path)
        has_read.set()
        goes_on.wait(30)
        return found

    os.utime(people, ns=(1, 1))  # a change
    monkeypatch.setattr(file, "load", slow)
    first = threading.Thread(target=known.look)
    first.start()
    assert has_read.wait(30)
    monkeypatch.setattr(file, "load", real)
    assert command("remove", "ann") == 0
    second = threading.Thread(target=known.look)
    second.start()
    second.join(0.1)  # it is over at once, or waits for the first
    goes_on.set()
    first.join()
    second.join()
    assert known.people.by_name == {}
