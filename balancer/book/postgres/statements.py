"""The statements of the order book in PostgreSQL. Each can be carried out twice.

Pure: text.
"""

CLAIM = """
INSERT INTO claim
SELECT key, fingerprint, 0, target, journal_id, expires_ms
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
    AS wanted (key, fingerprint, target, journal_id, expires_ms)
ORDER BY key COLLATE "C"
ON CONFLICT (key) DO NOTHING
RETURNING key
"""
# What a server has committed can be read there before its replicas have it, if the server was restarted or a wait was
# cut short. A commit of this statement's own is behind that one, and waits for the replicas too.
REPLICATED = """
WITH replicated AS MATERIALIZED (
    SELECT CASE WHEN current_setting('synchronous_standby_names') <> ''
        THEN pg_logical_emit_message(true, 'order_book', '') END AS at
)
"""
FIND = f"""
{REPLICATED}
SELECT key, fingerprint, attempt, target, journal_id FROM claim CROSS JOIN replicated WHERE key = ANY($1::text[])
"""  # noqa: S608 - the text is above
ADVANCE = """
UPDATE claim SET attempt = attempt + 1, target = $3, journal_id = $4 WHERE key = $1 AND attempt = $2
"""
RELEASE = "UPDATE claim SET target = '', journal_id = '' WHERE key = $1 AND attempt = $2"
KEEP = "UPDATE claim SET expires_ms = $2 WHERE key = $1 AND expires_ms < $2"
PRUNE_CLAIMS = """
DELETE FROM claim WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM claim WHERE expires_ms < $1 ORDER BY expires_ms LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
PRUNE_HOLDS = """
DELETE FROM hold WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM hold WHERE expires_ms < $1 ORDER BY expires_ms LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
HOLDERS = f"""
{REPLICATED}
SELECT vehicle, key, attempt, target, journal_id FROM hold CROSS JOIN replicated WHERE vehicle = ANY($1::text[])
"""  # noqa: S608 - as FIND
# $7 to $10 are the hold that may be replaced; null if none is known.
HOLD = """
INSERT INTO hold AS found VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (vehicle) DO UPDATE SET
    key = excluded.key, attempt = excluded.attempt, target = excluded.target, journal_id = excluded.journal_id,
    expires_ms = greatest(excluded.expires_ms, CASE WHEN found.key = excluded.key THEN found.expires_ms ELSE 0 END)
WHERE (found.key, found.attempt, found.target, found.journal_id) = ($7, $8, $9, $10)
    OR (found.key = excluded.key AND found.attempt < excluded.attempt)
"""
CLOCK = """
INSERT INTO clock SELECT 1, now_ms, now_ms FROM unix_ms() AS now_ms ON CONFLICT DO NOTHING
"""
READ_CLOCK = "SELECT book_ms, unix_ms, unix_ms() AS now_ms FROM clock"
TICK = "UPDATE clock SET book_ms = greatest(book_ms, $1), unix_ms = unix_ms() RETURNING book_ms"
BOOK = "INSERT INTO book VALUES (1, $1) ON CONFLICT DO NOTHING"
READ_BOOK = "SELECT book_id FROM book"
TOUCH = "UPDATE book SET book_id = book_id"

# The first claim to expire is found in an index, and the number of claims in the statistics. Who may not see what replicas have replayed
# (pg_monitor) gets null for it.
CONDITION = """
SELECT
    (SELECT min(expires_ms) FROM claim) AS expires_ms,
    (SELECT n_live_tup FROM pg_stat_user_tables WHERE relid = 'claim'::regclass) AS claims,
    (SELECT count(*) FROM pg_stat_replication WHERE application_name <> 'pg_basebackup') AS replicas,
    (SELECT max(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), replay_lsn))::bigint FROM pg_stat_replication
        WHERE application_name <> 'pg_basebackup') AS behind_bytes
"""

# One that is there already is written again, as it is, so that the commit waits for the replicas: as REPLICATED.
WITHDRAW = """
INSERT INTO withdrawal (key, attempt, target, journal_id, balancer_id) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (key) DO UPDATE SET key = excluded.key
"""
WITHDRAWN = "DELETE FROM withdrawal WHERE key = $1"
SIGN_IN = """
INSERT INTO balancer SELECT $1, unix_ms() + $2 ON CONFLICT (balancer_id) DO UPDATE SET until_unix_ms = excluded.until_unix_ms
"""
SIGN_OFF = "DELETE FROM balancer WHERE balancer_id = $1"
FORGET_BALANCERS = "DELETE FROM balancer WHERE until_unix_ms < unix_ms() - 3600000"
TAKE_OVER = """
UPDATE withdrawal SET balancer_id = $1 WHERE balancer_id <> $1 AND NOT EXISTS (
    SELECT FROM balancer
    WHERE balancer.balancer_id = withdrawal.balancer_id AND until_unix_ms >= (SELECT unix_ms()))
"""
OWN_WITHDRAWALS = "SELECT key, attempt, target, journal_id FROM withdrawal WHERE balancer_id = $1"
SAY_REACH = """
INSERT INTO reach SELECT $1, $2, unix_ms() + $3 ON CONFLICT (balancer_id)
DO UPDATE SET reached = excluded.reached, until_unix_ms = excluded.until_unix_ms
"""
END_REACH = "DELETE FROM reach WHERE balancer_id = $1"
FORGET_REACH = "DELETE FROM reach WHERE until_unix_ms < unix_ms()"
REACH_OF_OTHERS = "SELECT reached FROM reach WHERE balancer_id <> $1 AND until_unix_ms >= (SELECT unix_ms())"

CONTROL = """
SELECT
    (SELECT value FROM control WHERE name = 'policy') AS policy,
    (SELECT json_agg(json_build_array(substation_id, journal_id)) FROM decommissioned) AS decommissioned,
    (SELECT json_agg(json_build_array(url, substation_id, journal_id)) FROM address) AS addresses,
    (SELECT json_agg(book_id) FROM former) AS former,
    (SELECT json_build_array(run_id, until_unix_ms - unix_ms()) FROM rushhour) AS rushhour
"""
SET_POLICY = """
INSERT INTO control VALUES ('policy', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
# $3 is how long a lease may last: one that would last longer has ended, because the clock was set back.
TAKE_RUSHHOUR = """
INSERT INTO rushhour AS held SELECT 1, $1, now_ms + $2 FROM unix_ms() AS now_ms
ON CONFLICT (only_row) DO UPDATE SET run_id = excluded.run_id, until_unix_ms = excluded.until_unix_ms
WHERE held.run_id = excluded.run_id OR held.until_unix_ms - unix_ms() NOT BETWEEN 1 AND $3
"""
READ_RUSHHOUR = "SELECT run_id, until_unix_ms - unix_ms() AS left_ms FROM rushhour"
END_RUSHHOUR = "DELETE FROM rushhour WHERE run_id = $1"
DECOMMISSION = "INSERT INTO decommissioned VALUES ($1, $2) ON CONFLICT DO NOTHING"
JOURNALS = """
SELECT journal_id FROM claim WHERE target = $1 AND journal_id <> ''
UNION SELECT journal_id FROM withdrawal WHERE target = $1 AND journal_id <> ''
UNION SELECT journal_id FROM hold WHERE target = $1 AND journal_id <> ''
UNION SELECT journal_id FROM address WHERE substation_id = $1
"""
SAW = """
INSERT INTO address VALUES ($1, $2, $3)
ON CONFLICT (url) DO UPDATE SET substation_id = excluded.substation_id, journal_id = excluded.journal_id
"""
FOLLOW = "INSERT INTO former VALUES ($1) ON CONFLICT DO NOTHING"
