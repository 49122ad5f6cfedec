"""The page of the duty to report personal data, and its line on the board of the event."""

from __future__ import annotations

from tests.bcp.service.pages.sample import Town, Visitor
from tests.bcp.service.pages.test_pages import declare


async def test_the_clock_is_started_seen_on_the_board_and_stopped(
    made: Town, visitor: Visitor
) -> None:
    await visitor.sign_in("commander")
    await declare(visitor)
    incident = made.desk.current()
    assert incident is not None
    on, place = {"incident": incident.id}, "/disaster/breaches"
    assert "個人情報の報告" not in (await visitor.get("/disaster"))[1]
    said = {"do": "open", "harm": "leak", "reason": "名簿の紙が見当たらない"}
    assert (await visitor.post(place, **on, **said, op="1")) == (303, place)
    assert "速報" in (await visitor.get("/disaster"))[1]
    _, page = await visitor.get(place)
    assert "名簿の紙が見当たらない" in page
    assert "漏えい" in page
    sent = {"subject": "P1", "reason": "委員会 第12号"}
    assert (await visitor.post(place, **on, **sent, do="preliminary", op="2"))[0] == 303
    assert "確報" in (await visitor.get("/disaster"))[1]
    assert (await visitor.post(place, **on, **(sent | {"reason": ""}), do="final"))[0] == 409
    assert (await visitor.post(place, **on, **sent, do="final", op="3"))[0] == 303
    assert "個人情報の報告" not in (await visitor.get("/disaster"))[1]
    texts = [str(entry.detail) for entry in await made.journal.read(incident=incident.id)]
    assert not any("名簿" in one for one in texts), "words are commitments only"
    await visitor.sign_in("viewer")
    assert (await visitor.get(place))[0] == 403
