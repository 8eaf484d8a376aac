"""The command `khana`: arguments to types, one call, table or JSON and an exit code."""
