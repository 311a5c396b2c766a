"""``her2low run``: from a study file to its report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyses.commands.messages import counted, progress_shown, told

if TYPE_CHECKING:
    from analyses.study.spec import Study


def run(
    study: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file.")],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="Folder for the report; replaced as a whole."),
    ],
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="ID", help="Do this analysis only; repeatable."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Set a key of the study, such as her2.edition=2023; repeatable.",
        ),
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option("--format", metavar="pdf,html,docx", help="Forms of the report."),
    ] = None,
    allow_path: Annotated[
        bool, typer.Option("--allow-path", help="Files may lie outside the study file's folder.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Run a study: from its files to a report in DIR."""
    with told():
        from analyses.report.output import FILES, check_folder
        from analyses.study.changes import Changes
        from analyses.study.run import run_study
        from analyses.study.spec import load_study

        changes = Changes(tuple(settings or ()), tuple(only or ()), formats or "")
        asked = load_study(study, allow_path=allow_path, changes=changes)
        check_folder(out, inputs=[study, *asked.inputs()])
        _tell_size(asked, quiet)
        with progress_shown(quiet) as progress:
            result = run_study(asked, out=out, progress=progress)
    failed = len(result.failures)
    if failed:
        estimates = counted(failed, "estimate")
        typer.echo(f"{estimates} could not be made; the report says why.", err=True)
    for row in () if result.verification is None else result.verification.deviating:
        typer.echo(f"A second program differs: {row.reason} ({row.program}).", err=True)
    if not quiet:
        typer.echo(
            f"Report: {out / FILES[result.formats[0]]}. Next: read its data findings, then look up "
            f"any number in {out / 'results.json'}."
        )
    raise typer.Exit(result.exit_code)


def _tell_size(asked: Study, quiet: bool) -> None:
    """How many specifications a sensitivity grid has, before the first is computed."""
    from analyses.study.grid.crossing import crossing, grid_problems

    if quiet or asked.sensitivity is None or any(grid_problems(asked)):
        return  # a grid that cannot be run is told of with everything else
    grid = crossing(asked, asked.sensitivity)
    typer.echo(f"Sensitivity grid: {counted(grid.n, 'specification')} ({grid.sizes}).")
