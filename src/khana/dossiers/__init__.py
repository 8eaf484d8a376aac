"""Files that read across rooms: a person's file, a household's file, the five answers.

Has no table of its own and writes nothing.
"""
