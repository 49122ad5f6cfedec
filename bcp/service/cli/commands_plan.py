"""check-config, schema, kinds: what needs a plan at the most, never a daemon."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

from bcp.kit.clock import SystemClock
from bcp.kit.units import JST
from bcp.plan.gaps import gaps
from bcp.plan.marks import PlanInvalid
from bcp.service.cli import out
from bcp.service.linting import lint_whole
from bcp.service.plan import Plan, json_schema, load
from bcp.watch.check import Check
from probes import kinds
from runbooks.lint import rule_of


def read_plan(args: argparse.Namespace) -> Plan:
    """The plan named on the command line, with every fault at once when it is wrong."""
    return load(args.plan, SystemClock().utc().astimezone(JST).date())


def check_config(args: argparse.Namespace) -> int:
    """Every fault as `file:line:column: path: message`, exit code 2; runbooks at fault, 1."""
    try:
        plan = read_plan(args)
    except PlanInvalid as error:
        if args.json:
            out.document({"ok": False, "faults": [fault.as_dict() for fault in error.faults]})
        else:
            out.complain(error, as_json=False)
        return error.exit_code
    found = gaps(plan.city, checked_systems(plan), backed_up_systems(plan)) if args.gaps else []
    linted = lint_whole(plan, SystemClock().utc().astimezone(JST).date())
    books = linted.errors
    if args.json:
        out.document(
            {
                "ok": True,
                "digest": plan.digest,
                "counts": counts(plan),
                "gaps": [
                    {"subject": g.subject, "key": g.key, "ja": g.ja, "en": g.en} for g in found
                ],
                "runbook_faults": [fault.as_dict() for fault in books],
                "runbook_warnings": [fault.as_dict() for fault in linted.warnings],
                "runbook_rules_not_checked": list(linted.unchecked),
                "will_not_run": {check: why.ja for check, why in plan.blocked.items()},
            }
        )
        return 1 if books else 0
    numbers = "、".join(f"{name} {count}" for name, count in counts(plan).items())
    out.say([f"誤りはありません / no faults: {numbers}", f"digest {plan.digest}"])
    for check, why in plan.blocked.items():
        out.say([f"  実行しない検査 / will not run: {check}: {why.ja}"])
    out.say(f"  {number:3d}. {gap.ja} / {gap.en}" for number, gap in enumerate(found, 1))
    if books:
        out.say([f"手順書の誤り {len(books)} 件 (計画は動かせます) / runbooks at fault:"])
        out.say(f"  {fault}" for fault in books)
    if linted.warnings:
        rules = Counter(rule_of(fault) for fault in linted.warnings)
        said = " ".join(f"{rule}×{count}" for rule, count in sorted(rules.items()))
        out.say([f"手順書の注意 / warnings: {said} — ict-bcp runbook lint {args.plan}"])
    return 1 if books else 0


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
