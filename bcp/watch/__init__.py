"""How anything is checked: the road from a check to board, metric, history, log and alert.

Promise: reachability, "the restored files have the hashes recorded at the source" and "this file
is closed to strangers" are the same value and travel the same road::

    schedule -> check.run(env) under one deadline -> Observation -> confirmation (pure)
      -> board (sync, pure) and history -> on a Transition: notify and log

Nobody pushes gauges: metrics and pages read the board, so they cannot disagree. Stale is decided
by the reader from the clock, so a dead scheduler can never show green. Time not observed is blind
time, never up or down. Kinds of checks live in `probes` and `backups`; sockets may not enter here
(except to announce: `notify`).

Who does what: `schedule` (when), `runner` (one guarded run), `confirm` (when an answer is the
state), `board` (the state now), `rollup` and `judge` (systems, services, who is silenced),
`recorder` (the funnel to log and people), `announcing` and `notify` (what is said, and where to),
`history` and `lookback` (losable results and bars), `exposition`, `lines`, `families` and `lag`
(metrics). `view` and `values` hold what they hand each other.
"""
