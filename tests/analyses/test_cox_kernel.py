"""The kernels of the Cox model: by hand, against slow definitions, and by their laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyses.estimators.cox import cox
from analyses.kernels import cox as kernel
from analyses.kernels.concordance import count_pairs, standard_error
from analyses.kernels.newton import aliased, maximise

Array = np.ndarray[Any, Any]

# --- six patients on paper ------------------------------------------------------------------------
#
#   patient  time  event  x
#      1       1     1    1
#      2       1     1    0
#      3       2     0    1
#      4       3     1    0
#      5       3     1    1
#      6       4     0    0
#
# With r = exp(beta) for x = 1: at time 1 everyone is at risk, S0 = 3r + 3, S1 = S2 = 3r; the two
# who die have E0 = r + 1, E1 = E2 = r. At time 3 patients 4, 5, 6 are at risk, S0 = r + 2,
# S1 = S2 = r; patients 4 and 5 die, E0 = r + 1, E1 = E2 = r. The deaths have two x = 1 in all.
#
#   Breslow  2 beta - 2 log(3r + 3) - 2 log(r + 2)
#   Efron    2 beta - log(3r + 3) - log(2.5r + 2.5) - log(r + 2) - log(0.5r + 1.5)
#
# Every denominator is a r + b, whose term has the derivatives -a r/(a r + b) and
# -a b r/(a r + b)^2 in beta.

TIME = np.array([1.0, 1, 2, 3, 3, 4])
EVENT = np.array([1, 1, 0, 1, 1, 0], dtype=bool)
X = np.array([[1.0], [0], [1], [0], [1], [0]])
DENOMINATORS = {
    "breslow": [(3, 3), (3, 3), (1, 2), (1, 2)],
    "efron": [(3, 3), (2.5, 2.5), (1, 2), (0.5, 1.5)],
}


def placed(block: kernel.Block) -> tuple[kernel.Placed, kernel.Grid]:
    grid = kernel.grid([block], int(block.stratum.max()) + 1)
    return kernel.place(block, grid), grid


def by_hand(beta: float, ties: str) -> tuple[float, float, float]:
    r = np.exp(beta)
    parts = DENOMINATORS[ties]
    fit = 2 * beta - sum(np.log(a * r + b) for a, b in parts)
    score = 2 - sum(a * r / (a * r + b) for a, b in parts)
    return fit, score, sum(a * b * r / (a * r + b) ** 2 for a, b in parts)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("beta", [-1.5, 0.0, 0.4, 2.0])
def test_six_patients_give_what_paper_says(beta: float, ties: kernel.Ties) -> None:
    block = kernel.Block(X, np.zeros(6, dtype=np.intp), TIME, EVENT)
    at, grid = placed(block)
    found = kernel.likelihood([at], grid, np.array([beta]), ties)
    wanted = by_hand(beta, ties)
    assert found.log_likelihood == pytest.approx(wanted[0], rel=1e-14)
    assert found.score[0] == pytest.approx(wanted[1], rel=1e-13, abs=1e-15)
    assert found.information[0, 0] == pytest.approx(wanted[2], rel=1e-13)


def test_breslow_estimate_of_the_six_patients_solves_the_quadratic() -> None:
    # score 0: 2 = 2r/(r + 1) + 2r/(r + 2), so (r + 1)(r + 2) = r(2r + 3), r^2 = 2
    frame = pd.DataFrame({"t": TIME, "e": EVENT, "x": X[:, 0]})
    (x,) = cox(frame, time="t", event="e", terms=["x"], ties="breslow").estimated
    assert x.estimate == pytest.approx(np.log(2) / 2, rel=1e-14)


# --- slow definitions ----------------------------------------------------------------------------


def made(
    seed: int, n: int, *, strata: int = 1, late: bool = True, weighted: bool = True
) -> kernel.Block:
    """Random rows with heavy ties."""
    rng = np.random.default_rng(seed)
    exit_ = rng.integers(1, 9, n).astype(float)
    return kernel.Block(
        rng.normal(size=(n, 3)).round(1),
        rng.integers(0, strata, n),
        exit_,
        np.r_[True, rng.random(n - 1) < 0.6],
        np.floor(rng.random(n) * exit_) - (rng.random(n) < 0.3) if late else None,
        rng.uniform(0.2, 3, n) if weighted else None,
        rng.normal(size=n) * 0.2,
    )


def slow(block: kernel.Block, beta: Array, ties: str) -> tuple[float, Array, Array, Array]:
    """Log-likelihood, score, information and score residuals, risk set by risk set."""
    n, p = block.x.shape
    weight = np.ones(n) if block.weight is None else block.weight
    entry = np.full(n, -np.inf) if block.entry is None else block.entry
    eta = block.x @ beta + (0 if block.offset is None else block.offset)
    ratio = np.exp(eta)
    fit, score, information = 0.0, np.zeros(p), np.zeros((p, p))
    residual = np.zeros((n, p))
    for stratum in np.unique(block.stratum):
        own = block.stratum == stratum
        for t in np.unique(block.exit[own & block.event]):
            risk = own & (entry < t) & (t <= block.exit)
            dead = own & block.event & (block.exit == t)
            d, mean = dead.sum(), weight[dead].mean()
            fit += float(weight[dead] @ eta[dead])
            score += weight[dead] @ block.x[dead]
            for k in range(d):
                share = k / d if ties == "efron" else 0.0
                used = weight * ratio * np.where(dead, 1 - share, risk * 1.0)
                s0, s1 = used.sum(), used @ block.x
                centred = block.x - s1 / s0
                fit -= mean * np.log(s0)
                score -= mean * s1 / s0
                information += mean * (centred.T @ (used[:, None] * centred)) / s0
                gathered = (used / weight * mean / s0)[:, None]
                residual += dead[:, None] * centred / d - gathered * centred
    return fit, score, information, residual


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("seed", range(6))
def test_sums_agree_with_a_loop_over_risk_sets(seed: int, ties: kernel.Ties) -> None:
    block = made(seed, 40, strata=1 + seed % 3, late=seed > 1, weighted=seed != 3)
    beta = np.array([0.3, -0.5, 0.1])
    at, grid = placed(block)
    found = kernel.likelihood([at], grid, beta, ties)
    fit, score, information, residual = slow(block, beta, ties)
    assert found.log_likelihood == pytest.approx(fit, rel=1e-12)
    np.testing.assert_allclose(found.score, score, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.information, information, rtol=1e-10, atol=1e-12)
    parts = list(kernel.score_residuals(at, grid, beta, found))
    rows = np.vstack([part for _, part in parts])
    np.testing.assert_allclose(rows, residual, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_score_and_information_are_the_derivatives(ties: kernel.Ties) -> None:
    at, grid = placed(made(11, 60, strata=2))
    beta = np.array([0.2, 0.1, -0.3])
    found = kernel.likelihood([at], grid, beta, ties)
    h = 1e-5
    for j in range(3):
        step = h * np.eye(3)[j]
        up, down = (kernel.likelihood([at], grid, beta + s, ties) for s in (step, -step))
        slope = (up.log_likelihood - down.log_likelihood) / (2 * h)
        assert found.score[j] == pytest.approx(slope, rel=1e-6, abs=1e-7)
        curve = -(up.score - down.score) / (2 * h)
        np.testing.assert_allclose(found.information[j], curve, rtol=1e-6, atol=1e-7)


def part_of(block: kernel.Block, rows: Array) -> kernel.Block:
    def cut(values: Array | None) -> Array | None:
        return None if values is None else values[rows]

    return kernel.Block(
        block.x[rows],
        block.stratum[rows],
        block.exit[rows],
        block.event[rows],
        cut(block.entry),
        cut(block.weight),
        cut(block.offset),
    )


@given(st.integers(0, 10_000), st.integers(1, 4), st.sampled_from(["efron", "breslow"]))
def test_any_split_into_blocks_adds_to_the_same_sums(
    seed: int, n_blocks: int, ties: kernel.Ties
) -> None:
    block = made(seed, 30, strata=2)
    owner = np.random.default_rng(seed).integers(0, n_blocks, 30)
    parts = [part_of(block, np.flatnonzero(owner == k)) for k in range(n_blocks)]
    grid = kernel.grid([block], 2)
    beta = np.array([0.4, 0.0, -0.2])
    np.testing.assert_array_equal(kernel.grid(parts, 2).time, grid.time)
    whole = kernel.likelihood([kernel.place(block, grid)], grid, beta, ties)
    placed_parts = [kernel.place(part, grid) for part in parts]
    split = kernel.likelihood(placed_parts, grid, beta, ties)
    np.testing.assert_allclose(split.total, whole.total, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(split.score, whole.score, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(split.information, whole.information, rtol=1e-9, atol=1e-10)
    products = [kernel.score_products(part, grid, beta, split) for part in placed_parts]
    once = kernel.score_products(kernel.place(block, grid), grid, beta, whole)
    np.testing.assert_allclose(sum(products), once, rtol=1e-8, atol=1e-9)


# --- concordance ---------------------------------------------------------------------------------


def slow_pairs(block: kernel.Block, eta: Array) -> tuple[list[float], Array]:
    n = len(eta)
    weight = np.ones(n) if block.weight is None else block.weight
    entry = np.full(n, -np.inf) if block.entry is None else block.entry
    counts, shares = np.zeros(5), np.zeros((3, n))
    for i in np.flatnonzero(block.event):
        for j in range(n):
            if i == j or block.stratum[i] != block.stratum[j]:
                continue
            t = block.exit[i]
            kind = 0 if eta[i] > eta[j] else 1 if eta[i] < eta[j] else 2
            if block.event[j] and block.exit[j] == t and i < j:
                counts[3 if kind < 2 else 4] += weight[i] * weight[j]
            after = block.exit[j] > t or (block.exit[j] == t and not block.event[j])
            if after and entry[j] < t:
                counts[kind] += weight[i] * weight[j]
                shares[kind, i] += weight[j]
                shares[kind, j] += weight[i]
    return list(counts), shares


@pytest.mark.parametrize("seed", range(8))
def test_pairs_agree_with_a_loop_over_pairs(seed: int) -> None:
    block = made(seed, 45, strata=1 + seed % 3, late=seed % 2 == 0, weighted=seed > 3)
    at, grid = placed(block)
    eta = block.x[:, 0]
    pairs = count_pairs(
        eta, block.event, at.last, grid.start, block.stratum, at.before, block.weight
    )
    counts, shares = slow_pairs(block, eta)
    found = [pairs.concordant, pairs.discordant, pairs.tied_x, pairs.tied_y, pairs.tied_xy]
    np.testing.assert_allclose(found, counts, rtol=1e-12, atol=1e-10)
    rows = [pairs.row_concordant, pairs.row_discordant, pairs.row_tied]
    np.testing.assert_allclose(rows, shares, rtol=1e-10, atol=1e-10)
    assert counts[2] > 0


def test_clustered_error_of_the_concordance_adds_influences_before_squaring() -> None:
    block = made(5, 45)
    at, grid = placed(block)
    arguments = (block.event, at.last, grid.start, block.stratum, at.before, block.weight)
    pairs = count_pairs(block.x[:, 0], *arguments)
    alone = standard_error(pairs, block.weight, np.arange(45))
    assert alone == pytest.approx(standard_error(pairs, block.weight, None), rel=1e-14)
    assert standard_error(pairs, block.weight, np.arange(45) // 5) != pytest.approx(alone)


# --- Newton and dependent columns ----------------------------------------------------------------


def test_maximum_is_found_from_a_start_where_full_steps_overshoot() -> None:
    block = kernel.Block(X * 8, np.zeros(6, dtype=np.intp), TIME, EVENT)
    at, grid = placed(block)
    end = maximise(
        lambda beta: kernel.likelihood([at], grid, beta, "breslow"),
        np.array([3.0]),
        np.array([8.0]),
        np.array([True]),
    )
    assert end.status == "converged"
    assert end.beta[0] == pytest.approx(np.log(2) / 2 / 8, rel=1e-13)


@pytest.mark.parametrize("seed", [0, 4, 12, 26, 46])
def test_last_step_is_taken_so_that_the_score_is_zero_to_rounding(seed: int) -> None:
    at, grid = placed(made(seed, 40))

    def evaluate(beta: Array) -> kernel.Likelihood:
        return kernel.likelihood([at], grid, beta, "efron")

    end = maximise(evaluate, np.zeros(3), np.ones(3), np.ones(3, dtype=bool))
    there = evaluate(end.beta)
    missing = there.score @ np.linalg.solve(there.information, there.score)
    assert np.sqrt(missing) < 1e-13  # standard errors from the maximum; 1e-10 a step earlier


def test_dependent_columns_are_named_with_what_determines_them() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 3))
    x = np.column_stack([x, 2 * x[:, 2] - x[:, 0], np.zeros(50)])
    assert aliased(x.T @ x) == ((3, (0, 2)), (4, ()))


# --- laws of the whole model ---------------------------------------------------------------------

PATIENTS = st.integers(0, 10_000)


def frame_of(seed: int, n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "t": rng.integers(1, 12, n).astype(float),
            "e": rng.random(n) < 0.7,
            "x": rng.normal(size=n),
            "g": pd.Categorical(rng.choice(["a", "b"], n), ["a", "b"], ordered=True),
        }
    )


def coefficients(frame: pd.DataFrame, **arguments: Any) -> Array:
    model = cox(frame, time="t", event="e", **{"terms": ["x", "g"], **arguments})
    rows = [[c.estimate, c.std_error] for c in model.estimated]
    return np.array(rows, dtype=float).reshape(-1, 2)


@given(PATIENTS)
def test_order_of_rows_and_unit_of_time_do_not_matter(seed: int) -> None:
    frame = frame_of(seed)
    found = coefficients(frame)
    shuffled = frame.sample(frac=1, random_state=seed)
    np.testing.assert_allclose(coefficients(shuffled), found, rtol=1e-9)
    doubled = frame.assign(t=2 * frame["t"])
    np.testing.assert_allclose(coefficients(doubled), found, rtol=1e-12)


@given(PATIENTS)
def test_count_of_two_equals_the_patient_twice_with_breslow_ties(seed: int) -> None:
    frame = frame_of(seed)
    twice = pd.concat([frame, frame], ignore_index=True)
    counted = frame.assign(k=2)
    found = cox(counted, time="t", event="e", terms=["x"], weights="k", ties="breslow")
    wanted = cox(twice, time="t", event="e", terms=["x"], ties="breslow")
    assert found.estimated[0].std_error == pytest.approx(wanted.estimated[0].std_error, rel=1e-10)
    assert found.estimated[0].estimate == pytest.approx(wanted.estimated[0].estimate, rel=1e-9)
    assert found.aic == pytest.approx(wanted.aic, rel=1e-12)
    assert found.bic == pytest.approx(wanted.bic, rel=1e-12)


@given(PATIENTS)
def test_other_reference_flips_the_sign(seed: int) -> None:
    frame = frame_of(seed)
    first = coefficients(frame)[1]
    second = coefficients(frame, terms=["x", {"name": "g", "reference": "b"}])[1]
    np.testing.assert_allclose(second, [-first[0], first[1]], rtol=1e-9)


@given(PATIENTS, st.floats(-1e4, 1e4))
def test_shifted_covariate_has_the_same_coefficient(seed: int, shift: float) -> None:
    frame = frame_of(seed)
    moved = frame.assign(x=frame["x"] + shift)
    np.testing.assert_allclose(coefficients(moved), coefficients(frame), rtol=1e-7)


@given(PATIENTS)
def test_scaled_covariate_has_the_scaled_coefficient(seed: int) -> None:
    frame = frame_of(seed)
    per = coefficients(frame, terms=[{"name": "x", "per": 10}, "g"])
    np.testing.assert_allclose(per[0], 10 * coefficients(frame)[0], rtol=1e-9)


def test_second_programmer_agrees() -> None:
    from lifelines import CoxPHFitter

    frame = frame_of(3, 200)
    plain = frame.assign(g=(frame["g"] == "b").astype(float), e=frame["e"].astype(int))
    other = CoxPHFitter().fit(plain, "t", "e", fit_options={"precision": 1e-12})
    found = coefficients(frame)
    np.testing.assert_allclose(found[:, 0], other.params_.to_numpy(), rtol=1e-6)
    np.testing.assert_allclose(found[:, 1], other.standard_errors_.to_numpy(), rtol=1e-6)
