"""A study as one frozen value: what was asked, before any file of patients is opened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationError,
)

from analyses.study.analysis_spec import AnalysisSpec
from analyses.study.changes import Changes, changed
from analyses.study.criterion_spec import CriterionSpec
from analyses.study.endpoint_spec import EndpointSpec
from analyses.study.engine_spec import EngineField, EngineSpec
from analyses.study.fields import Flag, Readings, Spec, Text, TextMap
from analyses.study.near import near_file
from analyses.study.origin import Origin, digest_of, line_of
from analyses.study.references import is_path, reference_problems
from analyses.study.report_spec import ReportSpec
from analyses.study.specs.robustness import RobustnessSpec
from analyses.study.specs.sensitivity import SensitivitySpec
from analyses.study.wording import problems, refused, shown
from cohort import yaml_reader
from cohort.errors import Problem, SpecError

if TYPE_CHECKING:
    from cohort.dictionary import SourceDictionary


def _one_file(value: object) -> object:
    return {"main": value} if isinstance(value, str) else value


def _some(files: Mapping[str, str]) -> Mapping[str, str]:
    if not files:
        raise refused("empty", "At least one file is needed, such as {main: registry.csv}")
    return files


def _whole(value: object) -> object:
    """A version as a whole number; true and 1.0, which equal 1, are none."""
    if isinstance(value, bool | float):
        raise refused(f"{shown(value)} is not a whole number")
    return value


class Source(Spec):
    """The patients' files and the dictionary that reads them.

    Attributes
    ----------
    name
        A dictionary that comes with the program, or the path of one ending in ``.yaml``.
    files
        Path of each file by its role; a single path is the role ``main``.
    recode
        By canonical column: what texts of the source mean in this study, before any code of its
        dictionary (``{her2_ihc: {"0-1+": "1+"}}``).
    """

    name: Text
    files: Annotated[
        TextMap,
        AfterValidator(_some),
        BeforeValidator(_one_file, json_schema_input_type=str | dict[str, str]),
    ]
    recode: Readings = Field(default_factory=dict, validate_default=True)

    @property
    def dictionary_is_file(self) -> bool:
        """Whether `name` is the path of a dictionary."""
        return is_path(self.name)


def _named(value: object) -> object:
    """The name of a set of choices alone, as the mapping that it stands for."""
    return {"policy": value} if isinstance(value, str) else value


class Her2Spec(Spec):
    """Guideline edition and edge cases of the HER2 classification.

    Attributes
    ----------
    edition
        Of ASCO/CAP's guideline, by its year.
    policies
        Edge cases that depart from their default (`cohort.her2.policies`), under ``policy`` the
        name of a set of choices; the name alone stands for the set.
    index_day
        Column of the day before which edge case E10 ``closest`` looks for a specimen, such as
        ``metastasis_day``.
    """

    edition: Annotated[
        Literal[2007, 2013, 2018, 2023],
        BeforeValidator(_whole, json_schema_input_type=Literal[2007, 2013, 2018, 2023]),
    ] = 2018
    policies: Annotated[
        TextMap, BeforeValidator(_named, json_schema_input_type=str | dict[str, str])
    ] = Field(default_factory=dict, validate_default=True)
    index_day: Text | None = None


class Study(Spec):
    """A study as asked for: source, HER2 rules, endpoints, selection, analyses, report.

    Made by `load_study` from a file or by `Study.from_dict` in a notebook; never changes.

    Attributes
    ----------
    on_unknown_code
        ``warn`` makes a code that the dictionary does not know a missing value and a finding;
        ``stop`` makes it an error.
    sensitivity
        Choices that are crossed, the main estimate under every combination of them.
    verify
        Whether survival estimates are recomputed by an independent program; a deviation past
        tolerance fails the run.
    seed
        Of everything that is drawn at random.
    """

    version: Annotated[Literal[1], BeforeValidator(_whole, json_schema_input_type=Literal[1])]
    title: Text
    question: Text | None = None
    source: Source
    her2: Her2Spec = Field(default_factory=Her2Spec)
    endpoints: tuple[EndpointSpec, ...] = ()
    select: tuple[CriterionSpec, ...] = ()
    analyses: Annotated[tuple[AnalysisSpec, ...], Field(min_length=1)]
    sensitivity: SensitivitySpec | None = None
    report: ReportSpec = Field(default_factory=ReportSpec)
    engine: EngineField = Field(default_factory=EngineSpec)
    on_unknown_code: Literal["warn", "stop"] = "warn"
    verify: Flag = False
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**63)] = 20250131
    _origin: Origin = PrivateAttr(default_factory=Origin)

    def model_post_init(self, context: Any, /) -> None:
        """Remember the file behind the study, which the one who validates hands in."""
        if isinstance(context, Origin):
            self._origin = context
        for spec in self.analyses:
            if isinstance(spec, RobustnessSpec):
                spec.find(self.analyses)

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], *, folder: str | Path = ".", allow_path: bool = False
    ) -> Study:
        """A study from a dictionary of the same keys as the file.

        Parameters
        ----------
        folder
            Folder that paths are relative to.
        allow_path
            Files may lie outside the folder.

        Raises
        ------
        SpecError
            With every problem.
        """
        origin = Origin(folder=Path(folder), digest=digest_of(data), allow_path=allow_path)
        return _build(data, origin)

    @property
    def folder(self) -> Path:
        """Folder that paths are relative to: that of the study file."""
        return self._origin.folder

    @property
    def name(self) -> str:
        """Name of the study file without its folder."""
        return self._origin.name

    @property
    def digest(self) -> str:
        """sha256 of the study file."""
        return self._origin.digest

    @property
    def changes(self) -> Changes:
        """What the command line changes of the file."""
        return self._origin.changes

    @property
    def allow_path(self) -> bool:
        """Whether files may lie outside the folder."""
        return self._origin.allow_path

    @property
    def dictionary_source(self) -> str | Path:
        """The dictionary's name, or the path of the user's own."""
        return (
            self.folder / self.source.name if self.source.dictionary_is_file else self.source.name
        )

    def dictionary(self) -> SourceDictionary:
        """The dictionary that reads the files, loaded; SpecError where it cannot be."""
        from cohort.dictionary import SourceDictionary

        return SourceDictionary.load(self.dictionary_source)

    def paths(self) -> dict[str, Path]:
        """Path of each file by its role, from the study's folder."""
        return {role: self.folder / path for role, path in self.source.files.items()}

    def inputs(self) -> tuple[Path, ...]:
        """Every file that the study reads: the patients' and a dictionary of the user's own."""
        own = self.dictionary_source
        tables = [getattr(spec, "life_table", None) for spec in self.analyses]
        more = [self.folder / name for name in tables if name is not None]
        return (*self.paths().values(), *([own] if isinstance(own, Path) else []), *more)

    def identity(self) -> tuple[str, str, str]:
        """Name of the file, sha256 of its bytes, the study as canonical JSON.

        Of a file outside the study's folder only the name is kept: no output tells where on
        a machine the data are.
        """
        plain = self.to_dict()
        files = plain["source"]["files"]
        plain["source"]["files"] = {role: _told(path) for role, path in files.items()}
        plain["source"]["name"] = _told(plain["source"]["name"])
        for analysis in plain["analyses"]:
            if analysis.get("life_table"):
                analysis["life_table"] = _told(analysis["life_table"])
        text = json.dumps(plain, sort_keys=True, ensure_ascii=False)
        return self.name, self.digest, text

    def endpoint(self, id: str) -> EndpointSpec:
        """The endpoint of this id; KeyError where there is none."""
        for spec in self.endpoints:
            if spec.id == id:
                return spec
        raise KeyError(id)

    def where(self, path: yaml_reader.Path = ()) -> str:
        """``study.yaml:14`` for a path of keys and places such as ``("analyses", 1, "by")``."""
        return self._origin.where(path)

    def place(self, path: yaml_reader.Path = ()) -> str:
        """``study.yaml:14: analyses[1].by``, as messages begin."""
        return self._origin.place(path)

    def to_dict(self) -> dict[str, Any]:
        """The study with every default written out, as plain JSON types."""
        return self.model_dump(mode="json", by_alias=True)


def _told(path: str) -> str:
    """A path as an output may hold it: as written below the study's folder, else its name."""
    outside = Path(path).is_absolute() or ".." in Path(path).parts
    return Path(path).name if outside else path


def load_study(
    path: str | Path, *, allow_path: bool = False, changes: Changes | None = None
) -> Study:
    """The study that a YAML file states, checked as far as the file alone allows.

    `analyses.study.check.check_study` then checks it against the schema, the dictionary and the
    files.

    Parameters
    ----------
    path
        The study file. Paths in it are relative to its folder.
    allow_path
        Files may lie outside the folder of the study file.
    changes
        What is changed of the file's own words; the outputs of a run tell it.

    Raises
    ------
    SpecError
        With every problem, each with the file's name and line.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SpecError(_unreadable(path, error)) from None
    document = yaml_reader.read_yaml(content, path.name)
    asked = changes or Changes()
    made = changed(document.data, asked)
    origin = Origin(
        name=path.name,
        folder=path.parent,
        digest=hashlib.sha256(content).hexdigest(),
        lines=made.lines(document.lines),
        allow_path=allow_path,
        changes=asked,
        changed=made.places,
    )
    return _build(made.data, origin)


def _build(data: Mapping[str, Any], origin: Origin) -> Study:
    """The study, or every problem of its keys, values and references in the order of the file."""
    found = []
    study = None
    try:
        study = Study.model_validate(data, context=origin)
    except ValidationError as error:
        found += problems(error.errors(), Study, data, origin.place)
    found += reference_problems(data, origin)
    if study is None or found:
        raise SpecError(sorted(found, key=line_of))
    return study


def _unreadable(path: Path, error: OSError) -> Problem:
    """Why a study file cannot be opened, with the nearest name in its folder."""
    if isinstance(error, FileNotFoundError):
        return Problem(str(path), "no such file", advice=near_file(path))
    if isinstance(error, IsADirectoryError):
        return Problem(str(path), "a folder, not a study file", advice="Name the .yaml file in it.")
    if isinstance(error, PermissionError):
        return Problem(str(path), "this file may not be read", advice="Look at its permissions.")
    return Problem(str(path), f"cannot be read: {error.strerror or error}")
