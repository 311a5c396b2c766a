"""The command ``her2low``: its commands under one name, its help and its version.

Only what reads the command line is imported here; each command imports what it needs, so that
``her2low --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from analyses.commands.check import check
from analyses.commands.classify import classify
from analyses.commands.describe import describe
from analyses.commands.messages import TRACEBACK, fault
from analyses.commands.new import new
from analyses.commands.new_dictionary import new_dictionary
from analyses.commands.run import run
from analyses.commands.schema import schema
from analyses.commands.verify import verify

app = typer.Typer(
    name="her2low",
    help="Survival of patients with HER2-zero, HER2-low and HER2-positive breast cancer.",
    epilog=(
        "Exit codes: 0 done, 1 a fault of the program, 2 the study or the command line, 3 the "
        "data, 4 the analysis, 5 done, but an estimate that was asked for does not exist, "
        "6 done, but a second program has another number."
    ),
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _command in (run, check, verify, describe, classify, new, new_dictionary, schema):
    app.command()(_command)


def main() -> None:
    """Run the command line and leave with its exit code."""
    if not os.environ.get(TRACEBACK):
        sys.excepthook = fault
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


if __name__ == "__main__":
    main()
