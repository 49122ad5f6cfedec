"""runbook lint and print: what the plan's runbooks are worth, and the same on paper."""

from __future__ import annotations

import argparse
import asyncio
import hashlib

from bcp.kit.clock import SystemClock
from bcp.kit.durable import unwritable, write_atomic
from bcp.kit.errors import UsageError
from bcp.kit.units import JST
from bcp.kit.workers import Workers
from bcp.plan.loader import unknown
from bcp.service.cli import out
from bcp.service.cli.commands_plan import read_plan
from bcp.service.linting import lint_plan
from runbooks.paper.forms import contacts, damage, disaster_set, first_card
from runbooks.paper.pdf import print_set
from runbooks.paper.sheet import Sheet
from runbooks.paper.sheets import Press, runbook


def lint_runbooks(args: argparse.Namespace) -> int:
    """Faults of the runbooks as `file:line:column`; exit code 1 when there is one."""
    plan = read_plan(args)
    if args.runbook and plan.book.get(args.runbook) is None:
        raise UsageError(unknown(args.runbook, [book.id for book in plan.book]))
    faults = lint_plan(plan)
    if args.runbook:
        tree = plan.book.trees[args.runbook]
        faults = [fault for fault in faults if fault.mark.file == tree.mark(()).file]
    if args.json:
        out.document({"faults": [fault.as_dict() for fault in faults]})
    else:
        out.say([str(fault) for fault in faults] or ["誤りはありません / no faults"])
    return 1 if faults else 0


def print_runbooks(args: argparse.Namespace) -> int:
    """Sheets as A4 PDF: one file for what was named, one set of everything without a name."""
    plan = read_plan(args)
    today = SystemClock().utc().astimezone(JST).date()
    press = Press(plan.city, plan.book, today, drill="訓練" if args.drill else None)
    sheets = _sheets(press, args.runbook)
    name = args.runbook or "disaster-set"
    out.progress(f"{len(sheets)} 枚組を作っています / setting {len(sheets)} sheets")
    data = asyncio.run(_typeset(sheets))
    target = args.out / f"{name}.pdf"
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        write_atomic(target, data, 0o600)
    except OSError as error:
        raise unwritable(target, error) from error
    digest = hashlib.sha256(data).hexdigest()
    if args.json:
        names = [sheet.title for sheet in sheets]
        out.document({"file": str(target), "sha256": digest, "sheets": names})
    else:
        out.say([f"{target}  sha256 {digest[:16]}…", *(f"  {sheet.title}" for sheet in sheets)])
    return 0


def _sheets(press: Press, name: str | None) -> tuple[Sheet, ...]:
    forms = {"contacts": contacts, "damage": damage, "first-arrival": first_card}
    if name is None:
        return disaster_set(press)
    if name in forms:
        return (forms[name](press),)
    book = press.book.get(name)
    if book is None:
        raise UsageError(unknown(name, [*forms, *(one.id for one in press.book)]))
    return (runbook(press, book),)


async def _typeset(sheets: tuple[Sheet, ...]) -> bytes:
    workers = Workers()
    try:
        return await print_set(sheets, workers)
    finally:
        workers.close()
