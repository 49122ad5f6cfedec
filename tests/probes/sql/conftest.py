"""Real databases behind TLS, and a look at one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bcp.kit.clock import SystemClock
from bcp.kit.workers import Workers
from bcp.watch.check import Env
from bcp.watch.values import Outcome
from probes.engine.resolve import SystemResolver
from tests.probes.conftest import Look
from tests.probes.databases import MARIADB, PASSWORD, POSTGRES, Database, maria, postgres
from tests.probes.pki import Authority

real_postgres = pytest.mark.skipif(POSTGRES is None, reason="no PostgreSQL on this machine")
real_maria = pytest.mark.skipif(MARIADB is None, reason="no MariaDB on this machine")
LOCAL = {"host": "127.0.0.1", "user": "watch"}
JUMIN = "SELECT count(*) AS n, max(paid) AS most FROM jumin"
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("sql-pki"))


@pytest.fixture(scope="module")
def pg(shared: Authority) -> Iterator[Database]:
    with postgres(shared) as database:
        yield database


@pytest.fixture(scope="module")
def my(shared: Authority) -> Iterator[Database]:
    with maria(shared) as database:
        yield database


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def safe(workers: Workers, shared: Authority) -> Env:
    return Env(SystemClock(), workers, SystemResolver(), ca_file=shared.file)


@pytest.fixture
def ask(look: Look, safe: Env, secret: Path) -> Ask:
    async def run(**fields: Any) -> Outcome:
        found = await look("sql", env=safe, password_file=str(secret), **{**LOCAL, **fields})
        assert isinstance(found, Outcome)
        assert PASSWORD not in repr(found), "never shown"
        return found

    return run


def pg_of(where: Database, /, **fields: Any) -> dict[str, Any]:
    return {"engine": "postgresql", "port": where.port, "database": "postgres", **fields}


def my_of(where: Database, /, **fields: Any) -> dict[str, Any]:
    return {"engine": "mariadb", "port": where.port, "database": "town", **fields}


# --- real databases -------------------------------------------------------------------------------
