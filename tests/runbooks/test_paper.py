"""Sheets as values, their typed code, and the PDF a city prints."""

from __future__ import annotations

import contextlib
import hashlib
import re
import zlib
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.kit.workers import Workers
from runbooks.paper.forms import disaster_set
from runbooks.paper.pdf import PaperFailed, data_of, print_set, qr_svg, render
from runbooks.paper.sets import SETS, TITLES, sheets_of
from runbooks.paper.sheet import Sheet, StepLine, Steps, markdown, read_code, sealed, typed_code
from runbooks.paper.sheets import CopyPlace, Press, runbook
from tests.runbooks.world import a_book, a_city

DAY = date(2026, 11, 23)


def press(drill: str | None = None) -> Press:
    return Press(a_city(), a_book(), DAY, drill)


def sheet(id: str, drill: str | None = None) -> Sheet:
    return next(item for item in disaster_set(press(drill)) if item.id == id)


@given(st.binary(min_size=1, max_size=40))
def test_a_code_is_read_back_as_people_type_it(data: bytes) -> None:
    code = typed_code(hashlib.sha256(data).hexdigest())
    assert len(code) == 8
    sloppy = f"{code[:4].lower()}-{code[4:]} ".replace("0", "o").replace("1", "l")
    assert read_code(sloppy) == code


@given(st.binary(min_size=1, max_size=8), st.integers(0, 6), st.sampled_from("23456789ABCDEFGH"))
def test_one_wrong_letter_is_noticed(data: bytes, place: int, letter: str) -> None:
    code = typed_code(hashlib.sha256(data).hexdigest())
    if code[place] != letter:
        assert read_code(code[:place] + letter + code[place + 1 :]) is None


def pages_of(pdf: bytes) -> int:
    """Pages, counted in the file's packed objects."""
    packed = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    plain = [pdf]
    for part in packed:
        with contextlib.suppress(zlib.error):
            plain.append(zlib.decompress(part))
    return sum(len(re.findall(rb"/Type ?/Page\b(?!s)", part)) for part in plain)


def test_the_set_has_the_card_the_contacts_the_damage_sheet_and_every_runbook() -> None:
    assert [item.id for item in disaster_set(press())] == [
        "card",
        "yoshiki-9",
        "yoshiki-11",
        "juki-recover",
        "ad-recover",
        "juki-return",
    ]
    card = markdown(sheet("card"))
    assert card.index("あなたの安全") < card.index("指揮する人") < card.index("職員1")
    assert "本庁舎2階 金庫" in card
    assert "未確認" in markdown(sheet("yoshiki-11"))


def test_private_numbers_stand_on_the_contact_sheet_only() -> None:
    city = a_city()
    people = tuple(p.model_copy(update={"mobile": f"090-{p.id}"}) for p in city.people)
    made = disaster_set(Press(city.model_copy(update={"people": people}), a_book(), DAY))
    with_numbers = [item.id for item in made if "090-" in markdown(item)]
    assert with_numbers == ["yoshiki-9"]
    assert next(i for i in made if i.id == "yoshiki-9").classification == "個人情報・厳重管理"


def test_step_numbers_on_paper_are_those_on_the_screen() -> None:
    book = a_book()
    steps = next(b for b in sheet("juki-recover").blocks if isinstance(b, Steps))
    recover = book.get("juki-recover")
    assert recover is not None
    assert [line.id for line in steps.steps] == [step.id for step in recover.steps]


def test_the_number_is_of_the_content_not_of_the_day_and_a_drill_has_another() -> None:
    later = replace(press(), printed=date(2027, 1, 1))
    item = a_book().get("ad-recover")
    assert item is not None
    assert runbook(later, item).sha256 == sheet("ad-recover").sha256
    assert sheet("ad-recover", "kunren").code != sheet("ad-recover").code


def test_the_pdf_is_the_same_bytes_twice_and_holds_every_page_mark() -> None:
    sheets = disaster_set(press("kunren"))
    data = data_of(sheets)
    pdf = render(data)
    assert pdf.startswith(b"%PDF-")
    assert render(data) == pdf
    assert pages_of(pdf) >= len(sheets)


async def test_printing_runs_in_a_worker_process() -> None:
    workers = Workers(threads=1)
    try:
        assert (await print_set([sheet("card")], workers)).startswith(b"%PDF-")
    finally:
        workers.close()


def test_text_of_the_city_is_never_markup() -> None:
    evil = StepLine("X-1", '#panic("x") $1$ *b* <a> @c \\', "誰か", detail=("#import", "= 見出し"))
    made = sealed(replace(sheet("card"), blocks=(Steps((evil,)),), title='#eval("1")'))
    assert render(data_of([made])).startswith(b"%PDF-")


def test_a_template_that_cannot_be_set_is_one_clear_error() -> None:
    with pytest.raises(PaperFailed, match="組版できません"):
        render("[{}]")


def test_the_qr_code_is_a_picture_of_the_payload() -> None:
    assert qr_svg("ICT-BCP|-|card|第1版|W0X92GT5").startswith("<svg")


# --- sheets to act and to write on ---------------------------------------------------------------


def field_sheet(name: str, made: Press | None = None) -> str:
    return "\n".join(markdown(one) for one in sheets_of(made or press(), (name,)))


def test_the_whole_set_holds_every_form_a_building_without_screens_needs() -> None:
    ids = [one.id for one in sheets_of(press())]
    assert {"yoshiki-7", "network", "event-log", "media-log", "counter-certificates"} <= set(ids)
    assert set(TITLES) == set(SETS)


def test_addresses_stand_on_the_network_sheet_only_and_every_system_on_it() -> None:
    city = a_city()
    hosts = tuple(s.model_copy(update={"host": f"10.1.2.{n}"}) for n, s in enumerate(city.systems))
    made = Press(city.model_copy(update={"systems": hosts}), a_book(), DAY)
    with_hosts = [one.id for one in sheets_of(made) if "10.1.2." in markdown(one)]
    assert with_hosts == ["network"]
    said = field_sheet("network", made)
    assert all(one.name in said for one in hosts)
    assert "本庁舎" in said


def test_the_sheet_of_copies_says_where_they_lie_and_in_which_envelope_the_password_is() -> None:
    place = CopyPlace(
        "住民記録 honcho", "/srv/backup/juki", "honcho", "ディスク", "restic・切り離し"
    )
    said = field_sheet("7", replace(press(), copies=(place,)))
    assert "/srv/backup/juki" in said
    assert "本庁舎・ディスク" in said
    assert "本庁舎2階 金庫" in said
    assert "計画に控えがない" in field_sheet("7")


def test_a_service_that_goes_on_by_hand_has_its_own_receipt_book() -> None:
    (sheet_,) = sheets_of(press(), ("counter",))
    assert sheet_.classification == "個人情報・厳重管理"
    assert "手書きの申請書で受け付ける" in markdown(sheet_)
    assert render(data_of([sheet_])).startswith(b"%PDF-")
