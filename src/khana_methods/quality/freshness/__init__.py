"""How old is what we know: age of each fact, how fast facts of its kind go stale, who is due for a visit.

A census-type registry is stale before its first use; so age is told beside every fact and never guessed away.
"""
