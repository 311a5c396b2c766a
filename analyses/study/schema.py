"""The JSON Schema of a study file, for editors that complete and check it as it is written."""

from __future__ import annotations

import inspect
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from analyses.study.spec import Study

if TYPE_CHECKING:
    from pydantic_core import core_schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Keys that mean the same wherever they stand; a docstring that says more comes before.
USUAL = MappingProxyType(
    {
        "id": "Its own name: small letters, digits and _.",
        "kind": "What it is.",
        "title": "Heading in the report, in place of the usual one.",
        "label": "Name in the report, in place of the usual one.",
        "reason": "Why, in the words of the flow of patients.",
        "column": "A column by the program's own name.",
        "endpoint": "Id of an endpoint of the study.",
        "by": "Column of the groups.",
        "terms": "Terms of the model: columns, or what is said of them.",
        "strata": "Columns within whose strata patients are compared.",
        "cluster": "Column of the units within which patients are alike; its errors are robust.",
        "conf_level": "Level of the limits.",
        "conf_type": "Scale on which the limits of curves are normal.",
        "ties": "How events at one time are treated.",
        "between": "Lowest and highest value, both included; null is open.",
        "one_of": "The values that meet it.",
        "equals": "The one value that meets it.",
        "not_missing": "true: any value meets it.",
        "style": "How numbers are written.",
        "version": "Of the study file's form.",
        "question": "What the study asks, in a sentence.",
        "source": "The patients' files and what reads them.",
        "her2": "How HER2 status is made.",
        "endpoints": "What patients are followed for.",
        "select": "Which patients, in order; each step is counted.",
        "analyses": "What is done, in the order of the report.",
        "report": "How the report looks.",
        "engine": "What reads and counts.",
    }
)
_SECTION = re.compile(r"\n\w[\w ]*\n-+\n")


def study_schema() -> dict[str, Any]:
    """The schema (draft 2020-12), each key with the meaning that its model's docstring gives.

    It says what can be said of keys and types; what hangs together across a study (columns,
    references, levels) is told by ``her2low check``.
    """
    made = Study.model_json_schema(mode="validation", schema_generator=_Described)
    return {"$schema": DIALECT, **made, "title": "A her2low study"}


class _Described(GenerateJsonSchema):
    """Writes the words of docstrings into the schema."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """A model with its summary, its keys with their meanings."""
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        made["description"] = summary(model)
        for key, meaning in {**USUAL, **meanings(model)}.items():
            if key in made.get("properties", {}):
                made["properties"][key]["description"] = meaning
        return made


def summary(model: type[BaseModel]) -> str:
    """What a model is, in the words before its first section."""
    return " ".join(_SECTION.split(f"{inspect.getdoc(model) or ''}\n")[0].split())


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """The meaning of each key, from the Attributes of the model's docstring and its bases'."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        own = inspect.cleandoc(each.__doc__ or "") if issubclass(each, BaseModel) else ""
        _, _, after = own.partition("Attributes\n----------\n")
        body = _SECTION.split(after)[0]
        for names, text in re.findall(r"^(\S[^\n]*)\n((?:[ ]{4}[^\n]*(?:\n|$)|\n)+)", body, re.M):
            said = " ".join(text.split())
            found |= {name.strip(): said for name in names.split(",")}
    return found
