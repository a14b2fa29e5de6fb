BEGIN;
CREATE TABLE book (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), book_id TEXT NOT NULL) STRICT;
INSERT INTO "book" VALUES(1,'b00cb00cb00cb00c');
CREATE TABLE claim (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,       -- of the request: the same key with another is an error
    attempt INTEGER NOT NULL,
    target TEXT NOT NULL,            -- substation_id; '' when the last one refused and none was asked since
    expires_unix_ms INTEGER NOT NULL -- by the book's own clock since version 5
, journal_id TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID;
INSERT INTO "claim" VALUES('anonymous:kept-substation-1-0','b518e7193aceeaf8d0514719e10c744f14dc8cf4685cdd4f7b77af9a1bf384b3',0,'substation-1',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-1-1','1ff38db4b9c89eb3a725cb7dbe3e04eaccf5fe8d35245776300602a79e3e23ba',0,'substation-1',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-1-2','0bdd67780fd669e01deb709051080a3f5f48c2c1f9d77c292d761b42b7637de8',0,'substation-1',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-1-3','40744ce66a415d3a2fde419dde9c8fec6625c28416ca47190ae0b4b9763bbef3',0,'substation-1',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-1-4','99596477d960e81cfcd6df8188a6745f057a4f32f22cf1eeb01d5d8a9e0a2829',0,'substation-1',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-1-5','9debc5e033fc01f374caa6bd64e1e4681cde9c221359ea8d66ab8edcfff7ceba',0,'substation-1',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-2-0','4adc467aade5f8086e02b3bcda45a2846c8a1fa15d11355a2122d8bca043ddad',0,'substation-2',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-2-1','23e4b79f0293a13145646cd533f90f18da0923d8055092440e23af21a55807f0',0,'substation-2',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-2-2','452b99aaeefbdd8baccee8699d3f5de9a45fc01f5663bedcc1392ad2b1f15ecc',0,'substation-2',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-2-3','55a878fb8d5c8aa238097f023b5d8b3ce26daafed258d0c3b287245c6f9adf5c',0,'substation-2',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-2-4','c62e0879de37c6e2f9a13ac17193ff9f83c2b29f26ec1dd44cea9c0ea846a3f0',0,'substation-2',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-2-5','4405f9fd6d59b54a62810bfd3e746f1a45d7a510fb06c25784387f77ac06d63d',0,'substation-2',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-3-0','f5c90926f507fd2c27f1e87c30c6f2858e1877eacad1ce101f331aca4d0f7079',0,'substation-3',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-3-1','f84905b87c4d1a20792e593ed6bbadf6b1887180aed8ed8ee20600d9e1ff392a',0,'substation-3',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-3-2','c4be0a03fee4b8e84a686beb8f7a78ecb6436444787882f594bf5d638fe6df70',0,'substation-3',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-3-3','864409c7781c0056aa4cec621b0e04e4fe7e61ab810574510fd1c7a4d1af7853',0,'substation-3',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-3-4','75b0a5f8e5e23529edfd10e9873f4f6e0c44ce962016fc0ac938688f6cc48ffc',0,'substation-3',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:kept-substation-3-5','5b9ee1f9f6ae19fe06e7ae01d468001aee84e79b9f8dd5ba4c1ca6c00d534324',0,'substation-3',1764086400000,'');
INSERT INTO "claim" VALUES('anonymous:old-0','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-1','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-10','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-11','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-12','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-13','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-14','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-15','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-16','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-17','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-18','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-19','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-2','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-20','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-21','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-22','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-23','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-24','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-25','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-26','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-27','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-28','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-29','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-3','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-30','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-31','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-32','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-33','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-34','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-35','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-36','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-37','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-38','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-39','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-4','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-5','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-6','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-7','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-8','of old',0,'substation-1',1763913600000,'');
INSERT INTO "claim" VALUES('anonymous:old-9','of old',0,'substation-1',1763913600000,'');
CREATE TABLE control (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE decommissioned (
    substation_id TEXT NOT NULL,
    journal_id TEXT NOT NULL,        -- gone for good, with the sessions in it
    PRIMARY KEY (substation_id, journal_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE withdrawal (
    key TEXT PRIMARY KEY,
    attempt INTEGER NOT NULL,
    target TEXT NOT NULL
, journal_id TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID;
CREATE INDEX expiring ON claim (expires_unix_ms);
PRAGMA user_version=3;
COMMIT;
