"""The table of the history, one script for each version of its schema.

Pure: text.
"""

SCHEMA_1 = """
CREATE TABLE quarter_hour (
    substation_id TEXT NOT NULL,
    slot INTEGER NOT NULL,           -- quarter hours since 00:00 of a Monday; those of imported files may be negative
    base_load_w REAL,                -- means; NULL is missing
    cars_load_w REAL,
    arrivals INTEGER,
    energy_j INTEGER,                -- that arriving cars asked for
    holiday INTEGER NOT NULL,        -- 1: its day counts as a Sunday
    PRIMARY KEY (substation_id, slot)
) STRICT, WITHOUT ROWID;
"""
MIGRATIONS = (SCHEMA_1,)
