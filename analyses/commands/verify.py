"""``her2low verify``: an output's numbers beside those of a second program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyses.commands.messages import aligned, counted, progress_shown, told

if TYPE_CHECKING:
    from analyses.results.verification import Compared, Verification


def verify(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder that her2low run wrote.")],
    study: Annotated[
        Path, typer.Option("--study", metavar="STUDY.yaml", help="The study it was made by.")
    ],
    allow_path: Annotated[
        bool, typer.Option("--allow-path", help="Files may lie outside the study file's folder.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print deviations only.")] = False,
) -> None:
    """Recompute the numbers of a report by a second program; nothing is written."""
    with told():
        from analyses.results.study import DEVIATES
        from analyses.study.spec import load_study
        from analyses.study.verifying import changes_of, verify_output

        asked = load_study(study, allow_path=allow_path, changes=changes_of(out))
        with progress_shown(quiet) as progress:
            found = verify_output(asked, out, progress=progress)
    if not quiet:
        typer.echo("\n".join([*_lines(found.rows), "", *_said(found)]))
    for row in found.deviating:
        typer.echo(f"{row.analysis}, {row.quantity}: {row.reason}.", err=True)
    raise typer.Exit(0 if found.agrees else DEVIATES)


def _lines(rows: tuple[Compared, ...]) -> list[str]:
    """The table, one line a quantity."""
    cells = [("analysis", "quantity", "numbers", "deviation", "tolerance", "verdict", "program")]
    for row in rows:
        none = row.verdict == "none independent"
        largest = "" if none else "infinite"
        if row.largest_relative is not None:
            largest = f"{row.largest_relative:.1e}"
        tolerance = "" if row.tolerance is None else f"{row.tolerance:g}"
        last = row.reason if none else row.program
        n = f"{row.n:,}"
        cells.append((row.analysis, row.quantity, n, largest, tolerance, row.verdict, last))
    return aligned(cells, right=(2, 3, 4))


def _said(found: Verification) -> list[str]:
    """What the table comes to."""
    from analyses.results.verification import SCOPE

    if not found.n_compared:
        return ["No number of this output has an independent implementation."]
    n = counted(found.n_compared, "number")
    how = "all within tolerance" if found.agrees else f"{len(found.deviating)} rows deviate"
    return [
        f"{n} recomputed, {how}; {counted(found.n_without, 'number')} without a second program.",
        SCOPE,
    ]
