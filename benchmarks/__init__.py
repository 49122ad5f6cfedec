"""Ratios against a peer or the machine's limit, measured in the same run. Never a timed test."""
