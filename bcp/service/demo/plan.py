"""Writes the practice city's plan: the YAML of `plan_files/` with its addresses and paths filled in."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from string import Template

from bcp.kit.durable import write_atomic
from bcp.service.demo import data
from bcp.service.demo.folders import Folders
from bcp.service.demo.town import BRANCH, DATA_CENTRE, HEAD_OFFICE, PORTAL

_FILES = Path(__file__).parent / "plan_files"
_PING = "7-ping.yaml"
"""Left out where the kernel refuses it: a check that can never tell would hide what can be told."""


def _values(
    folders: Folders, ports: Mapping[str, int], port: int, made_on: date
) -> dict[str, str | int]:
    paths = {
        "host": folders.host,
        "key": folders.sealing_key,
        "secrets": folders.password.parent,
        "dumps": folders.dump.parent,
        "register": folders.register,
        "register_file": folders.register_file,
        "repository": folders.repository,
        "restored": folders.restored,
        "password": folders.password,
        "webhook_url": folders.webhook_url,
        "metrics_token": folders.metrics_token,
        "second_place": folders.second_place,
        "ca_file": folders.certificates / "ca.pem",
    }
    return {
        # JSON strings are YAML strings: a path with a space or a colon stays one word.
        **{name: json.dumps(str(path), ensure_ascii=False) for name, path in paths.items()},
        **{f"{name}_port": number for name, number in ports.items()},
        "head_office": HEAD_OFFICE,
        "branch": BRANCH,
        "data_centre": DATA_CENTRE,
        "portal": PORTAL,
        "marker": data.MARKER,
        "port": port,
        "made_on": made_on.isoformat(),
        "review_by": (made_on + timedelta(days=365)).isoformat(),
        "permitted_until": (made_on + timedelta(days=365)).isoformat(),
        "expired": (made_on - timedelta(days=30)).isoformat(),
    }


def render(
    folders: Folders, ports: Mapping[str, int], port: int, made_on: date
) -> dict[str, bytes]:
    """The plan's files by name. `port` is where the pages listen."""
    values = _values(folders, ports, port, made_on)
    return {
        path.name: Template(path.read_text(encoding="utf-8")).substitute(values).encode()
        for path in sorted(_FILES.glob("*.yaml"))
        if path.name != _PING or _may_ping()
    }


def _may_ping() -> bool:
    """Whether this machine lets an ordinary process send an echo request."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
    except OSError:
        return False
    return True


def write(folders: Folders, ports: Mapping[str, int], port: int, made_on: date) -> None:
    """Put the plan into `DATA/practice/plan`; what is equal already stays untouched. Blocking."""
    folders.plan.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = render(folders, ports, port, made_on)
    for old in folders.plan.glob("*.yaml"):
        if old.name not in files:
            old.unlink()
    for name, content in files.items():
        path = folders.plan / name
        if not path.exists() or path.read_bytes() != content:
            write_atomic(path, content, 0o644)
    url = f"http://{HEAD_OFFICE}:{ports['webhook']}/alert\n".encode()
    if not folders.webhook_url.exists() or folders.webhook_url.read_bytes() != url:
        folders.webhook_url.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(folders.webhook_url, url)
