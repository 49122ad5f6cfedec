"""事後報告: planned and actual of one event, from the entries and the frozen plan alone.

Promise: the same entries give the same bytes, at any time, on any machine. Nothing here reads a
clock: "now" is the end of the event, or the last entry that counts while it runs. What happened
beside the event (other events, suggestions, sealed codes, changes of checks) counts up to the
report's own last entry and no further, so entries made later never change an edition.

- `material`   which entries count; the state as it was when something was decided
- `steps`      planned and actual: ready, hands-on, waiting, overdue
- `goals`      RTO, RPO, RLO against target and contract, per system, service and linked event
- `denied`     contradictions, both ways, with their times
- `decided`    decisions and what was known then
- `acts`       single-handed acts, hand-overs, gates, parts, late entries, estimates
- `beside`     announcements, sealed codes, suggestions
- `whole`      `Report` and `build`
- `verdict`    five lines; `sections`, `sheet` the report on paper and screen; `facts` for programs

People appear as pseudonyms. A text erased from the value store shows as 消去済み, and the digest then
differs from the one logged: that is what erasing means. May not enter: a clock, I/O, percentages.
"""

from runbooks.report.material import ERASED as ERASED
from runbooks.report.material import Around as Around
from runbooks.report.material import Texts as Texts
from runbooks.report.whole import Report as Report
from runbooks.report.whole import build as build
