"""PostgreSQL's programs and questions. Pure: words, environments, scripts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from backups.dumps.model import PostgresDump

_OURS = """n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 AND c.relpersistence <> 't' AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
 WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"""
"""Tables of the application: not the system's, not an extension's, not temporary."""

MEASURE = f"""SET TIME ZONE 'UTC'; SET datestyle = 'ISO';
SELECT format('SELECT json_build_array(%L, count(*), (%s)::text) FROM ONLY %I.%I',
 n.nspname || '.' || c.relname, coalesce((SELECT 'greatest(' || string_agg(
 format('max(%I)::timestamptz', a.attname), ', ' ORDER BY a.attnum) || ')'
 FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)), 'NULL'),
 n.nspname, c.relname)
 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND {_OURS} ORDER BY n.nspname, c.relname \\gexec
SELECT json_build_array(NULL, count(*), NULL) FROM pg_catalog.pg_constraint k
 JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND {_OURS};
"""  # noqa: S608 - constants only
"""Rows and newest instant of every table, then the number of constraints: one JSON array a line."""

TAKE = f"""BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snapshot \\gset
\\setenv BCP_SNAPSHOT :snapshot
\\! "$BCP_DUMP" --format="$BCP_FORMAT" --file="$BCP_OUT" --no-password --snapshot="$BCP_SNAPSHOT" </dev/null; echo $? >"$BCP_RC"
{MEASURE}COMMIT;
"""
"""Dump and count in one and the same snapshot. psql runs pg_dump: the snapshot lives as long as the
transaction that exported it. Everything that varies comes by the environment, nothing is quoted in."""


def programs(wanted: str | None = None) -> Path | None:
    """The folder with the newest installed PostgreSQL; None: there is none."""
    if wanted is not None:
        return Path(wanted)
    found = [p for p in Path("/usr/lib/postgresql").glob("*/bin") if (p / "postgres").exists()]
    if found:
        return max(found, key=lambda p: float(p.parent.name) if p.parent.name[:1].isdigit() else 0)
    there = shutil.which("postgres")
    return Path(there).resolve().parent if there else None


def client(folder: Path) -> tuple[str, ...]:
    """psql that reads a script from its input and stops at the first error."""
    words = ("-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-f", "-")
    return (str(folder / "psql"), *words)


def environment(dump: PostgresDump, folder: Path, out: Path, code: Path) -> Mapping[str, str]:
    """The whole environment of `TAKE`. The password stays in its file."""
    given = {
        "PGHOST": dump.host,
        "PGPORT": str(dump.port) if dump.port else None,
        "PGUSER": dump.user,
        "PGPASSFILE": dump.password_file or os.devnull,
        "PGDATABASE": dump.database,
        "BCP_DUMP": str(folder / "pg_dump"),
        "BCP_FORMAT": dump.format,
        "BCP_OUT": str(out),
        "BCP_RC": str(code),
    }
    return {**PLAIN, **{name: value for name, value in given.items() if value is not None}}


PLAIN: Mapping[str, str] = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PGCONNECT_TIMEOUT": "20",
    "PGCLIENTENCODING": "UTF8",
    "PGAPPNAME": "ict-bcp",
}


def read_whole(folder: Path, file: Path) -> tuple[str, ...]:
    """Reads every byte of an archive and writes nothing: `pg_restore -l` is content with half."""
    return (str(folder / "pg_restore"), "--file", os.devnull, str(file))
