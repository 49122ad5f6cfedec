"""The practice city 練習市: real loopback services, a real restic repository, faults to practise on.

Promise: everything a newcomer sees here is the real thing (sockets, certificates, files, restic),
only small and on 127.0.0.0/8; nothing outside `DATA/practice` is touched; every fault can be undone
exactly, and what is broken stays known over a restart (`faults.json`).

What lives here: the city's services (`listener`, `services`, `certificates`), its files (`data`),
its plan (`plan`, the YAML below `plan/`), the faults (`faults`), the whole (`city`), its page
(`page`). No check, no board and no other room may know that it exists.
"""
