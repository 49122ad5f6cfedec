"""Kind `sql` against real PostgreSQL and MariaDB."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from bcp.watch.values import Status
from tests.probes.databases import PASSWORD, Database, postgres
from tests.probes.pki import Authority
from tests.probes.sql.conftest import JUMIN, Ask, my_of, pg_of, real_maria, real_postgres


@real_postgres
async def test_postgresql_lets_in_reads_and_is_left_in_peace(ask: Ask, pg: Database) -> None:
    wanted = [{"pointer": "/0/n", "equals": 2}, {"pointer": "/0/most", "at_least": 12}]
    outcome = await ask(**pg_of(pg, query=JUMIN, result=wanted))
    assert outcome.status is Status.OK, outcome
    assert outcome.facts["rows"] == 1
    assert outcome.facts["tls_version"] == "TLSv1.3"
    assert "栗駒" not in repr(outcome)
    md5 = await ask(**pg_of(pg, user="old"))
    assert md5.status is Status.OK, md5
    clear = await ask(**pg_of(pg, user="clear"))
    assert clear.status is Status.OK, "in the clear, but only inside TLS"
    plain = await ask(**pg_of(pg, tls=False))
    assert plain.status is Status.OK, "SCRAM shows the password to nobody"
    count = pg.do("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ict-bcp';")
    assert int(count) == 0


@real_postgres
async def test_postgresql_in_the_clear_gets_no_password(ask: Ask, pg: Database) -> None:
    outcome = await ask(**pg_of(pg, user="clear", tls=False))
    assert outcome.status is Status.UNKNOWN
    assert "そのまま送れという相手です" in outcome.sentence.ja


@real_postgres
@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"query": "SELECT * FROM nothing"}, Status.FAILED, "表がない"),
        ({"query": "SELECT 1 FROM hidden"}, Status.UNKNOWN, "見る権限がない"),
        ({"query": "SELECT FROM WHERE"}, Status.UNKNOWN, "書き方の誤り"),
        ({"query": "SELECT 1 WHERE false"}, Status.FAILED, "行が1つも返らない"),
        ({"query": "SELECT pg_sleep(20)", "timeout": "2s"}, Status.FAILED, "時間内に終わらず"),
        ({"database": "gone"}, Status.FAILED, "そのデータベースがない"),
        (
            {"query": JUMIN, "result": [{"pointer": "/0/n", "equals": 3}]},
            Status.FAILED,
            "期待",
        ),
        ({"max_replication_age": "1m"}, Status.DEGRADED, "複製が動いていない"),
        ({"server_name": "other.example"}, Status.FAILED, "名前が違う"),
    ],
)
async def test_what_postgresql_says_is_told(
    ask: Ask, pg: Database, fields: dict[str, Any], status: Status, words: str
) -> None:
    outcome = await ask(**pg_of(pg, **fields))
    assert outcome.status is status, outcome
    assert words in outcome.sentence.ja


@real_postgres
async def test_nothing_can_be_written_however_the_statement_hides_it(
    ask: Ask, pg: Database
) -> None:
    pg.do(
        "CREATE OR REPLACE FUNCTION sneak() RETURNS int LANGUAGE sql SECURITY DEFINER AS"
        " 'INSERT INTO hidden VALUES (1) RETURNING x'; GRANT EXECUTE ON FUNCTION sneak TO watch;"
    )
    for query in (
        "SELECT sneak()",
        "WITH gone AS (DELETE FROM jumin RETURNING *) SELECT count(*) FROM gone",
        "SELECT set_config('transaction_read_only', 'off', true)",
    ):
        await ask(**pg_of(pg, query=query))
    assert pg.do("SELECT count(*) FROM hidden;").strip() == "0"
    assert pg.do("SELECT count(*) FROM jumin;").strip() == "2"


@real_postgres
async def test_a_standby_says_how_far_it_is_behind(ask: Ask, shared: Authority) -> None:
    with postgres(shared) as source, postgres(shared, copy_of=source) as copy:
        for _attempt in range(100):
            if "streaming" in source.do("SELECT state FROM pg_stat_replication;"):
                break
            await asyncio.sleep(0.1)
        outcome = await ask(**pg_of(copy, max_replication_age="1m"))
        assert outcome.status is Status.OK, outcome
        assert outcome.facts["replication_age"] < 60


@real_maria
async def test_mariadb_lets_in_reads_and_is_left_in_peace(ask: Ask, my: Database) -> None:
    wanted = [{"pointer": "/0/n", "equals": 2}, {"pointer": "/0/most", "at_least": 12}]
    outcome = await ask(**my_of(my, query=JUMIN, result=wanted))
    assert outcome.status is Status.OK, outcome
    assert "not_after" in outcome.facts
    assert "栗駒" not in repr(outcome)
    assert (await ask(**my_of(my, tls=False))).status is Status.OK
    assert (await ask(**my_of(my, database=None))).status is Status.OK


@real_maria
@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"query": "SELECT * FROM nothing"}, Status.UNKNOWN, "見る権限がない"),
        ({"query": "SELECT * FROM hidden"}, Status.UNKNOWN, "見る権限がない"),
        ({"query": "SELECT FROM WHERE"}, Status.UNKNOWN, "書き方の誤り"),
        ({"query": "SELECT SLEEP(20)", "timeout": "2s"}, Status.FAILED, "時間内に終わらず"),
        ({"database": "gone"}, Status.UNKNOWN, "見る権限がない"),
        ({"server_name": "other.example"}, Status.FAILED, "名前が違う"),
    ],
)
async def test_what_mariadb_says_is_told(
    ask: Ask, my: Database, fields: dict[str, Any], status: Status, words: str
) -> None:
    outcome = await ask(**my_of(my, **fields))
    assert outcome.status is status, outcome
    assert words in outcome.sentence.ja
    my.do("FLUSH HOSTS;")


# --- an account is never locked -------------------------------------------------------------------


@real_postgres
@real_maria
async def test_a_wrong_password_is_tried_once_until_its_file_changes(
    ask: Ask, pg: Database, my: Database, secret: Path
) -> None:
    secret.write_text("wrong-one\n")
    for fields in (pg_of(pg), my_of(my)):
        first = await ask(**fields)
        assert first.status is Status.UNKNOWN
        assert "ログインを断られました" in first.sentence.ja
    before = (pg.folder / "log").read_text().count("password authentication failed")
    for _ in range(5):
        for fields in (pg_of(pg), my_of(my)):
            assert "変わるまで試しません" in (await ask(**fields)).sentence.ja
    after = (pg.folder / "log").read_text().count("password authentication failed")
    assert after == before, "not one more attempt"
    secret.write_text(PASSWORD + "\n")
    os.utime(secret, (1, 1))
    for fields in (pg_of(pg), my_of(my)):
        assert (await ask(**fields)).status is Status.OK
    my.do("FLUSH HOSTS;")


@real_maria
async def test_a_locked_account_is_told_and_left_alone(ask: Ask, my: Database) -> None:
    outcome = await ask(**my_of(my, user="locked"))
    assert outcome.status is Status.UNKNOWN
    assert "ログインを断られました" in outcome.sentence.ja


# --- wrong servers --------------------------------------------------------------------------------
