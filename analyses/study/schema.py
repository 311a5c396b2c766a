"""The JSON Schema of a study file, for editors that complete and check it as it is written."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from analyses.study.spec import Study

if TYPE_CHECKING:
    from pydantic_core import core_schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
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
        for key, meaning in meanings(model).items():
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
