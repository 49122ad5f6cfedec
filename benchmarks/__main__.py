"""`python -m benchmarks [NAME ...]`: all ratios, one table."""

import sys

from benchmarks import frame

print(frame.table(frame.run(sys.argv[1:] or frame.modules())))
