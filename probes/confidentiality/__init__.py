"""機密性: is it closed to strangers. One file = one family of findings.

A finding needs proof by protocol or content; what could not be looked at is `not_checked`, never
`pass`. Read-only, budgeted, serial per host. Observed values are redacted before they leave a file
of this room; the contents of files never leave it. `findings.yaml` is the catalogue of finding
ids: they are promises to waivers and drift, never renamed.
"""
