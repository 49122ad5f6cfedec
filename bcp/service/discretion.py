"""What a visitor without `READ_FINDINGS` sees of a confidentiality check: its state, no particulars.

The sentence, the facts and the evidence of such a check name files, addresses and weaknesses: a map
for a burglar. Pages and API read the board through here.
"""

from __future__ import annotations

from dataclasses import replace

from bcp.kit.language import text
from bcp.watch.values import Observation, Outcome, Pillar, Status
from bcp.watch.view import CheckView


def seen_by(view: CheckView, *, findings: bool) -> CheckView:
    """The view as this visitor may see it. `findings`: whether he may read open findings."""
    if findings or view.check.pillar is not Pillar.CONFIDENTIALITY or view.last is None:
        return view
    sentence = view.sentence if view.status is Status.OK else text("access.particulars_hidden")
    return replace(view, sentence=sentence, last=_bare(view.last))


def results_seen_by(
    view: CheckView, results: list[Observation], *, findings: bool
) -> list[Observation]:
    """The last results of that check, by the same rule."""
    if findings or view.check.pillar is not Pillar.CONFIDENTIALITY:
        return results
    return [_bare(one) for one in results]


def _bare(seen: Observation) -> Observation:
    good = seen.outcome.status is Status.OK
    sentence = seen.outcome.sentence if good else text("access.particulars_hidden")
    return replace(seen, outcome=Outcome(seen.outcome.status, sentence))
