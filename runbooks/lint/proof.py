"""W104 steps nobody proves, W106 procedures kept in the system they recover, W110 the one building."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from bcp.plan.marks import Fault, Path_
from bcp.plan.model import System
from runbooks.form import Runbook, Step
from runbooks.lint.ground import Ground, step_path

_BY_HAND = ("action", "command", "verify")
_WRITTEN_ELSEWHERE = re.compile(r"手順書|マニュアル|説明書|構成図|資料|参照|[Ww]iki|manual")
_SHARE = re.compile(r"\\\\(?P<host>[A-Za-z0-9_.-]+)\\")
_URL = re.compile(r"https?://[^\s」』)]+")
_SITE = re.compile(r"site\.(?P<site>[A-Za-z0-9_-]+)(?:\..+)?")


def w104(ground: Ground) -> list[Fault]:
    """No probe and nobody who looks. What a level hangs on is told each, the plain rest once."""
    faults = []
    for runbook in ground.book:
        plain = []
        for step in runbook.steps:
            if step.type not in _BY_HAND or step.probe is not None or step.verify_by is not None:
                continue
            if step.type == "verify" or step.attains is not None or step.gate == "verified":
                path = step_path(runbook, step)
                faults.append(ground.at("W104", runbook, path, "unproven", step=step.id))
            else:
                plain.append(step)
        if plain:
            path = step_path(runbook, plain[0])
            few = ", ".join(step.id for step in plain[:4]) + (" …" if len(plain) > 4 else "")
            faults.append(
                ground.at("W104", runbook, path, "only_ticks", count=len(plain), steps=few)
            )
    return faults


# --- W106 ---------------------------------------------------------------------------------------


def w106(ground: Ground) -> list[Fault]:
    """A text that points for the procedure to what is down when the procedure is needed."""
    hosts = {
        host: system for system in ground.city.systems for host in _hosts(system) if system.targets
    }
    faults = []
    for runbook in ground.book:
        if runbook.system is None:
            continue
        down = {runbook.system, *_standing_on(ground, runbook.system)}
        for step in runbook.steps:
            for path, host in _pointers(runbook, step):
                system = hosts.get(host)
                if system is not None and system.id in down:
                    faults.append(
                        ground.at("W106", runbook, path, "inside", step=step.id, system=system.name)
                    )
    return faults


def _hosts(system: System) -> set[str]:
    named = {system.host or "", urlsplit(system.url or "").hostname or ""}
    return {name.lower() for name in named if name}


def _standing_on(ground: Ground, system: str) -> set[str]:
    """Everything that cannot work while `system` is down."""
    found: set[str] = set()
    todo = [system]
    while todo:
        low = todo.pop()
        for other in ground.city.systems:
            needs = {need.system for need in other.depends_on if need.kind == "hard"}
            if low in needs and other.id not in found:
                found.add(other.id)
                todo.append(other.id)
    return found


def _pointers(runbook: Runbook, step: Step) -> Iterator[tuple[Path_, str]]:
    """(place, host) of every file or page that a step sends the reader to."""
    lines: list[tuple[Path_, str]] = [
        (step_path(runbook, step, "attachments", index), line)
        for index, line in enumerate(step.attachments)
    ]
    lines += [
        (step_path(runbook, step, "detail", index), line)
        for index, line in enumerate(step.detail)
        if _WRITTEN_ELSEWHERE.search(line)
    ]
    for path, line in lines:
        for match in _SHARE.finditer(line):
            yield path, match["host"].lower()
        for url in _URL.findall(line):
            yield path, (urlsplit(url).hostname or "").lower()


# --- W110 ---------------------------------------------------------------------------------------


def w110(ground: Ground) -> list[Fault]:
    """A step in the main building with no other way, a runbook that begins only there."""
    main = {site.id for site in ground.city.sites if site.kind == "headquarters"}
    faults = []
    for runbook in ground.book:
        for step in runbook.steps:
            if step.site in main and step.on_failure is None:
                path = step_path(runbook, step, "site")
                faults.append(
                    ground.at("W110", runbook, path, "only_here", step=step.id, site=step.site)
                )
        for index, line in enumerate(runbook.preconditions):
            match = _SITE.fullmatch(line.strip())
            if match and match["site"] in main and not _other_way(ground, runbook):
                path = ("preconditions", index)
                faults.append(ground.at("W110", runbook, path, "begins_here", site=match["site"]))
    return faults


def _other_way(ground: Ground, runbook: Runbook) -> bool:
    """Another runbook for the same system that does not ask for that building."""
    return runbook.system is not None and any(
        other.id != runbook.id
        and not any(_SITE.fullmatch(line.strip()) for line in other.preconditions)
        for other in ground.book.of_system(runbook.system)
    )
