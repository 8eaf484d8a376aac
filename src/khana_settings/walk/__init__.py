"""The walk: every table, page, operation, command, report and export, as people of different scopes, in a made-up country.

It stands here because it alone sees every interface at once. `khana access walk` runs it in a folder and a database of its
own, which are gone afterwards; the tests run the same parts on theirs. It finds what somebody was shown who should not see
it, and what nobody has classified yet.
"""
