"""What a step does to the world: E009 automation without its safety, E010 a hole nobody closes."""

from __future__ import annotations

from bcp.plan.marks import Fault
from runbooks.form import CommandStep
from runbooks.lint.ground import Ground, step_path


def e009(ground: Ground) -> list[Fault]:
    """Automation (`run`) without time-out, confirmation or `reversible`; destruction by one alone.

    A command without `run` is typed by a person and judged by that person; it is not automation.
    """
    faults = []
    for runbook in ground.book:
        for step in runbook.steps:
            if not isinstance(step, CommandStep) or step.run is None:
                continue
            path = step_path(runbook, step, "run")
            lacks = [
                name for name in ("timeout", "confirm", "reversible") if getattr(step, name) is None
            ]
            if lacks:
                said = ", ".join(lacks)
                faults.append(ground.at("E009", runbook, path, "bare", step=step.id, lacks=said))
            alone = step.confirm is not None and step.confirm.second is None
            if step.reversible is False and alone:
                faults.append(ground.at("E009", runbook, path, "alone", step=step.id))
    return faults


def e010(ground: Ground) -> list[Fault]:
    """A change of security settings that does not say how it is taken back."""
    return [
        ground.at(
            "E010", runbook, step_path(runbook, step, "security_change"), "no_revert", step=step.id
        )
        for runbook in ground.book
        for step in runbook.steps
        if step.security_change is not None and not (step.revert or "").strip()
    ]
