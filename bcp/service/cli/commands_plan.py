"""check-config, schema, kinds: what needs a plan at the most, never a daemon."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from backups.ladder import derived_ids
from bcp.kit.clock import SystemClock
from bcp.kit.durable import unwritable, write_atomic
from bcp.kit.errors import Refused, UsageError
from bcp.kit.units import JST
from bcp.kit.workers import Workers
from bcp.plan.gaps import gaps
from bcp.plan.loader import parse_files, unknown, validate
from bcp.plan.marks import PlanInvalid
from bcp.service.cli import out
from bcp.service.plan import Plan, json_schema, load
from bcp.watch.check import Check, Env, HostAccess
from bcp.watch.runner import run_check
from bcp.watch.values import Observation, Status
from probes import kinds
from probes.engine.resolve import SystemResolver
from runbooks.lint import lint
from runbooks.paper.forms import contacts, damage, disaster_set, first_card
from runbooks.paper.pdf import print_set
from runbooks.paper.sheet import Sheet
from runbooks.paper.sheets import Press, runbook


def read_plan(args: argparse.Namespace) -> Plan:
    """The plan named on the command line, with every fault at once when it is wrong."""
    return load(args.plan, SystemClock().utc().astimezone(JST).date())


def check_config(args: argparse.Namespace) -> int:
    """Every fault as `file:line:column: path: message`; exit code 2 when there is one."""
    try:
        plan = read_plan(args)
    except PlanInvalid as error:
        if args.json:
            out.document({"ok": False, "faults": [fault.as_dict() for fault in error.faults]})
        else:
            out.complain(error, as_json=False)
        return error.exit_code
    found = gaps(plan.city, checked_systems(plan), backed_up_systems(plan)) if args.gaps else []
    if args.json:
        rows = [{"subject": g.subject, "key": g.key, "ja": g.ja, "en": g.en} for g in found]
        out.document({"ok": True, "digest": plan.digest, "counts": counts(plan), "gaps": rows})
        return 0
    numbers = "、".join(f"{name} {count}" for name, count in counts(plan).items())
    out.say([f"誤りはありません / no faults: {numbers}", f"digest {plan.digest}"])
    for check, why in plan.blocked.items():
        out.say([f"  実行しない検査 / will not run: {check}: {why.ja}"])
    out.say(f"  {number:3d}. {gap.ja} / {gap.en}" for number, gap in enumerate(found, 1))
    return 0


def counts(plan: Plan) -> dict[str, int]:
    """How many of each; also what `plan.accepted` records."""
    return {
        "services": len(plan.city.services),
        "systems": len(plan.city.systems),
        "checks": len(plan.checks),
        "backups": len(plan.backups),
        "runbooks": len(plan.book),
    }


def checked_systems(plan: Plan) -> frozenset[str]:
    """Systems that some check watches."""
    return frozenset(check.system for check in plan.checks if check.system)


def backed_up_systems(plan: Plan) -> frozenset[str]:
    """Systems with a backup set."""
    return frozenset(backup.system for backup in plan.backups if backup.system)


def schema(args: argparse.Namespace) -> int:
    """JSON Schema of a plan file."""
    out.document(json_schema())
    return 0


def show_kinds(args: argparse.Namespace) -> int:
    """Every kind of check: pillar, one line, its fields."""
    rows: list[dict[str, Any]] = []
    for name, model in kinds().items():
        fields = [field for field in model.model_fields if field not in Check.model_fields]
        rows.append(
            {
                "kind": name,
                "pillar": model.pillar.value,
                "ja": model.title.ja,
                "en": model.title.en,
                "fields": fields,
            }
        )
    if args.json:
        out.document(rows)
        return 0
    for row in rows:
        out.say([f"{row['kind']:<12} {row['pillar']:<15} {row['ja']} / {row['en']}"])
        out.say([f"{'':12} {', '.join(row['fields'])}"])
    return 0


def probe(args: argparse.Namespace) -> int:
    """One check now, without a daemon: of a plan, or of a kind with `key=value`."""
    check = _of_kind(args) if args.kind else _of_plan(args)
    seen = asyncio.run(_look(check, args))
    outcome = seen.outcome
    if args.json:
        out.document(
            {
                "check": check.id,
                "kind": check.kind,
                "status": outcome.status.value,
                "sentence": outcome.sentence.ja,
                "sentence_en": outcome.sentence.en,
                "duration_seconds": seen.duration,
                "facts": dict(outcome.facts),
                "findings": [
                    {"id": f.id, "subject": f.subject, "result": f.result.value}
                    for f in outcome.findings
                ],
                "evidence": list(outcome.evidence),
            }
        )
    else:
        out.say([f"{outcome.status.value}: {outcome.sentence.ja} / {outcome.sentence.en}"])
        out.say([f"  {seen.duration * 1000:.0f} ms"])
        out.say(f"  {name} = {value}" for name, value in outcome.facts.items())
        out.say(f"  [{f.result.value}] {f.title.ja}: {f.subject}" for f in outcome.findings)
        out.say(f"    {line}" for line in outcome.evidence)
    return {Status.OK: 0, Status.UNKNOWN: 3}.get(outcome.status, 1)


def _of_plan(args: argparse.Namespace) -> Check:
    if len(args.words) != 2:
        raise UsageError(
            "PLAN_DIR と CHECK_ID が必要です / PLAN_DIR and CHECK_ID are needed",
            next_step="ict-bcp probe PLAN_DIR CHECK_ID | ict-bcp probe --kind KIND key=value …",
        )
    args.plan = Path(args.words[0])
    plan = read_plan(args)
    found = {check.id: check for check in plan.checks}
    check = found.get(args.words[1])
    if check is None:
        raise UsageError(unknown(args.words[1], found))
    if check.id in plan.blocked:
        raise Refused(f"{check.id}: {plan.blocked[check.id]}")
    args.roots, args.ca = plan.city.node.host_roots, plan.city.node.ca_file
    return check


def _of_kind(args: argparse.Namespace) -> Check:
    """`key=value` pairs are read as the plan would read them."""
    model = kinds().get(args.kind)
    if model is None:
        raise UsageError(unknown(args.kind, kinds(), "kind"))
    lines = [f"id: probe/{args.kind}", f"kind: {args.kind}"]
    for word in args.words:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"key=value と書く / write key=value: {word}")
        lines.append(f"{key}: {value}")
    source = parse_files({"key=value": "\n".join(lines).encode()})
    check, faults = validate(TypeAdapter(model), source.tree)
    faults = [*source.faults, *faults]
    if check is None or faults:
        raise UsageError("\n".join(f"{fault.path}: {fault.message}" for fault in faults))
    return check


async def _look(check: Check, args: argparse.Namespace) -> Observation:
    workers = Workers()
    try:
        env = Env(
            clock=SystemClock(),
            workers=workers,
            resolve=SystemResolver(),
            host=HostAccess(tuple(Path(root) for root in getattr(args, "roots", ("/",)))),
            ca_file=Path(args.ca) if getattr(args, "ca", None) else None,
        )
        return await run_check(check, env, "console")
    finally:
        workers.close()


def lint_runbooks(args: argparse.Namespace) -> int:
    """Faults of the runbooks as `file:line:column`; exit code 1 when there is one."""
    plan = read_plan(args)
    if args.runbook and plan.book.get(args.runbook) is None:
        raise UsageError(unknown(args.runbook, [book.id for book in plan.book]))
    checks = [*(check.id for check in plan.checks), *derived_ids(plan.backups)]
    faults = lint(plan.book, plan.city, checks=checks, backups=[item.id for item in plan.backups])
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
