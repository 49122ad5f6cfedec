"""The house keeps its walls: who may import whom, and what has one place only.

Read from the source by AST, nothing is imported. A rule about a folder that does not exist yet
holds trivially. An exception is a line in an allow list below, with its reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch, translate
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("bcp", "probes", "backups", "runbooks")
MAX_LINES = 330

# --- the rooms -------------------------------------------------------------------------------

FLOORS = ("bcp.kit", "bcp.journal", "bcp.plan", "bcp.watch")
WINGS = ("probes", "backups", "runbooks", "bcp.nodes")
ROOF = "bcp.service"

MAY_IMPORT: dict[str, frozenset[str]] = {
    **{floor: frozenset(FLOORS[: height + 1]) for height, floor in enumerate(FLOORS)},
    **{wing: frozenset((*FLOORS, wing)) for wing in WINGS},
    ROOF: frozenset((*FLOORS, *WINGS, ROOF)),
}

# --- what has one place ----------------------------------------------------------------------
# rule: (forbidden names, files where they are allowed). A name ends in "*" for all that begin so.

ONE_PLACE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "child processes": (
        (
            "subprocess",
            "pty",
            "asyncio.create_subprocess*",
            "asyncio.subprocess.create_subprocess*",
            "*.subprocess_exec",
            "*.subprocess_shell",
            "os.fork*",
            "os.exec*",
            "os.spawn*",
            "os.posix_spawn*",
            "os.system",
            "os.popen",
        ),
        ("bcp/kit/process.py",),
    ),
    "workers": (
        (
            "multiprocessing",
            "concurrent.futures.ProcessPoolExecutor",
            "concurrent.futures.ThreadPoolExecutor",
            "concurrent.futures.process",
            "concurrent.futures.thread",
            "asyncio.to_thread",
            "*.run_in_executor",
            "threading.Thread",
            "threading.Timer",
            "_thread",
        ),
        (
            "bcp/kit/workers.py",
            "bcp/journal/store.py",  # the log's single writer thread
            "bcp/journal/writer.py",
            "bcp/watch/history.py",  # the history's single writer thread
        ),
    ),
    "the clock": (
        (
            "time.time",
            "time.time_ns",
            "time.monotonic",
            "time.monotonic_ns",
            "time.perf_counter",
            "time.perf_counter_ns",
            "time.clock_gettime*",
            "time.sleep",
            "time.localtime",
            "time.gmtime",
            "datetime.datetime.now",
            "datetime.datetime.utcnow",
            "datetime.datetime.today",
            "datetime.date.today",
        ),
        ("bcp/kit/clock.py",),
    ),
    "printing and exit": (
        (
            "print",
            "input",
            "exit",
            "quit",
            "sys.exit",
            "sys.stdout",
            "sys.stderr",
            "sys.__stdout__",
            "sys.__stderr__",
            "os._exit",
        ),
        ("bcp/service/cli*.py", "bcp/service/cli/*"),
    ),
    "templates": (
        ("jinja2",),
        ("bcp/service/pages*.py", "bcp/service/pages/*"),
    ),
    "SQL": (
        ("sqlite3",),
        (
            "bcp/journal/store.py",
            "bcp/journal/values.py",
            "bcp/journal/projections.py",
            "bcp/journal/chronology.py",
            "bcp/watch/history.py",
            "bcp/service/access/store.py",
        ),
    ),
    "bare tasks (a TaskGroup is the rule)": (
        (
            "asyncio.create_task",
            "asyncio.ensure_future",
            "*loop.create_task",
            "*get_running_loop().create_task",
            "*get_event_loop().create_task",
        ),
        (),
    ),
}

# --- reading the source ------------------------------------------------------------------------


@cache
def _sources(folder: str) -> tuple[Path, ...]:
    return tuple(sorted((ROOT / folder).rglob("*.py")))


def _packages() -> Iterator[Path]:
    for package in PACKAGES:
        yield from _sources(package)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _module(path: Path) -> str:
    return (
        path.relative_to(ROOT)
        .with_suffix("")
        .as_posix()
        .replace("/", ".")
        .removesuffix(".__init__")
    )


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _bindings(tree: ast.Module, path: Path | None = None) -> Iterator[tuple[int, str, str, str]]:
    """Line, full dotted name, local name and what the local name stands for, of every import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                head = alias.name.partition(".")[0]
                if alias.asname is None:
                    yield node.lineno, alias.name, head, head
                else:
                    yield node.lineno, alias.name, alias.asname, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level and path is not None:
                parts = _module(path).split(".")
                keep = len(parts) - node.level + (path.name == "__init__.py")
                base = ".".join((*parts[:keep], *filter(None, [node.module])))
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield node.lineno, full, alias.asname or alias.name, full


def _imports(tree: ast.Module, path: Path | None = None) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of every import."""
    for line, full, _, _ in _bindings(tree, path):
        yield line, full


def _dotted(node: ast.expr) -> str | None:
    """`a.b.c` of an expression; a call in the middle is written `a.b()`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return f"{inner or '?'}.{node.attr}"
    if isinstance(node, ast.Call):
        inner = _dotted(node.func)
        return f"{inner or '?'}()"
    return None


def _uses(tree: ast.Module, path: Path | None = None) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported and of every name and attribute used."""
    bound: dict[str, str] = {}
    for line, full, local, target in _bindings(tree, path):
        bound[local] = target
        yield line, full
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) or (
            isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        ):
            dotted = _dotted(node)
            if dotted is None:
                continue
            head, dot, rest = dotted.partition(".")
            call = head.removesuffix("()")
            yield node.lineno, bound.get(call, call) + head[len(call) :] + dot + rest


@cache
def _imported(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple(_imports(_tree(path), path))


@cache
def _used(path: Path) -> tuple[tuple[int, str], ...]:
    """Each file is walked once, not once for each rule."""
    return tuple(_uses(_tree(path), path))


@cache
def _pattern(forbidden: tuple[str, ...]) -> re.Pattern[str]:
    """A name itself and, without a star, all below it."""
    return re.compile(
        "|".join(translate(p) if "*" in p else rf"{re.escape(p)}(\..*)?\Z" for p in forbidden)
    )


def _breaches(uses: Iterable[tuple[int, str]], forbidden: tuple[str, ...]) -> set[int]:
    found = _pattern(forbidden).match
    return {line for line, name in uses if found(name)}


def _room(module: str) -> str | None:
    """The room a module of ours lives in; `bcp` and `bcp.__main__` are in none."""
    head, _, rest = module.partition(".")
    if head not in PACKAGES:
        return None
    if head != "bcp":
        return head
    second = rest.partition(".")[0]
    return f"bcp.{second}" if second else "bcp"


def _wrong_imports(imports: Iterable[tuple[int, str]], module: str) -> list[str]:
    room = _room(module)
    if room is None or room not in MAY_IMPORT:
        return []
    wrong = []
    for line, full in imports:
        other = _room(full)
        if other in MAY_IMPORT and other not in MAY_IMPORT[room]:
            wrong.append(f"{line}: {room} must not import {full}")
    return wrong


# --- the rules ---------------------------------------------------------------------------------


def test_imports_go_one_way() -> None:
    wrong = [
        f"{_name(path)}:{fault}"
        for path in _packages()
        for fault in _wrong_imports(_imported(path), _module(path))
    ]
    assert not wrong, "\n".join(wrong)


def test_every_room_of_bcp_has_its_floor() -> None:
    rooms = {
        f"bcp.{path.name}"
        for path in (ROOT / "bcp").glob("*/")
        if path.is_dir() and any(path.rglob("*.py"))
    }
    assert rooms <= set(MAY_IMPORT), f"not in MAY_IMPORT: {sorted(rooms - set(MAY_IMPORT))}"


def test_nobody_but_main_and_the_tests_imports_the_service() -> None:
    wrong = [
        f"{_name(path)}:{line}: imports {full}"
        for path in _packages()
        if _name(path) != "bcp/__main__.py" and _room(_module(path)) != ROOF
        for line, full in _imported(path)
        if _room(full) == ROOF
    ]
    assert not wrong, "\n".join(wrong)


def test_no_package_imports_the_tests_or_the_benchmarks() -> None:
    wrong = [
        f"{_name(path)}:{line}: imports {full}"
        for path in _packages()
        for line, full in _imported(path)
        if full.partition(".")[0] in {"tests", "benchmarks"}
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("rule", ONE_PLACE)
def test_each_of_these_has_one_place_only(rule: str) -> None:
    forbidden, allowed = ONE_PLACE[rule]
    wrong = [
        f"{_name(path)}:{line}: {rule} only in {', '.join(allowed) or 'no file'}"
        for path in _packages()
        if not any(fnmatch(_name(path), pattern) for pattern in allowed)
        for line in sorted(_breaches(_used(path), forbidden))
    ]
    assert not wrong, "\n".join(wrong)


def test_tests_use_fakes_and_never_mocks() -> None:
    forbidden = ("unittest.mock", "mock", "pytest_mock")
    wrong = [
        f"{_name(path)}:{line}: write a fake"
        for path in _sources("tests")
        for line, full in _imported(path)
        if _pattern(forbidden).match(full)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_file_is_too_long_to_hold_one_idea() -> None:
    long = {
        _name(path): count
        for path in _packages()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert not long, f"over {MAX_LINES} lines, look for the second idea: {long}"


def test_every_room_says_what_it_promises() -> None:
    folders = {path.parent for path in _packages()}
    missing = [f"{_name(f)}: no __init__.py" for f in folders if not (f / "__init__.py").exists()]
    silent = [
        f"{_name(f)}/__init__.py: no docstring"
        for f in folders
        if (f / "__init__.py").exists() and not (ast.get_docstring(_tree(f / "__init__.py")) or "")
    ]
    assert not missing + silent, "\n".join(sorted(missing + silent))


# --- the rules find what they forbid -----------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        ("child processes", "import subprocess"),
        ("child processes", "from asyncio import create_subprocess_exec as go"),
        ("child processes", "import asyncio\nasyncio.create_subprocess_shell('x')"),
        ("child processes", "import os as o\no.execv('x', [])"),
        ("child processes", "import os\nos.posix_spawn('x', [], {})"),
        ("workers", "from threading import Thread"),
        ("workers", "import threading\nthreading.Thread(target=f)"),
        ("workers", "import asyncio\nasyncio.get_running_loop().run_in_executor(None, f)"),
        ("workers", "from concurrent import futures\nfutures.ThreadPoolExecutor()"),
        ("workers", "import multiprocessing.pool"),
        ("the clock", "import time\ntime.monotonic()"),
        ("the clock", "from time import time as now"),
        ("the clock", "import datetime as d\nd.datetime.now()"),
        ("the clock", "from datetime import datetime, UTC\ndatetime.now(UTC)"),
        ("the clock", "from datetime import date\ntoday = date.today"),
        ("printing and exit", "print(1)"),
        ("printing and exit", "import sys\nsys.stderr.write('x')"),
        ("printing and exit", "from sys import exit"),
        ("templates", "from jinja2 import Environment"),
        ("SQL", "import sqlite3 as s"),
        ("bare tasks (a TaskGroup is the rule)", "import asyncio\nasyncio.create_task(f())"),
        ("bare tasks (a TaskGroup is the rule)", "self.loop.create_task(f())"),
        (
            "bare tasks (a TaskGroup is the rule)",
            "import asyncio\nasyncio.get_running_loop().create_task(f())",
        ),
    ],
)
def test_a_breach_is_seen_however_it_is_spelled(rule: str, source: str) -> None:
    assert _breaches(_uses(ast.parse(source)), ONE_PLACE[rule][0])


@pytest.mark.parametrize(
    "source",
    [
        "import asyncio\nasync def f():\n    async with asyncio.TaskGroup() as g:\n        g.create_task(f())",
        "import asyncio\nasyncio.subprocess.PIPE",
        "from datetime import UTC, datetime\ndatetime(2026, 1, 1, tzinfo=UTC)",
        "class C:\n    def print(self): self.exit()\nC().print()",
        "import os\nos.environ",
        "import asyncio\ntask: asyncio.Task[None]",
        "import threading\nthreading.Lock()",
    ],
)
def test_what_is_allowed_is_left_alone(source: str) -> None:
    for rule, (forbidden, _) in ONE_PLACE.items():
        assert not _breaches(_uses(ast.parse(source)), forbidden), rule


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("bcp.kit.clock", "from bcp.journal import entry", True),
        ("bcp.journal.store", "import bcp.kit.clock", False),
        ("bcp.journal.store", "from bcp import plan", True),
        ("bcp.watch.board", "from bcp.plan.model import System", False),
        ("probes.engine", "import backups", True),
        ("runbooks.desk", "from probes.availability import tcp", True),
        ("backups.custody", "from bcp.watch import check", False),
        ("bcp.nodes.lease", "from bcp.watch import board", False),
        ("bcp.watch.board", "from bcp.nodes import lease", True),
        ("backups.custody", "def f():\n    from bcp.service import app", True),
        ("bcp.service.app", "import probes, backups, runbooks, bcp.nodes", False),
        ("bcp.kit.clock", "from bcp import __version__", False),
    ],
)
def test_the_direction_of_an_import_is_judged(module: str, source: str, wrong: bool) -> None:
    assert bool(_wrong_imports(_imports(ast.parse(source)), module)) is wrong
