"""The API for programs: every operation at `/api/v1/ROOM/VERB`, and its OpenAPI document.

Reads are GET with query parameters, writes POST with a JSON body. A write may carry `op` (or the
header `Idempotency-Key`): sent twice, it happens once. Refusals are JSON with the same words people
see: 400 bad parameters, 401 who are you, 403 not yours to do, 409 the state does not allow it,
503 記録できていません.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog
from aiohttp import web
from pydantic import ValidationError

from bcp.journal.entry import Actor
from bcp.kit.errors import BcpError, Busy, Refused, Unwritable, UsageError
from bcp.service import control
from bcp.service.access.guard import identity_of
from bcp.service.access.roles import Permission, Role
from bcp.service.access.routes import Route
from bcp.service.house import House
from bcp.service.openapi import openapi
from bcp.service.operations.operation import Caller, Operation

_LOG = structlog.get_logger("api")
_CAPACITIES = (Role.COMMANDER, Role.STAFF, Role.ADMINISTRATOR, Role.AUDITOR, Role.VIEWER)
_OPERATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""Steps of one act append to it (`…/begin`); the log takes 128."""
Operations = Iterable[Operation[Any]]


def routes(house: Callable[[], House], operations: Operations) -> list[Route]:
    """The API's doors, one for each operation."""
    found = [
        Route(
            "POST" if operation.writes else "GET",
            operation.path,
            operation.permission,
            _handler(house, operation),
            machine=True,
        )
        for operation in operations
    ]
    document: list[str] = []  # a tenth of a second of work, done when somebody asks

    async def describe(request: web.Request) -> web.StreamResponse:
        if not document:
            document.append(await house().workers.thread(_describe, operations))
        return web.Response(text=document[0], content_type="application/json")

    found.append(Route("GET", "/api/v1/openapi.json", Permission.READ, describe, machine=True))
    return found


def _handler(
    house: Callable[[], House], operation: Operation[Any]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            parameters, op = await _parameters(request, operation)
            answer = await operation.run(house(), _caller(request, op), parameters)
        except BcpError as error:
            return web.json_response(error.as_dict(), status=status_of(error), dumps=_dumps)
        except Exception as error:  # our bug: this request breaks, the daemon goes on watching
            _LOG.exception("operation failed", operation=operation.name)
            what = "内部の誤り / internal error"
            said = {"error": type(error).__name__, "what": what}
            return web.json_response(said, status=500, dumps=_dumps)
        body: dict[str, Any] = {**answer.as_json(), "lines": list(answer.lines)}
        return web.json_response(body, dumps=_dumps)

    return handle


def _describe(operations: Operations) -> str:
    return json.dumps(openapi(operations))


def _dumps(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)


def status_of(error: BcpError) -> int:
    """The HTTP status of a refusal."""
    match error:
        case Refused():
            return 409
        case UsageError():
            return 400
        case Unwritable() | Busy():
            return 503
        case _:
            return 500


async def _parameters(request: web.Request, operation: Operation[Any]) -> tuple[Any, str]:
    op = request.headers.get("Idempotency-Key")
    try:
        if not operation.writes:
            given = operation.parameters.model_validate_strings(dict(request.query))
            return given, op or secrets.token_hex(12)
        body = _document(await request.read())
        if not isinstance(body, dict):
            raise UsageError("JSON の物体で送る / send a JSON object", where=operation.path)
        op = str(body.pop("op", None) or op or secrets.token_hex(12))
        if not _OPERATION_ID.fullmatch(op):
            raise UsageError(
                "操作番号が使えません / unfit operation id",
                where="op",
                expected="1 to 64 of A-Z a-z 0-9 . _ : -",
            )
        given = operation.parameters.model_validate_json(json.dumps(body), strict=True)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)
        )
        known = ", ".join(operation.parameters.model_fields)
        raise UsageError(faults, where=operation.path, expected=known) from error
    return given, op


def _document(body: bytes) -> Any:
    """The body read. Raises `UsageError`: no JSON, nested without end, a number without end."""
    try:
        return json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        what = f"JSON として読めません / cannot be read as JSON: {error}"
        raise UsageError(what[:200], where="body") from error


def _caller(request: web.Request, op: str) -> Caller:
    uid = control.peer_uid(request)
    if uid is not None:
        return Caller(control.actor(uid), op)
    identity = identity_of(request)
    if identity is None:  # the doors let nobody through without one
        raise UsageError("nobody is asking")
    capacity = next((role for role in _CAPACITIES if role in identity.roles), None)
    actor = Actor(identity.id, capacity.value if capacity else "program")
    return Caller(actor, op, identity.permissions)
