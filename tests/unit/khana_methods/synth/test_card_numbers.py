"""Issued numbers are all different, and no slip of one digit makes one of them."""

from __future__ import annotations

import numpy as np

from khana_methods.synth.card_numbers import (
    bank_accounts,
    bgd_numbers,
    bgd_short_numbers,
    check_sum,
    fabricate,
    mistype,
    mobile_numbers,
    pak_numbers,
)

NTH = np.arange(50_000)
RNG = np.random.default_rng(2)


def test_issued_numbers_are_different_and_keep_the_check_sum() -> None:
    place = np.full(NTH.size, 19011)
    for key, width in (
        (pak_numbers(place, NTH, NTH % 2 == 0), 13),
        (bgd_numbers(place, NTH, NTH % 3 == 0), 13),
        (bgd_short_numbers(NTH % 4000, NTH // 4000), 10),
    ):
        assert np.unique(key).size == NTH.size
        assert set(np.char.str_len(key.astype(str)).tolist()) == {width}
        assert not check_sum(key).any()


def test_the_last_digit_of_a_pakistani_number_tells_the_sex() -> None:
    female = NTH % 2 == 0
    key = pak_numbers(np.full(NTH.size, 19011), NTH, female)
    assert np.array_equal(key % 2 == 0, female)


def test_a_slip_or_an_invention_is_never_an_issued_number() -> None:
    key = pak_numbers(np.full(NTH.size, 39123), NTH, NTH % 2 == 0)
    slip = mistype(key, RNG)
    assert check_sum(slip).all() and np.array_equal(slip // 10**8, key // 10**8)
    assert check_sum(fabricate(np.full(NTH.size, 39123), RNG)).all()


def test_mobiles_and_accounts_are_different() -> None:
    for country in ("pak", "bgd"):
        assert np.unique(mobile_numbers(country, NTH)).size == NTH.size
    check, _, body = bank_accounts(NTH + 1)
    assert np.unique(body).size == NTH.size
    assert check.min() >= 2 and check.max() <= 98
