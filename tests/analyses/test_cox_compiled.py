"""The compiled kernels give the numbers of the array code, on the same rows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analyses.estimators.cox import cox
from analyses.kernels import concordance, cox_compiled, risk_sets
from analyses.kernels import cox as kernel
from analyses.kernels.concordance import count_pairs, standard_error
from analyses.kernels.ordering import ascending

Array = np.ndarray[Any, Any]
BETA = np.array([0.3, -0.5, 0.1, 0.0, 1.2])
CASES = [
    {},
    {"strata": 3},
    {"late": True},
    {"weighted": True},
    {"strata": 2, "late": True, "weighted": True, "shifted": True},
    {"continuous": True, "strata": 2},
]


def made(n: int = 3_001, **wanted: Any) -> kernel.Block:
    """Random rows; whole days with heavy ties, or continuous times."""
    rng = np.random.default_rng(7)
    exit_ = rng.uniform(0.5, 40, n)
    if not wanted.get("continuous"):
        exit_ = np.ceil(exit_)
    return kernel.Block(
        rng.normal(size=(n, len(BETA))),
        rng.integers(0, wanted.get("strata", 1), n),
        exit_,
        rng.random(n) < 0.4,
        np.floor(rng.random(n) * exit_) - (rng.random(n) < 0.3) if wanted.get("late") else None,
        rng.uniform(0.2, 3, n) if wanted.get("weighted") else None,
        rng.normal(size=n) * 0.2 if wanted.get("shifted") else None,
    )


def both(
    monkeypatch: pytest.MonkeyPatch, block: kernel.Block, grid: kernel.Grid
) -> tuple[kernel.Placed, kernel.Placed]:
    """The block as array code takes it, and as compiled code does."""
    by_arrays = kernel.place(block, grid)
    monkeypatch.setattr(risk_sets, "COMPILED_FROM", 0)
    by_loops = kernel.place(block, grid)
    assert by_arrays.sparse is not None
    assert by_loops.sparse is None
    return by_arrays, by_loops


def assert_close(found: Any, wanted: Any) -> None:
    """Equal to 1e-12 of the largest number."""
    wanted = np.asarray(wanted)
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12 * np.abs(wanted).max())


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("wanted", CASES, ids=lambda case: "-".join(case) or "plain")
def test_likelihood_of_compiled_and_array_code_agree(
    wanted: dict[str, Any], ties: kernel.Ties, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = made(**wanted)
    grid = kernel.grid([block], 3)
    by_arrays, by_loops = both(monkeypatch, block, grid)
    one, other = (kernel.likelihood([b], grid, BETA, ties) for b in (by_arrays, by_loops))
    assert_close(other.log_likelihood, one.log_likelihood)
    assert_close(other.total, one.total)
    np.testing.assert_allclose(other.score, one.score, rtol=1e-10, atol=1e-9)
    assert_close(other.information, one.information)


@pytest.mark.parametrize("wanted", CASES, ids=lambda case: "-".join(case) or "plain")
def test_score_products_of_compiled_and_array_code_agree(
    wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    block = made(**wanted)
    grid = kernel.grid([block], 3)
    by_arrays, by_loops = both(monkeypatch, block, grid)
    at = kernel.likelihood([by_arrays], grid, BETA, "efron")
    cluster = np.arange(len(block.exit)) % 40
    for arguments in ((), (cluster, 40)):
        one = kernel.score_products(by_arrays, grid, BETA, at, *arguments)
        assert_close(kernel.score_products(by_loops, grid, BETA, at, *arguments), one)


def test_linear_predictor_of_compiled_and_array_code_agree() -> None:
    block = made(shifted=True)
    assert_close(cox_compiled.linear_predictor(block, BETA), kernel.linear_predictor(block, BETA))


@pytest.mark.parametrize("rounded", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("wanted", CASES, ids=lambda case: "-".join(case) or "plain")
def test_pairs_of_compiled_and_array_code_agree(
    wanted: dict[str, Any], rounded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = made(**wanted)
    grid = kernel.grid([block], 3)
    at = kernel.place(block, grid)
    predictor = block.x[:, 0].round(1) if rounded else block.x[:, 0]
    predictor[:4] = -np.inf  # rows that left the risk sets
    given = (predictor, block.event, at.last, grid.start, block.stratum, at.before, block.weight)
    one = count_pairs(*given)
    monkeypatch.setattr(concordance, "COMPILED_FROM", 0)
    other = count_pairs(*given)
    for name in ("concordant", "discordant", "tied_x", "tied_y", "tied_xy"):
        scale = one.concordant
        assert getattr(other, name) == pytest.approx(getattr(one, name), abs=1e-12 * scale)
    for name in ("row_concordant", "row_discordant", "row_tied"):
        wanted_rows = other.in_order(getattr(one, name))
        np.testing.assert_allclose(
            getattr(other, name), wanted_rows, rtol=1e-12, atol=1e-12 * one.row_concordant.max()
        )
    for cluster in (None, np.arange(len(predictor)) // 3):
        errors = [standard_error(pairs, block.weight, cluster) for pairs in (one, other)]
        assert errors[1] == pytest.approx(errors[0], rel=1e-11)


def test_places_are_the_same_by_table_and_by_search(monkeypatch: pytest.MonkeyPatch) -> None:
    block = made(strata=3, late=True)
    grid = kernel.grid([block], 4)
    values = np.concatenate([block.exit, block.exit + 0.5, [-np.inf, -1.0, 0.0, 1e9]])
    stratum = np.concatenate([block.stratum, block.stratum, [0, 1, 2, 3]])
    by_table = kernel.places(grid, stratum, values)
    monkeypatch.setattr(risk_sets, "TABLE", 0)
    np.testing.assert_array_equal(kernel.places(grid, stratum, values), by_table)
    searched = kernel.grid([block], 4)
    np.testing.assert_array_equal(searched.time, grid.time)
    np.testing.assert_array_equal(searched.start, grid.start)


@pytest.fixture(scope="module")
def patients() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 210_000  # begins with a sample
    x = rng.normal(size=(n, 3))
    days = np.ceil(rng.exponential(900, n) * np.exp(-x @ [0.2, 0.0, -0.4]))
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    return frame.assign(time=np.minimum(days, 1_000), event=days <= 1_000)


def test_many_rows_have_the_estimates_of_the_array_code(
    patients: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {"time": "time", "event": "event", "terms": ["a", "b", "c"]}
    many = cox(patients, **asked, robust=True)
    again = cox(patients, **asked, robust=True)
    assert many.to_dict() == again.to_dict()  # whichever thread was first
    for module in (risk_sets, concordance, kernel):
        monkeypatch.setattr(module, "COMPILED_FROM", 10**9)
    monkeypatch.setattr("analyses.estimators.cox_rows.SAMPLED_FROM", 10**9)
    few = cox(patients, **asked, robust=True)
    for one, other in zip(many.estimated, few.estimated, strict=True):
        assert one.estimate == pytest.approx(other.estimate, rel=1e-10, abs=1e-12)
        assert one.std_error == pytest.approx(other.std_error, rel=1e-10)
    assert many.log_likelihood == pytest.approx(few.log_likelihood, rel=1e-13)
    assert many.concordance.estimate == pytest.approx(few.concordance.estimate, rel=1e-10)
    assert many.concordance.std_error == pytest.approx(few.concordance.std_error, rel=1e-10)
    assert many.iterations < few.iterations


def test_rows_in_the_order_of_time_for_many_event_times(patients: pd.DataFrame) -> None:
    asked: dict[str, Any] = {"time": "time", "event": "event", "terms": ["a", "b", "c"]}
    rng = np.random.default_rng(5)
    later = patients.iloc[:60_000].assign(
        time=lambda rows: rows["time"] + rng.uniform(0, 0.5, len(rows)),
        site=rng.integers(0, 2, 60_000),
        centre=rng.integers(0, 500, 60_000),
    )
    found = cox(later, **asked, strata="site", cluster="centre")
    small = pd.concat([later.iloc[k::2] for k in (0, 1)])
    again = cox(small, **asked, strata="site", cluster="centre")
    np.testing.assert_allclose(again.covariance, found.covariance, rtol=1e-9)


def test_small_cohorts_never_load_the_compiler() -> None:
    code = (
        "import sys, numpy as np, pandas as pd\n"
        "from analyses.estimators.cox import cox\n"
        "rng = np.random.default_rng(0)\n"
        "f = pd.DataFrame({'t': rng.integers(1, 9, 300), 'e': rng.random(300) < 0.5,"
        " 'x': rng.normal(size=300)})\n"
        "cox(f, time='t', event='e', terms=['x'], robust=True)\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_kernels_compile_where_no_cache_can_be_written(tmp_path: Path) -> None:
    package = Path(kernel.__file__).parent
    code = (
        "from numba.core import caching\n"
        "caching.CacheImpl._locator_classes = []\n"
        "import numpy as np\n"
        "from analyses.kernels import cox, cox_compiled\n"
        "block = cox.Block(np.ones((9, 1)), np.zeros(9, dtype=np.intp), np.ones(9),"
        " np.ones(9, dtype=bool))\n"
        "assert (cox_compiled.linear_predictor(block, np.ones(1)) == 1).all()\n"
    )
    environment = os.environ | {"PYTHONPATH": str(package.parent.parent), "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(1).normal(size=3_000),
        np.random.default_rng(2).integers(-9, 9, 3_000).astype(float),  # ties
        1 + 1e-9 * np.random.default_rng(3).random(70_000),  # the same upper bits: numpy sorts
        np.array([0.0, -np.inf, 1e300, -0.0, -1e-300, np.inf, 1e-300, -1e300]),
        np.zeros(0),
    ],
    ids=["apart", "tied", "close", "extreme", "none"],
)
def test_order_by_digits_is_ascending(values: np.ndarray[Any, Any]) -> None:
    order = ascending(values)
    np.testing.assert_array_equal(np.sort(order), np.arange(len(values)))
    np.testing.assert_array_equal(values[order], np.sort(values))
