"""Python's peers, in the environment that has them: the same work on the same numbers.

``PYTHON tests/bench/peers.py WORK FILE PATIENTS REPEATS`` answers one line of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

from measuring import Measured, best
from patients import COVARIATES, read_numbers

TERMS = [f"x{i}" for i in range(1, COVARIATES + 1)]


def lifelines_cox(path: Path, n: int, repeats: int) -> Measured:
    """Lifelines' CoxPHFitter; its tests of proportional hazards and concordance are not asked."""
    from lifelines import CoxPHFitter

    frame = read_numbers(path, n)[[*TERMS, "time", "event"]]

    def fit() -> tuple[float, ...]:
        found = CoxPHFitter().fit(frame, "time", "event").summary
        return tuple(
            float(found.loc[name, part]) for name in TERMS for part in ("coef", "se(coef)")
        )

    return replace(best(fit, repeats), version=f"lifelines {version('lifelines')}")


def lifelines_survival(path: Path, n: int, repeats: int) -> Measured:
    """Lifelines' curves by group and its log-rank test."""
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import multivariate_logrank_test

    frame = read_numbers(path, n)

    def fit() -> tuple[float, ...]:
        for _, rows in frame.groupby("group", observed=True):
            KaplanMeierFitter().fit(rows["time"], rows["event"])
        test = multivariate_logrank_test(frame["time"], frame["group"], frame["event"])
        return (float(test.test_statistic),)

    return replace(best(fit, repeats), version=f"lifelines {version('lifelines')}")


def pandas_text(path: Path, _: int, repeats: int) -> Measured:
    """Pandas reads the whole file as text."""
    import pandas as pd

    def read() -> tuple[float, ...]:
        n = float(len(pd.read_csv(path, dtype=str)))
        return (n, n)

    return replace(best(read, repeats), version=f"pandas {version('pandas')}")


WORK: dict[str, Callable[[Path, int, int], Measured]] = {
    "cox": lifelines_cox,
    "survival": lifelines_survival,
    "pipeline": pandas_text,
}


if __name__ == "__main__":
    name, file, rows, times = sys.argv[1:5]
    measured = WORK[name](Path(file), int(rows), int(times))
    sys.stdout.write(json.dumps(asdict(measured)) + "\n")
