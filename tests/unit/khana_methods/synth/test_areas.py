"""The made-up country at any size: places keep their own numbers and every household has a tehsil."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from khana_methods.synth.areas import make_geography
from khana_methods.synth.world import plan_blocks


@pytest.mark.parametrize("country", ["pak", "bgd"])
@pytest.mark.parametrize("households", [50, 9_999, 10_000, 1_000_000, 40_000_000])
def test_every_size_has_places_of_its_own(country: str, households: int) -> None:
    geography = make_geography(country, households, np.random.default_rng(1))
    assert len(set(geography.place.tolist())) == len(geography.tehsils)
    assert len({a.code for a in geography.areas}) == len(geography.areas)
    assert int(geography.households.sum()) == households
    runs = plan_blocks(geography)
    assert runs[0][0] == 0 and runs[-1][1] == len(geography.tehsils)
    assert all(a[1] == b[0] for a, b in pairwise(runs))
