"""probe: one check now, of a plan or of a kind, never a daemon."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from pydantic import TypeAdapter

from bcp.kit.clock import SystemClock
from bcp.kit.errors import Refused, UsageError
from bcp.kit.workers import Workers
from bcp.plan.loader import parse_files, unknown, validate
from bcp.service.cli import out
from bcp.service.cli.commands_plan import read_plan
from bcp.watch.check import Check, Env, HostAccess
from bcp.watch.runner import run_check
from bcp.watch.values import Observation, Status
from probes import kinds
from probes.engine.resolve import SystemResolver


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
    out.quiet()
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
