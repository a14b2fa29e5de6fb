"""The tables of the journal, version after version, and the statements that write them.

Pure.
"""

SCHEMA_1 = """
CREATE TABLE station (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    substation_id TEXT NOT NULL,
    journal_id TEXT NOT NULL,
    book_id TEXT NOT NULL,           -- the order book that placed here first; '' before
    epoch INTEGER NOT NULL,          -- of reports: rises with every start
    grid_ms INTEGER NOT NULL,        -- grid time ...
    unix_ms INTEGER NOT NULL,        -- ... at this wall time
    load_wms INTEGER NOT NULL,       -- running totals in watt-milliseconds
    admission_wms INTEGER NOT NULL,
    derating_wms INTEGER NOT NULL,
    allowed_w INTEGER NOT NULL
) STRICT;
CREATE TABLE record (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    attempt INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('charging', 'paused', 'stopped', 'withdrawn', 'refused')),
    session_id TEXT UNIQUE,          -- NULL for a tombstone, and so are all columns below
    vehicle_id TEXT,
    energy_j INTEGER,
    power_w INTEGER,
    stay_ms INTEGER,
    start_ms INTEGER,                -- grid time
    end_ms INTEGER,                  -- grid time at which the plan ends
    started_unix_ms INTEGER,
    expected_end_unix_ms INTEGER,
    ended_ms INTEGER,                -- grid time; -1 while it was not ended early
    ended_unix_ms INTEGER
) STRICT;
CREATE INDEX open_until ON record (end_ms) WHERE state IN ('charging', 'paused');
"""
SCHEMA_2 = """
ALTER TABLE station RENAME COLUMN load_wms TO ended_j;
UPDATE station SET ended_j = max(0, ended_j / 1000 - coalesce((   -- what open sessions were given counts apart
    SELECT sum(power_w * (station.grid_ms - start_ms) / 1000) FROM record
    WHERE state = 'charging' AND end_ms > station.grid_ms), 0));
ALTER TABLE station ADD COLUMN draining INTEGER NOT NULL DEFAULT 0;
ALTER TABLE station ADD COLUMN limit_w INTEGER NOT NULL DEFAULT 0;      -- 0: the rated capacity
ALTER TABLE record ADD COLUMN taper INTEGER NOT NULL DEFAULT 0;         -- older plans have none
ALTER TABLE record ADD COLUMN settled_unix_ms INTEGER NOT NULL DEFAULT 0;  -- planned end, or when it was refused
UPDATE record SET settled_unix_ms = coalesce(expected_end_unix_ms, (SELECT unix_ms FROM station));
CREATE INDEX by_vehicle ON record (vehicle_id, number) WHERE vehicle_id IS NOT NULL;
CREATE INDEX settled ON record (settled_unix_ms);
"""
SCHEMA_3 = """
ALTER TABLE station ADD COLUMN time_scale REAL NOT NULL DEFAULT 0;  -- at the last commit; 0: not known
ALTER TABLE station ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;  -- also noted beside the journal
"""
SCHEMA_4 = """
ALTER TABLE record ADD COLUMN caller TEXT NOT NULL DEFAULT '';  -- who asked for the session
UPDATE record SET caller = CASE  -- until now it stood before the first colon of the key, or else of the vehicle
    WHEN key NOT LIKE '~%' AND instr(key, ':') > 1 THEN substr(key, 1, instr(key, ':') - 1)
    WHEN key LIKE '~%' AND instr(vehicle_id, ':') > 1
        AND substr(vehicle_id, 1, instr(vehicle_id, ':') - 1) NOT GLOB '*[^a-z0-9._-]*'
        THEN substr(vehicle_id, 1, instr(vehicle_id, ':') - 1)
    ELSE 'anonymous' END
WHERE session_id IS NOT NULL;
"""
SCHEMA_5 = """
ALTER TABLE record ADD COLUMN paused_ms INTEGER NOT NULL DEFAULT -1;    -- grid time of a pause that goes on; -1: none
ALTER TABLE record ADD COLUMN paused_unix_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE record ADD COLUMN pauses_ms INTEGER NOT NULL DEFAULT 0;     -- of earlier pauses, by which start_ms is later
ALTER TABLE record ADD COLUMN first_end_unix_ms INTEGER NOT NULL DEFAULT 0;  -- expected before pauses moved it; 0: they did not
ALTER TABLE station ADD COLUMN base_load_w INTEGER NOT NULL DEFAULT 0;  -- at the last commit
ALTER TABLE station ADD COLUMN base_load_wms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE station ADD COLUMN allowed_base_w INTEGER NOT NULL DEFAULT 0;
"""
SCHEMA_6 = """
DROP INDEX settled;                  -- old records are found in the order of numbers: substation/pruning.py
"""
# What the CHECK constraint of `record` demands. SQLite is slow with more than two values in one IN.
STATE_IS_VALID = "state IN ('charging', 'paused') OR state IN ('stopped', 'withdrawn') OR state = 'refused'"
MIGRATIONS = (SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4, SCHEMA_5, SCHEMA_6)
COLUMNS = (
    "attempt",
    "state",
    "session_id",
    "vehicle_id",
    "energy_j",
    "power_w",
    "stay_ms",
    "taper",
    "start_ms",
    "end_ms",
    "started_unix_ms",
    "expected_end_unix_ms",
    "ended_ms",
    "ended_unix_ms",
    "settled_unix_ms",
    "caller",
    "paused_ms",
    "paused_unix_ms",
    "pauses_ms",
    "first_end_unix_ms",
)
WRITE = f"""
INSERT INTO record (key, {", ".join(COLUMNS)}) VALUES (?{", ?" * len(COLUMNS)})
ON CONFLICT (key) DO UPDATE SET number = CASE  -- a refused key that is admitted comes last: pages go by admission
    WHEN record.session_id IS NULL THEN (SELECT max(number) + 1 FROM record) ELSE record.number END,
    {", ".join(f"{name} = excluded.{name}" for name in COLUMNS)}
"""  # noqa: S608 - the names are above
