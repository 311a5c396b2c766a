"""``her2low check``: everything that can be known of a study without computing it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analyses.commands.messages import counted, told
from cohort.errors import SpecError


def check(
    study: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file.")],
    allow_path: Annotated[
        bool, typer.Option("--allow-path", help="Files may lie outside the study file's folder.")
    ] = False,
) -> None:
    """Check a study before it is run: keys, columns, levels, source and files."""
    with told():
        from analyses.study.check import check_study
        from analyses.study.spec import load_study

        asked = load_study(study, allow_path=allow_path)
        problems = check_study(asked)
        if problems:
            raise SpecError(problems)
    crossed = ""
    if asked.sensitivity is not None:
        from analyses.study.grid.crossing import crossing

        grid = crossing(asked, asked.sensitivity)
        crossed = f", {counted(grid.n, 'specification')} of the sensitivity grid"
    typer.echo(
        f"{study.name}: no problems found ({counted(len(asked.endpoints), 'endpoint')}, "
        f"{counted(len(asked.select), 'criterion', 'criteria')}, "
        f"{counted(len(asked.analyses), 'analysis', 'analyses')}{crossed}). "
        f"Next: her2low run {study} --out DIR{' --allow-path' if allow_path else ''}"
    )
