"""Our side of the benchmark: each piece of work, done in a process of its own.

``python tests/bench/work.py WORK FILE PATIENTS REPEATS`` answers one line of JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from measuring import Measured, best
from patients import COVARIATES, SEED, STATES, read_numbers

TERMS = [f"x{i}" for i in range(1, COVARIATES + 1)]
STYLE, PDF_ONLY = "{style: default}", "{style: default, formats: [pdf]}"
FEW = 5_000  # rows of a first call, which loads what is loaded once


def cox_work(path: Path, n: int, repeats: int) -> Measured:
    """The Cox model; the kernels are warm, as in a study with several models."""
    return _fitted(read_numbers(path, n), repeats, robust=None)


def robust_work(path: Path, n: int, repeats: int) -> Measured:
    """The same with the robust variance."""
    return _fitted(read_numbers(path, n), repeats, robust=True)


def _fitted(frame: pd.DataFrame, repeats: int, *, robust: bool | None) -> Measured:
    from analyses import cox

    def fit(rows: pd.DataFrame) -> tuple[float, ...]:
        model = cox(rows, time="time", event="event", terms=TERMS, robust=robust)
        return tuple(
            float(value or 0.0) for c in model.coefficients for value in (c.estimate, c.std_error)
        )

    warm(fit, frame)
    return best(lambda: fit(frame), repeats)


def warm(fit: Callable[[pd.DataFrame], object], frame: pd.DataFrame) -> None:
    """A first call on few rows, and one on as many as compiled code is for."""
    for rows in (FEW, 60_000):
        if len(frame) >= rows:
            fit(frame.iloc[:rows])


def zph_work(path: Path, n: int, repeats: int) -> Measured:
    """The test of proportional hazards of a model that is fitted."""
    from analyses import cox

    frame = read_numbers(path, n)
    model = cox(frame, time="time", event="event", terms=TERMS)

    def test() -> tuple[float, ...]:
        found = model.proportionality()
        every = found.summary
        return tuple(float(value) for value in every["statistic"])

    test()
    return best(test, repeats)


def survival_work(path: Path, n: int, repeats: int) -> Measured:
    """Kaplan-Meier with limits and the log-rank test of three groups."""
    from analyses import kaplan_meier, logrank

    frame = read_numbers(path, n)

    def fit(rows: pd.DataFrame) -> tuple[float, ...]:
        curves = kaplan_meier(rows, time="time", event="event", by="group")
        test = logrank(rows, time="time", event="event", by="group")
        last = float(curves.curves[-1].survival[-1])
        return (float(test.statistic or 0.0), *test.observed, *test.expected, last)

    warm(fit, frame)
    return best(lambda: fit(frame), repeats)


def fine_gray_work(path: Path, n: int, repeats: int) -> Measured:
    """Fine and Gray's model."""
    from analyses import fine_gray

    frame = read_numbers(path, n)

    def fit(rows: pd.DataFrame) -> tuple[float, ...]:
        model = fine_gray(rows, time="time", state="state", cause=STATES[1], terms=TERMS)
        return tuple(
            float(value or 0.0) for c in model.coefficients for value in (c.estimate, c.std_error)
        )

    fit(frame.iloc[: min(n, FEW)])
    return best(lambda: fit(frame), repeats)


def blocks_work(path: Path, n: int, repeats: int) -> Measured:
    """The Cox model streamed from a Parquet file by DuckDB."""
    import duckdb

    from analyses.blocks import cox_blocks

    del n
    connection = duckdb.connect()

    def fit() -> tuple[float, ...]:
        rows = connection.read_parquet(str(path))
        model = cox_blocks(rows, time="time", event="event", terms=TERMS)
        return tuple(
            float(value or 0.0) for c in model.coefficients for value in (c.estimate, c.std_error)
        )

    return best(fit, repeats)


def study_work(path: Path, _: int, repeats: int) -> Measured:
    """The sample study of that file: table, curves, tests, models, figures, PDF report.

    Once, as R does it: what is loaded on the way is part of a study. Without the web page, to
    which R has nothing of the kind (study.R tells what is equal).
    """
    del repeats
    import analyses

    sample = Path(__file__).resolve().parent.parent.parent / "sample_data" / "her2_low_os.yaml"
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / sample.name
        text = sample.read_text(encoding="utf-8")
        study.write_text(text.replace(STYLE, PDF_ONLY), encoding="utf-8")
        (Path(folder) / "registry.csv").symlink_to(path)

        def run() -> tuple[float, ...]:
            asked = analyses.load_study(study, allow_path=True)
            result = analyses.run_study(asked, out=Path(folder) / "out")
            return (float(result.endpoints[0].n),)

        return best(run, 1)


def simulate_work(path: Path, n: int, _: int) -> Measured:
    """Writing a simulated registry, once."""
    from cohort.simulation import write_registry

    return best(lambda: (float(write_registry(path, n, SEED).stat().st_size),), 1)


def harmonise_work(path: Path, _: int, repeats: int) -> Measured:
    """From the file to canonical columns, computed."""
    import cohort

    def read() -> tuple[float, ...]:
        harmonised = cohort.harmonise(cohort.load(path, source="ncdb_puf"))
        harmonised.engine.materialise(harmonised.patients)
        return (float(harmonised.n),)

    return best(read, repeats)


def classify_work(path: Path, _: int, repeats: int) -> Measured:
    """From the file to HER2 groups."""
    import cohort

    def read() -> tuple[float, ...]:
        patients = cohort.harmonise(cohort.load(path, source="ncdb_puf"))
        return (float(cohort.classify_her2(patients).n),)

    return best(read, repeats)


def pipeline_work(path: Path, _: int, repeats: int) -> Measured:
    """From the file to the patients of a study that uses a few descriptive columns."""
    import cohort

    used = ["age_years", "comorbidity_index", "facility_id", "grade", "stage", "hr_status"]
    era = cohort.Criterion("era", "diagnosis_year", "IHC score collected", between=(2010, 2017))

    def read() -> tuple[float, ...]:
        patients = cohort.harmonise(cohort.load(path, source="ncdb_puf", columns=used))
        n = patients.n
        patients = cohort.add_endpoint(cohort.classify_her2(patients), id="os")
        selected = cohort.select(patients, [era], endpoint="os")
        rows = selected.engine.collect(
            selected.patients.select([*used, "her2_status", "os_time", "os_event"])
        )
        left = sum(step.n_removed for step in selected.attrition)
        return (float(n), float(rows.num_rows + left))

    return best(read, repeats)


WORK: dict[str, Callable[[Path, int, int], Measured]] = {
    "cox": cox_work,
    "robust": robust_work,
    "zph": zph_work,
    "survival": survival_work,
    "fine_gray": fine_gray_work,
    "blocks": blocks_work,
    "study": study_work,
    "simulate": simulate_work,
    "harmonise": harmonise_work,
    "classify": classify_work,
    "pipeline": pipeline_work,
}


if __name__ == "__main__":
    name, file, rows, times = sys.argv[1:5]
    measured = WORK[name](Path(file), int(rows), int(times))
    sys.stdout.write(json.dumps(asdict(measured)) + "\n")
