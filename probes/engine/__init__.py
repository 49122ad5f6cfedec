"""The connection engine the kinds share: names, sockets, TLS and HTTP on the event loop.

Promise: one probe = one fresh connection (the certificate and the listener of *now*), phases
measured (resolve, connect, tls, answer, body), answers capped, every socket closed whatever
happens, nothing over 10 ms on the loop. It is an `asyncio.Protocol` with httptools, not an HTTP
client library: a client's pooling, cookies and cleverness would hide what a probe must see, and
cost five times the CPU.

TLS is pyOpenSSL on memory BIOs. `benchmarks/probes_cpu.py` measures it against the standard
library's `ssl` in the same run: the CPU of a verified handshake is about equal (ours 0.9 to 1.2 of
it), so it was chosen for what it shows: the whole chain a server sends (Python 3.11's `ssl` hands
out the first certificate only), and a failed verification *recorded* instead of aborting, so that
one connection tells both "it answers" and "its certificate expired on ...". It also brings the
OpenSSL that cryptography bundles, so old protocols can be looked at whatever the host's own library
was built to refuse. One shared context per trust configuration, built in a thread; a certificate is
parsed once per DER. Sessions are never resumed: that would hide a new certificate.

Judging an answer does not belong here: that is the kinds' work.
"""
