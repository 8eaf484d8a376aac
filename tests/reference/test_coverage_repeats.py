"""Surveys drawn again and again from a population whose missing are known: intervals hold the truth as often as they say.

The long run of a thousand is `python -m bench monitoring`; here forty draws must not look like anything but 95 %.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from bench._coverage_draws import DESIGN, FIGURES, draws, held, population

from khana_methods.coverage.study import study


@pytest.mark.shared_data
def test_intervals_hold_the_truth(pk_sample: Path) -> None:
    people = population(pk_sample)
    assert 0.15 < 1 - people.truth("", "share", "household") < 0.18
    assert people.truth("poor_", "share", "household") < people.truth("", "share", "household") - 0.05  # not at random
    counts = dict.fromkeys(FIGURES, 0)
    gaps = []
    for table, spec in draws(people, 40, seed=5):
        found = study(table, DESIGN, spec)
        for key, yes in held(people, found).items():
            counts[key] += yes
        (one,) = [
            f
            for f in found.figures
            if (f.domain, f.estimator, f.weight) == ("all", "registered_share_corrected", "household")
        ]
        gaps.append((one.estimate or 0) - people.truth("", "share", "household"))
    assert all(33 <= count <= 40 for count in counts.values()), counts  # under 33 of 40: once in ten thousand at 95 %
    assert abs(sum(gaps) / len(gaps)) < 0.008  # as matched the share would be 0.045 off
