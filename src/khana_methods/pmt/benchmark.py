"""What a straight line costs: the same survey, variables, weights and folds given to a learner that bends freely.

Gradient-boosted trees see every column of the linear formula as it was read, codes as codes. Nothing is ever scored by
them: a family can be told what a coefficient added, and not what a thousand trees did.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from khana_methods.pmt.sample import Sample
from khana_methods.pmt.terms import Numbers, Term

NAME = "gradient-boosted trees"
MOST_CODES = 200


def boosted(sample: Sample, fold: npt.NDArray[np.int64], folds: int, *, seed: int) -> tuple[Numbers, Numbers]:
    """Predict log welfare by gradient boosting, inside the sample and outside each fold.

    Args:
        sample: The regression problem of the formula; its weights are used, its design is in the folds.
        fold: Fold of each row, from 0.
        folds: How many.
        seed: Of the learner.

    Returns:
        Predictions of each row by a fit on all rows, and by a fit without its fold.

    Source:
        Friedman 2001, Greedy function approximation, Annals of Statistics 29(5); scikit-learn's histogram variant.
    """
    columns, coded = _columns(sample)
    weights = sample.weights(np.ones(sample.households, dtype=np.bool_))

    def fitted(rows: npt.NDArray[np.bool_], to: npt.NDArray[np.bool_]) -> Numbers:
        from sklearn.ensemble import HistGradientBoostingRegressor

        used = rows & (weights > 0)
        least = max(5, min(40, int(used.sum()) // 50))
        learner = HistGradientBoostingRegressor(
            learning_rate=0.06, max_iter=250, max_leaf_nodes=15, min_samples_leaf=least, l2_regularization=1.0,
            categorical_features=coded, early_stopping=False, random_state=seed,
        )  # fmt: skip
        learner.fit(columns[used], sample.y[used], sample_weight=weights[used])
        made: Numbers = learner.predict(columns[to]).astype(np.float64)
        return made

    every = np.ones(sample.households, dtype=np.bool_)
    outside = np.full(sample.households, np.nan)
    for at in range(folds):
        away = fold == at
        if away.any():
            outside[away] = fitted(~away, away)
    return fitted(every, every), outside


def _columns(sample: Sample) -> tuple[Numbers, list[bool]]:
    """Return one column for each variable, and which of them are codes."""
    made, coded = [], []
    for term in sample.terms:
        is_code = term.regressor.kind == "category"
        made.append(_one_column(term))
        coded.append(is_code and len(term.labels) < MOST_CODES)
    return np.column_stack(made), coded


def _one_column(term: Term) -> Numbers:
    """Return a term as one column: the number, the place of the level, the steps reached."""
    made: Numbers = term.columns.sum(axis=1)  # a number has one column; the steps of an order add up
    if term.regressor.kind in ("number", "dummy", "cumulative"):
        return made
    made = term.columns @ np.arange(1, term.columns.shape[1] + 1, dtype=np.float64)
    return made
