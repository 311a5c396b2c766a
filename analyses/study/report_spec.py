"""How a study's report looks, and in which forms it is written."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from analyses.study.fields import Spec
from analyses.study.wording import refused
from cohort.errors import Problem

if TYPE_CHECKING:
    from analyses.study.spec import Study

Form = Literal["pdf", "html", "docx"]


def _several(value: object) -> object:
    """A single form as a list of one."""
    return [value] if isinstance(value, str) else value


def _once(values: tuple[Form, ...]) -> tuple[Form, ...]:
    again = [value for i, value in enumerate(values) if value in values[:i]]
    if again:
        raise refused(f"'{again[0]}' stands twice", advice="Keep one of the two.")
    return values


class ReportSpec(Spec):
    """How the report looks.

    Attributes
    ----------
    style
        Whose way of writing numbers, and whose width and letters of figures.
    formats
        ``pdf`` and ``html``, the same report; ``docx`` for every table as a Word document, its
        notes with it. Figures and tables are always written as files of their own, too.
    """

    style: Literal["default", "nejm", "jama", "lancet", "nature", "bmj"] = "default"
    formats: Annotated[
        tuple[Form, ...],
        Field(min_length=1),
        AfterValidator(_once),
        BeforeValidator(_several, json_schema_input_type=Form | list[Form]),
    ] = ("pdf", "html")


def report_problems(study: Study) -> Iterator[Problem]:
    """A Word document asked for where what writes one is not installed."""
    if "docx" in study.report.formats and find_spec("docx") is None:
        advice = "Install it: pip install 'her2low[docx]'; or leave docx out."
        place = study.place(("report", "formats"))
        yield Problem(place, "python-docx is not installed", "", advice)
