"""The roof: the only room that knows all the others, and that nobody imports.

`settings` composes and cross-checks the plan, `house` holds the running parts, `app` builds and
runs them in one TaskGroup, `operations` is everything a person or program can ask for (one list,
served by the API, the control socket and the command line alike), `cli` is the only place that
parses arguments, prints and exits, `pages` and `access` are the doors, `demo` the practice city.
A decision of the domain may not be taken here: it belongs to the room that owns the state.
"""
