"""The buttons of a step page as commands, and the people that forms name."""

from __future__ import annotations

from datetime import timedelta

from bcp.kit.errors import UsageError
from bcp.kit.language import text
from bcp.service.holders import account_of
from bcp.service.pages.event import number, typed_time
from bcp.service.pages.visit import Visit
from runbooks import commands as c


def step_command(visit: Visit, step: str, doing: str) -> c.Command:
    """The form as a command. Raises `UsageError` for a button that does not exist."""
    on, at = visit.field("incident"), typed_time(visit)
    seen, reason = number(visit, "version"), visit.field("reason")
    match doing:
        case "start":
            return c.StartStep(incident=on, occurred_at=at, step=step, expected_version=seen)
        case "finish" | "again":
            return c.FinishStep(
                incident=on,
                occurred_at=at,
                step=step,
                expected_version=seen,
                note=visit.field("note"),
                snapshot_at=typed_time(visit, "snapshot") or typed_time(visit, "use_copy"),
                paper=at is not None,
                together=somebody(visit, "together"),
                alone=visit.field("alone"),
                answer=visit.field("answer"),
                again=doing == "again",
                approver=somebody(visit, "approved_by"),
            )
        case "fail":
            return c.FailStep(
                incident=on, occurred_at=at, step=step, expected_version=seen, reason=reason
            )
        case "skip":
            return c.SkipStep(
                incident=on,
                occurred_at=at,
                step=step,
                expected_version=seen,
                reason=reason,
                approved_by=somebody(visit, "approved_by"),
            )
        case "wait":
            return c.WaitStep(
                incident=on,
                occurred_at=at,
                step=step,
                expected_version=seen,
                until=typed_time(visit, "until") or visit.now + timedelta(hours=1),
                waits_for=reason,
            )
        case "reopen":
            return c.ReopenStep(
                incident=on, occurred_at=at, step=step, expected_version=seen, reason=reason
            )
        case "attest":
            return c.AttestStep(
                incident=on,
                occurred_at=at,
                step=step,
                expected_version=seen,
                note=reason,
                alone=visit.field("alone"),
            )
        case "decide":
            return c.TakeDecision(
                incident=on,
                occurred_at=at,
                step=step,
                expected_version=seen,
                option=visit.field("option"),
                rationale=reason,
                approved_by=somebody(visit, "approved_by"),
            )
        case "review":
            return c.ReviewStep(
                incident=on, occurred_at=at, step=step, expected_version=seen, note=reason
            )
        case _:
            return _hands(visit, step, doing) or _run(visit, step, doing)


def _hands(visit: Visit, step: str, doing: str) -> c.Command | None:
    """Who has it in hand."""
    on, at, seen = visit.field("incident"), typed_time(visit), number(visit, "version")
    match doing:
        case "assign":
            return c.AssignStep(
                incident=on,
                occurred_at=at,
                step=step,
                expected_version=seen,
                to=somebody(visit, "approved_by"),
            )
        case "release":
            return c.ReleaseStep(
                incident=on,
                occurred_at=at,
                step=step,
                expected_version=seen,
                note=visit.field("note"),
            )
        case "join":
            return c.JoinStep(incident=on, occurred_at=at, step=step, expected_version=seen)
        case "escalate":
            return c.EscalateStep(
                incident=on,
                occurred_at=at,
                step=step,
                to=visit.field("to"),
                rank=number(visit, "rank") or 0,
            )
        case "reached" | "unreached":
            return c.TryToReach(
                incident=on,
                occurred_at=at,
                step=step,
                person=visit.field("to"),
                reached=doing == "reached",
                note=visit.field("note"),
            )
        case _:
            return None


def _run(visit: Visit, step: str, doing: str) -> c.Command:
    """What a machine does."""
    on, run = visit.field("incident"), visit.field("run")
    match doing:
        case "run":
            given = {
                name.removeprefix("p_"): visit.field(name)
                for name in visit.form
                if name.startswith("p_")
            }
            return c.RequestRun(
                incident=on,
                step=step,
                parameters=given,
                retype=visit.field("retype"),
                alone=visit.field("alone"),
                expected_version=number(visit, "version"),
            )
        case "run_confirm":
            return c.ConfirmRun(incident=on, run=run)
        case "run_withdraw":
            return c.WithdrawRun(incident=on, run=run, reason=visit.field("reason"))
        case "run_countersign":
            return c.CountersignRun(incident=on, run=run, note=visit.field("reason"))
        case _:
            raise UsageError(text("pages.bad_act").pick(visit.lang), got=doing)


def somebody(visit: Visit, name: str) -> str | None:
    """The pseudonym behind the login name (or id of the plan) in a field; None when left empty.

    A person of the plan without an account here keeps the id of the plan.
    """
    given = visit.field(name)
    if not given:
        return None
    for account in visit.house.accounts.everybody():
        if account.login == given.lower() and not account.disabled:
            return account.id
    if visit.house.city.person(given) is not None:
        return account_of(visit.house.city, visit.house.accounts, given) or given
    raise UsageError(text("pages.no_such_person").pick(visit.lang), got=given)


def approver(visit: Visit) -> str | None:
    """The pseudonym behind the login name of who consented; None when nobody is named."""
    return somebody(visit, "approved_by")
