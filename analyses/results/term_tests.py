"""Wald tests of a model's terms, each as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc

from analyses.results.coefficient import Coefficient
from analyses.results.frozen import Array
from analyses.results.terms import Term

if TYPE_CHECKING:
    import pandas as pd


def term_tests(
    terms: Sequence[Term], estimated: Sequence[Coefficient], covariance: Array
) -> pd.DataFrame:
    """One line a term with an estimate: statistic, df and p of all its coefficients together."""
    import pandas as pd

    rows = []
    for term in terms:
        places = [i for i, c in enumerate(estimated) if c.term == term.name]
        if places:
            beta = np.array([estimated[i].estimate for i in places], dtype=float)
            variance = covariance[np.ix_(places, places)]
            statistic = float(beta @ np.linalg.solve(variance, beta))
            p_value = float(chdtrc(len(places), statistic))
            rows.append((term.name, statistic, len(places), p_value))
    return pd.DataFrame(rows, columns=["term", "statistic", "df", "p_value"])
