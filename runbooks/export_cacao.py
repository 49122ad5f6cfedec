"""A runbook as an OASIS CACAO 2.0 playbook, and back from one of ours. Pure.

The mapping is that of `studies/runbooks.md` section 6. What CACAO cannot say is kept whole in one
extension (`EXTENSION`), from which `read` makes the runbook again, and told in `losses`: somebody who
runs the playbook elsewhere must know what is missing. People are never exported, roles are groups.
Ids are UUIDs of version 5 over organisation, runbook and step: the same runbook gives the same bytes.
CACAO allows `on_completion` or `on_success` with `on_failure`, never both: the first is written
unless the step has a way for failing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from bcp.kit.errors import UsageError
from bcp.kit.language import Text, text
from bcp.plan.model import City
from runbooks.export_flow import One, Sequence, Together, flow
from runbooks.form import RUNBOOK, CommandStep, DecisionStep, Runbook, RunbookStep, Step

_OURS = uuid5(NAMESPACE_URL, "urn:ict-bcp:cacao")
EXTENSION = f"extension-definition--{uuid5(_OURS, 'runbook/v1')}"
SCHEMA = "urn:ict-bcp:runbook:v1"
_ACTIVITIES = {"initial": "prepare", "alternate": "mitigation", "recover": "remediation"}
_MILLISECOND = timedelta(milliseconds=1)
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Playbook:
    """The document and what it could not carry, as (step or empty, sentence)."""

    document: Json
    losses: tuple[tuple[str, Text], ...]


def cacao(runbook: Runbook, city: City) -> Playbook:
    """The playbook of a runbook."""
    return _Writer(runbook, city).write()


class _Writer:
    def __init__(self, runbook: Runbook, city: City) -> None:
        self.runbook, self.city = runbook, city
        self.space = uuid5(_OURS, f"{city.organization.name}\n{runbook.id}")
        self.workflow: Json = {}
        self.groups: Json = {}
        self.variables: Json = {}
        self.losses: list[tuple[str, Text]] = []

    def write(self) -> Playbook:
        runbook = self.runbook
        made = flow(runbook)
        first = self._sequence(made.blocks, self._end("end"), "")
        start = self._put("start", "start", {"on_completion": first})
        for id in dict.fromkeys(id for id, _other in made.added):
            waits = "、".join(other for one, other in made.added if one == id)
            self._lose(id, "linearised", waits=waits)
        for id, other in made.unsaid:
            self._lose(id, "edge", other=other)
        reviewed = runbook.reviewed
        day = _instant(reviewed.date) if reviewed is not None else "2000-01-01T00:00:00.000Z"
        document: Json = {
            "type": "playbook",
            "spec_version": "cacao-2.0",
            "id": playbook_id(runbook.id, self.city),
            "name": runbook.title,
            "description": self._about(),
            "playbook_types": [_ACTIVITIES.get(runbook.purpose, "remediation")],
            "playbook_processing_summary": self._summary(),
            "created_by": f"identity--{uuid5(_OURS, self.city.organization.name)}",
            "created": day,
            "modified": day,
            "valid_from": day,
            "labels": ["ict-bcp", runbook.purpose, f"version-{runbook.version}"],
            "playbook_variables": self.variables,
            "workflow_start": start,
            "workflow": dict(sorted(self.workflow.items())),
            "agent_definitions": dict(sorted(self.groups.items())),
            "extension_definitions": {EXTENSION: self._extension()},
            "playbook_extensions": {EXTENSION: self._header()},
        }
        if reviewed is not None and reviewed.next is not None:
            document["valid_until"] = _instant(reviewed.next)
        if runbook.preconditions:
            self._lose("", "preconditions")
        found = {name: value for name, value in document.items() if value not in ({}, [])}
        return Playbook(found, tuple(dict.fromkeys(self.losses)))

    def _lose(self, step: str, key: str, **values: object) -> None:
        self.losses.append((step, text(f"lint.loss_{key}", **values)))

    def _id(self, kind: str, name: str) -> str:
        return f"{kind}--{uuid5(self.space, name)}"

    def _put(self, kind: str, name: str, body: Json) -> str:
        id = self._id(kind, name)
        self.workflow[id] = {"type": kind, **body}
        return id

    def _end(self, name: str) -> str:
        return self._put("end", name, {})

    # --- the flow -------------------------------------------------------------------------------

    def _sequence(self, blocks: Sequence, then: str, place: str) -> str:
        """Written from the last to the first, since each names the next; gives the first's id."""
        for index, block in reversed(list(enumerate(blocks))):
            here = f"{place}/{index}"
            if isinstance(block, Together):
                then = self._together(block, then, here)
            else:
                then = self._one(block, then, here)
        return then

    def _together(self, block: Together, then: str, place: str) -> str:
        heads = [
            self._sequence(branch, self._end(f"end{place}.{index}"), f"{place}.{index}")
            for index, branch in enumerate(block.branches)
        ]
        return self._put("parallel", place, {"next_steps": heads, "on_completion": then})

    def _one(self, block: One, then: str, place: str) -> str:
        step = block.step
        if isinstance(step, DecisionStep):
            then = self._switch(block, step, then, place)
        body = self._body(step)
        if block.failed:
            body["on_success"] = then
            body["on_failure"] = self._sequence(block.failed, then, f"{place}!")
        else:
            body["on_completion"] = then
        if isinstance(step, RunbookStep):
            body["playbook_id"] = playbook_id(step.runbook, self.city)
            return self._put("playbook-action", f"{place}:{step.id}", body)
        return self._put("action", f"{place}:{step.id}", self._act(step, body))

    def _switch(self, block: One, step: DecisionStep, then: str, place: str) -> str:
        cases = {}
        for option in step.options:
            end = self._end(f"end{place}?{option.id}")
            cases[option.id] = self._sequence(block.arms[option.id], end, f"{place}?{option.id}")
        chosen = next((option for option in step.options if option.default), None)
        if chosen is not None:
            cases["default"] = cases[chosen.id]
        body = {"name": step.question, "switch": f"{_variable(step)}:value", "cases": cases}
        return self._put("switch-condition", f"{place}?", {**body, "on_completion": then})

    # --- a step ---------------------------------------------------------------------------------

    def _body(self, step: Step) -> Json:
        kept = step.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        kept["type"] = step.type
        if step.contact is not None and self.city.person(step.contact) is not None:
            del kept["contact"]
            self._lose(step.id, "person")
        kept["position"] = [one.id for one in self.runbook.steps].index(step.id)
        body: Json = {
            "name": f"{step.id} {step.title}",
            "description": _description(step),
            "owner": self._group(self.runbook.role_of(step)),
            "step_extensions": {EXTENSION: kept},
        }
        if isinstance(step, CommandStep) and step.timeout is not None:
            body["timeout"] = step.timeout // _MILLISECOND
        if step.repeat is not None:
            self._lose(step.id, "repeat")
        if step.probe is not None or step.gate == "verified" or step.attains is not None:
            self._lose(step.id, "proof")
        if step.variants is not None:
            self._lose(step.id, "variants")
        return body

    def _act(self, step: Step, body: Json) -> Json:
        said = "\n".join((step.title, *step.detail, *step.type_in))
        if isinstance(step, CommandStep) and step.run is not None:
            self._lose(step.id, "automation")
        body["commands"] = [{"type": "manual", "command": said}]
        body["agent"] = self._group(self.runbook.role_of(step))
        if isinstance(step, DecisionStep):
            body["out_args"] = [_variable(step)]
            self.variables[_variable(step)] = {"type": "string", "description": step.question}
        return body

    def _group(self, name: str) -> str:
        role = next((one for one in self.city.roles if name in (one.id, one.name)), None)
        id = _named("group", self.city, name)
        self.groups[id] = {"type": "group", "name": role.name if role is not None else name}
        return id

    # --- the whole ------------------------------------------------------------------------------

    def _about(self) -> str:
        runbook = self.runbook
        lines = [runbook.summary or "", runbook.stop or "", *runbook.preconditions]
        return "\n".join(line for line in lines if line)

    def _summary(self) -> Json:
        kinds = {body["type"] for body in self.workflow.values()}
        return {
            "manual_playbook": True,
            "external_playbooks": "playbook-action" in kinds,
            "parallel_processing": "parallel" in kinds,
            "switch_logic": "switch-condition" in kinds,
            "extensions": True,
        }

    def _extension(self) -> Json:
        return {
            "type": "extension-definition",
            "name": "ict-bcp runbook",
            "description": "Durations, probes, recovery levels, evidence and the order of steps.",
            "created_by": f"identity--{_OURS}",
            "schema": SCHEMA,
            "version": "1.0.0",
        }

    def _header(self) -> Json:
        exclude = {"steps"}
        return self.runbook.model_dump(
            mode="json", by_alias=True, exclude_defaults=True, exclude=exclude
        )


def playbook_id(runbook: str, city: City) -> str:
    """`playbook--UUID`, the same for every edition of a runbook of this organisation."""
    return _named("playbook", city, runbook)


def _named(kind: str, city: City, name: str) -> str:
    said = "\n".join((city.organization.name, kind, name))
    return f"{kind}--{uuid5(_OURS, said)}"


def _variable(step: DecisionStep) -> str:
    letters = "".join(one if one.isalnum() and one.isascii() else "_" for one in step.id)
    return f"__{'s' if letters[0].isdigit() else ''}{letters}__"


def _description(step: Step) -> str:
    lines = [f"注意: {step.safety}" if step.safety else "", *step.detail, *step.type_in]
    lines.append(f"見えるもの: {step.expect}" if step.expect else "")
    return "\n".join(line for line in lines if line)


def _instant(day: date) -> str:
    return f"{day.isoformat()}T00:00:00.000Z"


def read(document: Mapping[str, Any]) -> Runbook:
    """The runbook of a playbook of ours (with `EXTENSION`). Raises UsageError for another one."""
    header = document.get("playbook_extensions", {}).get(EXTENSION)
    if document.get("spec_version") != "cacao-2.0" or header is None:
        raise UsageError(
            "ict-bcp が書き出した CACAO 2.0 ではありません / not a CACAO 2.0 playbook of ict-bcp",
            got=str(document.get("spec_version")),
            expected=f"cacao-2.0, {EXTENSION}",
        )
    steps: dict[int, Json] = {}
    for body in document["workflow"].values():
        kept = dict(body.get("step_extensions", {}).get(EXTENSION, {}))
        if kept:
            steps[int(kept.pop("position"))] = kept
    return RUNBOOK.validate_python({**header, "steps": [steps[place] for place in sorted(steps)]})
