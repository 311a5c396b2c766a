"""A study's numbers beside those of a second program: in a run, and of an output made earlier."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.results.records import Record, checked
from analyses.study.analyse import WHOLE_COHORT, patients_of
from analyses.study.changes import Changes
from cohort.errors import AnalysisError, Problem, SpecError, listed

if TYPE_CHECKING:
    from analyses.results.study import StudyResult
    from analyses.results.verification import Verification
    from analyses.study.patients import StudyPatients
    from analyses.study.spec import Study

RERUN = "Run the study again, then verify the new output."


def with_second_program(result: StudyResult, study: Study, patients: StudyPatients) -> StudyResult:
    """The result with what a second program says of it, among its records too."""
    found = _beside(study, patients, result.records)
    return replace(result, verification=found, records=checked([*result.records, *found.records()]))


def verify_output(
    study: Study, out: str | Path, *, progress: Callable[[str, int, int], None] | None = None
) -> Verification:
    """The numbers of an output beside those that a second program makes of the same patients.

    Before anything is compared, the digests of study, files, rule tables and selected patients
    in the output's manifest must be those of the study as it is now.

    Raises
    ------
    SpecError
        Where `out` holds no output, or one of another study, other files or other rules.
    AnalysisError
        Where the patients selected now are not those of the output.
    """
    from analyses.study.run import selected_patients

    folder = Path(out)
    manifest, results = (_read(folder / name) for name in ("manifest.json", "results.json"))
    where = f"{folder.name}/manifest.json"
    _refuse(where, _of_study(manifest, study))
    patients = selected_patients(study, progress=progress)
    _refuse(where, _of_files(manifest, patients))
    if patients.apart:
        found = f"the patients of {listed(sorted(patients.apart))} are too many to hold"
        advice = "Say verify: true in the study and run it again: it then holds them."
        raise AnalysisError(Problem("engine: blocks_from", found, advice=advice))
    digests = manifest.get("selected")
    if digests != dict(patients.digests):
        found = "the patients selected now are not those of the output"
        advice = "Its study and files are the same: another version of the program made it. "
        raise AnalysisError(Problem(where, found, advice=advice + RERUN))
    return _beside(study, patients, _records(folder, results))


def _beside(study: Study, patients: StudyPatients, records: Sequence[Record]) -> Verification:
    from analyses.verification.verify import verified

    asked = [
        (
            spec,
            None
            if spec.kind in WHOLE_COHORT
            else patients_of(spec, patients.frames, patients.conditions)[0],
        )
        for spec in study.analyses
    ]
    return verified(asked, records, patients.unit)


def _read(path: Path) -> dict[str, Any]:
    """A JSON file of an output."""
    where = f"{path.parent.name}/{path.name}"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        advice = "Name a folder that her2low run has written."
        raise SpecError(Problem(where, "no such file", advice=advice)) from None
    except (OSError, ValueError) as error:
        raise SpecError(Problem(where, f"cannot be read: {error}", advice=RERUN)) from None
    if not isinstance(found, dict):
        raise SpecError(Problem(where, "not an output of her2low", advice=RERUN))
    return found


def changes_of(out: str | Path) -> Changes:
    """What the command line changed of the study that an output was made by."""
    made = _read(Path(out) / "manifest.json").get("study")
    said = made.get("changes", []) if isinstance(made, dict) else []
    words = [str(one).partition(" ") for one in said if isinstance(said, list)]
    return Changes(
        tuple(rest for option, _, rest in words if option == "--set"),
        tuple(rest for option, _, rest in words if option == "--only"),
        "".join(rest for option, _, rest in words if option == "--format"),
    )


def _of_study(manifest: dict[str, Any], study: Study) -> list[str]:
    """What of the study is not what the output was made with."""
    from analyses.study.run import table_digests

    made = manifest.get("study")
    made = made if isinstance(made, dict) else {}
    changed = [] if made.get("sha256") == study.digest else [f"the study file {study.name}"]
    tables = manifest.get("tables")
    return changed + ([] if tables == dict(table_digests()) else ["the rule tables"])


def _of_files(manifest: dict[str, Any], patients: StudyPatients) -> list[str]:
    """Files that are not those which the output was made from."""
    made = manifest.get("files")
    known = {
        (str(file.get("role")), str(file.get("sha256")))
        for file in (made if isinstance(made, list) else [])
        if isinstance(file, dict)
    }
    now = {(file.role, file.sha256): file.name for file in patients.files}
    changed = [f"the file {name}" for key, name in now.items() if key not in known]
    return changed or (["the list of files"] if len(known) != len(now) else [])


def _refuse(where: str, changed: Sequence[str]) -> None:
    if changed:
        found = f"changed since the output was made: {listed(changed)}"
        raise SpecError(Problem(where, found, advice=RERUN))


def _records(folder: Path, results: dict[str, Any]) -> tuple[Record, ...]:
    """The records of an output, those of its own verification aside."""
    names = {field.name for field in fields(Record)}
    where = f"{folder.name}/results.json"
    try:
        found = tuple(
            Record(**{name: value for name, value in row.items() if name in names})
            for row in results["records"]
            if row["kind"] != "verification"
        )
        return checked(found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SpecError(Problem(where, f"not records: {error}", advice=RERUN)) from None
