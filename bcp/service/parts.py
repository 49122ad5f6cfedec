"""Parts that may be unusable at the start while watching must go on: routes, accounts, keys.

Each either gives the real thing, or a poorer one and a sentence for `House.troubles`.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
import ssl
import tempfile
from pathlib import Path

import structlog

from bcp.journal.journal import Journal
from bcp.kit.clock import Clock
from bcp.kit.errors import BcpError, Unwritable, UsageError
from bcp.kit.language import text
from bcp.kit.workers import Workers
from bcp.service.access.guard import Bearer
from bcp.service.access.roles import Permission
from bcp.service.access.store import AccessStore, Code
from bcp.service.plan import Plan
from bcp.service.sections import Access
from bcp.watch.announcing import Announcement
from bcp.watch.notify import Notifier, Route
from bcp.watch.routes import NotifyRoute
from bcp.watch.values import Severity

LOG = structlog.get_logger("service")


def one_line(error: BcpError) -> str:
    """An error as one line of a list."""
    said = f"{error.where}: {error.what}" if error.where else error.what
    return f"{said} ({error.got})" if error.got else said


def bearable(error: Unwritable, data: Path) -> Unwritable:
    """A data folder that cannot be locked: bearable when it was used before and is read-only now.

    Nothing can be spoilt in it then. Raises `UsageError` for every other.
    """
    cause = error.__cause__
    with contextlib.suppress(OSError):
        if isinstance(cause, OSError) and cause.errno == errno.EROFS and (data / "real").is_dir():
            LOG.error("data folder is read-only, going on without it", where=str(data))
            return error
    raise UsageError(
        f"データフォルダが使えません / cannot use the data folder: {error.what}",
        where=str(data),
        next_step=error.next_step,
    ) from error


def code_used(notifier: Notifier, journal: Journal, clock: Clock, code: Code) -> None:
    """Somebody came in with a sealed code: never quietly. No name leaves the house."""
    notifier.announce(
        Announcement(
            kind="incident",
            severity=Severity.HIGH,
            title=text("access.code_alarm", number=code.number, site=code.site),
            at=clock.utc(),
            logged=journal.writable.ok,
        )
    )


def ca_file(plan: Plan) -> Path | None:
    """The city's own certificate authorities."""
    return Path(plan.city.node.ca_file) if plan.city.node.ca_file else None


def notifier(plan: Plan, clock: Clock, workers: Workers, troubles: list[str]) -> Notifier:
    """Every route whose address can be read. A lost secret silences its route, not the others."""
    node, authorities = plan.city.node.id, ca_file(plan)
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authorities is not None:
        try:
            bare.load_verify_locations(authorities)
        except OSError as error:  # ssl.SSLError is one
            what = "認証局のファイルが読めません / cannot read the certificate authorities"
            _trouble(troubles, UsageError(what, where=str(authorities), got=type(error).__name__))
            authorities = None
    usable: list[NotifyRoute] = []
    for route in plan.notify:
        try:
            Route(route, clock, node, bare, workers)
        except UsageError as error:
            _trouble(troubles, error)
        else:
            usable.append(route)
    return Notifier(usable, clock, node, workers, authorities)


def bearers(access: Access, troubles: list[str]) -> tuple[Bearer, ...]:
    """The scraper's key; without it the metrics stay shut for everybody but accounts."""
    if access.metrics_token_file is None:
        return ()
    path = Path(access.metrics_token_file)
    try:
        return (Bearer.read("metrics", path, frozenset({Permission.READ_METRICS})),)
    except UsageError as error:
        _trouble(troubles, error)
        return ()


def access_store(path: Path, troubles: list[str], undo: contextlib.ExitStack) -> AccessStore:
    """The accounts. On a disk that takes no writing: a copy elsewhere, so that people get in.

    What is changed in the copy (sessions) is gone after the next start; the trouble says so.
    """
    try:
        return undo.enter_context(contextlib.closing(AccessStore(path)))
    except Unwritable as error:
        _trouble(troubles, error)
    folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="ict-bcp-")))
    for tail in ("", "-wal"):
        with contextlib.suppress(OSError):
            shutil.copyfile(f"{path}{tail}", folder / f"{path.name}{tail}")
    return undo.enter_context(contextlib.closing(AccessStore(folder / path.name)))


def _trouble(troubles: list[str], error: BcpError) -> None:
    line = one_line(error)
    LOG.error("going on without it", why=line)
    troubles.append(line)
