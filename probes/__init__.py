"""What looks at the city's machines: availability and confidentiality checks.

Promise: one file = one kind of check. Its texts (日本語, English), fields and facts live in it;
adding a kind is adding a file, `kinds()` finds it. What enters this room keeps the safety rules:

- *read-only*: nothing is ever written to a target, not even to prove that it could be written;
- *budgeted*: one connection per run (and address) for availability, at most 15 in a row (never at once, with
  gaps) for confidentiality; bodies, files and folders are read up to a cap;
- *allow-listed*: only the host the plan names is contacted (a redirect to another host is not
  followed), only folders under `node.host_roots` are read;
- *no passwords are guessed*, credentials come from files the plan names, and nothing secret gets
  into an outcome;
- a target that is down is FAILED; when *we* could not look it is UNKNOWN and says why.

`probes.engine` is the connection engine both families share. No HTTP client library, no child
process outside `env.run_process`, no clock but `env.clock` may enter here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from bcp.watch.check import Check
from bcp.watch.registry import find_kinds


@cache
def kinds() -> Mapping[str, type[Check]]:
    """Every kind of this room by name. An import error in one of them stops the start, loudly."""
    from probes import availability, confidentiality

    return find_kinds([availability, confidentiality])
