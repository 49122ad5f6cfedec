"""The connection engine the kinds share: names, sockets, TLS and HTTP on the event loop.

Promise: one probe = one fresh connection (the certificate and the listener of *now*), phases
measured (resolve, connect, tls, answer, body), answers capped, every socket closed whatever
happens, nothing over 10 ms on the loop. It is an `asyncio.Protocol` with httptools, not an HTTP
client library: a client's pooling, cookies and cleverness would hide what a probe must see, and
cost five times the CPU.

TLS is pyOpenSSL on memory BIOs (cryptography bundles a current OpenSSL). Against the standard
library's `ssl` on Debian 12's OpenSSL 3.0 it needs about two thirds of the CPU for a verified
handshake (`benchmarks/probes_cpu.py` measures both), sees the whole chain a server sends, and lets
a failed verification be *recorded* instead of aborting, so one connection tells both "reachable"
and "certificate expired on ...". One shared context per trust configuration, built in a thread;
a certificate is parsed once per DER. Sessions are never resumed: that would hide a new certificate.

Judging an answer does not belong here: that is the kinds' work.
"""
