"""The tables of the history and what is said to them. Text only; SQLite is opened in `history`."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS results (
  id INTEGER PRIMARY KEY, check_id TEXT NOT NULL, bad INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS results_check ON results (check_id, bad, id);
CREATE TABLE IF NOT EXISTS hours (
  subject TEXT, hour INTEGER, status TEXT, us INTEGER, PRIMARY KEY (subject, hour, status)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS days (
  subject TEXT, day TEXT, status TEXT, us INTEGER, PRIMARY KEY (subject, day, status)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS board (
  check_id TEXT PRIMARY KEY, status TEXT, since_us INTEGER, ja TEXT, en TEXT, body TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outages (
  subject TEXT, start_us INTEGER, us INTEGER, PRIMARY KEY (subject, start_us)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
"""

TRIM = """
DELETE FROM results WHERE check_id = ? AND bad = ? AND id <= (
  SELECT id FROM results WHERE check_id = ? AND bad = ? ORDER BY id DESC LIMIT 1 OFFSET ?)
"""
ADD = {
    "hours": "INSERT INTO hours VALUES (?, ?, ?, ?) "
    "ON CONFLICT (subject, hour, status) DO UPDATE SET us = us + excluded.us",
    "days": "INSERT INTO days VALUES (?, ?, ?, ?) "
    "ON CONFLICT (subject, day, status) DO UPDATE SET us = us + excluded.us",
}

OUTAGE = (
    "INSERT INTO outages VALUES (?, ?, ?) "
    "ON CONFLICT (subject, start_us) DO UPDATE SET us = us + excluded.us"
)
RECORD = "INSERT INTO results (check_id, bad, body) VALUES (?, ?, ?)"
COUNT = "SELECT count(*) FROM results WHERE check_id = ? AND bad = ?"
KEEP_STATE = "INSERT OR REPLACE INTO board VALUES (?, ?, ?, ?, ?, ?)"
SEEN = "INSERT OR REPLACE INTO meta VALUES ('seen_us', ?)"
FORGET = (
    "DELETE FROM board WHERE check_id = ?",
    "DELETE FROM results WHERE check_id = ?",
)
PURGE_HOURS = "DELETE FROM hours WHERE hour < ?"
PURGE_DAYS = "DELETE FROM days WHERE day < ?"
PURGE_OUTAGES = "DELETE FROM outages WHERE start_us < ?"
SUMS = (
    "SELECT subject, day, status, us FROM days WHERE day >= ? AND day <= ?"
    " AND (subject GLOB '*system:*' OR subject GLOB '*service:*')"
)
FIRST_DAYS = "SELECT subject, min(day) FROM days GROUP BY subject"
OUTAGES = "SELECT subject, start_us, us FROM outages WHERE start_us + us > ? AND start_us < ?"
LAST_SEEN = "SELECT value FROM meta WHERE key = 'seen_us'"
LAST_BOARD = "SELECT check_id, status, since_us, ja, en, body FROM board"
