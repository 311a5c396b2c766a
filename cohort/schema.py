"""The canonical columns: one table that checks the data and documents itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["text", "category", "number", "integer", "boolean", "date"]


@dataclass(frozen=True, slots=True)
class Column:
    """One canonical column: its type, unit, levels in order, the possible range, the meaning."""

    name: str
    kind: Kind
    meaning: str
    levels: tuple[str, ...] = ()
    unit: str = ""
    low: float | None = None
    high: float | None = None


HER2_STATUS = ("zero", "low", "positive", "negative_unspecified", "unresolved", "unknown")
HER2_GROUPS = HER2_STATUS[:3]
HER2_DETAIL = (
    "ihc_0_null",
    "ihc_0_ultralow",
    "ihc_0",
    "ihc_1",
    "ihc_2_ish_negative",
    "ihc_2_ish_unknown",
    "ihc_3",
    "ish_positive",
    "reported_positive",
)
# Years of diagnosis by what a score of 0 meant in them: the guidelines of 2007, 2013 and 2018.
HER2_ERA = ("<=2013", "2014-2018", ">=2019")
RECEPTOR = ("negative", "borderline", "positive")
AGE_BANDS = ("0-19", *(f"{age}-{age + 4}" for age in range(20, 90, 5)), "85+", "90+")
GIVEN = ("no", "yes")
EVENT_KINDS = (
    "ipsilateral_invasive_breast",
    "local_regional_invasive",
    "distant",
    "contralateral_invasive_breast",
    "ipsilateral_dcis",
    "contralateral_dcis",
    "second_primary_nonbreast_invasive",
    "progression",
)

ENDPOINT_STATES = ("censored", "event", "competing")
# How survival time came about (NAACCR items 1783 and 1786); the last two have no usable time.
FOLLOWUP_FLAG = (
    "complete_zero_days",
    "complete",
    "incomplete_zero_days_possible",
    "incomplete",
    "death_certificate_or_autopsy_only",
    "unknown",
)

_COLUMNS = (
    Column("patient_id", "text", "Key of the patient in the source"),
    Column("age_years", "number", "Age at diagnosis", unit="years", low=0, high=120),
    Column("age_band", "category", "Age at diagnosis, where the source gives bands", AGE_BANDS),
    Column("sex", "category", "Sex as registered", ("female", "male", "other")),
    Column(
        "race",
        "category",
        "Race as registered",
        ("white", "black", "asian_pacific_islander", "american_indian", "other"),
    ),
    Column("diagnosis_year", "integer", "Calendar year of diagnosis", low=1900, high=2100),
    Column("diagnosis_date", "date", "Date of diagnosis"),
    Column("tumour_id", "text", "Key of the tumour among the patient's"),
    Column("n_tumours", "integer", "Tumours that the source holds of this patient", low=1),
    Column("primary_site", "text", "Site of the primary (ICD-O-3 topography)"),
    Column("laterality", "category", "Side of the tumour", ("left", "right", "bilateral", "other")),
    Column("behaviour", "category", "Behaviour of the tumour", ("in_situ", "invasive")),
    Column(
        "tumour_sequence",
        "category",
        "Place of this tumour among the patient's primaries",
        ("only", "first_of_several", "later"),
    ),
    Column("histology", "category", "Histological type", ("ductal", "lobular", "mixed", "other")),
    Column("grade", "category", "Histological grade (Nottingham)", ("1", "2", "3", "4")),
    Column("stage", "category", "Stage group", ("0", "I", "II", "III", "IV")),
    Column("t_category", "category", "Extent of the tumour", ("T0", "Tis", "T1", "T2", "T3", "T4")),
    Column("n_category", "category", "Regional nodes", ("N0", "N1", "N2", "N3")),
    Column("m_category", "category", "Distant metastasis", ("M0", "M1")),
    Column(
        "tumour_size_mm", "number", "Largest diameter of the tumour", unit="mm", low=0, high=988
    ),
    Column("nodes_positive", "integer", "Positive regional nodes", unit="nodes", low=0, high=90),
    Column("nodes_examined", "integer", "Regional nodes examined", unit="nodes", low=0, high=90),
    Column("lymphovascular_invasion", "category", "Lymphovascular invasion", GIVEN),
    Column(
        "reporting_source",
        "category",
        "How the registry learnt of the tumour",
        ("clinical", "autopsy_only", "death_certificate_only"),
    ),
    Column("comorbidity_index", "category", "Charlson-Deyo score", ("0", "1", "2", "3+")),
    Column("er_status", "category", "Oestrogen receptor", RECEPTOR),
    Column("er_percent", "number", "Oestrogen receptor, cells stained", unit="%", low=0, high=100),
    Column("er_allred", "integer", "Oestrogen receptor, total Allred score", low=0, high=8),
    Column("pr_status", "category", "Progesterone receptor", RECEPTOR),
    Column(
        "pr_percent", "number", "Progesterone receptor, cells stained", unit="%", low=0, high=100
    ),
    Column("pr_allred", "integer", "Progesterone receptor, total Allred score", low=0, high=8),
    Column(
        "hr_status",
        "category",
        "Hormone receptors: positive where ER or PR is positive, negative where both are negative",
        ("negative", "positive"),
    ),
    Column(
        "er_group",
        "category",
        "Oestrogen receptor by the share of cells stained: low from 1 to 10 %",
        ("negative", "low", "positive"),
    ),
    Column("ki67_percent", "number", "Ki-67, cells stained", unit="%", low=0, high=100),
    Column("her2_ihc", "category", "HER2 immunohistochemistry score", ("0", "1+", "2+", "3+")),
    Column(
        "her2_ihc_reported",
        "category",
        "HER2 immunohistochemistry as worded, beside or without a score",
        ("negative", "equivocal", "positive"),
    ),
    Column(
        "her2_ish",
        "category",
        "HER2 in situ hybridisation, reported result",
        ("negative", "equivocal", "positive"),
    ),
    Column(
        "her2_ish_second",
        "category",
        "Reported result of a second in-situ method (chromogenic beside fluorescent)",
        ("negative", "equivocal", "positive"),
    ),
    Column("her2_ratio", "number", "HER2/CEP17 ratio, dual probe", low=0, high=99.9),
    Column(
        "her2_ratio_low",
        "number",
        "Lower bound of the ratio (the ratio itself where it is a number)",
    ),
    Column(
        "her2_ratio_high", "number", "Upper bound of the ratio, exclusive unless it is a number"
    ),
    Column("her2_copies", "number", "HER2 signals per cell, dual probe", low=0, high=100),
    Column("her2_copies_low", "number", "Lower bound of the dual-probe signals"),
    Column(
        "her2_copies_high",
        "number",
        "Upper bound of the dual-probe signals, exclusive unless a number",
    ),
    Column("her2_copies_single", "number", "HER2 signals per cell, single probe", low=0, high=100),
    Column("her2_copies_single_low", "number", "Lower bound of the single-probe signals"),
    Column(
        "her2_copies_single_high",
        "number",
        "Upper bound of the single-probe signals, exclusive unless a number",
    ),
    Column(
        "her2_reported",
        "category",
        "HER2 overall, as the source summarises it",
        ("negative", "negative_or_equivocal", "equivocal", "positive"),
    ),
    Column("her2_stain_percent", "number", "HER2, cells stained", unit="%", low=0, high=100),
    Column(
        "her2_other_reported",
        "category",
        "HER2 by another or an unstated method: told, and no evidence for the groups",
        ("negative", "equivocal", "positive"),
    ),
    Column(
        "her2_stain_intensity",
        "category",
        "HER2, intensity of membrane staining (faint: barely perceptible)",
        ("none", "faint", "weak", "moderate", "intense"),
    ),
    Column(
        "her2_stain_completeness",
        "category",
        "HER2, whether membranes are stained all around",
        ("none", "incomplete", "complete"),
    ),
    Column("her2_ihc_text", "text", "HER2 score as written, where it is no certain score"),
    Column(
        "her2_zero_kind",
        "category",
        "Within IHC 0: without any staining, or faint incomplete staining in up to 10 % of cells",
        ("null", "ultralow"),
    ),
    Column("her2_status", "category", "HER2 group as classified", HER2_STATUS),
    Column("her2_detail", "category", "The evidence behind the group", HER2_DETAIL),
    Column("her2_rule", "text", "Id of the rule that decided"),
    Column("her2_flags", "text", "Flags, separated by ';', empty where none"),
    Column(
        "her2_era",
        "category",
        "Years of diagnosis by the guideline of their time, which decides what IHC 0 means",
        HER2_ERA,
    ),
    Column("her2_explanation", "text", "The values seen, the rule and the flags in one sentence"),
    Column(
        "surgery",
        "category",
        "Surgery of the primary",
        ("none", "breast_conserving", "mastectomy", "other"),
    ),
    Column("surgery_day", "number", "Surgery of the primary after diagnosis", unit="days"),
    Column("radiotherapy", "category", "Radiotherapy, first course", GIVEN),
    Column("radiotherapy_day", "number", "Start of radiotherapy after diagnosis", unit="days"),
    Column("chemotherapy", "category", "Chemotherapy, first course", GIVEN),
    Column("chemotherapy_day", "number", "Start of chemotherapy after diagnosis", unit="days"),
    Column("endocrine_therapy", "category", "Endocrine therapy, first course", GIVEN),
    Column(
        "endocrine_therapy_day", "number", "Start of endocrine therapy after diagnosis", unit="days"
    ),
    Column("immunotherapy", "category", "Any biological agent, first course", GIVEN),
    Column("immunotherapy_day", "number", "Start of any biological agent", unit="days"),
    Column("anti_her2_therapy", "category", "Anti-HER2 therapy", GIVEN),
    Column("anti_her2_therapy_day", "number", "Start of anti-HER2 therapy", unit="days"),
    Column("adc_therapy", "category", "Antibody-drug conjugate", GIVEN),
    Column("adc_therapy_day", "number", "Start of an antibody-drug conjugate", unit="days"),
    Column("systemic_therapy_day", "number", "Start of any systemic therapy", unit="days"),
    Column("metastasis_day", "number", "Distant metastasis after diagnosis", unit="days"),
    Column(
        "observed_from_day",
        "number",
        "Day after diagnosis from which the patient could enter the source (sequencing, referral)",
        unit="days",
    ),
    Column("neoadjuvant", "category", "Systemic therapy before surgery", GIVEN),
    Column("pcr", "category", "Pathological complete response", GIVEN),
    Column(
        "neoadjuvant_response",
        "category",
        "Response to neoadjuvant therapy, as stated",
        ("none", "partial", "complete"),
    ),
    Column(
        "clinical_response",
        "category",
        "Clinical response to neoadjuvant therapy",
        ("progression", "stable", "none", "partial", "complete"),
    ),
    Column(
        "treatment_effect",
        "category",
        "Effect of neoadjuvant therapy in the breast; the nodes are not part of it",
        ("none", "partial", "no_invasive_in_breast"),
    ),
    Column("rcb_score", "number", "Residual cancer burden, score", low=0, high=10),
    Column("rcb_class", "category", "Residual cancer burden, class", ("0", "I", "II", "III")),
    Column(
        "multigene_assay",
        "category",
        "Multigene assay done; no evidence of HER2 by protein or gene",
        ("oncotype_dx", "mammaprint", "other", "unstated"),
    ),
    Column("multigene_score", "number", "Score of the multigene assay", low=0, high=100),
    Column(
        "multigene_risk",
        "category",
        "Risk group of the multigene assay",
        ("low", "intermediate", "high"),
    ),
    Column("facility_id", "text", "Reporting hospital"),
    Column(
        "case_weight",
        "number",
        "Case weight, how many patients the row stands for (or a sampling weight)",
        low=0,
    ),
    Column("vital_status", "category", "Vital status at last contact", ("alive", "dead")),
    Column("cause_of_death", "category", "Cause of death", ("breast_cancer", "other", "unknown")),
    Column("death_day", "number", "Death after diagnosis", unit="days", low=0, high=36525),
    Column(
        "last_contact_day", "number", "Last contact after diagnosis", unit="days", low=0, high=36525
    ),
    Column(
        "followup_days",
        "number",
        "Last contact or death after diagnosis",
        unit="days",
        low=0,
        high=36525,
    ),
    Column(
        "followup_months",
        "number",
        "Last contact or death after diagnosis",
        unit="months",
        low=0,
        high=1200,
    ),
    Column(
        "followup_flag", "category", "How complete the dates behind follow-up are", FOLLOWUP_FLAG
    ),
)

_SPECIMEN_COLUMNS = (
    Column("specimen_id", "text", "Key of the specimen in the source"),
    Column("specimen_day", "number", "Day after diagnosis on which it was taken", unit="days"),
    Column("specimen_site", "category", "Where it was taken", ("primary", "regional", "distant")),
    Column("specimen_invasive", "category", "Whether the part tested is invasive", GIVEN),
    Column(
        "specimen_timing",
        "category",
        "When it was taken, by treatment and course",
        ("before_treatment", "after_neoadjuvant", "recurrence"),
    ),
)

_EVENT_COLUMNS = (
    Column("event_kind", "category", "What happened after diagnosis", EVENT_KINDS),
    Column("event_day", "number", "Day after diagnosis", unit="days", low=0, high=36525),
    Column("event_months", "number", "Months after diagnosis", unit="months", low=0, high=1200),
)

SCHEMA: dict[str, Column] = {
    column.name: column for column in (*_COLUMNS, *_SPECIMEN_COLUMNS, *_EVENT_COLUMNS)
}

# What a HER2 status is decided from, whether of a patient or of one specimen.
HER2_EVIDENCE = (
    *("her2_ihc", "her2_ihc_reported", "her2_ish", "her2_ish_second"),
    *("her2_ratio", "her2_ratio_low", "her2_ratio_high"),
    *("her2_copies", "her2_copies_low", "her2_copies_high"),
    *("her2_copies_single", "her2_copies_single_low", "her2_copies_single_high"),
    *("her2_reported", "her2_ihc_text", "her2_zero_kind"),
    *("her2_stain_percent", "her2_stain_intensity", "her2_stain_completeness"),
)
# What a patient takes from the index specimen besides its evidence, its key first.
CARRIED = (
    "specimen_id",
    "specimen_day",
    "specimen_site",
    "specimen_timing",
    "specimen_invasive",
)
# Columns of a cohort's specimens, besides the HER2 evidence that patients have too.
SPECIMEN = ("patient_id", "tumour_id", "tumour_size_mm", *(c.name for c in _SPECIMEN_COLUMNS))
# Columns of a cohort's events; the source's unit of follow-up decides between days and months.
EVENT = ("patient_id", *(c.name for c in _EVENT_COLUMNS))


def column(name: str) -> Column | None:
    """The canonical column of this name; columns of given endpoints are made by their pattern."""
    if name in SCHEMA:
        return SCHEMA[name]
    if name.startswith("given_") and name.endswith("_time"):
        return Column(
            name, "number", "Time of an endpoint that the source gives", low=0, high=36525
        )
    if name.startswith("given_") and name.endswith("_event"):
        return Column(name, "category", "Event of an endpoint that the source gives", ("no", "yes"))
    return None


def endpoint_state(name: str) -> Column:
    """The column ``<id>_state`` of an endpoint with competing events; censoring comes first."""
    return Column(name, "category", "How follow-up ended", ENDPOINT_STATES)


def with_levels(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every column that has levels as an ordered categorical, in their order."""
    import pandas as pd

    for name in frame.columns:
        known = column(str(name))
        if known is None and str(name).endswith("_state"):
            known = endpoint_state(str(name))
        if known is not None and known.kind == "category":
            frame[name] = pd.Categorical(frame[name], categories=list(known.levels), ordered=True)
    return frame
