"""``her2low new-dictionary``: a dictionary for a table of one's own, drafted to be completed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyses.commands.messages import aligned, counted, told
from cohort.errors import Problem, SpecError

if TYPE_CHECKING:
    from cohort.drafting import Draft


def new_dictionary(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The table to write one for.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DICT.yaml", help="What to write; FILE's name if not given."),
    ] = None,
) -> None:
    """Draft a dictionary from a file's columns and values, to be completed by you."""
    with told():
        from cohort.drafting import draft

        path = Path(f"{_name(file)}.yaml") if out is None else out
        _check(path)
        _tell_of_fitting(file)
        made = draft(file, name=_name(path))
        written = _write(made, path)
    typer.echo("\n".join(_summary(made)))
    codes = f" and {counted(len(written) - 1, 'code table')} beside it" if len(written) > 1 else ""
    typer.echo(
        f"Written: {path}{codes}. Next: decide what says DECIDE, then "
        f"her2low describe {file} --source {path}"
    )


def _name(path: Path) -> str:
    """A dictionary's name from a file's."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", path.name.partition(".")[0]).strip("_").lower()
    return name if name[:1].isalpha() else f"own_{name}".rstrip("_")


def _tell_of_fitting(file: Path) -> None:
    """That a dictionary of the package fits the file already, where one does."""
    from cohort.fit import every_heading, fitting
    from cohort.loading import headings_of

    fit = fitting(headings_of(file, every_heading()))
    if fit is not None:
        typer.echo(
            f"Source '{fit.source}' ({fit.describes}) fits this file by its headings: "
            f"{fit.n_found} of its {fit.n_columns} columns are there. "
            f"See first: her2low describe {file}"
        )


def _check(path: Path) -> None:
    """Refuse a place where a dictionary cannot be written, before anything is read."""
    where = f"--out {path}"
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise SpecError(Problem(where, "a dictionary is a YAML file", "Endings: .yaml, .yml"))
    if path.exists():
        raise SpecError(Problem(where, "it exists already", advice="Name another: --out FILE."))
    if not path.parent.is_dir():
        found = f"there is no folder '{path.parent.name}'"
        raise SpecError(Problem(where, found, advice="Make it first."))


def _write(made: Draft, path: Path) -> tuple[Path, ...]:
    """The dictionary and its code tables on the disk."""
    from cohort.drafting import write

    try:
        return write(made, path)
    except FileExistsError as error:
        found = f"'{error.filename}' exists already"
        advice = "Name another dictionary: its code tables begin with its name."
        raise SpecError(Problem(f"--out {path}", found, advice=advice)) from None
    except OSError as error:
        found = f"'{error.filename}' cannot be written: {error.strerror}"
        raise SpecError(Problem(f"--out {path}", found, advice="Name another folder.")) from None


def _summary(made: Draft) -> list[str]:
    """What was drafted and what is left, in columns."""
    lines = [f"{counted(len(made.decided), 'column')} drafted"]
    rows = [(f"    {one.column}", ", ".join(one.headings)) for one in made.decided]
    lines += aligned(rows)
    if made.open:
        lines.append(f"{counted(len(made.open), 'column')} left for you to decide (as comments)")
        lines += aligned([(f"    {one.column}", ", ".join(one.headings)) for one in made.open])
    if made.n_undecided:
        lines.append(f"{counted(made.n_undecided, 'code')} marked undecided: missing until you say")
    if made.unrecognised:
        n = counted(len(made.unrecognised), "column")
        lines.append(f"{n} whose heading says nothing to this program (listed in the file)")
    return lines
