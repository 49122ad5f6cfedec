"""Commands that read or change state: asked of the daemon, else done here under the folder's lock."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bcp.journal.verify import verify_export
from bcp.kit.clock import SystemClock
from bcp.kit.errors import Unwritable, UsageError
from bcp.kit.units import JST, duration_ja, jst
from bcp.service import control
from bcp.service.app import open_house
from bcp.service.cli import event_words, out
from bcp.service.cli.parser_disaster import VERBS, dests
from bcp.service.cli.parser_steps import pair
from bcp.service.cli.remote import ask_daemon
from bcp.service.cli.typed import TYPED
from bcp.service.cli.watching import watched
from bcp.service.operations import OPERATIONS
from bcp.service.operations.operation import Answer, Caller, Operation, Verdict
from bcp.service.outbox import Item, read_lines
from bcp.service.plan import Plan, load, load_files
from bcp.service.stores import Places
from bcp.watch.history import read_board

_BY_NAME: Mapping[str, Operation[Any]] = {operation.name: operation for operation in OPERATIONS}
_NAMES = {
    "observe": "checks.observe",
    "acknowledge": "checks.acknowledge",
    **{
        f"check {verb}": f"checks.{verb}"
        for verb in ("pause", "resume", "temporary", "remove", "interim")
    },
    "backup restore-test": "backup.verify",
    "disaster stand-down": "disaster.standdown",
    **event_words.NAMES,
}
_BARE = "organization: {name: 未設定}\nnode: {zone: インターネット接続系}\n".encode()
"""For commands that need the data folder but no plan (`user`)."""
_VERDICTS = {"good": 0, "finding": 1, "unknown": 3}


def operate(args: argparse.Namespace) -> int:
    """An operation by its words; through the daemon when one runs."""
    words = _meant(event_words.words_of(args), args)
    operation = _BY_NAME[_NAMES.get(words, words.replace(" ", "."))]
    parameters = _parameters(words, args)
    document = asyncio.run(_ask(args, operation, parameters))
    lines = document.pop("lines", [])
    out.document(document) if args.json else out.say(lines)
    return _VERDICTS.get(str(document.get("verdict")), 3)


def answer_of(args: argparse.Namespace, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The document of an operation, for a command that makes something of it."""
    return asyncio.run(_ask(args, _BY_NAME[name], parameters))


def _meant(words: str, args: argparse.Namespace) -> str:
    """One word on the command line may read or act: the flags say which."""
    if words == "disaster handover" and not (args.to or args.act):
        return "disaster sheet"
    if words == "disaster situation" and args.issue:
        return "disaster issue"
    return words


def _absolute(path: Path) -> Path:
    """The name as typed, links kept: the daemon sees the same."""
    return Path(os.path.abspath(path))  # noqa: PTH100


async def _ask(
    args: argparse.Namespace, operation: Operation[Any], parameters: dict[str, Any]
) -> dict[str, Any]:
    data = _absolute(args.data)
    out.progress(f"{operation.summary.ja} / {operation.summary.en}")
    sent = {**parameters, "op": secrets.token_hex(12)} if operation.writes else parameters
    following = _BY_NAME["backup.progress"]

    async def look() -> tuple[str, ...]:
        document = await ask_daemon(data, following.path, {}, writes=False) or {}
        return tuple(document.get("lines", ()))

    asked = ask_daemon(data, operation.path, sent, writes=operation.writes)
    found = await watched(look, operation.name, asked)
    if found is not None:
        return found
    answer = await _here(args, operation, parameters)
    return {**answer.as_json(), "lines": list(answer.lines)}


async def _here(
    args: argparse.Namespace, operation: Operation[Any], parameters: dict[str, Any]
) -> Answer:
    """No daemon: open the folder ourselves, do it, close it."""
    out.quiet()
    plan = _plan_for(args)
    try:
        given = operation.parameters.model_validate(parameters)
    except ValidationError as error:
        raise UsageError(
            str(error.errors(include_url=False)[0]["msg"]), where=operation.name
        ) from error
    async with open_house(plan, args.data) as house:
        if operation.name.startswith("disaster."):  # what the daemon does every second
            for desk in house.desks.values():
                with contextlib.suppress(Unwritable):
                    await desk.look()
        caller = Caller(control.actor(os.geteuid()), secrets.token_hex(12))

        async def look() -> tuple[str, ...]:
            following = _BY_NAME["backup.progress"]
            asked = following.parameters.model_validate({})
            return (await following.run(house, caller, asked)).lines

        answer = await watched(look, operation.name, operation.run(house, caller, given))
        await house.history.flush()
        return answer


def _plan_for(args: argparse.Namespace) -> Plan:
    """The plan named; `user` and `log` name none: the one in force is in the data folder."""
    today = SystemClock().utc().astimezone(JST).date()
    path = getattr(args, "plan", None) or getattr(args, "place", None)
    if path is not None:
        return load(path, today)
    if not Places(args.data).real.exists():  # the log bears the city's name: the plan must make it
        raise UsageError(
            "データフォルダにまだ記録がありません / there is no log in the data folder yet",
            where=str(args.data),
            next_step="先に ict-bcp run PLAN_DIR を動かすか、--data を確かめる / "
            "run the daemon first, or check --data",
        )
    return load_files({"plan.yaml": _BARE}, today)


def _parameters(words: str, args: argparse.Namespace) -> dict[str, Any]:
    """What the operation wants, from what was typed."""
    given = vars(args)
    names = TYPED.get(words) or event_words.PARAMETERS.get(words, ())
    if words.startswith("disaster ") and (verb := words.partition(" ")[2]) in VERBS:
        names = dests(verb)
    found = {name: given[name] for name in names if given.get(name) is not None}
    for common in ("drill", "by", "incident"):
        if words.startswith(("disaster", "log")) and given.get(common):
            found[common] = given[common]
    return found | _special(words, args) | event_words.special(words, args)


def _special(words: str, args: argparse.Namespace) -> dict[str, Any]:
    match words:
        case "observe":
            return {"status": args.result, "name": args.by}
        case "check temporary":
            fields = [": ".join(pair(word)) for word in args.words]
            return {"name": args.check, "fields": fields}
        case "backup restore-test":
            return {"level": 4}
        case "backup restore":
            return {"target": str(_absolute(args.target))}
        case "backup attest":
            return {"file": str(_absolute(args.file))}
        case "backup restored":
            return {"folder": str(_absolute(args.folder))}
        case "backup escrow":
            found = {"materials": args.materials, "password_file": args.password_file}
            return {name: str(_absolute(path)) for name, path in found.items() if path}
        case "backup key":
            file = args.new_password_file
            return {"new_password_file": str(_absolute(file))} if file else {}
        case "backup accept" | "backup forget" | "backup tag":
            return {"snapshots": list(args.snapshot)}
        case "disaster scribe":
            return {"lines": _lines(args.file), "check": args.check, "mode": args.mode}
        case "disaster declare":
            many = {"systems": "system", "services": "service", "sites": "site", "links": "link"}
            found = {name: list(getattr(args, typed)) for name, typed in many.items()}
            return {**found, "tried": list(args.tried)}
        case "disaster outbox":
            return {"items": [item.model_dump() for item in _outbox(args.file)]}
        case "disaster run":
            return {"parameters": dict(pair(one) for one in args.set)}
        case "disaster photo":
            return {"file": str(_absolute(args.file))}
        case "disaster stand-down":
            return {"close_gates": list(args.close_gate), "waive": list(args.waive)}
        case "log export":
            return {"target": str(_absolute(args.out))}
        case "user add":
            lent = {f"{what}s": list(getattr(args, what)) for what in ("system", "site", "runbook")}
            until = {"until": args.until} if args.until else {}
            return {"roles": list(args.role), "password": _password(args), **lent, **until}
        case "user passwd":
            return {"password": _password(args)}
        case _:
            return {}


def _outbox(file: Path) -> tuple[Item, ...]:
    try:
        return read_lines(file.read_bytes())
    except OSError as error:
        raise UsageError(f"読めません / cannot read: {error}", where=str(file)) from error


def _lines(name: str) -> str:
    """A file of lines, or stdin."""
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"読めません / cannot read: {error}", where=name) from error


def _password(args: argparse.Namespace) -> str:
    """From a file, or typed twice on a terminal; never from the command line."""
    if args.password_file is not None:
        try:
            return str(args.password_file.read_text(encoding="utf-8")).strip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"読めません / cannot read: {error}") from error
    if not sys.stdin.isatty():
        raise UsageError(
            "合言葉が必要です / a passphrase is needed", next_step="--password-file FILE"
        )
    first = getpass.getpass("合言葉 / passphrase: ")
    if first != getpass.getpass("もう一度 / again: "):
        raise UsageError("二つが違います / the two differ")
    return first


# --- status without a daemon, verify of an export -----------------------------------------------


def status(args: argparse.Namespace) -> int:
    """The board; without a daemon the last known one, marked with its age and never good."""
    data = _absolute(args.data)
    operation = _BY_NAME["status"]
    document = asyncio.run(ask_daemon(data, operation.path, {}, writes=False))
    if document is None:
        return _last_known(args, data)
    lines = document.pop("lines", [])
    out.document(document) if args.json else out.say(lines)
    return _VERDICTS.get(str(document.get("verdict")), 3)


def _last_known(args: argparse.Namespace, data: Path) -> int:
    _plan_for(args)  # a wrong plan is said first
    board, now = read_board(Places(data).history), SystemClock().utc()
    age = duration_ja(now - board.seen) if board.seen else "?"
    rows = [
        {"check": one.check, "last_status": one.status.value, "sentence": one.sentence.ja}
        for one in board.checks
    ]
    if args.json:
        seen = board.seen.isoformat() if board.seen else None
        out.document({"daemon": False, "seen": seen, "checks": rows, "verdict": "unknown"})
        return Verdict.UNKNOWN.exit_code
    if board.seen is None:
        out.say(["常駐プログラムが動いておらず、前の結果もありません / no daemon, nothing known"])
        return Verdict.UNKNOWN.exit_code
    out.say(
        [
            "常駐プログラムが動いていません。今の状態は不明です / the daemon does not run: unknown",
            f"最後に分かったのは {jst(board.seen)} ({age}前) / last known:",
        ]
    )
    out.say(
        f"  ？ {row['check']}: そのとき {row['last_status']} — {row['sentence']}" for row in rows
    )
    return Verdict.UNKNOWN.exit_code


def log_verify(args: argparse.Namespace) -> int:
    """An export by itself (the independent verifier), else the log in the data folder."""
    if not (args.place / "checkpoint").is_file():
        return operate(args)
    report = verify_export(args.place, args.vkey or None)
    good = report.ok
    document = {
        "ok": good,
        "size": report.size,
        "root": report.root,
        "problems": [str(problem) for problem in report.problems],
        "warnings": list(report.warnings),
    }
    if args.json:
        out.document(document)
    else:
        mark = "● 改ざんなし / verified" if good else "■ 食い違いあり / NOT verified"
        out.say([f"{mark}: {report.size} entries, root {report.root}"])
        out.say([f"  ■ {problem}" for problem in report.problems])
        out.say([f"  ▲ {line}" for line in report.warnings])
    return 0 if good else 1
