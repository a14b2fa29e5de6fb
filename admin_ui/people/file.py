"""The file of people: it is read again whenever it has changed, and one writer at a time replaces it as a whole."""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from admin_ui.people.change import Change, ChangeKind, after, apply
from admin_ui.people.document import People, decode, encode
from admin_ui.web.logins import Person

Stamp = tuple[int, int, int]


def path(data: Path) -> Path:
    """Return the path of the people file in a data folder."""
    return data / "admin_ui" / "people.json"


class PeopleFile:
    """The people of a file, as of the last time it was read."""

    def __init__(self, file: Path) -> None:
        """Read the file; raises ValueError when it can't be understood, OSError when it can't be read."""
        self._file = file
        self._stamp: Stamp | None = None
        self._looking = threading.Lock()  # else who has read an older file could be the last to keep it
        self.people = People()
        self.look()

    def look(self) -> bool:
        """Read the file again if it has changed; returns whether it had.

        Raises ValueError or OSError as above; the people known before stay.
        """
        with self._looking:
            stamp = _stamp(self._file)
            if stamp == self._stamp:
                return False
            self._stamp = stamp  # kept before the file is read, so that a fault is reported once
            self.people = load(self._file)
            return True

    def change(self, change: Change, by: str) -> str:
        """Make a change in the name of `by`; returns what was done. Raises ChangeRefused, ValueError or OSError."""
        done = change_file(self._file, change, by)
        self.look()
        return done

    def set_password(self, person: Person, password: str) -> Person:
        """Set the hash of a person's own new password; returns the person with it.

        Raises ChangeRefused when the person was changed or removed meanwhile: somebody may have reset the password, or
        disabled the account. Raises ValueError or OSError as above.
        """
        change = Change(ChangeKind.PASSWORD, person.name, password=password, seen=person)
        self.change(change, person.name)
        return after(person, change)


class _Saver:
    """Writes the changed people as a whole, or not at all."""

    def __init__(self, file: Path, people: dict[str, Person]) -> None:
        self._file, self._people = file, people

    def __call__(self, by: str) -> None:
        new = self._file.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(encode(People(self._people, by)))
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(self._file)


@contextlib.contextmanager
def changing(file: Path) -> Iterator[tuple[dict[str, Person], _Saver]]:
    """Give the people by name, and a function that saves them; nobody else changes the file meanwhile."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        people = dict(load(file).by_name)
        yield people, _Saver(file, people)


def change_file(file: Path, change: Change, by: str) -> str:
    """Make a change of a people file in the name of `by`; returns what was done, in a sentence.

    Raises ChangeRefused, ValueError or OSError.
    """
    with changing(file) as (people, save):
        done = apply(people, change)
        save(by)
    return done


def load(file: Path) -> People:
    """Return the people of a file, none when the file does not exist; raises ValueError, OSError."""
    try:
        return decode(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return People()
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _stamp(file: Path) -> Stamp | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
