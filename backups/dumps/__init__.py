"""Dumps: what a database is at one instant, written to a file before the backup, with expectations.

Promise: a dump counts only when its program ended well *and* the file is whole (the trailer of plain
SQL, every byte of a custom archive), and only the file of this very run is backed up: an old one is
destroyed first. Beside it stands what the restore test must find again (rows of each table, number of
constraints, newest instants), taken in the same transaction where the engine can share one.

`model` (the plan), `expected` (pure: expectations and their comparison), `trailer` (whether a file is
whole), `postgresql` and `mariadb` (their programs and questions), `taking` (the shell).
Never: a password in an argument or the environment, a dump left on the disk after the backup.
"""
