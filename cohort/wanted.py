"""The columns that a study needs of its source, where it says which it uses."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from cohort.dictionary import SourceDictionary

# Columns that no stage reads of itself: a study that does not name them can do without.
DESCRIPTIVE = (
    *("age_years", "age_band", "sex", "race", "laterality", "histology", "grade"),
    *("t_category", "n_category", "nodes_positive", "nodes_examined", "lymphovascular_invasion"),
    *("comorbidity_index", "er_percent", "er_allred", "pr_percent", "pr_allred", "ki67_percent"),
    *("radiotherapy", "chemotherapy", "endocrine_therapy", "immunotherapy"),
    *("multigene_assay", "multigene_score", "multigene_risk", "rcb_score", "rcb_class"),
    *("neoadjuvant_response", "clinical_response", "treatment_effect", "facility_id"),
)


def with_only(dictionary: SourceDictionary, columns: Iterable[str]) -> SourceDictionary:
    """The dictionary without the descriptive columns that are not among these.

    The evidence of HER2 status, what endpoints are made of, and every column that a rule depends
    on stay whatever is named. Columns left out on purpose are not looked at either.
    """
    kept = {*columns, *(name for name in dictionary.columns if name not in DESCRIPTIVE)}
    while (
        deciding := {
            name
            for column in kept & set(dictionary.columns)
            for rule in dictionary.columns[column]
            for name in rule.when
        }
        - kept
    ):
        kept |= deciding
    chosen = {name: rules for name, rules in dictionary.columns.items() if name in kept}
    return dictionary.model_copy(update={"columns": MappingProxyType(chosen), "unmapped": ()})
