"""The way of a disaster: from the book on the shelf to the report of what really happened.

Promise: a tired person is told one next step and why; time never fails a step; evidence, never a
tick, attains a target; drill and real share this code and nothing else; a gate never traps a city.

- `form`, `book`   the YAML of a runbook, read strictly; a set of them with digests
- `lint`           what is wrong with a book before the disaster (E001 to E010, W101 to W111)
- `incident`       commands, `decide`, `fold`: pure, no clock, no I/O (`state` holds the values)
- `progress`       which steps are blocked, ready, not applicable: derived, never stored
- `stepdecide`, `finishdecide`, `crewdecide` one step: done by whom, proven by what, brought to whom
- `amended`, `amenddecide` 差し込み: the frozen book with what was changed since, as entries
- `rundecide`  what a machine may do, by the plan's allow-list; the roof's `automation` carries it out
- `escalation` whom a step that takes too long is brought to; time never fails it
- `targets`        deadlines counted from onset, attained by evidence only; pure
- `order`          what is next, for whom and why; pure
- `gates`          what must be closed before stand-down, and by whom it was closed
- `desk`           the shell: journal, evidence store, board, clock
- `report`         planned and actual, byte for byte reproducible
- `paper/`         the same things on A4
- `library/`       shipped runbooks (data)

May not enter: HTML, SQL, child processes, anything of `probes` or `backups`: their results are read
from the board and the log.
"""
