"""Which keys a model accepts at a place: for "did you mean", from the model's own JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

_schemas: dict[int, tuple[TypeAdapter[Any], dict[str, Any]]] = {}


def keys_at(adapter: TypeAdapter[Any], loc: Iterable[str | int]) -> list[str]:
    """The property names allowed at `loc`; empty when the place is not a mapping of names."""
    schema = _schema(adapter)
    nodes = [schema]
    for part in loc:
        nodes = [child for node in nodes for child in _step(schema, node, part)]
    names: list[str] = []
    for node in nodes:
        for variant in _variants(schema, node):
            names += list(variant.get("properties", {}))
    return names


def _schema(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """One schema per adapter; the adapter is kept beside it so that its id stays its own."""
    kept = _schemas.get(id(adapter))
    if kept is None:
        kept = _schemas[id(adapter)] = (adapter, adapter.json_schema())
    return kept[1]


def _variants(root: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    """The node itself, its reference and every arm of its unions."""
    if "$ref" in node:
        name = str(node["$ref"]).removeprefix("#/$defs/")
        return _variants(root, root.get("$defs", {}).get(name, {}))
    arms = [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]
    return [node, *(variant for arm in arms for variant in _variants(root, arm))]


def _step(root: dict[str, Any], node: dict[str, Any], part: str | int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for variant in _variants(root, node):
        if isinstance(part, int) and "items" in variant:
            found.append(variant["items"])
        elif part in variant.get("properties", {}):
            found.append(variant["properties"][part])
        elif isinstance(variant.get("additionalProperties"), dict):
            found.append(variant["additionalProperties"])
    return found or [node]  # a part pydantic invented (a union tag): stay where we are
