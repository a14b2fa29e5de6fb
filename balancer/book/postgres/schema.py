"""The tables of the order book in PostgreSQL, one script for each version of its schema.

Pure: text. Milliseconds of `expires_ms` are by the book's own clock, those of `..._unix_ms` by the clock of the
database. Keys sort by bytes (COLLATE "C"), so that all balancers lock rows in one order.
"""

SCHEMA = "order_book"
SCHEMA_1 = """
CREATE FUNCTION order_book.unix_ms() RETURNS bigint LANGUAGE sql VOLATILE
    AS $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;
CREATE TABLE order_book.book (
    only_row integer PRIMARY KEY CHECK (only_row = 1),
    book_id text NOT NULL
);
CREATE TABLE order_book.former (
    book_id text PRIMARY KEY           -- of a book that this one follows: its substations are taken over
);
CREATE TABLE order_book.clock (
    only_row integer PRIMARY KEY CHECK (only_row = 1),
    book_ms bigint NOT NULL,           -- the book's own time ...
    unix_ms bigint NOT NULL            -- ... at this time of the database
);
CREATE TABLE order_book.claim (
    key text COLLATE "C" PRIMARY KEY,
    fingerprint text NOT NULL,         -- of the request: the same key with another is an error
    attempt integer NOT NULL,
    target text NOT NULL,              -- substation_id; '' when the last one refused and none was asked since
    journal_id text NOT NULL,          -- of the target, '' if not known
    expires_ms bigint NOT NULL
) WITH (fillfactor = 90);              -- an advance changes a row in its page
CREATE INDEX claim_expiring ON order_book.claim (expires_ms);
CREATE TABLE order_book.hold (
    vehicle text COLLATE "C" PRIMARY KEY, -- caller and vehicle
    key text NOT NULL,                 -- of the request for which it charges
    attempt integer NOT NULL,
    target text NOT NULL,              -- substation_id
    journal_id text NOT NULL,          -- of the target, '' if not known
    expires_ms bigint NOT NULL
);
CREATE INDEX hold_expiring ON order_book.hold (expires_ms);
CREATE TABLE order_book.balancer (
    balancer_id text PRIMARY KEY,      -- new at each start
    until_unix_ms bigint NOT NULL      -- until then its withdrawals are its own
);
CREATE TABLE order_book.withdrawal (
    key text COLLATE "C" PRIMARY KEY,
    attempt integer NOT NULL,
    target text NOT NULL,
    journal_id text NOT NULL,
    balancer_id text NOT NULL          -- who asks for it
);
CREATE TABLE order_book.control (name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE order_book.decommissioned (
    substation_id text NOT NULL,
    journal_id text NOT NULL,          -- gone for good, with the sessions in it
    PRIMARY KEY (substation_id, journal_id)
);
CREATE TABLE order_book.rushhour (
    only_row integer PRIMARY KEY CHECK (only_row = 1),
    run_id text NOT NULL,
    until_unix_ms bigint NOT NULL
);
CREATE TABLE order_book.address (
    url text COLLATE "C" PRIMARY KEY,  -- of a substation's pages
    substation_id text NOT NULL,       -- that was seen there last
    journal_id text NOT NULL
);
"""
SCHEMA_2 = """
CREATE TABLE order_book.reach (
    balancer_id text PRIMARY KEY,
    reached text NOT NULL,             -- JSON: pairs of a substation and its journal
    until_unix_ms bigint NOT NULL      -- until then others believe it
);
"""
MIGRATIONS = (SCHEMA_1, SCHEMA_2)
