"""``her2low classify``: a source's files to one harmonised table with the HER2 status of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyses.commands.messages import (
    Progress,
    aligned,
    counted,
    finding_lines,
    left_out_lines,
    progress_shown,
    roles,
    told,
)
from cohort.errors import DataError, Problem, SpecError, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from cohort.loading import Extract
    from cohort.table import Cohort

_ENDINGS = (".csv", ".parquet")
_AT_ONCE = 50_000  # rows in memory while they are written
_ROW = "row_in_order"


def classify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The source's main file.")],
    source: Annotated[
        str, typer.Option("--source", metavar="NAME", help="Source dictionary, by name or path.")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="What to write: .csv or .parquet.")
    ],
    files: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="ROLE=PATH", help="Another file of the source; repeatable."),
    ] = None,
    edition: Annotated[int, typer.Option(help="Guideline edition (ASCO/CAP).")] = 2018,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            metavar="CASE=CHOICE",
            help="How an edge case is read (E1=low), or a named set; repeatable.",
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Add a sentence for each: values seen, rule, flags."),
    ] = False,
    identify: Annotated[
        bool, typer.Option("--identify", help="Name patients that stand in more than one row.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Harmonise a source's files and classify the HER2 status of every patient."""
    with told():
        from analyses.report.output import write_file_beside
        from cohort.canonical import NAMES
        from cohort.her2 import her2_counts
        from cohort.her2_explanation import with_explanations

        if out.suffix.lower() not in _ENDINGS:
            raise SpecError(
                Problem(f"--out {out}", f"'{out.suffix}' is not an ending that can be written",
                        f"Endings: {listed(_ENDINGS)}")
            )  # fmt: skip
        others, policies = roles(files or []), _policies(policy or [])
        with write_file_beside(out, inputs=[file, *others.values(), Path(source)]) as new:
            with progress_shown(quiet) as progress:
                cohort = _read(file, source, others, identify, progress)
                cohort = _classified(cohort, edition, policies, progress)
                if explain:
                    cohort = with_explanations(cohort)
            _write(cohort, new)
    if not quiet:
        typer.echo("\n".join(_count_lines(her2_counts(cohort), edition)))
        noted = [f for f in cohort.findings if f.severity == "info" and f.leaves_out]
        warned = [f for f in cohort.findings if f.severity != "info"]
        for line in (*left_out_lines(noted), *finding_lines(warned)):
            typer.echo(line)
        shape = f"{counted(cohort.n, 'patient')}, {counted(len(cohort.columns), 'column')}"
        again = NAMES[cohort.time_unit]
        typer.echo(f"Written: {out}, {shape}. Source '{again}' reads it again.")


def _policies(words: Sequence[str]) -> dict[str, str]:
    """Choices by edge case; a word alone names a set of choices."""
    found: dict[str, str] = {}
    problems = []
    for word in words:
        case, sign, choice = word.partition("=")
        name, value = (case, choice) if sign else ("policy", case)
        if not name or not value:
            found_as = "no edge case with its choice, and no name of a set"
            problems.append(Problem(f"--policy {word}", found_as, "--policy E1=low"))
        elif name in found:
            problems.append(Problem(f"--policy {word}", f"'{name}' is given twice"))
        else:
            found[name] = value
    if problems:
        raise SpecError(problems)
    return found


def _read(
    file: Path, source: str, others: dict[str, Path], identify: bool, progress: Progress
) -> Cohort:
    """The patients of the files under canonical names."""
    from cohort.dictionary import SourceDictionary
    from cohort.harmonisation import harmonise
    from cohort.loading import load

    dictionary = SourceDictionary.load(source)
    if dictionary.main in others:
        found = f"role '{dictionary.main}' is given by {others[dictionary.main]} and by {file}"
        raise SpecError(Problem("--file", found, advice="Keep one of the two."))
    progress("load", 0, 3)
    extract = load({dictionary.main: file, **others}, source=dictionary)
    if identify:
        _name_repeated(extract)
    progress("harmonise", 1, 3)
    return harmonise(extract)


def _name_repeated(extract: Extract) -> None:
    """Stop at patients that stand in more than one row, with their keys."""
    from cohort.repeats import repeated

    problems = []
    for one in repeated(extract, identify=True):
        if one.n_patients:
            found = f"{counted(one.n_patients, 'patient')} in more than one row"
            more = " and more" if one.n_patients > len(one.patients) else ""
            keys = f"Keys: {', '.join(one.patients)}{more}"
            advice = f"Keep one row of each (key {one.key})."
            problems.append(Problem(one.file, found, keys, advice))
    if problems:
        raise DataError(problems)


def _classified(
    cohort: Cohort, edition: int, policies: Mapping[str, str], progress: Progress
) -> Cohort:
    """The same patients with their status."""
    from cohort.her2 import classify_her2
    from cohort.specimens import index_specimen

    progress("classify", 2, 3)
    cohort = index_specimen(cohort, edition=edition, policies=policies)
    return classify_her2(cohort, edition=edition, policies=policies)


def _write(cohort: Cohort, path: Path) -> None:
    """Every canonical column of every patient, in the order of the key, some rows at a time."""
    if path.suffix.lower() == ".csv":
        from pyarrow.csv import CSVWriter as Writer
    else:
        from pyarrow.parquet import ParquetWriter as Writer

    parts = _parts(cohort)
    first = next(parts)
    with Writer(path, first.schema) as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)


def _parts(cohort: Cohort) -> Iterator[pa.Table]:
    """The patients in the order of their key; a registry does not fit into memory twice."""
    import narwhals as nw

    # Only the keys are sorted as a whole: sorting every column takes as much memory again.
    keys = cohort.patients.select("patient_id").with_row_index(_ROW, order_by="patient_id")
    ordered = cohort.engine.materialise(keys)
    for start in range(0, max(cohort.n, 1), _AT_ONCE):
        row = nw.col(_ROW)
        wanted = ordered.filter((row >= start) & (row < start + _AT_ONCE))
        part = cohort.patients.join(wanted, on="patient_id", how="inner").sort(_ROW)
        yield cohort.engine.collect(part.drop(_ROW))


def _count_lines(counts: Sequence[tuple[str, str, str, int]], edition: int) -> list[str]:
    """Patients by status, and under each by the rule that decided."""
    by_status: dict[str, dict[str, int]] = {}
    for status, rule, _, n in counts:
        rules = by_status.setdefault(status, {})
        rules[rule] = rules.get(rule, 0) + n
    every = sum(sum(rules.values()) for rules in by_status.values())
    rows = []
    for status, rules in by_status.items():
        rows.append((f"  {status}", f"{sum(rules.values()):,}"))
        rows += [(f"      {rule}", f"{n:,}") for rule, n in rules.items()]
    return [f"HER2 status of {counted(every, 'patient')} (ASCO/CAP {edition})",
            *aligned(rows, right=(1,))]  # fmt: skip
