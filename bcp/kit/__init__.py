"""Tools without a domain: clock, child processes, workers, durable files, errors, units, language.

Promise: nothing in here knows what a system, a backup or a disaster is. Each tool is the *only*
place where its kind of side effect happens (a test holds that): children are started in
`process`, threads and worker processes in `workers`, the clock is read in `clock`.
Domain words may not enter; a tool needed by one room only stays in that room.
"""
