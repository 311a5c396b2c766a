"""What a command tells a person: mistakes with their exit code, findings in columns, progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cohort.errors import DataError, Her2LowError, Problem, SpecError

if TYPE_CHECKING:
    from types import TracebackType

    from cohort.table import Finding

TRACEBACK = "HER2LOW_TRACEBACK"
STOPPED = 130  # what a shell expects of a program that was interrupted
_SHOWN = 20
_STAGES = {
    "survey": "Looking at columns and values",
    "load": "Reading files",
    "harmonise": "Understanding columns and codes",
    "specimens": "Choosing specimens",
    "classify": "Classifying HER2",
    "endpoints": "Making endpoints",
    "select": "Selecting patients",
    "analyse": "Analysing",
    "verify": "Recomputing by a second program",
    "report": "Writing the report",
    "done": "Done",
}

Progress = Callable[[str, int, int], None]


@contextmanager
def told() -> Iterator[None]:
    """A user's mistake printed on the error stream, with its exit code and no traceback."""
    try:
        yield
    except Her2LowError as error:
        lines = [str(error)]
        if isinstance(error, DataError):
            lines += finding_lines(error.findings)
        typer.echo("\n".join(lines), err=True)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        typer.echo("Stopped. Nothing was written.", err=True)
        raise typer.Exit(STOPPED) from None


def fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
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


@contextmanager
def progress_shown(quiet: bool) -> Iterator[Progress]:
    """Stages on a terminal as they begin, and samples as they are drawn; nothing elsewhere."""
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
        task = bar.add_task("Checking")
        yield lambda stage, done, total: bar.update(
            task, description=_description(stage, done, total), completed=done, total=total
        )


def _description(stage: str, done: int, total: int) -> str:
    """A stage in words; what is no stage is drawn, and counted."""
    what = "specifications" if stage == "Sensitivity" else "samples"
    return _STAGES.get(stage) or f"{stage}: {done:,} of {total:,} {what}"


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """Findings as a list a person reads, the first ones where there are very many."""
    if not findings:
        return []
    shown = findings[:_SHOWN]
    columns = len({finding.column for finding in findings})
    every = "showing all" if len(shown) == len(findings) else f"showing {len(shown)}"
    noted, where = counted(len(findings), "finding"), counted(columns, "column")
    return [f"{noted} in {where} ({every})", *_findings(shown)]


def left_out_lines(findings: Sequence[Finding]) -> list[str]:
    """What the files hold and what was not used, each with its count, however many there are."""
    if not findings:
        return []
    return ["In the files, but not used, or chosen among:", *_findings(findings)]


def _findings(findings: Sequence[Finding]) -> list[str]:
    cells = [(f.column, f"'{f.value}'" if f.value else "", f.counted, f.advice) for f in findings]
    return [f"    {line}" for line in aligned(cells)]


def aligned(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows of cells as lines, each column as wide as its widest cell, two spaces between.

    Columns named in `right` stand to the right. The last column is not padded.
    """
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def counted(n: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"1 {one}" if n == 1 else f"{n:,} {many or one + 's'}"


def roles(files: Sequence[str]) -> dict[str, Path]:
    """Paths by role from ``role=path``.

    Raises
    ------
    SpecError
        For every one that is not so written, and for a role that is given twice.
    """
    found: dict[str, Path] = {}
    problems = []
    for item in files:
        role, sign, path = item.partition("=")
        if not (role and sign and path):
            problems.append(Problem(f"--file {item}", "no role and path", "--file ROLE=PATH"))
        elif role in found:
            problems.append(Problem(f"--file {item}", f"role '{role}' is given twice"))
        else:
            found[role] = Path(path)
    if problems:
        raise SpecError(problems)
    return found
