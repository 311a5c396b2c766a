"""P-values adjusted for their number: by hand, and as statsmodels (R's in test_logrank.py)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analyses.estimators.multiplicity import ADJUSTMENTS

METHODS = {"holm": "holm", "bh": "fdr_bh", "bonferroni": "bonferroni"}


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        # 0.01 x 3 = 0.03; 0.03 x 2 = 0.06; 0.04 x 1 = 0.04, which may not fall below 0.06.
        ("holm", [0.06, 0.03, 0.06]),
        # 0.04 x 3/3 = 0.04; 0.03 x 3/2 = 0.045, which may not rise above 0.04; 0.01 x 3 = 0.03.
        ("bh", [0.04, 0.03, 0.04]),
        ("bonferroni", [0.12, 0.03, 0.09]),
    ],
)
def test_three_p_values_by_hand(method: str, expected: list[float]) -> None:
    p = np.array([0.04, 0.01, 0.03])
    np.testing.assert_allclose(ADJUSTMENTS[method](p), expected, rtol=1e-14)


@pytest.mark.parametrize("method", METHODS)
@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_as_statsmodels(method: str, p: list[float]) -> None:
    expected = multipletests(p, method=METHODS[method])[1]
    np.testing.assert_allclose(ADJUSTMENTS[method](np.array(p)), expected, rtol=1e-12, atol=1e-300)
