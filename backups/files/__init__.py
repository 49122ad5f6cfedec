"""Sets of kind `files`: copies that other products make (the city's backup software, tapes, NAS snapshots).

Promise: without restic and without touching anything, each generation of such a copy is entered into
the integrity log once (names, digests, size, age), and from then on it must stay what it was; the rungs
2 to 5 are proven only by the product's own restore, compared with what the source was. The product's own
word ("job succeeded") counts for nothing here.

- `model`     the plan's part
- `seeing`    the generations of a copy as they lie there. Blocking
- `judging`   record against what is seen. Pure
- `restored`  a folder the product restored, against the source before and after. Pure
- `keeper`    the shell: looks, enters, reads again
"""
