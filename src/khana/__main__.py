"""`python -m khana` is the command `khana`."""

from khana.interfaces.cli.main import main

main()
