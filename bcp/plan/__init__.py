"""The city's own values: what it is, what must stay up, by when, and who decides.

Promise: a plan is read strictly (unknown key, duplicate key, wrong type, unknown reference are
faults with `file:line:column`, all reported at once) and becomes frozen values; no dict of YAML
goes further inward. An incomplete plan runs: what is missing is 未設定 and listed by `gaps`; what
is wrong is refused. Each room owns the model of its own section (`checks` by `probes`, `backups`
by `backups`, ...); `bcp.service.settings` composes and cross-checks them.
Sockets, files other than the plan's, and the clock may not enter.
"""
