"""Compare programme lists: links, findings, overlaps, the cap, who is served by nothing.

Words: a *list* is one source's rows of one programme and period; a *payee* draws the money and
may be the beneficiary herself; a *holding* is one payee on one programme, once for all periods;
a *connected* programme is one whose list has arrived. All of it is set operations on the engine;
`reference` says the same slowly in plain Python, and property tests hold the two equal.
"""
