"""The kinds of value that a study file holds: text, ids, levels, lists; and the strict model."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    Strict,
)

from analyses.study.wording import refused, shown
from cohort.yaml_reader import scalar

_SLUG = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Spec(BaseModel):
    """A frozen part of a study; keys that it does not know are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


def _slug(value: str) -> str:
    """An id that can stand in a file's name and a column's name."""
    if not _SLUG.fullmatch(value):
        near = re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_0123456789")[:40]
        allowed = "Small letters, digits and _, a letter first, at most 40"
        raise refused(f"{shown(value)} is no id", allowed, f"Try '{near}'." if near else "")
    return value


def _filled(value: str) -> str:
    if not value.strip():
        raise refused("empty", "It takes text")
    return value


def number(value: object) -> int | float:
    """A finite number as given; text, true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        advice = "Write it without quotes." if _reads_as_number(value) else ""
        raise refused(f"{shown(value)} is not a number", advice=advice)
    if not math.isfinite(value):
        raise refused(f"{value} is not a finite number")
    return value


def _reads_as_number(value: object) -> bool:
    return isinstance(value, str) and isinstance(scalar(value), int | float)


def _level(value: object) -> str:
    """A level's name: text, or a plain number, which reads the same without quotes."""
    if isinstance(value, str):
        return _filled(value)
    if isinstance(value, bool) or value is None:
        word = shown(value) if value is not None else "null"
        raise refused(f"{word} is not a level", "", f'Put it in quotes: "{word}".')
    return str(number(value))


def _conf_level(value: object) -> float:
    given = number(value)
    if not 0 < given < 1:
        advice = f"Write {given / 100:g}." if 1 < given < 100 else ""
        raise refused(f"{given} is no level of confidence", "Between 0 and 1", advice)
    return given


def _not_negative(value: object) -> float:
    given = number(value)
    if given < 0:
        raise refused(f"{given} is below 0", "0 or more")
    return given


def _positive(value: object) -> float:
    given = number(value)
    if given <= 0:
        raise refused(f"{given} is not above 0", "A number above 0")
    return given


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    again = [value for i, value in enumerate(values) if value in values[:i]]
    if again:
        raise refused(f"'{again[0]}' stands twice", advice="Keep one of the two.")
    return values


def _frozen(values: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(values))


def _shares(values: tuple[float, ...]) -> tuple[float, ...]:
    """Shares between 0 and 1, ascending, each once."""
    for value in values:
        if not 0 < value < 1:
            advice = f"Write {value / 100:g}." if 1 < value < 100 else ""
            raise refused(f"{value:g} is no share of patients", "Between 0 and 1", advice)
    return tuple(sorted(set(values)))


Number = Annotated[float, PlainValidator(number, json_schema_input_type=float)]
Text = Annotated[str, Strict(), AfterValidator(_filled)]
Slug = Annotated[str, Strict(), AfterValidator(_slug)]
Level = Annotated[str, BeforeValidator(_level, json_schema_input_type=str | float)]
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]
ConfLevel = Annotated[float, PlainValidator(_conf_level, json_schema_input_type=float)]
NotNegative = Annotated[float, PlainValidator(_not_negative, json_schema_input_type=float)]
Positive = Annotated[float, PlainValidator(_positive, json_schema_input_type=float)]
Quantiles = Annotated[tuple[Number, ...], AfterValidator(_shares)]
Names = Annotated[tuple[Text, ...], AfterValidator(_distinct)]
SomeNames = Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(_distinct)]
SomeLevels = Annotated[tuple[Level, ...], Field(min_length=1), AfterValidator(_distinct)]


def _frozen_within(values: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    return MappingProxyType({name: _frozen(inner) for name, inner in values.items()})


def _plain_within(values: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    return {name: dict(inner) for name, inner in values.items()}


# By column: what each text of the source is read as.
Readings = Annotated[
    Mapping[str, Annotated[Mapping[str, Level], Field(min_length=1)]],
    AfterValidator(_frozen_within),
    PlainSerializer(_plain_within, return_type=dict[str, Any]),
]
TextMap = Annotated[
    Mapping[str, Text], AfterValidator(_frozen), PlainSerializer(dict, return_type=dict[str, Any])
]
