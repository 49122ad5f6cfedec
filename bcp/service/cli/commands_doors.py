"""break-glass issue: the codes come once, go on paper at once, and are shown nowhere."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from bcp.kit.clock import SystemClock
from bcp.kit.durable import unwritable, write_atomic
from bcp.kit.units import JST
from bcp.kit.workers import Workers
from bcp.plan.model import City, Node, Organization, Site
from bcp.plan.types import Zone
from bcp.service.cli import out
from bcp.service.cli.commands_state import answer_of
from runbooks.book import Book
from runbooks.paper.envelope import envelope
from runbooks.paper.pdf import PaperFailed, print_set
from runbooks.paper.sheet import Sheet, markdown
from runbooks.paper.sheets import Press


def issue(args: argparse.Namespace) -> int:
    """An envelope as A4 PDF, readable by its owner only; as text where nothing sets PDF."""
    folder = args.out
    try:  # before anything is issued: a code that cannot be printed is lost
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".ict-bcp-write-test"
        write_atomic(probe, b"", 0o600)
        probe.unlink()
    except OSError as error:
        raise unwritable(folder, error) from error
    parameters = {"site": args.site, "count": args.count, "keep": args.keep}
    document = answer_of(args, "break-glass.issue", parameters)
    cards = [(card["number"], card["code"], card["qr"]) for card in document["cards"]]
    today = SystemClock().utc().astimezone(JST).date()
    sheet = envelope(Press(_city(args, document), Book(), today), args.site, cards, args.address)
    data, ending, why = asyncio.run(_typeset(sheet))
    target = folder / f"{sheet.id}-{args.site}.{ending}"
    write_atomic(target, data, 0o600)
    numbers = [number for number, _code, _qr in cards]
    if args.json:
        out.document({"file": str(target), "site": args.site, "numbers": numbers})
        return 0
    out.say(
        [
            f"{target}  番号 {numbers[0]}–{numbers[-1]}",
            *([f"▲ {why}"] if why else []),
            "印刷し、封をして、このファイルを消す / print, seal, and delete this file",
            "渡した先を記録する / record who holds it: ict-bcp runbook copies issue",
        ]
    )
    return 0


def _city(args: argparse.Namespace, document: dict[str, Any]) -> City:
    """As much of the city as the sheet says."""
    site = Site(id=args.site, name=document["site_name"], kind="branch")
    name = Organization(name=document["organization"], edition=document["edition"])
    return City(organization=name, sites=(site,), node=Node(zone=Zone.INTERNET))


async def _typeset(sheet: Sheet) -> tuple[bytes, str, str]:
    workers = Workers()
    try:
        return await print_set((sheet,), workers), "pdf", ""
    except Exception as error:  # whatever it was: codes that reach no paper are lost for good
        why = error.what if isinstance(error, PaperFailed) else type(error).__name__
        return markdown(sheet).encode(), "txt", why
    finally:
        workers.close()
