"""The pure parts: catalogue, severity, redaction, patterns, URLs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcp.plan.types import Zone
from bcp.watch.values import Finding, FindingResult, Severity, Status
from probes.confidentiality import host_demands, tls_policy
from probes.confidentiality.catalogue import Judge, rules, summary
from probes.confidentiality.severity import weigh
from probes.engine import patterns, redact
from probes.engine.http import parse_url

ORDER = list(Severity)


def test_every_finding_a_kind_reports_has_title_reason_and_remedy_in_both_languages() -> None:
    reported = {d.rule for demands in host_demands.DEMANDS.values() for d in demands}
    reported |= set(host_demands.WRITABLE_FOLDER.values()) | set(tls_policy.RULES)
    reported |= {host_demands.ACL, host_demands.UNENCRYPTED, host_demands.SECRET}

    for rule in (rules()[name] for name in reported):
        assert rule.implemented, rule.id
        for text in (rule.title, rule.why, rule.remedy):
            assert text is not None
            assert text.ja
            assert not text.ja.isascii(), rule.id
            assert text.en.isascii(), rule.id


def test_the_catalogue_is_sorted_and_keeps_its_old_names() -> None:
    names = list(rules())

    assert names == sorted(names)
    promised = (
        "tls.cert.expired file.acl_grants_access drift.unapproved waiver.expired redis.no_auth"
    )
    assert set(promised.split()) <= set(names)
    assert len(names) >= 118


@given(
    st.sampled_from(ORDER),
    st.sampled_from([None, "3A", "3B", "3C", "2", "1"]),
    st.sampled_from([None, *Zone]),
    st.integers(0, 3),
)
def test_severity_moves_by_one_step_at_most_and_never_wraps(
    base: Severity, classification: Any, zone: Zone | None, ease: int
) -> None:
    weighed = weigh(base, classification, zone)

    assert abs(ORDER.index(weighed) - ORDER.index(base)) <= 1
    assert (weighed is Severity.INFO) == (base is Severity.INFO)
    eased = weigh(base, classification, zone, ease=ease)
    assert ORDER.index(eased) >= ORDER.index(weighed)


def test_resident_data_weighs_more_and_public_data_less() -> None:
    assert weigh(Severity.MEDIUM, "3A") is Severity.HIGH
    assert weigh(Severity.MEDIUM, "1") is Severity.LOW
    assert weigh(Severity.MEDIUM, "1", Zone.MYNUMBER) is Severity.HIGH
    assert weigh(Severity.CRITICAL, "3A", Zone.MYNUMBER) is Severity.CRITICAL


def _found(rule: str, result: FindingResult) -> Finding:
    return Judge().finding(rule, "s", result, "o", "e")


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ([("tls.cert.expired", FindingResult.FAIL)], Status.FAILED),
        ([("tls.cipher.3des", FindingResult.FAIL)], Status.DEGRADED),
        ([("tls.protocol.no_tls1_3", FindingResult.FAIL)], Status.OK),
        ([("tls.cert.expired", FindingResult.NOT_CHECKED)], Status.UNKNOWN),
        (
            [
                ("tls.cert.expired", FindingResult.PASS),
                ("tls.cipher.rc4", FindingResult.NOT_CHECKED),
            ],
            Status.UNKNOWN,
        ),
        ([("tls.cert.expired", FindingResult.PASS)], Status.OK),
        ([("tls.cert.expired", FindingResult.NOT_APPLICABLE)], Status.OK),
        ([], Status.UNKNOWN),
    ],
)
def test_the_gravest_finding_decides_and_an_error_is_never_a_pass(
    found: list[tuple[str, FindingResult]], status: Status
) -> None:
    assert summary("t", [_found(*item) for item in found]).status is status


@pytest.mark.parametrize(
    "line",
    [
        "password=hunter2hunter2",
        "PGPASSWORD: 'hunter2hunter2'",
        '{"api_key": "hunter2hunter2"}',
        "Authorization: Bearer hunter2hunter2",
        "postgres://user:hunter2hunter2@db/x",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2hunter2\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_secret_is_hidden(line: str) -> None:
    assert "hunter2" not in redact.text(line)
    assert redact.text(redact.text(line)) == redact.text(line)


@given(st.text(min_size=4), st.text(), st.text())
def test_a_known_secret_never_survives(secret: str, before: str, after: str) -> None:
    shown = redact.text(before + secret + after, [secret])

    assert secret not in shown.replace(redact.HIDDEN, "\0") or secret in redact.HIDDEN


def test_redaction_of_a_large_hostile_text_ends() -> None:
    """A pattern that tries every split would take hours over it, and the suite would end it."""
    assert redact.text("a_" * 30_000 + "token" * 5_000)


@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a|aa)+$", "(a?)*b", r"(\w+\s?)*$", "a*b*c*d*", "(?=a+)b", r"(a)\1", "("]
)
def test_a_pattern_that_may_never_end_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=" / "):
        patterns.check(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "there"),
    [
        (r"queue=\d+", "x\nqueue=12\n", True),
        (r"^ok$", "not ok\nok", True),
        (r"^ok$", "not ok", False),
        (r"end$", "x" * 50_000 + "end", True),
        (r"end$", "end" + "x" * 50_000, False),
        (r"needle", "x" * 50_000 + "needle" + "y" * 50_000, True),
        (r"a.*b", "x" * 9_000 + "a12b" + "x" * 9_000, True),
        (r"", "", True),
    ],
)
async def test_a_pattern_is_found_within_a_line(pattern: str, text: str, there: bool) -> None:
    assert await patterns.found(patterns.check(pattern), text) is there


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=60))
def test_a_url_is_parsed_or_refused_and_never_hides_a_line_break(text: str) -> None:
    try:
        url = parse_url("http://h/" + text)
    except ValueError:
        return
    assert "\n" not in url.path
    assert " " not in url.path
    assert url.host == "h"
