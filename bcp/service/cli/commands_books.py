"""runbook lint, print and export: what the plan's runbooks are worth, and the same on paper."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
from collections.abc import Sequence

from bcp.kit.clock import SystemClock
from bcp.kit.durable import unwritable, write_atomic
from bcp.kit.errors import BcpError, UsageError
from bcp.kit.units import JST
from bcp.kit.workers import Workers
from bcp.plan.loader import unknown
from bcp.plan.marks import Fault
from bcp.service.cli import out
from bcp.service.cli.commands_paper import registered, wanted
from bcp.service.cli.commands_plan import read_plan
from bcp.service.cli.commands_state import answer_of
from bcp.service.linting import lint_whole
from bcp.service.operations.books import facts_from
from bcp.service.press import places
from runbooks.lint import RULES, Facts, meaning, rule_of
from runbooks.paper.forms import contacts, damage, first_card
from runbooks.paper.pdf import print_set
from runbooks.paper.sets import SETS, sheets_of
from runbooks.paper.sheet import Sheet
from runbooks.paper.sheets import Press, runbook


def lint_runbooks(args: argparse.Namespace) -> int:
    """Faults as `file:line:column: rule: what → what to do`; 1 with an error, 0 with warnings only."""
    if args.rules:
        return _rules(args)
    if args.plan is None:
        raise UsageError("PLAN_DIR が必要です / PLAN_DIR is missing", next_step="--help")
    plan = read_plan(args)
    if args.runbook and plan.book.get(args.runbook) is None:
        raise UsageError(unknown(args.runbook, [book.id for book in plan.book]))
    today = SystemClock().utc().astimezone(JST).date()
    found = lint_whole(plan, today, _facts(args))
    errors, warnings = list(found.errors), list(found.warnings)
    elsewhere = 0
    if args.runbook:
        tree = plan.book.trees[args.runbook]
        own = tree.mark(()).file
        errors = [fault for fault in errors if fault.mark.file == own]
        warnings = [fault for fault in warnings if fault.mark.file == own]
        elsewhere = len(found.errors) + len(found.warnings) - len(errors) - len(warnings)
    if args.json:
        document = {
            "faults": [fault_document(fault) for fault in errors],
            "warnings": [fault_document(fault) for fault in warnings],
            "not_checked": list(found.unchecked),
            "elsewhere": elsewhere,
        }
        out.document(document)
    else:
        out.say(fault_line(fault) for fault in (*errors, *warnings))
        out.say(summary(errors, warnings, found.unchecked))
        if elsewhere:
            out.say(
                [
                    f"ほかの手順書と計画に {elsewhere} 件あります(手順書を指定せずに実行) / "
                    f"{elsewhere} more elsewhere in the plan (run it without RUNBOOK)"
                ]
            )
    return 1 if errors else 0


def fault_line(fault: Fault) -> str:
    """`juki.yaml:12:5: E003: … → … (steps.3.probe.id)`."""
    return f"{fault.mark}: {fault.message} ({fault.path})"


def fault_document(fault: Fault) -> dict[str, str | int]:
    """One finding for programs."""
    rule = rule_of(fault)
    severity = "error" if rule.startswith("E") else "warning"
    return {**fault.as_dict(), "rule": rule, "severity": severity}


def summary(
    errors: Sequence[Fault], warnings: Sequence[Fault], unlooked: Sequence[str]
) -> list[str]:
    """What it comes to; what nobody looked at is said too."""
    lines = []
    if not errors and not warnings:
        lines.append("誤りはありません / no faults")
    else:
        said = f"誤り {len(errors)} 件、注意 {len(warnings)} 件"
        lines.append(f"{said} / {len(errors)} errors, {len(warnings)} warnings")
    if unlooked:
        names = " ".join(unlooked)
        lines.append(
            f"記録がないため確かめていない: {names} (--data DIR で確かめる) / "
            f"not checked for want of a log: {names} (--data DIR)"
        )
    return lines


def _rules(args: argparse.Namespace) -> int:
    rows = [(rule, meaning(rule)) for rule in RULES]
    if args.json:
        out.document({rule: {"ja": said.ja, "en": said.en} for rule, said in rows})
    else:
        out.say(f"{rule}  {said.ja} / {said.en}" for rule, said in rows)
    return 0


def _facts(args: argparse.Namespace) -> Facts | None:
    """What the log knows, where a data folder is named."""
    if args.data is None:
        return None
    try:
        return facts_from(answer_of(args, "runbook.facts", {}))
    except (KeyError, ValueError) as error:
        raise BcpError(
            "常駐プログラムの答えが読めません / cannot read the daemon's answer", got=str(error)
        ) from error


def print_runbooks(args: argparse.Namespace) -> int:
    """Sheets as A4 PDF: one file for what was named, one set of everything without a name."""
    plan = read_plan(args)
    today = SystemClock().utc().astimezone(JST).date()
    mark = "訓練" if args.drill else None
    press = Press(plan.city, plan.book, today, mark, copies=places(plan.backups))
    if wanted(args) and args.runbook:
        said = "登録できるのは一式だけ / only a set is registered"
        raise UsageError(said, got=args.runbook, next_step="--set")
    sheets = _sheets(press, args)
    name = args.runbook or "-".join(["disaster-set", *args.sets])
    out.progress(f"{len(sheets)} 枚組を作っています / setting {len(sheets)} sheets")
    data = asyncio.run(_typeset(sheets))
    target = args.out / f"{name}.pdf"
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        write_atomic(target, data, 0o600)
    except OSError as error:
        raise unwritable(target, error) from error
    digest = hashlib.sha256(data).hexdigest()
    copy = registered(args, list(args.sets), role=args.role, only_site=args.site)
    if args.json:
        names = [sheet.title for sheet in sheets]
        out.document({"file": str(target), "sha256": digest, "sheets": names, "copy": copy})
    else:
        out.say([f"{target}  sha256 {digest[:16]}…", *(f"  {sheet.title}" for sheet in sheets)])
        if copy:
            out.say([f"控えとして登録しました / registered as: {copy}"])
    return 0


def _sheets(press: Press, args: argparse.Namespace) -> tuple[Sheet, ...]:
    name: str | None = args.runbook
    forms = {"contacts": contacts, "damage": damage, "first-arrival": first_card}
    if name is None:
        return _chosen(press, args)
    if name in forms:
        return (forms[name](press),)
    book = press.book.get(name)
    if book is None:
        raise UsageError(unknown(name, [*forms, *(one.id for one in press.book)]))
    return (runbook(press, book),)


def _chosen(press: Press, args: argparse.Namespace) -> tuple[Sheet, ...]:
    """By form, role and site. Raises `UsageError` for a name the plan does not know."""
    for name in args.sets:
        if name not in SETS:
            raise UsageError(unknown(name, SETS), where="--set")
    if args.role is not None and press.city.role(args.role) is None:
        raise UsageError(unknown(args.role, [one.id for one in press.city.roles]), where="--role")
    if args.site is not None and press.city.site(args.site) is None:
        raise UsageError(unknown(args.site, [one.id for one in press.city.sites]), where="--site")
    if not 1 <= args.damage <= 100:
        raise UsageError("--damage", expected="1 … 100", got=str(args.damage))
    return sheets_of(press, args.sets, role=args.role, site=args.site, damage=args.damage)


async def _typeset(sheets: tuple[Sheet, ...]) -> bytes:
    workers = Workers()
    try:
        return await print_set(sheets, workers)
    finally:
        workers.close()
