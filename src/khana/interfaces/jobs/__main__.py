"""`python -m khana.interfaces.jobs` is the worker process; `--once` ends it when nothing waits."""

import sys

from khana.interfaces.jobs.worker import main

main(wait="--once" not in sys.argv[1:])
