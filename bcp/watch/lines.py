"""The metric lines of one check: names and meanings as INTERFACE promises. Pure.

Everything that does not change between runs is put together once per check.
"""

from __future__ import annotations

from collections.abc import Collection

from bcp.watch.check import Check
from bcp.watch.values import Mute, Status
from bcp.watch.view import WORKS, Reading

FAMILIES: tuple[tuple[str, str, str], ...] = (
    ("ict_bcp_check_info", "gauge", "Always 1; joins check to kind, pillar, system and site."),
    ("ict_bcp_check_success", "gauge", "1 good or degraded, 0 failed; absent while unknown."),
    ("ict_bcp_check_state", "gauge", "1 for the current state of the check, 0 for the others."),
    ("ict_bcp_check_muted", "gauge", "1 while alerts of the check are held back, by reason."),
    ("ict_bcp_check_duration_seconds", "gauge", "Duration of the last run."),
    ("ict_bcp_check_last_run_timestamp_seconds", "gauge", "Start of the last run."),
    (
        "ict_bcp_check_start_lateness_seconds",
        "gauge",
        "Time between due and start of the last run.",
    ),
    ("ict_bcp_check_runs_total", "counter", "Runs since the start of the daemon, by result."),
    ("ict_bcp_check_missed_total", "counter", "Due times that passed without a start."),
    ("ict_bcp_check_blind_seconds_total", "counter", "Time not observed: never up, never down."),
    ("ict_bcp_tls_not_after_timestamp_seconds", "gauge", "End of the certificate last seen."),
)
_TLS_FACT = "not_after"
_RARE = frozenset({Mute.FLAPPING, Mute.OWN_LINE, Mute.MEMBER})


def escape(value: str) -> str:
    """A label's value."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def number(value: float) -> str:
    """Go's and Prometheus's way of writing a float."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _one_of(name: str, check: str, label: str, words: list[str], chosen: frozenset[str]) -> str:
    return "".join(
        f'{name}{{check="{check}",{label}="{word}"}} {int(word in chosen)}\n' for word in words
    )


class CheckLines:
    """Prepared lines of one check."""

    __slots__ = ("_heads", "_info", "_name", "_ran", "_states", "_unmuted", "id")

    def __init__(self, check: Check) -> None:
        self.id, self._name = check.id, escape(check.id)
        self._heads = tuple(f'{family[0]}{{check="{self._name}"}} ' for family in FAMILIES)
        labels = {
            "check": check.id,
            "kind": check.kind,
            "pillar": check.pillar.value,
            "system": check.system or "",
            "site": check.site or "",
        }
        said = ",".join(f'{key}="{escape(value)}"' for key, value in labels.items())
        self._info = f"{FAMILIES[0][0]}{{{said}}} 1\n"
        words = [status.value for status in Status]
        self._states = {
            status: _one_of(FAMILIES[2][0], self._name, "state", words, frozenset({status.value}))
            for status in Status
        }
        self._unmuted = self._mutes(())
        name = self._name.replace("%", "%%")
        self._ran = "".join(
            f'{FAMILIES[7][0]}{{check="{name}",result="{word}"}} %d\n' for word in words
        )
        """All four lines at once; the counts come in the order of `Status`."""

    def _mutes(self, chosen: Collection[Mute]) -> str:
        # the last two are rare and never promised: a line only while on, not ten thousand zeros
        words = [mute.value for mute in Mute if mute not in _RARE or mute in chosen]
        muted = frozenset(mute.value for mute in chosen)
        return _one_of(FAMILIES[3][0], self._name, "reason", words, muted)

    def add_to(self, columns: list[list[str]], reading: Reading) -> None:
        """Add the lines, one column per family of `FAMILIES`."""
        heads = self._heads
        status, muted, last, runs, missed, blind, _expires = reading
        columns[0].append(self._info)
        if status is not Status.UNKNOWN:
            columns[1].append(f"{heads[1]}{int(status in WORKS)}\n")
        columns[2].append(self._states[status])
        columns[3].append(self._mutes(muted) if muted else self._unmuted)
        if last is not None:
            columns[4].append(f"{heads[4]}{last.duration:.6f}\n")
            columns[5].append(f"{heads[5]}{last.started.timestamp():.3f}\n")
            columns[6].append(f"{heads[6]}{last.lateness:.3f}\n")
            not_after = last.outcome.facts.get(_TLS_FACT)
            if isinstance(not_after, int | float):
                columns[10].append(f"{heads[10]}{number(not_after)}\n")
        columns[7].append(self._ran % tuple(runs.values()))
        columns[8].append(f"{heads[8]}{missed}\n")
        columns[9].append(f"{heads[9]}{blind:.2f}\n")
