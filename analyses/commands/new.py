"""``her2low new``: a study file drafted from a source, to be read, changed and run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analyses.commands.messages import roles, told
from cohort.errors import Problem, SpecError, listed

if TYPE_CHECKING:
    from analyses.study.drafting import Known

_MAIN = "main"


def new(
    study: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file to write.")],
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="NAME", help="Dictionary of the source (name or path)."),
    ] = None,
    files: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="[ROLE=]PATH", help="A file of the source; repeatable."),
    ] = None,
) -> None:
    """Write a commented study file for a source; with its files, for what they hold."""
    with told():
        _check(study)
        given = roles([one if "=" in one else f"{_MAIN}={one}" for one in files or []])
        known = _looked_at(given, source, study) if given else _by_name(source, study)
        from analyses.study.drafting import drafted

        study.write_text(drafted(known), encoding="utf-8")
    typer.echo(
        f"Written: {study}. Next: read it, decide what its comments ask, then her2low check {study}"
    )


def _check(path: Path) -> None:
    """Refuse a place where a study file cannot be written, before anything is read."""
    where = str(path)
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise SpecError(Problem(where, "a study is a YAML file", "Endings: .yaml, .yml"))
    if path.exists():
        raise SpecError(Problem(where, "it exists already", advice="Name another file."))
    if not path.parent.is_dir():
        found = f"there is no folder '{path.parent.name}'"
        raise SpecError(Problem(where, found, advice="Make it first."))


def _looked_at(files: dict[str, Path], source: str | None, study: Path) -> Known:
    """What the files hold, by the dictionary that fits them or that was named."""
    from analyses.study.drafting import Known
    from cohort.describing import describe
    from cohort.dictionary import SourceDictionary

    described = describe({**files} if set(files) != {_MAIN} else files[_MAIN], source=source)
    if not described.source:
        raise SpecError(
            Problem(
                listed(str(path) for path in files.values()),
                "no dictionary of the package fits",
                advice="Draft one: her2low new-dictionary FILE; then name it by --source.",
            )
        )
    dictionary = SourceDictionary.load(described.source)
    shares = {
        seen.column: seen.n_known / max(described.n, 1)
        for seen in described.columns
        if seen.n_known
    }
    named = {dictionary.main if role == _MAIN else role: path for role, path in files.items()}
    return Known(
        name=_named(source or described.source, study),
        dictionary=dictionary,
        files={role: _from(study, path) for role, path in named.items()},
        shares=shares,
        n=described.n,
        outlook=described.her2,
    )


def _from(study: Path, path: Path) -> str:
    """A path as the study file writes it: from the study file's own folder."""
    import os

    return Path(os.path.relpath(path.resolve(), study.resolve().parent)).as_posix()


def _named(source: str, study: Path) -> str:
    """A dictionary as the study file names it: one of the user's own by its path from there."""
    from analyses.study.references import is_path

    return _from(study, Path(source)) if is_path(source) else source


def _by_name(source: str | None, study: Path) -> Known:
    """What the dictionary alone tells."""
    from analyses.study.drafting import Known
    from cohort.dictionary import SourceDictionary

    if source is None:
        advice = f"--source NAME, one of {listed(SourceDictionary.names())}; or --file PATH"
        raise SpecError(Problem("her2low new", "neither a source nor a file", advice=advice))
    dictionary = SourceDictionary.load(source)
    roles_of = dictionary.own_files
    return Known(
        name=_named(source, study),
        dictionary=dictionary,
        files={role: f"{role}.csv" for role in roles_of},
    )
