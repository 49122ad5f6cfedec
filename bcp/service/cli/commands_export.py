"""runbook export: the carry-out file, CACAO 2.0, plain JSON. What a format cannot carry is told."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from bcp.kit.clock import SystemClock
from bcp.kit.durable import unwritable, write_atomic
from bcp.kit.errors import UsageError
from bcp.kit.language import Text
from bcp.kit.units import JST
from bcp.plan.loader import unknown
from bcp.service import backup_report, uptime_report
from bcp.service.cli import out
from bcp.service.cli.commands_paper import registered, wanted
from bcp.service.cli.commands_plan import read_plan
from bcp.service.cli.commands_state import answer_of
from bcp.service.pages.carryout import carry_out_file
from bcp.service.plan import Plan
from runbooks.export_cacao import cacao
from runbooks.export_table import as_csv, as_xlsx
from runbooks.form import Runbook

Losses = list[tuple[str, str, Text]]
"""(runbook, step, what is lost)."""


def export_runbooks(args: argparse.Namespace) -> int:
    """Files into `--out`; losses to stderr and into the JSON."""
    plan = read_plan(args)
    if args.runbook and plan.book.get(args.runbook) is None:
        raise UsageError(unknown(args.runbook, [book.id for book in plan.book]))
    books = [book for book in plan.book if args.runbook in (None, book.id)]
    if not books:
        raise UsageError("手順書がありません / the plan has no runbook", where=str(args.plan))
    if args.contacts and args.format != "html":
        raise UsageError("--contacts は html だけ / only for html", got=args.format)
    if wanted(args) and (args.format != "html" or args.runbook):
        said = (
            "登録できるのは持ち出しファイル全体だけ / only the whole carry-out file is registered"
        )
        raise UsageError(said, got=args.runbook or args.format)
    made, losses = _made(args, plan, books)
    written = [_write(args.out, name, data) for name, data in made.items()]
    copy = registered(args, ["9", "runbooks"] if args.contacts else ["runbooks"])
    if args.json:
        lost = [{"runbook": b, "step": s, "ja": w.ja, "en": w.en} for b, s, w in losses]
        out.document({"files": written, "losses": lost, "copy": copy})
        return 0
    out.say(f"{one['file']}  sha256 {one['sha256'][:16]}…" for one in written)
    if copy:
        out.say([f"控えとして登録しました / registered as: {copy}"])
    elif args.contacts:
        out.warn(
            [
                "個人情報を含む控えです。台帳に登録してください (--issue-to --holder) / "
                "personal data: register this copy"
            ]
        )
    if losses:
        out.warn([f"書き出せなかったもの {len(losses)} 件 / lost in this format:"])
        out.warn(f"  {' '.join((b, s)).strip()}: {w.ja} / {w.en}" for b, s, w in losses)
    return 0


def _made(
    args: argparse.Namespace, plan: Plan, books: list[Runbook]
) -> tuple[dict[str, bytes], Losses]:
    if args.format == "html":
        today = SystemClock().utc().astimezone(JST).date()
        name = args.runbook or "mochidashi"
        page = carry_out_file(plan.city, plan.book, books, today, contacts=args.contacts)
        return {f"{name}.html": page}, []
    if args.format == "json":
        return {f"{book.id}.json": _json(_plain(plan, book)) for book in books}, []
    files: dict[str, bytes] = {}
    losses: Losses = []
    for book in books:
        playbook = cacao(book, plan.city)
        files[f"{book.id}.cacao.json"] = _json(playbook.document)
        losses += [(book.id, step, why) for step, why in playbook.losses]
    return files, losses


def _plain(plan: Plan, book: Runbook) -> dict[str, Any]:
    """The runbook as written; `RUNBOOK` of `runbooks.form` reads it back."""
    data = book.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for step, kept in zip(book.steps, data["steps"], strict=True):
        kept["type"] = step.type
    return {"digest": plan.book.digests[book.id], "runbook": data}


def chronology(args: argparse.Namespace) -> int:
    """The chronology as text, or as a file for a spreadsheet."""
    given = {"incident": args.incident, "drill": args.drill}
    told = {name: value for name, value in given.items() if value is not None}
    document = answer_of(args, "disaster.chronology", told)
    lines = document.pop("lines", [])
    if args.format == "text":
        out.document(document) if args.json else out.say(lines)
        return 0
    if args.out is None:
        raise UsageError("--out FILE が必要です / --out FILE is missing", got=args.format)
    table = [tuple(row) for row in document["rows"]]
    drill = document["drill"] is not None
    if args.format == "csv":
        data = as_csv(table, drill=drill)
    else:
        title = f"クロノロジー {document['incident']}"
        data = as_xlsx(table, title=title, drill=drill, made=SystemClock().utc())
    written = _write(args.out.parent, args.out.name, data)
    rows = len(table)
    if args.json:
        out.document({**written, "rows": rows})
    else:
        out.say([f"{written['file']}  {rows} 行 / rows  sha256 {written['sha256'][:16]}…"])
    return 0


def availability(args: argparse.Namespace) -> int:
    """The availability report as text, or as a file for a spreadsheet."""
    given = {name: getattr(args, name) for name in ("month", "year", "first", "last")}
    told = {name: value for name, value in given.items() if value is not None}
    document = answer_of(args, "report.availability", told)
    document.pop("lines", None)
    if args.format == "text":
        lines = uptime_report.in_words(uptime_report.from_data(document))
        out.document(document) if args.json else out.say(lines)
        return 0
    if args.out is None:
        raise UsageError("--out FILE が必要です / --out FILE is missing", got=args.format)
    report = uptime_report.from_data(document)
    made = {"csv": uptime_report.as_csv, "xlsx": uptime_report.as_xlsx}[args.format]
    written = _write(args.out.parent, args.out.name, made(report))
    out.document(written) if args.json else out.say([f"{written['file']}  {report.title}"])
    return 0


def backup_evidence(args: argparse.Namespace) -> int:
    """証拠報告書 as text, or as a workbook."""
    told = {"system": args.system} if args.system else {}
    document = answer_of(args, "report.backups", told)
    document.pop("lines", None)
    report = backup_report.from_data(document)
    if args.format == "text":
        out.document(document) if args.json else out.say(backup_report.in_words(report))
        return 0
    if args.out is None:
        raise UsageError("--out FILE が必要です / --out FILE is missing", got=args.format)
    written = _write(args.out.parent, args.out.name, backup_report.as_xlsx(report))
    out.document(written) if args.json else out.say([f"{written['file']}  {report.title}"])
    return 0


def _json(data: Any) -> bytes:
    return (json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode()


def _write(folder: Path, name: str, data: bytes) -> dict[str, str]:
    target = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(target, data, 0o600)
    except OSError as error:
        raise unwritable(target, error) from error
    return {"file": str(target), "sha256": hashlib.sha256(data).hexdigest()}
