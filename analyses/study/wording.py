"""What pydantic found wrong with a study, in the words of the house: where, what, allowed, try."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails, PydanticCustomError

from cohort.errors import Problem, listed, suggest

if TYPE_CHECKING:
    from cohort.yaml_reader import Path

_KINDS = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "tuple": "a list",
    "dict": "keys with values",
    "mapping": "keys with values",
    "model": "keys with values",
    "model_attributes": "keys with values",
    "dataclass": "keys with values",
}


def refused(found: str, allowed: str = "", advice: str = "") -> PydanticCustomError:
    """The error that a validator raises; its parts come out as those of a Problem."""
    parts = {"found": found, "allowed": allowed, "advice": advice}
    return PydanticCustomError("study", "{found}", parts)


def shown(value: object) -> str:
    """A value as a message quotes it."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"'{value}'" if len(value) <= 60 else f"'{value[:57]}...'"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return f"{{{listed((f'{key}: ...' for key in value), 3)}}}"
    if isinstance(value, Sequence):
        return f"[{listed((shown(item) for item in value), 3)}]"
    return str(value)


def problems(
    errors: Iterable[ErrorDetails],
    model: type[BaseModel],
    data: object,
    place: Callable[[Path], str],
) -> list[Problem]:
    """One Problem an error, in the order of the fields.

    Parameters
    ----------
    errors
        Of pydantic's ValidationError.
    model
        The model that was to be built; its fields are what a misspelt key is compared with.
    data
        The plain data given.
    place
        From a path in the data to ``study.yaml:14: analyses[1].by``.
    """
    found = []
    for error in errors:
        if error["type"] == "too_short" and error["input"]:
            continue  # its items are wrong, which is told of each
        path = _path(error["loc"], data)
        if error["type"].startswith("union_tag"):
            path = (*path, "kind")
        found.append(Problem(place(path), *_words(error, model)))
    return found


def _path(loc: tuple[str | int, ...], data: object) -> Path:
    """The place in the data: pydantic's own steps (names of union members) left out."""
    path: list[str | int] = []
    here: Any = data
    for i, step in enumerate(loc):
        try:
            here = here[step]
        except (LookupError, TypeError):
            # A union member's name; or, last, a key that is missing.
            if i < len(loc) - 1 or isinstance(here, list | tuple):
                continue
        path.append(step)
    return tuple(path)


def _words(error: ErrorDetails, model: type[BaseModel]) -> tuple[str, str, str]:
    """What was found, what is allowed, what to try."""
    kind, loc = error["type"], error["loc"]
    given, context = error["input"], error.get("ctx", {})
    if kind == "study":
        return context["found"], context["allowed"], context["advice"]
    if kind == "missing":
        return _missing(loc, given)
    if kind == "extra_forbidden":
        keys = _keys(loc[:-1], model)
        key = str(loc[-1])
        return "not a key here", f"Keys: {listed(keys)}", suggest(key, keys)
    if kind in ("literal_error", "union_tag_invalid"):
        known = re.findall(r"'([^']*)'", context.get("expected") or context["expected_tags"])
        value = given.get("kind") if kind == "union_tag_invalid" else given
        allowed = listed(known) if known else context["expected"]
        found = "empty" if value is None else f"{shown(value)} is not allowed"
        return found, f"Allowed: {allowed}", suggest(str(value), known)
    if kind == "union_tag_not_found":
        return "required, and missing", f"Allowed: {listed(_kinds(loc, model))}", ""
    if kind.endswith("_type"):
        return _wrong_type(kind.removesuffix("_type"), given)
    return _out_of_bounds(kind, given, context) or (
        f"{shown(given)}: {_lower(error['msg'])}",
        "",
        "",
    )


def _missing(loc: tuple[str | int, ...], given: object) -> tuple[str, str, str]:
    """A key that is not there, or an item of a list of fixed length."""
    if isinstance(loc[-1], int):
        return f"{shown(given)} is too short", "Two items", ""
    return "required, and missing", "", ""


def _out_of_bounds(
    kind: str, given: Any, context: Mapping[str, Any]
) -> tuple[str, str, str] | None:
    """A number past its bound, or a list with too few or too many items."""
    if kind == "too_short":
        return "empty", "At least one is needed", ""
    if kind == "too_long":
        return f"{shown(given)} is too long", f"At most {context['max_length']} items", ""
    for bound, words in (("ge", "At least"), ("le", "At most"), ("lt", "Below")):
        if bound in context:
            return f"{shown(given)} is not allowed", f"{words} {context[bound]}", ""
    return None


def _wrong_type(expected: str, given: object) -> tuple[str, str, str]:
    """A value of the wrong kind, with advice on how the right one is written."""
    wanted = _KINDS.get(expected, expected)
    if given is None:
        return "empty", f"It takes {wanted}", "Give a value, or leave the key out."
    advice = ""
    if expected == "string" and not isinstance(given, Mapping | Sequence):
        advice = f'Put it in quotes: "{shown(given)}".'
    elif expected == "tuple" and isinstance(given, str | int | float):
        advice = f"Write [{given}]."
    elif expected in ("int", "float") and isinstance(given, str):
        advice = "Write a plain number, without quotes, leading zeros or separators."
    return f"{shown(given)} where {wanted} should stand", "", advice


def _models(annotation: object) -> list[type[BaseModel]]:
    """Every model inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _at(loc: tuple[str | int, ...], model: type[BaseModel]) -> list[type[BaseModel]]:
    """The models that can stand at a place of pydantic's, followed from the top."""
    here = [model]
    for step in loc:
        if isinstance(step, int):
            continue
        fields = [m.model_fields[step].annotation for m in here if step in m.model_fields]
        if fields:
            here = [m for annotation in fields for m in _models(annotation)]
        else:
            here = [m for m in here if step in _tags(m)] or here
    return here


def _keys(loc: tuple[str | int, ...], model: type[BaseModel]) -> list[str]:
    return [field.alias or name for m in _at(loc, model) for name, field in m.model_fields.items()]


def _kinds(loc: tuple[str | int, ...], model: type[BaseModel]) -> list[str]:
    return [tag for m in _at(loc, model) for tag in _tags(m)]


def _tags(model: type[BaseModel]) -> tuple[str, ...]:
    """Values of `kind` that choose this model."""
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field is not None else ()


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
