"""Time and memory of the estimators, and of a whole study, beside R and Python's peers.

``make bench``, or ``python tests/bench/bench.py --only cox zph --sizes 10000 100000``. Every piece
of work runs in a process of its own, the peers' on the same numbers in the same run: simulated
patients with follow-up in whole days (many ties) and 20 columns. Seconds are the best of the
repeats, with those of processor in brackets (on a busy machine they tell more); memory is the
highest resident size during the work beyond what the process held before it. A ratio is the peer's
seconds by ours. Python's peers live in an environment of their own (``--peers PYTHON``); a peer
that is not there is said to be absent. ``--out`` writes the table as a page of docs/.
"""

from __future__ import annotations

import argparse
import math
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
from measuring import Measured, absent, answered, say
from patients import COVARIATES, write_numbers, write_table

HERE = Path(__file__).resolve().parent
SIZES = (10_000, 100_000, 1_100_000)
STUDY = 480_000  # patients of a simulated NCDB file of 100 MB
REGISTRY = 1_100_000
GROWN = 11_000_000
HEADINGS = ("work", "patients", "ours s", "peer", "peer s", "ratio", "must be", "ours MB",
            "peer MB", "difference")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A piece of work, and beside what it stands.

    `r` and `python` are the peers' works with the most patients that they are given; `must` is the
    least ratio, or for another of our own rows the largest, that is asked for.
    """

    words: str
    sizes: tuple[int, ...] = SIZES
    r: dict[str, int] = field(default_factory=dict)
    python: dict[str, int] = field(default_factory=dict)
    must: str = ""
    file: str = "numbers"


LARGEST = max(SIZES)
ROWS = {
    "cox": Row(
        f"Cox model, Efron ties, {COVARIATES} columns",
        r={"cox": LARGEST}, python={"cox": LARGEST}, must="10 at 1.1 million",
    ),
    "robust": Row("the same, robust variance", r={"robust": 10_000}, must="at most 2 x plain"),
    "zph": Row("its test of proportional hazards", r={"zph": LARGEST}, must="10 at 1.1 million"),
    "survival": Row(
        "Kaplan-Meier and log-rank, three groups",
        r={"survival": LARGEST}, python={"survival": LARGEST}, must="20 at 1.1 million",
    ),
    "fine_gray": Row(
        f"Fine-Gray model, {COVARIATES} columns", (10_000,), r={"crr": 10_000, "finegray": 10_000},
        must="100",
    ),
    "study": Row(
        "whole study from a CSV of 100 MB to its report", (STUDY,), r={"study": STUDY},
        must="4, half the memory", file="registry",
    ),
    "pipeline": Row(
        "from a CSV to selected patients", (REGISTRY,), python={"pipeline": REGISTRY},
        file="registry",
    ),
}  # fmt: skip
GROWTH = {
    "cox": "Cox model in memory",
    "survival": "Kaplan-Meier and log-rank",
    "blocks": "Cox model streamed from Parquet by DuckDB",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be measured."""

    only: frozenset[str]
    sizes: tuple[int, ...]
    repeats: int
    peers: str
    folder: Path


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; write it as a page where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[*ROWS, "growth"], help="these rows")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="patients")
    parser.add_argument("--repeats", type=int, default=3, help="best of so many")
    parser.add_argument("--peers", default=".venv-peers/bin/python", help="Python with lifelines")
    parser.add_argument("--out", type=Path, help="page to write, such as docs/benchmarks.md")
    given = parser.parse_args(arguments)
    only = frozenset(given.only or [*ROWS, "growth"])
    said: list[str] = []

    def tell(line: str) -> None:
        say(line)
        said.append(line)

    tell(machine())
    tell("")
    tell("| " + " | ".join(HEADINGS) + " |")
    tell("|---|---:|---:|---|---:|---:|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        asked = Asked(only, tuple(given.sizes), given.repeats, given.peers, Path(folder))
        for line in lines(asked):
            tell(line)
    if given.out is not None:
        given.out.write_text(PAGE.format(table="\n".join(said)), encoding="utf-8")


def machine() -> str:
    """What it was measured on, and with which versions."""
    info = Path("/proc/cpuinfo")
    models = [line.split(":")[1].strip() for line in info.read_text().splitlines()
              if line.startswith("model name")] if info.exists() else []  # fmt: skip
    cores = f"{len(models)} x {models[0]}" if models else platform.processor()
    ours = ", ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "duckdb", "pandas"))
    return (
        f"{cores}; {platform.system()}; Python {platform.python_version()}, {ours}; {r_version()}."
    )


def r_version() -> str:
    """R and its packages, or that it is absent."""
    if shutil.which("Rscript") is None:
        return "R is absent"
    ask = (
        "v <- function(p) tryCatch(paste(p, packageVersion(p)), "
        'error = function(e) paste(p, "absent"));'
        'cat(paste0(R.version.string, ", ", v("survival"), ", ", v("cmprsk")))'
    )
    done = subprocess.run(["Rscript", "-e", ask], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else "R is absent"


# --- the rows -----------------------------------------------------------------------------------


def lines(asked: Asked) -> Iterator[str]:
    """The lines of the table, as they are measured."""
    for n in sorted({n for name in asked.only & set(ROWS) for n in sizes_of(ROWS[name], asked)}):
        plain = None
        for name, row in ROWS.items():
            if name not in asked.only or n not in sizes_of(row, asked):
                continue
            ours = run_ours(name, file_of(row.file, n, asked), n, asked.repeats)
            plain = ours if name == "cox" else plain
            if name == "robust" and plain is not None:
                yield against_plain(row, n, ours, plain)
            for peer, measured in peers_of(row, n, asked):
                must = "" if name == "robust" else row.must
                yield line(row.words, n, ours, peer, measured, must)
        forget(asked)
    if "growth" in asked.only:
        yield from growth(asked)


def sizes_of(row: Row, asked: Asked) -> tuple[int, ...]:
    """The sizes asked for, where a row has them all; else its own."""
    return asked.sizes if row.sizes == SIZES else row.sizes


def peers_of(row: Row, n: int, asked: Asked) -> Iterator[tuple[str, Measured]]:
    """Each peer's name and what it measured; peers that would take minutes are passed over."""
    file = file_of(row.file, n, asked)
    for work, largest in row.r.items():
        if n <= max(largest, 0) or row.sizes != SIZES:
            yield f"R {work}", run_r(work, file, n, asked.repeats)
    for work in row.python:
        yield "pandas" if work == "pipeline" else "lifelines", run_python(work, file, n, asked)


def growth(asked: Asked) -> Iterator[str]:
    """Ours alone at ten times the patients: how many times as long."""
    for name, words in GROWTH.items():
        found = []
        for n in (GROWN // 10, GROWN):
            kind = "table" if name == "blocks" else "numbers"
            found.append(run_ours(name, file_of(kind, n, asked), n, 1 if n == GROWN else 2))
        small, large = found
        yield line(f"{words}: growth", GROWN, large, f"ours, {GROWN // 10:,}", small, "linear: 0.1")
    forget(asked)


def file_of(kind: str, n: int, asked: Asked) -> Path:
    """The file of so many patients, made when it is first asked for."""
    path = asked.folder / f"{kind}-{n}.{'csv' if kind == 'registry' else 'bin'}"
    if path.exists():
        return path
    if kind == "registry":
        done = run_ours("simulate", path, n, 1)
        if done.absent:
            raise SystemExit(f"no registry could be simulated: {done.absent}")
    elif kind == "table":
        write_table(file_of("numbers", n, asked), path, n)
    else:
        write_numbers(path, n)
    return path


def forget(asked: Asked) -> None:
    """Remove the files of the last size."""
    for path in asked.folder.iterdir():
        path.unlink()


def run_ours(work: str, file: Path, n: int, repeats: int) -> Measured:
    """A piece of our work."""
    return answered([sys.executable, str(HERE / "work.py"), work, str(file), str(n), str(repeats)])


def run_r(work: str, file: Path, n: int, repeats: int) -> Measured:
    """The same in R, or that R is absent; what takes minutes is done once."""
    if shutil.which("Rscript") is None:
        return absent("Rscript is absent")
    times = "1" if work in ("crr", "finegray", "study") else str(repeats)
    return answered(["Rscript", str(HERE / "bench.R"), work, str(file), str(n), times])


def run_python(work: str, file: Path, n: int, asked: Asked) -> Measured:
    """The same by a peer in Python, or that it is absent; pandas is our own."""
    python = sys.executable if work == "pipeline" else shutil.which(asked.peers)
    if python is None:
        return absent("absent: no environment of peers")
    command = [python, str(HERE / "peers.py"), work, str(file), str(n), str(asked.repeats)]
    return answered(command)


# --- the table ----------------------------------------------------------------------------------


def line(words: str, n: int, ours: Measured, peer: str, theirs: Measured, must: str) -> str:
    """One line of the table; what is absent says so."""
    cells = [words, f"{n:,}", ours.absent or spent(ours), theirs.version or peer]
    if ours.absent or theirs.absent:
        cells += [theirs.absent, "", must, megabytes(ours), "", ""]
    else:
        cells += [spent(theirs), ratio(ours, theirs), must]
        cells += [megabytes(ours), megabytes(theirs), difference(ours.answer, theirs.answer)]
    if peer.startswith("R ") and theirs.version:
        cells[3] = f"{theirs.version}, {peer.removeprefix('R ')}"
    return "| " + " | ".join(cells) + " |"


def against_plain(row: Row, n: int, ours: Measured, plain: Measured) -> str:
    """The robust fit beside our own plain one."""
    if ours.absent or plain.absent:
        return line(row.words, n, ours, "ours, plain", absent("not measured"), row.must)
    cells = [row.words, f"{n:,}", spent(ours), "ours, plain", spent(plain)]
    cells += [f"{ours.seconds / plain.seconds:.2g} x plain", row.must]
    return "| " + " | ".join([*cells, megabytes(ours), megabytes(plain), ""]) + " |"


def ratio(ours: Measured, theirs: Measured) -> str:
    """The peer's seconds by ours, and the same of processor."""
    found = [theirs.seconds / ours.seconds]
    if ours.processor and theirs.processor:
        found.append(theirs.processor / ours.processor)
    first, *rest = (f"{x:.2g}" if x < 10 else f"{x:.0f}" for x in found)
    return f"{first} ({rest[0]})" if rest else first


def spent(measured: Measured) -> str:
    """Seconds, and those of processor."""
    used = "" if measured.processor is None else f" ({measured.processor:.2f})"
    return (
        f"{measured.seconds:.3f}{used}" if measured.seconds < 1 else f"{measured.seconds:.2f}{used}"
    )


def megabytes(measured: Measured) -> str:
    """Memory in words."""
    return "" if measured.extra_mb is None else f"{measured.extra_mb:.0f}"


def difference(ours: tuple[float, ...], theirs: tuple[float, ...]) -> str:
    """The largest difference of the two answers, relative where they are above 1."""
    if len(ours) == 2 * len(theirs):
        ours = ours[::2]  # the peer has no standard errors of the same kind
    if len(ours) != len(theirs) or not ours:
        return ""
    a, b = np.array(ours), np.array(theirs)
    apart = float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b))))
    return "" if math.isnan(apart) or apart > 1 else f"{apart:.0e}"


PAGE = """# Benchmarks

Written by `make bench` (tests/bench/bench.py); measured again, it is another machine's table.
Peers and ours are timed in one run, each in a process of its own, on the same simulated patients:
follow-up in whole days, so that many event times are tied. Seconds are the best of the repeats,
those of processor in brackets; memory is what the work took beyond its input; a ratio is the
peer's seconds by ours; `difference` is the largest difference of the two answers (coefficients and
standard errors, test statistics), relative where they are above 1.

{table}
"""


if __name__ == "__main__":
    main()
