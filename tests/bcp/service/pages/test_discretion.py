"""What a mere viewer learns of the city's weak places: that there are some, and no more."""

from __future__ import annotations

import pytest

from bcp.journal.entry import Actor
from bcp.kit.errors import Refused, UsageError
from bcp.service import control
from bcp.service.access.roles import Permission, Role, granted
from bcp.service.api import _document
from bcp.service.operations import backing_up, logging_, watching
from bcp.service.operations.operation import Caller
from tests.bcp.service.pages.sample import Town, Visitor

WEAK = "古いTLSを受け付けます"
PLACES = ("/", "/checks/mail/lock", "/systems/mail")


async def test_a_viewer_reads_of_no_finding_on_any_page(made: Town, visitor: Visitor) -> None:
    await visitor.sign_in("viewer")
    for place in PLACES:
        status, page = await visitor.get(place)
        assert status == 200
        assert WEAK not in page, place
    await visitor.sign_in("auditor")
    assert WEAK in (await visitor.get("/checks/mail/lock"))[1]


async def test_a_viewer_reads_of_no_finding_over_the_api(made: Town) -> None:
    one = watching.One(check="mail/lock")
    viewer = Caller(Actor("u-1", "viewer"), "op", granted([Role.VIEWER]))
    assert Permission.READ_FINDINGS not in viewer.permissions
    hidden = await watching.show(made, viewer, one)  # type: ignore[arg-type]  # a house of pages
    assert WEAK not in str(hidden)
    assert hidden.data["status"] == "failed"
    console = Caller(control.actor(0), "op")
    open_ = await watching.show(made, console, one)  # type: ignore[arg-type]  # a house of pages
    assert WEAK in str(open_)


@pytest.mark.parametrize("query", ["²", "9" * 5000, "-1", "x"])
async def test_a_number_that_is_none_breaks_no_page(
    made: Town, visitor: Visitor, query: str
) -> None:
    await visitor.sign_in("auditor")
    for place in ("/log?before=", "/audit?from="):
        assert (await visitor.get(place + query))[0] == 200


async def test_no_account_names_files_of_the_host(made: Town) -> None:
    admin = Caller(Actor("u-1", "administrator"), "op", granted([Role.ADMINISTRATOR]))
    where = logging_.Where(target="/tmp/stolen")
    with pytest.raises(Refused, match="terminal"):
        await logging_.export(made, admin, where)  # type: ignore[arg-type]  # not reached
    back = backing_up.Back(set="juki", snapshot="0" * 64, target="/etc/cron.d")
    with pytest.raises(Refused, match="terminal"):
        await backing_up.restore(made, admin, back)  # type: ignore[arg-type]  # not reached


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a": ' + b"1" * 6000 + b"}", b"{", b"\xff"])
def test_json_that_cannot_be_read_is_the_senders_fault(body: bytes) -> None:
    with pytest.raises(UsageError):
        _document(body)


async def test_an_account_reads_the_log_a_thousand_entries_at_a_time(made: Town) -> None:
    whole = logging_.Some(last=1_000_000)
    auditor = Caller(Actor("u-1", "auditor"), "op", granted([Role.AUDITOR]))
    with pytest.raises(UsageError, match="more entries"):
        await logging_.show(made, auditor, whole)  # type: ignore[arg-type]  # a house of pages
