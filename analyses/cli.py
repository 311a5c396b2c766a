"""The command ``her2low``: run a study, check it, or classify one file.

Only what reads the command line is imported here; each command imports what it needs, so that
``her2low --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cohort.errors import DataError, Her2LowError, Problem, SpecError, listed

if TYPE_CHECKING:
    from types import TracebackType

    from cohort.table import Cohort, Finding

TRACEBACK = "HER2LOW_TRACEBACK"
STOPPED = 130  # what a shell expects of a program that was interrupted
_SHOWN = 20
_STAGES = {
    "load": "Reading files",
    "harmonise": "Understanding columns and codes",
    "classify": "Classifying HER2",
    "endpoints": "Making endpoints",
    "select": "Selecting patients",
    "analyse": "Analysing",
    "report": "Writing the report",
    "done": "Done",
}
_ENDINGS = (".csv", ".parquet")

app = typer.Typer(
    name="her2low",
    help="Survival of patients with HER2-zero, HER2-low and HER2-positive breast cancer.",
    epilog=(
        "Exit codes: 0 done, 1 a fault of the program, 2 the study or the command line, 3 the "
        "data, 4 the analysis, 5 done, but an estimate that was asked for does not exist."
    ),
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line and leave with its exit code."""
    if not os.environ.get(TRACEBACK):
        sys.excepthook = _fault
    typer.main.get_command(app)(prog_name="her2low")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"her2low {version('her2low')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    del version


@app.command()
def run(
    study: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file.")],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="Folder for the report; replaced as a whole."),
    ],
    allow_path: Annotated[
        bool, typer.Option("--allow-path", help="Files may lie outside the study file's folder.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Run a study: from its files to a report in DIR."""
    with _told():
        from analyses.report.output import check_folder
        from analyses.study.run import run_study
        from analyses.study.spec import load_study

        asked = load_study(study, allow_path=allow_path)
        check_folder(out, inputs=[study, *asked.inputs()])
        with _progress(quiet) as progress:
            result = run_study(asked, out=out, progress=progress)
    failed = len(result.failures)
    if failed:
        estimates = "1 estimate" if failed == 1 else f"{failed} estimates"
        typer.echo(f"{estimates} could not be made; the report says why.", err=True)
    if not quiet:
        typer.echo(
            f"Report: {out / 'report.pdf'}. Next: read its data findings, then look up any number "
            f"in {out / 'results.json'}."
        )
    raise typer.Exit(result.exit_code)


@app.command()
def check(
    study: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file.")],
    allow_path: Annotated[
        bool, typer.Option("--allow-path", help="Files may lie outside the study file's folder.")
    ] = False,
) -> None:
    """Check a study before it is run: keys, columns, levels, source and files."""
    with _told():
        from analyses.study.check import check_study
        from analyses.study.spec import load_study

        asked = load_study(study, allow_path=allow_path)
        problems = check_study(asked)
        if problems:
            raise SpecError(problems)
    typer.echo(
        f"{study.name}: no problems found ({_counted(len(asked.endpoints), 'endpoint')}, "
        f"{_counted(len(asked.select), 'criterion', 'criteria')}, "
        f"{_counted(len(asked.analyses), 'analysis', 'analyses')}). "
        f"Next: her2low run {study} --out DIR{' --allow-path' if allow_path else ''}"
    )


@app.command()
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
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Classify the HER2 status of every patient of a file."""
    with _told():
        from analyses.report.output import write_file_beside
        from cohort.her2 import her2_counts

        if out.suffix.lower() not in _ENDINGS:
            raise SpecError(
                Problem(f"--out {out}", f"'{out.suffix}' is not an ending that can be written",
                        f"Endings: {listed(_ENDINGS)}")
            )  # fmt: skip
        others = _roles(files or [])
        with write_file_beside(out, inputs=[file, *others.values()]) as new:
            with _progress(quiet) as progress:
                cohort = _classified(file, source, others, edition, progress)
            _write(cohort, new)
    if not quiet:
        counts = her2_counts(cohort)
        typer.echo("\n".join(_count_lines(counts, edition)))
        for line in _finding_lines([f for f in cohort.findings if f.severity != "info"]):
            typer.echo(line)
        typer.echo(f"Written: {out}, one row a patient with the rule that decided.")


def _classified(
    file: Path, source: str, others: dict[str, Path], edition: int, progress: Progress
) -> Cohort:
    """The patients of the files, classified."""
    from cohort.dictionary import SourceDictionary
    from cohort.harmonisation import harmonise
    from cohort.her2 import classify_her2
    from cohort.loading import load

    dictionary = SourceDictionary.load(source)
    if dictionary.main in others:
        found = f"role '{dictionary.main}' is given by {others[dictionary.main]} and by {file}"
        raise SpecError(Problem("--file", found, advice="Keep one of the two."))
    progress("load", 0, 3)
    extract = load({dictionary.main: file, **others}, source=dictionary)
    progress("harmonise", 1, 3)
    cohort = harmonise(extract)
    progress("classify", 2, 3)
    return classify_her2(cohort, edition=edition)


def _roles(files: Sequence[str]) -> dict[str, Path]:
    """Paths by role from ``role=path``."""
    found: dict[str, Path] = {}
    for item in files:
        role, sign, path = item.partition("=")
        if not (role and sign and path):
            raise SpecError(Problem(f"--file {item}", "no role and path", "--file ROLE=PATH"))
        if role in found:
            raise SpecError(Problem(f"--file {item}", f"role '{role}' is given twice"))
        found[role] = Path(path)
    return found


def _write(cohort: Cohort, path: Path) -> None:
    """Every patient's key, HER2 evidence and status, in the order of the key."""
    names = [name for name in cohort.columns if name == "patient_id" or name.startswith("her2_")]
    table = cohort.engine.collect(cohort.patients.select(names).sort("patient_id"))
    if path.suffix.lower() == ".csv":
        from pyarrow import csv

        csv.write_csv(table, path)
    else:
        from pyarrow import parquet

        parquet.write_table(table, path)


def _count_lines(counts: Sequence[tuple[str, str, str, int]], edition: int) -> list[str]:
    """Patients by status, and under each by the rule that decided."""
    by_status: dict[str, dict[str, int]] = {}
    for status, rule, _, n in counts:
        rules = by_status.setdefault(status, {})
        rules[rule] = rules.get(rule, 0) + n
    every = sum(sum(rules.values()) for rules in by_status.values())
    lines = [f"HER2 status of {_counted(every, 'patient')} (ASCO/CAP {edition})"]
    for status, rules in by_status.items():
        lines.append(f"  {status:<24}{sum(rules.values()):>9,}")
        lines += [f"      {rule:<20}{n:>9,}" for rule, n in rules.items()]
    return lines


def _finding_lines(findings: Sequence[Finding]) -> list[str]:
    """Findings as a list a person reads, the first ones where there are very many."""
    if not findings:
        return []
    shown = findings[:_SHOWN]
    columns = len({finding.column for finding in findings})
    every = "showing all" if len(shown) == len(findings) else f"showing {len(shown)}"
    noted, where = _counted(len(findings), "finding"), _counted(columns, "column")
    lines = [f"{noted} in {where} ({every})"]
    cells = [
        (f.column, f"'{f.value}'" if f.value else "", _counted(f.n, "patient"), f.advice)
        for f in shown
    ]
    widths = [max(len(row[i]) for row in cells) + 2 for i in range(3)]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        lines.append(f"    {''.join(padded)}{row[-1]}")
    return lines


def _counted(n: int, one: str, many: str = "") -> str:
    return f"1 {one}" if n == 1 else f"{n:,} {many or one + 's'}"


@contextmanager
def _told() -> Iterator[None]:
    """A user's mistake printed on the error stream, with its exit code and no traceback."""
    try:
        yield
    except Her2LowError as error:
        lines = [str(error)]
        if isinstance(error, DataError):
            lines += _finding_lines(error.findings)
        typer.echo("\n".join(lines), err=True)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        typer.echo("Stopped. Nothing was written.", err=True)
        raise typer.Exit(STOPPED) from None


def _fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What is printed where the program itself is at fault; Python then leaves with code 1."""
    if not issubclass(kind, Exception):
        sys.__excepthook__(kind, error, trace)
        return
    typer.echo(
        f"her2low failed: {kind.__name__}: {error}\n"
        "    This is a fault of the program, not of your study; nothing was written.\n"
        f"    Run the command again with {TRACEBACK}=1 and report what it prints.",
        err=True,
    )


Progress = Callable[[str, int, int], None]


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress]:
    """Stages shown on a terminal as they begin; nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich import progress
    from rich.console import Console

    console = Console(stderr=True)
    columns = (
        progress.SpinnerColumn(),
        progress.BarColumn(bar_width=20),
        progress.TextColumn("{task.description}"),
    )
    with progress.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Checking the study")
        yield lambda stage, done, total: bar.update(
            task, description=_STAGES.get(stage, stage), completed=done, total=total
        )


if __name__ == "__main__":
    main()
