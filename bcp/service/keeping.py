"""The accepted plan as it is kept for ever: one document in the evidence store, people taken out. Pure.

    {"format": 2, "plan": {…}, "runbooks": [[FILE, {…}], …]}

Canonical JSON of everything that was read, shipped runbooks included, split by `bcp.plan.personal`;
its SHA-256 is the plan's digest. The entry `plan.accepted` names it and carries the commitments of
the people's values; where they are too many for one entry, `plan.people` entries of the same
operation carry the rest. Reading back (`accepting.read_back`) joins them; plans kept before this form (whole
files, in the clear) are read as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bcp.kit.errors import BcpError
from bcp.plan import personal
from bcp.plan.loader import Source, parse_files
from bcp.plan.marks import Tree

FORMAT = 2


def split(data: Mapping[str, Any], runbooks: Mapping[str, Tree]) -> tuple[bytes, Mapping[str, str]]:
    """The bytes to keep, and the people's values by name."""
    document = {
        "format": FORMAT,
        "plan": data,
        "runbooks": [[tree.file, tree.data] for tree in runbooks.values()],
    }
    people = data.get("people") or ()
    found = personal.split(document, people)
    text = json.dumps(found.document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode(), found.values


def parse(kept: bytes, values: Mapping[str, str]) -> Source:
    """What was read then; erased texts read 消去済. Raises BcpError for a newer format."""
    document = json.loads(kept)
    if "format" not in document:  # before: whole files by name
        return parse_files({name: text.encode() for name, text in document.items()})
    if document["format"] != FORMAT:
        raise BcpError(
            "受け入れた計画の形式が違います / an accepted plan of another format",
            expected=str(FORMAT),
            got=str(document["format"]),
            next_step="新しい版の ict-bcp で開く / open it with a newer ict-bcp",
        )
    whole = personal.join(document, values)
    source = Source({}, Tree(whole["plan"], "plan"))
    source.runbooks = [Tree(data, file) for file, data in whole["runbooks"]]
    return source
