"""Programmes, selection lists, the unserved and disasters on pages: the catalogue, what its rules say, lists and their approvals."""
