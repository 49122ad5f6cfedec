"""`backup names`: beside the storage, with neither plan nor password; or by the plan."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from backups import objectcheck
from backups.objects import from_bytes
from bcp.kit.clock import SystemClock
from bcp.kit.errors import UsageError
from bcp.kit.units import duration_ja, size
from bcp.kit.workers import Workers
from bcp.service.cli import out
from bcp.service.cli.commands_state import operate
from bcp.service.cli.parser import DATA_DEFAULT


def names(args: argparse.Namespace) -> int:
    """A repository's own folder is checked here; with a set it is the daemon's work."""
    if args.set is not None:
        args.plan, args.data = args.place, args.data or Path(DATA_DEFAULT)
        return operate(args)
    if not (args.place / "data").is_dir():
        raise UsageError(
            "リポジトリのフォルダではありません / not the folder of a repository",
            where=str(args.place),
            expected="data/, index/, snapshots/, keys/, config",
            next_step="計画で行うなら SET も書く / with a plan, name the SET too",
        )
    report = asyncio.run(_check(args))
    word = "good" if report.good else "finding" if report.faults else "unknown"
    if args.json:
        out.document(_document(args.place, report, word))
    else:
        out.say(_lines(report))
    return {"good": 0, "finding": 1, "unknown": 3}[word]


async def _check(args: argparse.Namespace) -> objectcheck.Report:
    workers, clock = Workers(threads=2), SystemClock()
    started, told = clock.monotonic(), [0.0]

    def on_bytes(done: int, total: int) -> None:
        now = clock.monotonic()
        if now - told[0] < 1 or not sys.stderr.isatty():
            return
        told[0] = now
        left = (now - started) * (total - done) / done if done else 0
        rest = duration_ja(timedelta(seconds=round(left)))
        out.progress(f"{100 * done // max(1, total)} % {size(done)} / {size(total)} 残り {rest}")

    objects = None
    if args.record is not None:
        try:
            objects = from_bytes(args.record.read_bytes())
        except (OSError, ValueError) as error:
            raise UsageError("読めません / cannot read", where=str(args.record)) from error
    try:
        return await objectcheck.check(
            args.place,
            workers=workers,
            clock=clock,
            record=objectcheck.Record(objects, args.config_digest),
            state=args.state,
            limit=args.limit * 1024 if args.limit else None,
            on_bytes=on_bytes,
        )
    finally:
        workers.close()


def _document(place: Path, report: objectcheck.Report, word: str) -> dict[str, object]:
    return {
        "folder": str(place),
        "verdict": word,
        "objects": report.checked,
        "bytes": report.size,
        "resumed": report.resumed,
        "faults": [{"kind": one.kind, "name": one.name} for one in report.faults],
        "counts": dict(report.counts),
        "denied": report.denied,
        "leftover": report.leftover,
        "config": report.config,
        "compared_with_record": report.compared,
        "seconds": round(report.seconds, 3),
    }


def _lines(report: objectcheck.Report) -> list[str]:
    words = {
        "changed": "中身が名前と違う / bytes are not what the name says",
        "missing": "記録にあるのにない / on record and gone",
        "unreadable": "媒体が読めない / the medium gives an error",
        "junk": "restic が置かないもの / nothing restic would put there",
        "config": "config がないか記録と違う / config missing or not the recorded one",
    }
    lines = [f"■ {one.name}: {words[one.kind]}" for one in report.faults]
    if report.denied:
        lines.append(f"？ 権限がなく読めない部品 {report.denied} / objects this user may not read")
    mark = "● 良" if report.good else "■ 不良" if report.faults else "？ 分からない"
    lines.append(
        f"{mark}: {report.checked} objects, {size(report.size)}, {report.seconds:.1f} s"
        f"{f' (再開 {report.resumed})' if report.resumed else ''}, config {report.config or '-'}"
    )
    if not report.compared:
        lines.append("  消えた部品は記録がないと分かりません (--record) / no record: losses unseen")
    return lines
