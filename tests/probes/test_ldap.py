"""Kind `ldap` against a real slapd, and against servers that answer wrongly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bcp.watch.values import Outcome, Status
from probes import kinds
from probes.engine import ber, ldap
from probes.engine.ldap_filter import encoded
from probes.engine.reading import Reading
from probes.engine.trouble import Trouble
from tests.probes.conftest import Look
from tests.probes.pki import Authority
from tests.probes.servers import Handler, dead_port, hang, says, serve
from tests.probes.slapd import BASE, Directory, directory, real_slapd

LOCAL = {"host": "127.0.0.1"}
PEOPLE = f"ou=people,{BASE}"


@pytest.fixture
async def town(authority: Authority) -> AsyncIterator[Directory]:
    async with directory(authority) as found:
        yield found


@real_slapd
async def test_a_real_directory_is_searched_by_every_way_in(look: Look, town: Directory) -> None:
    people = {"base": PEOPLE, "filter": "(objectClass=person)", "at_least": 3, "at_most": 3}
    starttls = await look("ldap", **LOCAL, port=town.port, **people)
    ldaps = await look("ldap", **LOCAL, port=town.secure_port, tls="implicit", **people)
    plain = await look("ldap", **LOCAL, port=town.port, tls="none", **people)
    own_entry = await look("ldap", **LOCAL, port=town.port, tls="none")

    for outcome in (starttls, ldaps, plain):
        assert outcome.status is Status.OK, outcome
        assert outcome.facts["entries"] == 3
    assert starttls.facts["tls_version"] == "TLSv1.3"
    assert "not_after" in ldaps.facts
    assert "tls_version" not in plain.facts
    assert (own_entry.status, own_entry.facts["entries"]) == (Status.OK, 1)
    assert "abe" not in repr((starttls, ldaps, plain)), "nobody's name is shown"


@real_slapd
@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"filter": "(cn=ab*)", "at_most": 1}, Status.OK, "1件"),
        ({"filter": "(cn=nobody)"}, Status.FAILED, "見つかったのは0件"),
        ({"filter": "(cn=nobody)", "at_least": 0, "at_most": 0}, Status.OK, "0件"),
        ({"at_least": 0, "at_most": 1}, Status.FAILED, "1件より多く"),
        ({"scope": "base"}, Status.OK, "1件"),
        ({"scope": "one", "at_least": 4}, Status.FAILED, "見つかったのは3件"),
        ({"base": "ou=gone," + BASE}, Status.FAILED, "検索の起点がありません"),
        ({"base": "not a name"}, Status.FAILED, "検索を断られました (コード 34)"),
        ({"filter": "(&(objectClass=person)(!(cn=abe)))", "at_least": 2}, Status.OK, "2件"),
        ({"filter": "(cn:caseExactMatch:=abe)", "at_most": 1}, Status.OK, "1件"),
    ],
)
async def test_what_must_be_there_is_counted(
    look: Look, town: Directory, fields: dict[str, Any], status: Status, words: str
) -> None:
    outcome = await look("ldap", **{**LOCAL, "base": PEOPLE, "port": town.port, **fields})

    assert (outcome.status, words in outcome.sentence.ja) == (status, True), outcome


@real_slapd
async def test_other_kinds_ask_a_real_directory_for_tls_too(look: Look, town: Directory) -> None:
    tcp = await look("tcp", **LOCAL, port=town.port, starttls="ldap")
    tls = await look("tls", **LOCAL, port=town.port, starttls="ldap")

    assert (tcp.status, tls.status) == (Status.OK, Status.OK), (tcp, tls)
    assert tcp.facts["tls_version"] == "TLSv1.3"


@real_slapd
async def test_who_may_not_search_is_told(look: Look, authority: Authority) -> None:
    async with directory(authority, head="disallow bind_anon") as town:
        refused = await look("ldap", **LOCAL, port=town.port, base=PEOPLE)
    async with directory(authority, more="access to * by * none") as town:
        hidden = await look("ldap", **LOCAL, port=town.port, base=PEOPLE)
    async with directory(authority, more="limits * size=2") as town:
        cut = await look("ldap", **LOCAL, port=town.port, base=PEOPLE, at_least=3)

    assert (refused.status, "匿名のbindを断られました" in refused.sentence.ja) == (
        Status.FAILED,
        True,
    )
    assert hidden.status is Status.FAILED
    assert (cut.status, "打ち切った" in cut.sentence.ja) == (Status.UNKNOWN, True)


@real_slapd
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_behind_a_bad_certificate_nothing_is_asked(
    look: Look, authority: Authority, tls: str
) -> None:
    folder = authority.folder / f"other-{tls}"
    folder.mkdir()
    async with directory(Authority(folder)) as town:
        port = town.port if tls == "starttls" else town.secure_port
        outcome = await look("ldap", **LOCAL, port=port, tls=tls)
        unverified = await look("ldap", **LOCAL, port=port, tls=tls, verify=False)

    assert outcome.status is Status.FAILED
    assert "証明書を信頼できない" in outcome.sentence.ja
    assert "entries" not in outcome.facts
    assert unverified.status is Status.OK


def message(tag: int, *parts: bytes, number: int = 1) -> bytes:
    return ber.element(ber.SEQUENCE, ber.integer(number), ber.element(tag, *parts))


def result(tag: int, code: int, said: str = "", number: int = 1) -> bytes:
    parts = ber.integer(code, ber.ENUMERATED), ber.octets(""), ber.octets(said)
    return message(tag, *parts, number=number)


BOUND = result(0x61, 0)
ENTRY = message(0x64, ber.octets("cn=x"), ber.element(ber.SEQUENCE), number=2)


def answers(*replies: bytes) -> Handler:
    """One reply for each thing it hears."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in replies:
            await reader.read(4096)
            writer.write(reply)
        await reader.read()

    return handler


BAD: dict[str, tuple[Handler, str]] = {
    "busy": (answers(result(0x61, 51)), "コード 51 混んでいて"),
    "bind answered by a search": (answers(result(0x65, 0)), "LDAPとして読めない"),
    "leaves": (answers(BOUND, result(0x78, 52, number=0)), "切断の通知 (コード 52"),
    "unwilling": (answers(BOUND, result(0x65, 53, "no", 2)), "検索を断られました (コード 53"),
    "more than asked": (answers(BOUND, ENTRY * 9), "LDAPとして読めない"),
    "references for ever": (answers(BOUND, message(0x73, number=2) * 2000), "LDAPとして読めない"),
    "a result without a number": (answers(message(0x61, ber.octets(""))), "LDAPとして読めない"),
    "an endless entry": (
        answers(BOUND, message(0x64, ber.octets("x" * 300000), number=2)),
        "LDAPとして読めない",
    ),
    "cut in the search": (says(BOUND, ENTRY[:9]), "切られ"),
    "never done": (answers(BOUND, ENTRY), "待っても"),
    "not ldap": (says(b"SSH-2.0-x\r\n", read_first=False), "LDAPとして読めない"),
    "silence": (hang, "待っても"),
    "slow drip": (says(*[b"\x30"] * 20, pause=0.3, read_first=False), "待っても"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_server_fails_and_says_how(look: Look, name: str) -> None:
    handler, words = BAD[name]
    async with serve(handler) as port:
        outcome: Outcome = await look("ldap", **LOCAL, port=port, tls="none", timeout="1s")

    assert outcome.status is Status.FAILED
    assert words in outcome.sentence.ja


async def test_a_closed_port_is_told(look: Look) -> None:
    outcome = await look("ldap", **LOCAL, port=dead_port())

    assert (outcome.status, "拒否" in outcome.sentence.ja) == (Status.FAILED, True)


def made(**fields: Any) -> Any:
    return kinds()["ldap"].model_validate({"id": "t", "kind": "ldap", **LOCAL, **fields})


def test_the_usual_ports_and_limits() -> None:
    assert made().target == "127.0.0.1:389"
    assert made(tls="implicit").target == "127.0.0.1:636"
    secret = {"user": "cn=a", "password_file": "/x"}
    assert made(**secret).logs_in
    assert not made().logs_in
    for wrong in (
        {"at_least": 5, "at_most": 4},
        {"at_least": 1001},
        {"filter": "(cn=a"},
        {"user": "cn=a"},
        {"password_file": "/x"},
        {**secret, "tls": "none"},
        {**secret, "verify": False},
        {**secret, "user": "a\0b"},
    ):
        with pytest.raises(ValidationError):
            made(**wrong)


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("(cn=a)", "a307" + "0402636e" + "040161"),
        ("(cn=*)", "8702636e"),
        ("(cn>=1)", "a507" + "0402636e" + "040131"),
        ("(cn=a*b**c)", None),
        ("(cn=a*b*c)", "a40f" + "0402636e" + "3009" + "800161" + "810162" + "820163"),
        ("(cn=*b)", "a409" + "0402636e" + "3003" + "820162"),
        (r"(cn=\2a\28)", "a308" + "0402636e" + "04022a28"),
        ("(&(a=b)(c=d))", "a010" + "a306040161040162" + "a306040163040164"),
        ("(!(a=b))", "a208" + "a306040161040162"),
        ("(a:1.2.840:=2)", "a90f" + "8107312e322e383430" + "820161" + "830132"),
        ("(a:dn:=x)", "a909" + "820161" + "830178" + "8401ff"),
        ("(:caseExact:=x)", "a90e" + "8109636173654578616374" + "830178"),
        *((bad, None) for bad in (
            "", "cn=a", "()", "(cn=a", "(cn=a))", "(cn=a)(cn=b)", "(&)", "(!)", "(1cn=a)", r"(cn=\zz)",
            "(cn=a(b)", "(cn<=*)", "(:=x)", "(!" * 40 + "(a=b)" + ")" * 40,
        )),
    ],
)  # fmt: skip
def test_filters_are_written_as_the_rfc_says(text: str, wire: str | None) -> None:
    if wire is None:
        with pytest.raises(ValueError, match="フィルタの"):
            encoded(text)
    else:
        assert encoded(text).hex() == wire


@given(st.text(st.sampled_from("()&|!=*<>~:\\abc2 1."), max_size=40))
def test_no_filter_breaks_the_reader(text: str) -> None:
    try:
        found = encoded(text)
    except ValueError:
        return
    assert len(list(ber.elements(found))) == 1


class _Deaf:
    """A wire to nowhere that gives these bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def send(self, data: bytes) -> None:
        assert data[0] == ber.SEQUENCE

    async def receive(self) -> bytes:
        taken, self.data = self.data[:7], self.data[7:]
        return taken


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=12),
            st.sampled_from([BOUND, ENTRY, result(0x65, 4), message(0x73), message(0x79)]),
        ),
        max_size=8,
    )
)
def test_no_bytes_break_the_reader(parts: list[bytes]) -> None:
    wire: Any = _Deaf(b"".join(parts))
    session: Any = ldap.Session(wire, Reading(wire, ldap.CAP))
    with pytest.raises((StopIteration, Trouble)) as end:  # the wire never waits
        session.search("", 0, encoded("(a=b)"), most=3, seconds=1).send(None)
    assert not (isinstance(end.value, Trouble) and end.value.ours)
