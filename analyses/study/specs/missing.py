"""What an analysis does with patients who lack a value, as a study file asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainSerializer

from analyses.study.fields import Names, Spec
from analyses.study.use import Use
from analyses.study.wording import refused

if TYPE_CHECKING:
    from cohort.yaml_reader import Path

MethodName = Literal["pmm", "logistic", "multinomial", "ordered"]


def _frozen(values: Mapping[str, MethodName]) -> Mapping[str, MethodName]:
    from types import MappingProxyType

    return MappingProxyType(dict(values))


Methods = Annotated[
    Mapping[str, MethodName],
    AfterValidator(_frozen),
    PlainSerializer(dict, return_type=dict[str, Any]),
]


class ImputeSpec(Spec):
    """Multiple imputation by chained equations, and answers pooled by Rubin's rules.

    Attributes
    ----------
    m
        Imputations; by default the percentage of incomplete patients, and at least 20.
    iterations
        Cycles of each chain.
    donors
        Of predictive mean matching.
    columns
        Further columns that help to predict, and are imputed where they lack values.
    methods
        By column: ``pmm`` (numbers), ``logistic``, ``multinomial`` or ``ordered``.
    within
        Complete categories within whose groups everything is imputed apart; by default the HER2
        groups where an interaction with them is in the model.
    processes
        Over how many processes the imputations are spread; the numbers do not depend on it. A
        script that runs such a study must guard its main program.
    """

    m: Annotated[int, Field(strict=True, ge=2, le=1000)] | None = None
    iterations: Annotated[int, Field(strict=True, ge=1, le=500)] = 10
    donors: Annotated[int, Field(strict=True, ge=1, le=100)] = 5
    columns: Names = ()
    methods: Methods = Field(default_factory=dict)
    within: Names | None = None
    processes: Annotated[int, Field(strict=True, ge=1, le=256)] = 1


class ImputingSpec(Spec):
    """Missing values are imputed, in the way that is said."""

    impute: ImputeSpec


Missing = Literal["complete_case", "impute"] | ImputingSpec


def imputing(missing: Missing) -> ImputeSpec | None:
    """How missing values are imputed; None where patients who lack one are left out."""
    if isinstance(missing, ImputingSpec):
        return missing.impute
    return ImputeSpec() if missing == "impute" else None


def missing_uses(missing: Missing, place: Path, endpoint: str) -> Iterator[Use]:
    """The columns that only the imputation needs."""
    spec = imputing(missing)
    if spec is None:
        return
    where = (*place, "missing", "impute")
    for i, name in enumerate(spec.columns):
        yield Use((*where, "columns", i), name, "imputation", endpoint)
    for i, name in enumerate(spec.within or ()):
        yield Use((*where, "within", i), name, "groups", endpoint)


def imputes_alone(missing: Missing, others: Mapping[str, object]) -> Missing:
    """The choice, refused beside keys that imputation does not go with."""
    given = [key for key, value in others.items() if value]
    if imputing(missing) is not None and given:
        raise refused(
            f"missing: impute together with {given[0]}",
            advice=f"Leave {given[0]} out, or keep complete cases.",
        )
    return missing
