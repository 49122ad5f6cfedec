"""The frozen book with what was put in, replaced or moved while the event runs. Pure.

`needs` are written out before anything changes, so that a step put in never makes another one wait
by its mere place in the file: only `after` and `before` say who waits. A step that is moved leaves
its old place closed: who waited for it now waits for what it waited for. Words (title, how, safety)
are texts of the entry and can be erased: the shape stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from pydantic import TypeAdapter

from bcp.kit.language import text
from runbooks.book import Book, graph
from runbooks.form import Runbook, Step
from runbooks.worked import Amendment

TYPES = ("action", "verify", "wait", "approval", "notify", "milestone")
"""Kinds of step that may be put in: what a machine does is never made up on the spot."""

Texts = Mapping[int, Mapping[str, str]]
_STEP: TypeAdapter[Step] = TypeAdapter(Step)
_KEPT = 8


class _Amended(Protocol):
    @property
    def amendments(self) -> tuple[Amendment, ...]: ...


def amended(book: Book, incident: _Amended, texts: Texts | None = None) -> Book:
    """The book this event is worked by; applying it twice is applying it once."""
    plain = book.original or book
    changes = incident.amendments
    if not changes:
        return plain
    words = {one.seq: dict((texts or {}).get(one.seq, {})) for one in changes}
    key = (changes, repr(words))
    known = plain.variants.get(key)
    if known is None:
        if len(plain.variants) >= _KEPT:
            plain.variants.clear()
        known = plain.variants[key] = _apply_all(plain, changes, words)
    return known


def _apply_all(plain: Book, changes: tuple[Amendment, ...], words: Texts) -> Book:
    books = {runbook.id: runbook for runbook in plain}
    for change in changes:
        if (runbook := books.get(change.runbook)) is not None:
            books[runbook.id] = apply(runbook, change, words[change.seq])
    return replace(plain, runbooks=tuple(books.values()), original=plain)


def apply(runbook: Runbook, change: Amendment, words: Mapping[str, str]) -> Runbook:
    """One change of one runbook."""
    edges = graph(runbook).needs
    steps = {
        step.id: step.model_copy(update={"needs": tuple(edges[step.id])}) for step in runbook.steps
    }
    new = change.step
    if change.op == "replace":
        steps[new.id] = _reworded(steps[new.id], change, words)
    elif change.op == "move":
        moved = steps.pop(new.id)
        before_it = moved.needs or ()
        steps = {
            id: step.model_copy(update={"needs": _without(step.needs or (), new.id, before_it)})
            for id, step in steps.items()
        }
        needs = (new.after,) if new.after else ()
        _insert(steps, moved.model_copy(update={"needs": needs}), change)
    else:
        _insert(steps, _made(change, words), change)
    return runbook.model_copy(update={"steps": tuple(steps.values())})


def _without(needs: tuple[str, ...], gone: str, instead: tuple[str, ...]) -> tuple[str, ...]:
    if gone not in needs:
        return needs
    kept = [need for need in needs if need != gone]
    return tuple(dict.fromkeys([*kept, *instead]))


def _insert(steps: dict[str, Step], step: Step, change: Amendment) -> None:
    """After what it waits for, else before what waits for it, else at the end."""
    before = change.step.before
    if before in steps:
        waiting = steps[before]
        needs = tuple(dict.fromkeys([*(waiting.needs or ()), step.id]))
        steps[before] = waiting.model_copy(update={"needs": needs})
    order = list(steps)
    if change.step.after in order:
        place = order.index(change.step.after) + 1
    elif before in order:
        place = order.index(before)
    else:
        place = len(order)
    rest = {id: steps.pop(id) for id in order[place:]}
    steps[step.id] = step
    steps.update(rest)


def _made(change: Amendment, words: Mapping[str, str]) -> Step:
    new = change.step
    fields: dict[str, Any] = {
        "id": new.id,
        "type": new.type,
        "title": words.get("title", "")[:120] or text("runbooks.erased_words").ja,
        "role": new.role,
        "needs": (new.after,) if new.after else (),
        "people": new.people,
        **_words(words),
    }
    if new.type == "wait":
        fields["waits_for"] = fields["title"]
    elif new.type == "approval":
        fields["approver"] = new.role
    elif new.type == "notify":
        fields["audience"] = new.role or "-"
    elif new.type == "runbook":
        fields["runbook"] = new.runbook
    return _STEP.validate_python({key: value for key, value in fields.items() if value is not None})


def _words(words: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {key: words[key] for key in ("safety", "expect") if words.get(key)}
    if words.get("how"):
        found["detail"] = tuple(line for line in words["how"].splitlines() if line.strip())
    return found


def _reworded(step: Step, change: Amendment, words: Mapping[str, str]) -> Step:
    """Other words or another role; what kind of step it is and who waits for it stay."""
    update = _words(words)
    if words.get("title"):
        update["title"] = words["title"][:120]
        update["en"] = None
        update["variants"] = None
    if change.step.role:
        update["role"] = change.step.role
    return step.model_copy(update=update)
