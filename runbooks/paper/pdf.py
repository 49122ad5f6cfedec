"""Sets sheets as PDF with Typst (extra `pdf`): the same sheets give the same bytes.

Runs in a worker process (`print_set`). The data travels as JSON and is never pasted into markup;
a warning of the typesetter (an unknown font) is an error: a □ instead of a name helps nobody.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import segno

from bcp.kit.errors import BcpError
from bcp.kit.workers import Workers
from runbooks.paper.sheet import Sheet, as_data

FONT_PACKAGES = ("noto_cjk_sans_jp_regular", "noto_cjk_sans_jp_bold")
_MISSING = (
    "PDF を作る部品がありません。画面の印刷ページを使えます / the PDF extra is not installed; "
    "the print pages of the browser work without it"
)


class PaperFailed(BcpError):
    """The sheets could not be set."""


def qr_svg(payload: str) -> str:
    """A QR code as SVG text (segno), error correction M: survives a crease."""
    out = io.BytesIO()
    segno.make(payload, error="m", micro=False).save(out, kind="svg", border=1, xmldecl=False)
    return out.getvalue().decode("ascii")


def fonts() -> tuple[list[Path], str]:
    """Folders with the Japanese font and where it is from: its packages, else Debian's."""
    folders = []
    for name in FONT_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            folders.append(Path(spec.origin).parent)
    return (folders, "noto-cjk-sans-jp") if len(folders) == len(FONT_PACKAGES) else ([], "system")


async def print_set(sheets: Sequence[Sheet], workers: Workers) -> bytes:
    """The PDF of these sheets, one after the other. Raises PaperFailed."""
    return await workers.process(render, data_of(sheets))


def data_of(sheets: Sequence[Sheet]) -> str:
    """What the typesetter gets: plain JSON with the QR codes drawn."""
    documents = []
    for sheet in sheets:
        document = {**as_data(sheet), "qr": qr_svg(sheet.payload)}
        for block in document["blocks"]:
            for card in block.get("cards", ()):
                card["qr"] = qr_svg(card["qr"])
        documents.append(document)
    return json.dumps(documents, ensure_ascii=False)


def render(data: str) -> bytes:
    """Set the sheets; runs in a worker process. Raises PaperFailed."""
    if importlib.util.find_spec("typst") is None:
        raise PaperFailed(_MISSING, next_step="pip install 'ict-bcp[pdf]'")
    typst: Any = importlib.import_module("typst")
    folders, origin = fonts()
    template = (files("runbooks") / "paper" / "sheet.typ").read_bytes()
    try:
        pdf, warnings = typst.compile_with_warnings(
            template,
            font_paths=[str(folder) for folder in folders],
            ignore_system_fonts=bool(folders),
            format="pdf",
            sys_inputs={"sheets": data},
        )
    except typst.TypstError as error:
        raise PaperFailed(f"組版できません / cannot set: {error}"[:500], where="paper") from error
    if warnings:
        said = "; ".join(str(getattr(item, "message", item)) for item in warnings)[:500]
        raise PaperFailed(
            "組版の警告 / the typesetter warns",
            where="paper",
            got=f"{said} (fonts: {origin})",
            next_step="pip install 'ict-bcp[pdf]' または apt install fonts-noto-cjk",
        )
    return bytes(pdf)
