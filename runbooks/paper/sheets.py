"""A printing (`Press`) and the sheet of a runbook. Pure; the day of printing is handed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bcp.kit.units import duration_ja
from bcp.plan.model import City
from runbooks.book import Book
from runbooks.form import ApprovalStep, CommandStep, DecisionStep, NotifyStep, Runbook, Step
from runbooks.form_parts import Hours
from runbooks.paper.sheet import (
    Block,
    Boxes,
    Checklist,
    Heading,
    Note,
    Sheet,
    StepLine,
    Steps,
    sealed,
)


@dataclass(frozen=True, slots=True)
class CopyPlace:
    """Where one copy of some data lies; no secret in it."""

    name: str
    location: str
    site: str | None
    medium: str
    how: str


@dataclass(frozen=True, slots=True)
class Press:
    """What every sheet of one printing carries."""

    city: City
    book: Book
    printed: date
    drill: str | None = None
    event: str | None = None
    hours: Hours = "any"
    copies: tuple[CopyPlace, ...] = ()
    """Where the copies lie: known to the room of backups, handed in by the roof."""

    def sheet(
        self,
        id: str,
        kind: str,
        title: str,
        form: str,
        blocks: tuple[Block, ...],
        edition: str | None = None,
        subtitle: str = "",
        large: bool = False,
        classification: str | None = None,
    ) -> Sheet:
        """A sealed sheet."""
        organization = self.city.organization
        return sealed(
            Sheet(
                id,
                kind,  # type: ignore[arg-type]
                title,
                form,
                organization.name,
                classification or organization.classification,
                edition or organization.edition,
                self.printed,
                blocks,
                self.drill,
                self.event,
                subtitle,
                large,
            )
        )


def runbook(press: Press, item: Runbook) -> Sheet:
    """One runbook with empty columns 実施時刻・氏名; step numbers as on the screen (R-86)."""
    head: list[Block] = []
    if item.summary:
        head.append(Note(item.summary))
    if item.stop:
        head.append(Note(f"ここで止めてよい: {item.stop}", "stop"))
    if item.preconditions:
        head += [Heading("始める前に"), Checklist(item.preconditions)]
    roles = [(short, _role(press, name)) for short, name in item.roles.items()]
    used = {item.role_of(step, press.hours) for step in item.steps}
    who = "・".join(dict.fromkeys(label for short, label in roles if item.roles[short] in used))
    steps = Steps(tuple(step_line(press, item, step) for step in item.steps if step.paper))
    count = len(steps.steps)
    body: tuple[Block, ...] = (
        *head,
        Boxes((("発災時刻", 2), ("始めた時刻", 2), ("指揮する人", 3), ("記録する人", 3))),
        steps,
        Note(f"ここまで {count} 件で終わり。終わった時刻と、できなかった番号を書く。", "plain"),
        Boxes((("終わった時刻", 2), ("できなかった番号", 3), ("次の人に伝えること", 5))),
    )
    subtitle = f"実施する人: {who}" if who else ""
    return press.sheet(
        item.id,
        "runbook",
        item.title,
        item.form or "",
        body,
        f"第{item.version}版" + ("(要確認)" if item.unconfirmed else ""),
        subtitle,
        classification=item.classification,
    )


def step_line(press: Press, item: Runbook, step: Step) -> StepLine:
    """A step as a row of paper, numbered as on the screen."""
    variant = step.variant(press.hours)
    marks: list[str] = [step.owner] if step.owner != "職員" else []
    marks += ["必須"] if step.mandatory else []
    marks += ["要確認"] if step.unconfirmed else []
    marks += ["読み合わせ"] if step.mode == "challenge-response" else []
    marks += [f"{step.people}人で"] if step.people > 1 else []
    if isinstance(step, CommandStep) and step.confirm is not None and step.confirm.second:
        marks.append("二人で確認")
    if isinstance(step, CommandStep) and step.reversible is False:
        marks.append("元に戻せない")
    question = step.question if isinstance(step, DecisionStep) else ""
    options = _options(press, item, step) if isinstance(step, DecisionStep) else ()
    detail = list(step.detail)
    if isinstance(step, ApprovalStep):
        detail.insert(0, f"承認する人: {_role(press, item.role(step.approver))}")
    if isinstance(step, NotifyStep):
        detail.insert(0, f"知らせる相手: {step.audience}")
        detail += [f"言うこと: 「{step.message}」"] if step.message else []
    contact = variant.contact or step.contact
    if contact is not None:
        detail.append(f"連絡先: {_role(press, item.role(contact))} (様式9)")
    place = variant.place or step.place
    if place:
        detail.insert(0, f"場所: {place}")
    if step.verify_by is not None:
        detail.append(f"別の人が目で確かめる: {_role(press, item.role(step.verify_by))}")
    return StepLine(
        step.id,
        variant.title or step.title,
        _role(press, item.role_of(step, press.hours)),
        _time(step),
        step.safety or "",
        tuple(detail),
        step.type_in,
        variant.expect or step.expect or "",
        question,
        options,
        f"{step.on_failure} へ" if step.on_failure else "",
        "・".join(marks),
        step.type == "milestone",
    )


def _options(press: Press, item: Runbook, step: DecisionStep) -> tuple[str, ...]:
    lines = []
    for option in step.options:
        line = option.label + (f" → {option.next} へ" if option.next else "")
        if option.approval:
            line += f" (承認: {_role(press, item.role(option.approval))})"
        lines.append(line)
    return tuple(lines)


def _time(step: Step) -> str:
    if step.duration is None:
        return ""
    longest = f"、長くて{duration_ja(step.duration.p90)}" if step.duration.p90 else ""
    return f"見込み {duration_ja(step.duration.p50)}{longest}"


def _role(press: Press, name: str) -> str:
    """A role, vendor or person as people call it; never a private number."""
    if name.startswith("vendor:"):
        system = press.city.system(name.removeprefix("vendor:"))
        vendor = system.vendor if system is not None else None
        return vendor.name if vendor is not None else "事業者"
    role = next((role for role in press.city.roles if name in (role.id, role.name)), None)
    if role is not None:
        return role.name
    person = press.city.person(name)
    return (person.title or person.name) if person is not None else name
