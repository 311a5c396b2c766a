"""Time and memory of the estimators beside R's survival, and of reading a registry beside pandas.

``make bench``, or ``python tests/bench/bench.py --sizes 10000 100000``. Every piece of work runs
in a process of its own, on simulated patients with follow-up in whole days (many ties). Written
as Markdown: seconds are the best of the repeats; memory is the highest resident size during the
work beyond what the process held before it.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SIZES = (10_000, 100_000, 1_100_000)
COVARIATES = 20
SEED = 20250131
LEVELS = ["zero", "low", "positive"]
WORDS = {
    "cox": "Cox model, Efron ties, 20 columns",
    "survival": "Kaplan-Meier and log-rank, three groups",
    "simulate": "write a simulated NCDB file",
    "harmonise": "load and harmonise that file",
    "classify": "the same, and classify HER2",
    "pipeline": "load, harmonise, classify, endpoint, select (R: pandas reads it as text)",
    "pandas": "pandas reads that file as text",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One piece of work done by one program."""

    seconds: float
    extra_mb: float | None
    answer: tuple[float, ...] = ()
    absent: str = ""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, or do the one piece of work that a process was started for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="patients")
    parser.add_argument("--repeats", type=int, default=3, help="best of so many")
    parser.add_argument("--work", choices=list(WORDS), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.work:
        say(json.dumps(asdict(WORK[asked.work](asked.file, asked.sizes[0], asked.repeats))))
        return
    say(f"Python {sys.version.split()[0]}; {peer_version()}; best of {asked.repeats}\n")
    say(f"| patients | work | seconds | {PEER} s | ratio | MB | {PEER} MB | difference |")
    say("|---:|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for n in asked.sizes:
            for row in measured_rows(Path(folder), n, asked.repeats):
                say(row)


def say(line: str) -> None:
    """One line on the terminal, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


# --- ours ---------------------------------------------------------------------------------------


def write_numbers(path: Path, n: int) -> None:
    """Time, event, group and 20 covariates as columns of doubles, for both programs."""
    from cohort.simulation import simulated_patients

    patients = simulated_patients(n, seed=SEED)
    columns: list[Any] = [
        patients["followup_days"],
        patients["event"],
        patients["her2_status"].cat.codes,
    ]
    for name in ("her2_status", "grade", "stage", "hr_status", "comorbidity_index"):
        levels = [
            level for level in patients[name].cat.categories if (patients[name] == level).any()
        ]
        columns += [patients[name] == level for level in levels[1:]]
    columns.append(patients["age_years"])
    noise = np.random.default_rng(SEED)
    columns += [noise.standard_normal(n) for _ in range(3 + COVARIATES - len(columns))]
    with path.open("wb") as file:
        for column in columns:
            np.asarray(column, dtype=np.float64).tofile(file)


def read_numbers(path: Path, n: int) -> pd.DataFrame:
    """The same columns as a frame."""
    numbers = np.fromfile(path).reshape(3 + COVARIATES, n)
    frame = pd.DataFrame({f"x{i}": column for i, column in enumerate(numbers[3:], start=1)})
    levels = pd.CategoricalDtype(LEVELS, ordered=True)
    group = pd.Categorical.from_codes(numbers[2].astype(int), dtype=levels)
    return frame.assign(time=numbers[0], event=numbers[1].astype(bool), group=group)


def cox_work(path: Path, n: int, repeats: int) -> Measured:
    """The Cox model; the kernels are warm, as in a study with several models."""
    from analyses.estimators.cox import cox

    frame = read_numbers(path, n)
    terms = [f"x{i}" for i in range(1, COVARIATES + 1)]

    def fit(rows: pd.DataFrame) -> tuple[float, ...]:
        model = cox(rows, time="time", event="event", terms=terms)
        return tuple(float(c.estimate or 0.0) for c in model.coefficients)

    fit(frame.iloc[: min(n, 5_000)])
    return best(lambda: fit(frame), repeats)


def survival_work(path: Path, n: int, repeats: int) -> Measured:
    """Kaplan-Meier with limits and the log-rank test of three groups."""
    from analyses.estimators.kaplan_meier import kaplan_meier
    from analyses.estimators.logrank import logrank

    frame = read_numbers(path, n)

    def fit(rows: pd.DataFrame) -> tuple[float, ...]:
        curves = kaplan_meier(rows, time="time", event="event", by="group")
        test = logrank(rows, time="time", event="event", by="group")
        last = float(curves.curves[-1].survival[-1])
        return (float(test.statistic or 0.0), *test.observed, *test.expected, last)

    fit(frame.iloc[: min(n, 5_000)])
    return best(lambda: fit(frame), repeats)


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
        return (
            float(cohort.classify_her2(cohort.harmonise(cohort.load(path, source="ncdb_puf"))).n),
        )

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


def pandas_work(path: Path, _: int, repeats: int) -> Measured:
    """The whole file as text in a frame."""

    def read() -> tuple[float, ...]:
        n = float(len(pd.read_csv(path, dtype=str)))
        return (n, n)

    return best(read, repeats)


WORK: dict[str, Callable[[Path, int, int], Measured]] = {
    "cox": cox_work,
    "survival": survival_work,
    "simulate": simulate_work,
    "harmonise": harmonise_work,
    "classify": classify_work,
    "pipeline": pipeline_work,
    "pandas": pandas_work,
}


# --- measuring ----------------------------------------------------------------------------------


def peak_mb() -> float | None:
    """Highest resident size of this process so far, in MB; None where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    lines = status.read_text(encoding="ascii").splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def best(work: Callable[[], tuple[float, ...]], repeats: int) -> Measured:
    """The best time of the repeats, the memory beyond what was held, and the answer."""
    gc.collect()
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5", encoding="ascii")
    before = peak_mb()
    answer: tuple[float, ...] = ()
    seconds = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        answer = work()
        seconds = min(seconds, time.perf_counter() - start)
    after = peak_mb()
    extra = None if before is None or after is None else after - before
    return Measured(seconds, extra, answer)


def run_ours(work: str, file: Path, n: int, repeats: int) -> Measured:
    """A piece of work in a Python of its own."""
    options = ["--work", work, "--file", str(file), "--sizes", str(n), "--repeats", str(repeats)]
    return answered([sys.executable, __file__, *options], lambda text: Measured(**json.loads(text)))


def run_peer(work: str, file: Path, n: int, repeats: int) -> Measured:
    """The same in R, or that R is absent."""
    if shutil.which("Rscript") is None:
        return Measured(float("nan"), None, absent="Rscript is absent")
    script = Path(__file__).with_name("bench.R")
    command = ["Rscript", str(script), str(file), str(n), str(COVARIATES), work, str(repeats)]
    return answered(command, peer_answer)


def peer_answer(text: str) -> Measured:
    """R's lines of `name value`."""
    pairs = [line.split() for line in text.splitlines()]
    values = {name: value for name, value in pairs if name != "answer"}
    answer = tuple(float(value) for name, value in pairs if name == "answer")
    extra = None if values["extra_mb"] == "NA" else float(values["extra_mb"])
    return Measured(float(values["seconds"]), extra, answer)


def answered(command: list[str], read: Callable[[str], Measured]) -> Measured:
    """What a process answered, or why it did not."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        words = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        return Measured(float("nan"), None, absent=words[-1])
    return read(done.stdout)


PEER = "R"


def peer_version() -> str:
    """What the peer is."""
    if shutil.which("Rscript") is None:
        return "R is absent"
    ask = 'cat(R.version.string, "with survival", as.character(packageVersion("survival")))'
    done = subprocess.run(["Rscript", "-e", ask], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else "R without survival: absent"


# --- the table ----------------------------------------------------------------------------------


def measured_rows(folder: Path, n: int, repeats: int) -> list[str]:
    """The lines of one size."""
    numbers, registry = folder / "numbers.bin", folder / "registry.csv"
    write_numbers(numbers, n)
    rows = [
        line(n, work, run_ours(work, numbers, n, repeats), run_peer(work, numbers, n, repeats))
        for work in ("cox", "survival")
    ]
    rows += [
        line(n, work, run_ours(work, registry, n, repeats), None)
        for work in ("simulate", "harmonise", "classify")
    ]
    # Once each in turn, as a busy machine is not busy alike for minutes.
    pairs = [(run_ours("pipeline", registry, n, 1), run_ours("pandas", registry, n, 1))
             for _ in range(repeats)]  # fmt: skip
    ours, theirs = (min(one, key=lambda m: m.seconds) for one in zip(*pairs, strict=True))
    rows.append(line(n, "pipeline", ours, theirs))
    return rows


def line(n: int, work: str, ours: Measured, peer: Measured | None) -> str:
    """One line of the table; what is absent says so."""
    cells: list[Any] = [f"{n:,}", WORDS[work]]
    cells.append(ours.absent or f"{ours.seconds:.3f}")
    if peer is None:
        cells += ["", "", megabytes(ours), "", ""]
    elif peer.absent:
        cells += [peer.absent, "", megabytes(ours), "", ""]
    else:
        ratio = peer.seconds / ours.seconds
        cells += [f"{peer.seconds:.3f}", f"{ratio:.1f}", megabytes(ours), megabytes(peer)]
        cells.append(difference(ours.answer, peer.answer))
    return "| " + " | ".join(cells) + " |"


def megabytes(measured: Measured) -> str:
    """Memory in words."""
    return "" if measured.extra_mb is None else f"{measured.extra_mb:.0f}"


def difference(ours: tuple[float, ...], peer: tuple[float, ...]) -> str:
    """The largest difference of the two answers, relative where they are above 1."""
    if len(ours) != len(peer) or not ours:
        return "not comparable"
    a, b = np.array(ours), np.array(peer)
    return f"{np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b))):.0e}"


if __name__ == "__main__":
    main()
