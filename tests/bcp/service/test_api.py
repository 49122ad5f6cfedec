"""The API: described whole, refused in one shape, done once per operation id."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from jsonschema import Draft202012Validator

from bcp.service.access.roles import Role, granted
from bcp.service.openapi import openapi
from bcp.service.operations import OPERATIONS
from tests.live.small_town import Town
from tests.service_process import wait_for

DOCUMENT = openapi(OPERATIONS)
PASSWORD = "kuri-no-ki-mori-2026"


def every_schema(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if isinstance(node.get("schema"), dict):
            yield node["schema"]
        for value in node.values():
            yield from every_schema(value)
    elif isinstance(node, list):
        for value in node:
            yield from every_schema(value)


def test_every_operation_is_described_once_with_its_permission() -> None:
    described = [about for path in DOCUMENT["paths"].values() for about in path.values()]

    assert len(described) == len(OPERATIONS)
    assert {about["operationId"] for about in described} == {one.name for one in OPERATIONS}
    for operation in OPERATIONS:
        method = "post" if operation.writes else "get"
        about = DOCUMENT["paths"][operation.path][method]
        assert about["x-permission"] == operation.permission.value
        assert operation.summary.ja in about["summary"]
        assert set(about["responses"]) == {"200", "400", "401", "403", "409", "500", "503"}


def test_every_schema_is_one_and_every_reference_leads_somewhere() -> None:
    for schema in [*every_schema(DOCUMENT["paths"]), *DOCUMENT["components"]["schemas"].values()]:
        Draft202012Validator.check_schema(schema)
    for place in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(DOCUMENT)):
        node: Any = DOCUMENT
        for part in place.split("/"):
            node = node[part]
        assert node
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("api")
    town = Town(folder, folder / "data")
    try:
        town.service.start()
        wait_for(lambda: town.state() == "ok", 20)
        yield town
    finally:
        town.close()


def refused(answer: tuple[int, dict[str, Any]], status: int) -> dict[str, Any]:
    assert answer[0] == status, answer
    schema = DOCUMENT["components"]["schemas"]["Refusal"]
    Draft202012Validator(schema).validate(answer[1])
    assert "Traceback" not in json.dumps(answer[1])
    return answer[1]


@pytest.mark.live
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("checks/show?check=nobody/here", None),
        ("checks/show", None),
        ("checks/show?check=juki/port&more=1", None),
        ("checks/run", {"check": "nobody/here"}),
        ("checks/run", {}),
        ("checks/run", {"check": 5}),
        ("checks/observe", {"check": "juki/seen", "status": "great", "name": "x"}),
        ("disaster/declare", {"reason": "x", "onset": "yesterday"}),
        ("disaster/declare", {"reason": "x", "drill": "../../etc"}),
        ("log/show?last=many", None),
        ("log/export", {"target": "here"}),
        ("backup/run", {"set": "nothing"}),
    ],
)
def test_bad_parameters_are_400_with_a_sentence(
    town: Town, path: str, body: dict[str, Any] | None
) -> None:
    said = refused(town.call(f"/api/v1/{path}", body), 400)

    assert said["what"]


@pytest.mark.live
def test_what_the_state_does_not_allow_is_409(town: Town) -> None:
    said = refused(town.call("/api/v1/disaster/note", {"text": "x"}), 409)
    assert "発動中の災害はありません" in said["what"]
    assert said["next"]
    refused(
        town.call("/api/v1/checks/observe", {"check": "juki/port", "status": "ok", "name": "x"}),
        409,
    )


@pytest.mark.live
def test_an_operation_sent_twice_happens_once(town: Town) -> None:
    body = {"check": "juki/seen", "status": "ok", "name": "佐藤", "op": "the-same"}

    first, second = (town.call("/api/v1/checks/observe", body) for _ in range(2))

    assert first[0] == second[0] == 200
    assert first[1]["seq"] == second[1]["seq"]
    assert [e["op"] for e in town.entries("observed.confirmed")].count("the-same") == 1


@pytest.mark.live
def test_a_declaration_sent_twice_is_one_event_and_a_second_one_is_refused(town: Town) -> None:
    body = {"reason": "訓練", "drill": "twice", "op": "declare-once"}

    first, second = (town.call("/api/v1/disaster/declare", body) for _ in range(2))

    assert first[0] == second[0] == 200, second
    assert first[1]["incident"] == second[1]["incident"]
    refused(town.call("/api/v1/disaster/declare", {**body, "op": "declare-again"}), 409)


@pytest.mark.live
def test_who_may_do_what_over_the_web(town: Town) -> None:
    """Every operation for every role: not permitted is 403, nobody is 401; both in JSON."""

    async def ask(role: Role | None) -> dict[str, int]:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(town.service.url, cookie_jar=jar) as web:
            token = ""
            if role is not None:
                await web.post("/login", data={"login": role.value, "password": PASSWORD})
                page = await (await web.get("/account")).text()
                found = re.search(r'name="_csrf" value="([^"]+)"', page)
                assert found
                token = found[1]
            statuses = {}
            for one in OPERATIONS:
                method = "POST" if one.writes else "GET"
                body = {"nonsense": 1} if one.writes else None  # never carried out
                query = None if one.writes else {"nonsense": "1"}
                headers = {"X-CSRF-Token": token}
                async with web.request(
                    method, one.path, json=body, params=query, headers=headers
                ) as answer:
                    assert isinstance(json.loads(await answer.read())["what"], str)
                    statuses[one.name] = answer.status
            return statuses

    for role in Role:
        person = {"login": role.value, "name": "x", "roles": [role.value], "password": PASSWORD}
        assert town.call("/api/v1/user/add", person)[0] == 200
        allowed = granted(frozenset({role}))
        for name, status in asyncio.run(ask(role)).items():
            operation = next(one for one in OPERATIONS if one.name == name)
            expected = 400 if operation.permission in allowed else 403
            assert status == expected, (role, name)
    assert set(asyncio.run(ask(None)).values()) == {401}


@pytest.mark.live
def test_the_document_is_served_and_nothing_unknown_breaks(town: Town, tmp_path: Path) -> None:
    status, document = town.call("/api/v1/openapi.json")
    assert status == 200
    assert set(document["paths"]) >= set(DOCUMENT["paths"])

    async def raw(body: bytes) -> int:
        connector = aiohttp.UnixConnector(str(town.service.data / "control.sock"))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.post("http://daemon/api/v1/checks/run", data=body) as answer,
        ):
            assert "what" in json.loads(await answer.read())
            return answer.status

    for body in (b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"op": ["x"]}', b"1e999"):
        assert asyncio.run(raw(body)) == 400, body[:20]
