"""The tables of the embedded order book, one script for each version of its schema.

Pure: text.
"""

SCHEMA_1 = """
CREATE TABLE book (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), book_id TEXT NOT NULL) STRICT;
CREATE TABLE claim (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,       -- of the request: the same key with another is an error
    attempt INTEGER NOT NULL,
    target TEXT NOT NULL,            -- substation_id; '' when the last one refused and none was asked since
    expires_unix_ms INTEGER NOT NULL -- by the book's own clock since version 5
) STRICT, WITHOUT ROWID;
CREATE INDEX expiring ON claim (expires_unix_ms);
CREATE TABLE withdrawal (
    key TEXT PRIMARY KEY,
    attempt INTEGER NOT NULL,
    target TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
SCHEMA_2 = """
CREATE TABLE control (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE decommissioned (
    substation_id TEXT NOT NULL,
    journal_id TEXT NOT NULL,        -- gone for good, with the sessions in it
    PRIMARY KEY (substation_id, journal_id)
) STRICT, WITHOUT ROWID;
"""
SCHEMA_3 = """
ALTER TABLE claim ADD COLUMN journal_id TEXT NOT NULL DEFAULT '';  -- of the target, '' if not known
ALTER TABLE withdrawal ADD COLUMN journal_id TEXT NOT NULL DEFAULT '';
"""
SCHEMA_4 = """
CREATE TABLE rushhour (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1), run_id TEXT NOT NULL, until_unix_ms INTEGER NOT NULL
) STRICT;
"""
SCHEMA_5 = """
CREATE TABLE clock (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    book_ms INTEGER NOT NULL,        -- the book's own time ...
    unix_ms INTEGER NOT NULL         -- ... at this wall time
) STRICT;
CREATE TABLE address (
    url TEXT PRIMARY KEY,            -- of a substation's pages
    substation_id TEXT NOT NULL,     -- that was seen there last
    journal_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
SCHEMA_6 = """
CREATE TABLE hold (
    vehicle TEXT PRIMARY KEY,        -- caller and vehicle
    key TEXT NOT NULL,               -- of the request for which it charges
    attempt INTEGER NOT NULL,
    target TEXT NOT NULL,            -- substation_id
    journal_id TEXT NOT NULL,        -- of the target, '' if not known
    expires_unix_ms INTEGER NOT NULL -- by the book's own clock
) STRICT, WITHOUT ROWID;
CREATE INDEX hold_expiring ON hold (expires_unix_ms);
"""
SCHEMA_7 = """
DROP INDEX expiring;                 -- what has expired is found in the order of keys: balancer/book/sweep.py
DROP INDEX hold_expiring;
"""
SCHEMA_8 = """
CREATE TABLE former (
    book_id TEXT PRIMARY KEY         -- of a book that this one follows: its substations are taken over
) STRICT, WITHOUT ROWID;
"""
MIGRATIONS = (SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4, SCHEMA_5, SCHEMA_6, SCHEMA_7, SCHEMA_8)
