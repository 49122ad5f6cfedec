#!/usr/bin/env python3
"""Fill the generated tables of README.md and README.en.md.

`scripts/make_readme.py` rewrites the table of kinds; `--benchmarks` runs the benchmarks as well
(minutes) and rewrites their table; `--check` only says whether the kinds are up to date (exit 1).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bcp.kit.language import Lang  # noqa: E402
from bcp.watch.values import Pillar  # noqa: E402
from probes import kinds  # noqa: E402

READMES: dict[str, Lang] = {"README.md": "ja", "README.en.md": "en"}
_PILLARS = {
    Pillar.CONFIDENTIALITY: {"ja": "機密性", "en": "confidentiality"},
    Pillar.INTEGRITY: {"ja": "完全性", "en": "integrity"},
    Pillar.AVAILABILITY: {"ja": "可用性", "en": "availability"},
}


def kinds_table(lang: Lang) -> str:
    """Every kind of check, from the classes themselves."""
    head = "| 種類 | 柱 | すること |" if lang == "ja" else "| kind | pillar | does |"
    rows = [
        f"| `{name}` | {_PILLARS[kind.pillar][lang]} | {kind.title.pick(lang)} |"
        for name, kind in kinds().items()
    ]
    return "\n".join([head, "|---|---|---|", *rows])


def filled(text: str, mark: str, table: str) -> str:
    """The text with what stands between the marks replaced."""
    begin, end = f"<!-- {mark}:begin -->", f"<!-- {mark}:end -->"
    head, _, rest = text.partition(begin)
    _old, _, tail = rest.partition(end)
    return f"{head}{begin}\n{table}\n{end}{tail}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--benchmarks", action="store_true")
    args = parser.parse_args()
    table = ""
    if args.benchmarks:
        from benchmarks import frame

        table = frame.table(frame.run(frame.modules()))
    stale = False
    for name, lang in READMES.items():
        path = ROOT / name
        old = path.read_text(encoding="utf-8")
        new = filled(old, "kinds", kinds_table(lang))
        if table:
            new = filled(new, "benchmarks", table)
        stale = stale or new != old
        if not args.check:
            path.write_text(new, encoding="utf-8")
    return int(stale and args.check)


if __name__ == "__main__":
    sys.exit(main())
