#!/usr/bin/env python3
"""Writes `config/ict-bcp.schema.json`, which editors read: `python scripts/make_schema.py`.

The same as `ict-bcp schema`; kept as a file so that the samples' first line finds it offline.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bcp.service.plan import json_schema

FILE = Path(__file__).resolve().parent.parent / "config" / "ict-bcp.schema.json"


def rendered() -> str:
    """The file's content."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(rendered(), encoding="utf-8")
