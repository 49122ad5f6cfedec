"""The API described for programs: OpenAPI 3.1 of every operation. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bcp import __version__
from bcp.service.operations.operation import Operation

_REF = "#/components/schemas/"
_ANSWER: dict[str, Any] = {
    "type": "object",
    "description": "The facts of the operation, what they mean, and the same as lines for people.",
    "properties": {
        "verdict": {"enum": ["good", "finding", "unknown"]},
        "lines": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["verdict", "lines"],
}
_REFUSAL: dict[str, Any] = {
    "type": "object",
    "description": "What was wrong, where, what was expected, and what to do next.",
    "properties": {
        "error": {"type": "string"},
        "what": {"type": "string"},
        **{key: {"type": ["string", "null"]} for key in ("where", "expected", "got", "next")},
    },
    "required": ["error", "what"],
}
_OP: dict[str, Any] = {
    "type": "string",
    "description": "操作番号: 二度送っても一度だけ行う / operation id: sent twice, done once",
}
_REFUSALS = {
    "400": "bad parameters",
    "401": "not signed in",
    "403": "not permitted",
    "409": "the state does not allow it",
    "500": "our own bug; nothing else is touched by it",
    "503": "記録できていません / cannot be recorded now; send it again with the same `op`",
}


def openapi(operations: Iterable[Operation[Any]]) -> dict[str, Any]:
    """The whole document."""
    schemas: dict[str, Any] = {"Answer": _ANSWER, "Refusal": _REFUSAL}
    paths: dict[str, Any] = {}
    for operation in operations:
        schema = operation.parameters.model_json_schema(ref_template=f"{_REF}{{model}}")
        schemas |= schema.pop("$defs", {})
        method = "post" if operation.writes else "get"
        paths[operation.path] = {method: _about(operation, schema)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ict-bcp",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
            },
        },
        "security": [{"bearer": []}, {"session": []}],
    }


def _about(operation: Operation[Any], schema: dict[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = {
        "operationId": operation.name,
        "summary": f"{operation.summary.ja} / {operation.summary.en}",
        "tags": [operation.name.split(".")[0]],
        "x-permission": operation.permission.value,
        "responses": {
            "200": _reply("the answer; `verdict` is good, finding or unknown", "Answer"),
            **{code: _reply(text, "Refusal") for code, text in _REFUSALS.items()},
        },
    }
    if operation.writes:
        schema["properties"] = {**schema.get("properties", {}), "op": _OP}
        content = {"application/json": {"schema": schema}}
        about["requestBody"] = {"content": content, "required": True}
        about["parameters"] = [{"name": "Idempotency-Key", "in": "header", "schema": _OP}]
        return about
    needed = schema.get("required", [])
    about["parameters"] = [
        {"name": name, "in": "query", "required": name in needed, "schema": shape}
        for name, shape in schema.get("properties", {}).items()
    ]
    return about


def _reply(description: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"{_REF}{schema}"}}}
    return {"description": description, "content": content}
