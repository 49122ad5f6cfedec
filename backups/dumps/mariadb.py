"""MariaDB's (and MySQL's) programs and questions. Pure: words and scripts."""

from __future__ import annotations

import shutil
from pathlib import Path

from backups.dumps.model import MariaDump

MEASURE = """SET time_zone = '+00:00'; SET SESSION group_concat_max_len = 1073741824;
SET @q = (SELECT GROUP_CONCAT(CONCAT('SELECT JSON_ARRAY(', QUOTE(t.table_name), ', COUNT(*), ',
 IFNULL((SELECT CONCAT('NULLIF(GREATEST(''''', GROUP_CONCAT(CONCAT(', IFNULL(CAST(MAX(`',
 REPLACE(c.column_name, '`', '``'), '`) AS CHAR), '''')') SEPARATOR ''), ', ''''), '''')')
 FROM information_schema.columns c WHERE c.table_schema = t.table_schema
 AND c.table_name = t.table_name AND c.data_type IN ('datetime', 'timestamp', 'date')), 'NULL'),
 ') FROM `', REPLACE(t.table_name, '`', '``'), '`') SEPARATOR ' UNION ALL ')
 FROM information_schema.tables t WHERE t.table_schema = DATABASE()
 AND t.table_type = 'BASE TABLE');
SET @q = IFNULL(@q, 'DO 0'); PREPARE s FROM @q; EXECUTE s;
SELECT JSON_ARRAY(NULL, COUNT(*), NULL) FROM information_schema.table_constraints
 WHERE constraint_schema = DATABASE();
"""
"""Rows and newest instant of every table, then the number of constraints: one JSON array a line."""


def program(name: str, folder: str | None = None) -> str | None:
    """`mariadb-NAME` (or MySQL's older name); None: not installed."""
    old = {"mariadb": "mysql", "mariadb-dump": "mysqldump"}.get(name, name)
    path = f"{folder}" if folder else "/usr/bin:/usr/sbin:/usr/local/bin"
    return shutil.which(name, path=path) or shutil.which(old, path=path)


def access(dump: MariaDump) -> tuple[str, ...]:
    """How the live server is reached. The password stays in its file; must come first of all."""
    words = [f"--defaults-file={dump.defaults_file}" if dump.defaults_file else "--no-defaults"]
    if dump.host is not None:
        words.append(
            f"--socket={dump.host}" if dump.host.startswith("/") else f"--host={dump.host}"
        )
    if dump.port is not None:
        words.append(f"--port={dump.port}")
    return (*words, *((f"--user={dump.user}",) if dump.user else ()))


def client(mariadb: str, access: tuple[str, ...], database: str) -> tuple[str, ...]:
    """The client that reads a script from its input and stops at the first error."""
    words = ("--batch", "--raw", "--skip-column-names", "--default-character-set=utf8mb4")
    return (mariadb, *access, *words, f"--database={database}")


def dump(mariadb_dump: str, access: tuple[str, ...], database: str, out: Path) -> tuple[str, ...]:
    """One consistent instant of one database, with its routines and triggers."""
    words = ("--single-transaction", "--quick", "--routines", "--triggers", "--events")
    form = ("--hex-blob", "--default-character-set=utf8mb4", f"--result-file={out}")
    return (mariadb_dump, *access, *words, *form, "--", database)
