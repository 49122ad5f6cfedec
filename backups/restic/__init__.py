"""Everything that knows restic, 0.14 (Debian 12) to 0.19 and later.

Promise: no caller sees a version, an exit code or a line of output. `version` says what a program can
do, `arguments` builds command lines (pure), `parsing` reads output (pure, tolerant of any line),
`verdict` decides what an ended call means (pure: exit code, then JSON, then text), `restic` runs it.
Never: `latest`, short ids, automatic `init`, `unlock --remove-all`, a password outside its file.
"""
