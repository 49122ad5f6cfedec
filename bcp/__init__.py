"""ict-bcp: the service a city leans on in its worst week.

Imports go one way and a test holds them::

    kit <- journal <- plan <- watch <- { probes, backups, runbooks, nodes } <- service

`probes`, `backups` and `runbooks` never import each other: what one needs of another it reads
from the board, the plan or the integrity log. Only `service` knows every room; nobody imports
`service`. The two sentences everything hangs on:

1. A check, run with a deadline, yields an Outcome (`bcp.watch`).
2. A command, allowed by the state, yields Entries (`bcp.journal`).
"""

__version__ = "0.1.0"
