"""Make a country of any size with planted truth; shares no code with what decides findings.

`synthesise.synthesise` is the entry. A *block* is a run of whole tehsils made in one go; the *clerk*
types lists from the true world; the *judge* then says what is true of every row. Words as in the
finding codes: a code that the files show by number is told apart from one that only the truth knows.
"""
