"""Random cohorts, estimated here and by R: the largest deviation of every quantity.

``make reference-stress``, or ``python tests/stress/stress.py --cohorts 200 --seed 1``. Cohorts are
small, so that ties, empty cells, groups of one and curves that come down to 0 are common. A topic
is a pair of files in this folder: ``<topic>.R``, called with the rows and a file for its answers,
and ``<topic>.py`` with `answers(cohort)` and `TOLERANCES`. Exit 1 where a deviation is past its
tolerance.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

FOLDER = Path(__file__).resolve().parent
SMALL = 1e-6  # deviations from numbers below this are relative to it


def cohort(number: int, seed: int) -> pd.DataFrame:
    """One cohort: coarse or fine times, entry, strata, whole and other weights, 2 to 4 groups."""
    rng = np.random.default_rng([seed, number])
    n, k = int(rng.integers(12, 150)), int(rng.integers(2, 5))
    died = rng.exponential(30, n)
    left = rng.exponential(rng.choice([20.0, 60.0]), n)
    time = np.minimum(died, left)
    coarse = rng.choice([1.0, 5.0, 20.0])
    if rng.random() < 0.7:
        time = np.floor(time / coarse) * coarse
    entry = np.where(rng.random(n) < 0.5, 0.0, np.floor(time * rng.random(n) * 0.9))
    group = rng.integers(1, k + 1, n)
    return pd.DataFrame(
        {
            "cohort": number,
            "group": np.unique(group, return_inverse=True)[1] + 1,
            "time": time,
            "event": (died <= left).astype(int),
            "entry": entry,
            "stratum": rng.integers(1, 4, n),
            "share": np.round(rng.uniform(0.1, 3, n), 3),
            "whole": rng.integers(1, 4, n),
        }
    )


def topics() -> Iterator[tuple[str, ModuleType]]:
    """The topics of this folder, by name."""
    for path in sorted(FOLDER.glob("*.py")):
        if not path.with_suffix(".R").is_file():
            continue
        spec = importlib.util.spec_from_file_location(f"stress_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield path.stem, module


def answers_of_r(topic: str, rows: Path, folder: Path) -> pd.Series:
    """R's numbers by (cohort, quantity); NaN where R has none, or one that rounding spoilt."""
    out = folder / f"{topic}.csv"
    script = ["Rscript", str(FOLDER / f"{topic}.R"), str(rows), str(out)]
    done = subprocess.run(
        script, cwd=FOLDER.parent.parent, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{topic}.R: {done.stderr.strip()}")
    return pd.read_csv(out).set_index(["cohort", "quantity"])["value"]


def deviation(ours: float | None, theirs: float) -> float:
    """Relative deviation, but of the small; infinite where one of the two does not exist."""
    if ours is None or math.isnan(ours):
        return 0.0 if math.isnan(theirs) else math.inf
    if math.isnan(theirs):
        return math.inf
    return abs(ours - theirs) / max(abs(theirs), SMALL)


def compared(topic: str, module: ModuleType, cohorts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One row a number that both have: what it is, and how far apart they are."""
    with tempfile.TemporaryDirectory() as made:
        rows = Path(made) / "rows.csv"
        pd.concat(cohorts).to_csv(rows, index=False, float_format="%.17g")
        expected = answers_of_r(topic, rows, Path(made)).to_dict()
    found = []
    for frame in cohorts:
        number = int(frame["cohort"].iloc[0])
        for quantity, value in module.answers(frame):
            if (number, quantity) in expected:
                kind = " ".join(word for word in quantity.split() if not word.isdigit())
                apart = deviation(value, expected[number, quantity])
                found.append((topic, kind, number, apart))
    return pd.DataFrame(found, columns=["topic", "quantity", "cohort", "deviation"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 where a deviation is past its tolerance, 2 where R is absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20250131)
    asked = parser.parse_args(arguments)
    if shutil.which("Rscript") is None:
        sys.stderr.write("R is absent: Rscript was not found\n")
        return 2
    cohorts = [cohort(number, asked.seed) for number in range(asked.cohorts)]
    late = 0
    sys.stdout.write("| topic | quantity | numbers | largest deviation | of cohort | allowed |\n")
    sys.stdout.write("|---|---|---:|---:|---:|---:|\n")
    for topic, module in topics():
        table = compared(topic, module, cohorts)
        for quantity, part in table.groupby("quantity", sort=False):
            worst = part.loc[part["deviation"].idxmax()]
            allowed = module.TOLERANCES.get(quantity, module.TOLERANCES[""])
            late += worst["deviation"] > allowed
            sys.stdout.write(
                f"| {topic} | {quantity} | {len(part):,} | {worst['deviation']:.1e} | "
                f"{worst['cohort']} | {allowed:.0e} |\n"
            )
            sys.stdout.flush()
    return int(late > 0)


if __name__ == "__main__":
    sys.exit(main())
