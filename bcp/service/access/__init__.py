"""Who may do what: local accounts, sessions, doors.

Promise: nothing but the pages marked `Permission.PUBLIC` answers without an account; a route that
declares no permission stops the start; a refusal says in plain words what is allowed. A full disk
or a restart never locks the staff out, and no number of wrong passwords locks anybody out for good.

What lives here: roles and their permissions (`roles`), passwords (`passwords`), the store
(`store`, its own SQLite file), throttling (`throttle`), the people's side of it (`accounts`), the
doors (`guard`, `routes`). No HTML and no domain may enter; the log hears of it by a callback.
"""
