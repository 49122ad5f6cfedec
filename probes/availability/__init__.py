"""可用性: can it be reached, does it answer as it should. One file = one kind.

Down is FAILED with the evidence a person needs; failing to look (no resolver of ours, no route
from this host, no permission, out of sockets) is UNKNOWN. One connection per run.
"""
