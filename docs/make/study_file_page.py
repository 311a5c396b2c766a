"""The page of the study file, from the models that read one."""

from __future__ import annotations

from typing import Any

from markdown import code, page, table

from analyses.study.schema import study_schema

_NAMES = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
}
_PARTS = ("Source", "Her2Spec", "EndpointSpec", "CriterionSpec", "TermSpec", "ReportSpec")


def text() -> str:
    """The page."""
    schema = study_schema()
    models: dict[str, Any] = schema["$defs"]
    choices = schema["properties"]["analyses"]["items"]["discriminator"]["mapping"]
    kinds = {kind: ref.rpartition("/")[2] for kind, ref in choices.items()}
    others = [name for name in models if name not in {*kinds.values(), *_PARTS}]
    return page(
        "# The study file",
        "A study is one YAML file. `her2low new` writes one for a source, `her2low check` tells "
        "every problem with its line, `her2low schema` prints the JSON Schema that editors "
        "complete and check by. Keys that are not listed here are refused.",
        _keys(schema),
        *(piece for name in _PARTS for piece in _model(name, models[name])),
        "# Analyses",
        "Each has an `id` of its own, by which its pages, tables and records are called, and a "
        "`kind`.",
        *(piece for kind in sorted(kinds) for piece in _model(code(kind), models[kinds[kind]])),
        "# Parts of analyses",
        *(piece for name in sorted(others) for piece in _model(name, models[name])),
    )


def _model(title: str, model: dict[str, Any]) -> tuple[str, ...]:
    """A heading, what the part is, and its keys; a list of choices has no keys."""
    keys = _keys(model) if "properties" in model else ""
    return (f"## {title}", model.get("description", ""), keys)


def _keys(model: dict[str, Any]) -> str:
    required = set(model.get("required", ()))
    rows = (
        (
            code(key),
            _type(value),
            "required" if key in required else code(_plain(value.get("default"))),
            value.get("description", "").replace("``", "`"),
        )
        for key, value in model["properties"].items()
    )
    return table(("key", "takes", "default", "meaning"), rows)


def _type(value: dict[str, Any]) -> str:
    """What a key takes, in words."""
    if "$ref" in value:
        return value["$ref"].rpartition("/")[2]
    if "const" in value:
        return code(value["const"])
    if "enum" in value:
        return ", ".join(code(one) for one in value["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in value:
            named = [_type(one) for one in value[choice] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(named))
    if value.get("type") == "array":
        inner = value.get("items") or next(iter(value.get("prefixItems", [])), {})
        return "an analysis of any kind, several" if "discriminator" in inner else _list(inner)
    if value.get("type") == "object":
        inner = value.get("additionalProperties")
        return f"mapping to {_type(inner)}" if isinstance(inner, dict) else "mapping"
    return _NAMES.get(str(value.get("type")), "")


def _list(inner: dict[str, Any]) -> str:
    return f"list of {_type(inner)}"


def _plain(value: object) -> str:
    """A default as a study file writes it; nothing where a key may simply be left out."""
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
