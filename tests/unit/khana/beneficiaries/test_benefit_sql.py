"""The pieces of SQL that frames share are written as their examples say."""

from __future__ import annotations

import doctest

from khana.beneficiaries import benefit_sql


def test_examples() -> None:
    assert doctest.testmod(benefit_sql).attempted > 2
    assert doctest.testmod(benefit_sql).failed == 0
