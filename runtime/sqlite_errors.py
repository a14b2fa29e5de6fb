"""The meaning of each error of SQLite for a store, in one table.

The codes are those of https://www.sqlite.org/rescode.html. An extended code has its primary code in the low
byte, and is looked up first.
"""

import sqlite3
from enum import StrEnum


class Meaning(StrEnum):
    """The meaning of an error, which says what to do."""

    FULL = "full"  # the disk can't be written; the transaction was undone and nothing is in doubt: try again later
    BUSY = "busy"  # another process has the file: nothing was done
    DAMAGED = "damaged"  # the file can't be read: trying again or restarting does not help
    BROKEN = "broken"  # the state of the disk is unknown, or a program error: end, and read the disk again


PRIMARY = 0xFF
MEANINGS = {
    sqlite3.SQLITE_FULL: Meaning.FULL,  # ENOSPC
    # Every other write that fails: EDQUOT (a quota is used up), EROFS, EFBIG, EIO. Nothing of the
    # transaction was synced, and SQLite undoes it.
    sqlite3.SQLITE_IOERR_WRITE: Meaning.FULL,
    sqlite3.SQLITE_READONLY: Meaning.FULL,  # a file system that was made read-only
    sqlite3.SQLITE_CANTOPEN: Meaning.FULL,  # a file beside the store can't be created: no descriptor, no room
    sqlite3.SQLITE_READONLY_DBMOVED: Meaning.BROKEN,  # the file was moved away: writes are lost
    sqlite3.SQLITE_BUSY: Meaning.BUSY,
    sqlite3.SQLITE_LOCKED: Meaning.BUSY,
    sqlite3.SQLITE_PROTOCOL: Meaning.BUSY,
    sqlite3.SQLITE_CORRUPT: Meaning.DAMAGED,
    sqlite3.SQLITE_NOTADB: Meaning.DAMAGED,
    sqlite3.SQLITE_IOERR_READ: Meaning.DAMAGED,  # a bad sector
    sqlite3.SQLITE_IOERR_SHORT_READ: Meaning.DAMAGED,  # a file that was cut off
    sqlite3.SQLITE_IOERR_DATA: Meaning.DAMAGED,  # a checksum of the file system
    sqlite3.SQLITE_IOERR_CORRUPTFS: Meaning.DAMAGED,
    # After a sync that failed, the kernel may have dropped what it could not write.
    sqlite3.SQLITE_IOERR: Meaning.BROKEN,
}


def meaning(error: sqlite3.Error) -> Meaning:
    """Return what an error means; an error that is not in the table is a fault of the program."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:  # the module's own: a closed connection, a wrong type
        return Meaning.BROKEN
    return MEANINGS.get(code) or MEANINGS.get(code & PRIMARY, Meaning.BROKEN)
