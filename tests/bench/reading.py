"""Time and memory from a registry's file to its cohort, and of reading NAACCR XML.

``make bench``, or ``python tests/bench/reading.py --patients 110000 --xml 4000 36000``. From a
simulated NCDB file of 86 columns to selected patients (load, harmonise, classify, endpoint,
select), beside pandas reading the same file as text; and the exchange format at two sizes and
compressed, where memory must not grow with the file. Every piece of work runs in a process of its
own; memory is the highest resident size of the whole process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from measuring import peak_mb, say
from patients import SEED

PATIENTS = 1_100_000
XML = (36_000, 360_000)  # about 100 MB and 1 GB


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables, or do the one piece of work that a process was started for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=PATIENTS, help="of the NCDB file")
    parser.add_argument("--xml", type=int, nargs="+", default=list(XML), help="patients")
    parser.add_argument("--work", choices=list(WORK), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.work:
        start = time.perf_counter()
        n = WORK[asked.work](asked.file)
        say(json.dumps([n, time.perf_counter() - start, peak_mb()]))
        return
    say("| file | MB | work | seconds | MB/s | peak MB |")
    say("|---|---:|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        ncdb(Path(folder), asked.patients)
        naaccr(Path(folder), asked.xml)


def ncdb(folder: Path, n: int) -> None:
    """The lines about one delimited file."""
    from cohort.simulation import write_registry

    path = write_registry(folder / "registry.csv", n, SEED)
    measured(path, f"NCDB, {n:,} patients", "read as text by pandas", "pandas")
    measured(path, f"NCDB, {n:,} patients", "to selected patients", "cohort")
    path.unlink()


def naaccr(folder: Path, sizes: Sequence[int]) -> None:
    """The lines about the exchange format."""
    from cohort.simulation import write_naaccr_xml

    for n in sizes:
        for name in ("registry.xml", "registry.xml.gz"):
            path = write_naaccr_xml(folder / name, n, SEED)
            measured(path, f"{name}, {n:,} patients", "load", "xml")
            path.unlink()


def measured(path: Path, name: str, words: str, work: str) -> None:
    """One line: a piece of work in a Python of its own."""
    command = [sys.executable, __file__, "--work", work, "--file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    mb = path.stat().st_size / 1e6
    if done.returncode:
        say(f"| {name} | {mb:.0f} | {words} | {done.stderr.strip().splitlines()[-1]} | | |")
        return
    _, seconds, peak = json.loads(done.stdout)
    say(f"| {name} | {mb:.0f} | {words} | {seconds:.1f} | {mb / seconds:.0f} | {peak or 0:.0f} |")


def read_by_pandas(path: Path) -> int:
    """Every column as text, as a script would begin."""
    import pandas as pd

    return len(pd.read_csv(path, dtype=str))


def read_to_cohort(path: Path) -> int:
    """From the file to patients of whom statistics may be made."""
    import cohort

    patients = cohort.classify_her2(cohort.harmonise(cohort.load(path, source="ncdb_puf")))
    patients = cohort.add_endpoint(patients, id="os")
    women = cohort.Criterion(id="women", column="sex", reason="women", one_of=["female"])
    return cohort.select(patients, [women]).n


def read_xml(path: Path) -> int:
    """From the exchange file to a table of text."""
    import cohort

    return cohort.load(path, source="naaccr").files[0].n_rows


WORK: dict[str, Callable[[Path], int]] = {
    "pandas": read_by_pandas,
    "cohort": read_to_cohort,
    "xml": read_xml,
}

if __name__ == "__main__":
    main()
