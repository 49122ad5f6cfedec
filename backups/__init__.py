"""Proof, not claims: the state of every copy, as evidence with a date.

Promise: a backup counts only as far as it was proven. Exit code 0 is a claim; what is shown is the
rung of the evidence ladder a copy has reached, when, and which snapshot: 0 the job said so, 1 it
exists and is fresh, 2 its structure holds, 3 its data was read, 4 it was restored and equals the
manifest taken at the source. No proof within its period is *unknown*, never green; busy, unreachable
and "could not tell" are not damage, and damage is never one of them.

The truth about which snapshots must exist stands in the integrity log (the *custody record*), out of
reach of whoever can write the repository: so rollback, deletion, re-creation, foreign and rewritten
snapshots show, which restic alone cannot see.

What lives here: `model` (the plan's section), `restic/` (everything that knows restic), `manifest`
(what the source was), `objects` (a repository seen from its folder, without a password), `custody`
(record and comparison, pure), `job` (one backup), `levels` (one verification per rung), `ladder` (rungs
as checks), `standing` (what is proven now, pure), `leftover` (what a killed process left), `room` (the shell that holds them together).
What may not enter: other wings, pages, printing, a clock of one's own, `latest`, short snapshot ids,
automatic `init`, `unlock --remove-all`.
"""
