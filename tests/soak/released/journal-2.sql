BEGIN;
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
, taper INTEGER NOT NULL DEFAULT 0, settled_unix_ms INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "record" VALUES(1,'anonymous:kept-substation-1-0',0,'charging','substation-1.kept-substation-1-0','car-kept-substation-1-0',360000000,1000,0,2588400000,2948400000,1763999970000,1764002970000,-1,0,0,1764002970000);
INSERT INTO "record" VALUES(2,'anonymous:kept-substation-1-1',0,'charging','substation-1.kept-substation-1-1','car-kept-substation-1-1',360000000,1000,0,2588400000,2948400000,1763999970000,1764002970000,-1,0,0,1764002970000);
INSERT INTO "record" VALUES(3,'anonymous:kept-substation-1-2',0,'charging','substation-1.kept-substation-1-2','car-kept-substation-1-2',360000000,1000,0,2588400000,2948400000,1763999970000,1764002970000,-1,0,0,1764002970000);
INSERT INTO "record" VALUES(4,'anonymous:kept-substation-1-3',0,'charging','substation-1.kept-substation-1-3','car-kept-substation-1-3',360000000,1000,0,2588400000,2948400000,1763999970000,1764002970000,-1,0,0,1764002970000);
INSERT INTO "record" VALUES(5,'anonymous:kept-substation-1-4',0,'charging','substation-1.kept-substation-1-4','car-kept-substation-1-4',360000000,1000,0,2588400000,2948400000,1763999970000,1764002970000,-1,0,0,1764002970000);
INSERT INTO "record" VALUES(6,'anonymous:kept-substation-1-5',0,'charging','substation-1.kept-substation-1-5','car-kept-substation-1-5',360000000,1000,0,2588400000,2948400000,1763999970000,1764002970000,-1,0,0,1764002970000);
INSERT INTO "record" VALUES(7,'anonymous:old-substation-1-0',0,'charging','substation-1.old-substation-1-0','car-old-substation-1-0',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(8,'anonymous:old-substation-1-1',0,'charging','substation-1.old-substation-1-1','car-old-substation-1-1',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(9,'anonymous:old-substation-1-2',0,'charging','substation-1.old-substation-1-2','car-old-substation-1-2',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(10,'anonymous:old-substation-1-3',0,'charging','substation-1.old-substation-1-3','car-old-substation-1-3',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(11,'anonymous:old-substation-1-4',0,'charging','substation-1.old-substation-1-4','car-old-substation-1-4',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(12,'anonymous:old-substation-1-5',0,'charging','substation-1.old-substation-1-5','car-old-substation-1-5',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(13,'anonymous:old-substation-1-6',0,'charging','substation-1.old-substation-1-6','car-old-substation-1-6',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(14,'anonymous:old-substation-1-7',0,'charging','substation-1.old-substation-1-7','car-old-substation-1-7',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(15,'anonymous:old-substation-1-8',0,'charging','substation-1.old-substation-1-8','car-old-substation-1-8',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(16,'anonymous:old-substation-1-9',0,'charging','substation-1.old-substation-1-9','car-old-substation-1-9',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(17,'anonymous:old-substation-1-10',0,'charging','substation-1.old-substation-1-10','car-old-substation-1-10',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(18,'anonymous:old-substation-1-11',0,'charging','substation-1.old-substation-1-11','car-old-substation-1-11',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(19,'anonymous:old-substation-1-12',0,'charging','substation-1.old-substation-1-12','car-old-substation-1-12',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(20,'anonymous:old-substation-1-13',0,'charging','substation-1.old-substation-1-13','car-old-substation-1-13',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(21,'anonymous:old-substation-1-14',0,'charging','substation-1.old-substation-1-14','car-old-substation-1-14',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(22,'anonymous:old-substation-1-15',0,'charging','substation-1.old-substation-1-15','car-old-substation-1-15',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(23,'anonymous:old-substation-1-16',0,'charging','substation-1.old-substation-1-16','car-old-substation-1-16',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(24,'anonymous:old-substation-1-17',0,'charging','substation-1.old-substation-1-17','car-old-substation-1-17',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(25,'anonymous:old-substation-1-18',0,'charging','substation-1.old-substation-1-18','car-old-substation-1-18',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(26,'anonymous:old-substation-1-19',0,'charging','substation-1.old-substation-1-19','car-old-substation-1-19',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(27,'anonymous:old-substation-1-20',0,'charging','substation-1.old-substation-1-20','car-old-substation-1-20',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(28,'anonymous:old-substation-1-21',0,'charging','substation-1.old-substation-1-21','car-old-substation-1-21',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(29,'anonymous:old-substation-1-22',0,'charging','substation-1.old-substation-1-22','car-old-substation-1-22',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(30,'anonymous:old-substation-1-23',0,'charging','substation-1.old-substation-1-23','car-old-substation-1-23',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(31,'anonymous:old-substation-1-24',0,'charging','substation-1.old-substation-1-24','car-old-substation-1-24',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(32,'anonymous:old-substation-1-25',0,'charging','substation-1.old-substation-1-25','car-old-substation-1-25',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(33,'anonymous:old-substation-1-26',0,'charging','substation-1.old-substation-1-26','car-old-substation-1-26',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(34,'anonymous:old-substation-1-27',0,'charging','substation-1.old-substation-1-27','car-old-substation-1-27',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(35,'anonymous:old-substation-1-28',0,'charging','substation-1.old-substation-1-28','car-old-substation-1-28',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(36,'anonymous:old-substation-1-29',0,'charging','substation-1.old-substation-1-29','car-old-substation-1-29',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(37,'anonymous:old-substation-1-30',0,'charging','substation-1.old-substation-1-30','car-old-substation-1-30',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(38,'anonymous:old-substation-1-31',0,'charging','substation-1.old-substation-1-31','car-old-substation-1-31',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(39,'anonymous:old-substation-1-32',0,'charging','substation-1.old-substation-1-32','car-old-substation-1-32',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(40,'anonymous:old-substation-1-33',0,'charging','substation-1.old-substation-1-33','car-old-substation-1-33',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(41,'anonymous:old-substation-1-34',0,'charging','substation-1.old-substation-1-34','car-old-substation-1-34',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(42,'anonymous:old-substation-1-35',0,'charging','substation-1.old-substation-1-35','car-old-substation-1-35',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(43,'anonymous:old-substation-1-36',0,'charging','substation-1.old-substation-1-36','car-old-substation-1-36',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(44,'anonymous:old-substation-1-37',0,'charging','substation-1.old-substation-1-37','car-old-substation-1-37',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(45,'anonymous:old-substation-1-38',0,'charging','substation-1.old-substation-1-38','car-old-substation-1-38',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(46,'anonymous:old-substation-1-39',0,'charging','substation-1.old-substation-1-39','car-old-substation-1-39',360000000,1000,0,864000000,1224000000,1763136000000,1763139000000,-1,0,0,1763139000000);
INSERT INTO "record" VALUES(47,'anonymous:recent-substation-1-0',0,'charging','substation-1.recent-substation-1-0','car-recent-substation-1-0',360000000,1000,0,1728000000,2088000000,1763992800000,1763995800000,-1,0,0,1763995800000);
INSERT INTO "record" VALUES(48,'anonymous:recent-substation-1-1',0,'charging','substation-1.recent-substation-1-1','car-recent-substation-1-1',360000000,1000,0,1728000000,2088000000,1763992800000,1763995800000,-1,0,0,1763995800000);
INSERT INTO "record" VALUES(49,'anonymous:recent-substation-1-2',0,'charging','substation-1.recent-substation-1-2','car-recent-substation-1-2',360000000,1000,0,1728000000,2088000000,1763992800000,1763995800000,-1,0,0,1763995800000);
INSERT INTO "record" VALUES(50,'anonymous:recent-substation-1-3',0,'charging','substation-1.recent-substation-1-3','car-recent-substation-1-3',360000000,1000,0,1728000000,2088000000,1763992800000,1763995800000,-1,0,0,1763995800000);
INSERT INTO "record" VALUES(51,'anonymous:recent-substation-1-4',0,'charging','substation-1.recent-substation-1-4','car-recent-substation-1-4',360000000,1000,0,1728000000,2088000000,1763992800000,1763995800000,-1,0,0,1763995800000);
INSERT INTO "record" VALUES(52,'anonymous:refused-substation-1-0',1,'refused',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1764000000000);
INSERT INTO "record" VALUES(53,'anonymous:refused-substation-1-1',1,'refused',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1764000000000);
INSERT INTO "record" VALUES(54,'anonymous:refused-substation-1-2',1,'refused',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,1764000000000);
CREATE TABLE station (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    substation_id TEXT NOT NULL,
    journal_id TEXT NOT NULL,
    book_id TEXT NOT NULL,           -- the order book that placed here first; '' before
    epoch INTEGER NOT NULL,          -- of reports: rises with every start
    grid_ms INTEGER NOT NULL,        -- grid time ...
    unix_ms INTEGER NOT NULL,        -- ... at this wall time
    ended_j INTEGER NOT NULL,       -- running totals in watt-milliseconds
    admission_wms INTEGER NOT NULL,
    derating_wms INTEGER NOT NULL,
    allowed_w INTEGER NOT NULL
, draining INTEGER NOT NULL DEFAULT 0, limit_w INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "station" VALUES(1,'substation-1','journal-of-substation-1','b00cb00cb00cb00c',1763999999,2592000000,1764000000000,0,0,0,0,0,0);
CREATE INDEX open_until ON record (end_ms) WHERE state IN ('charging', 'paused');
CREATE INDEX by_vehicle ON record (vehicle_id, number) WHERE vehicle_id IS NOT NULL;
CREATE INDEX settled ON record (settled_unix_ms);
PRAGMA user_version=2;
COMMIT;
