"""A study file drafted from a source: what its files can bear, each choice with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from types import MappingProxyType
from typing import TYPE_CHECKING

from analyses.number_style import STYLES
from cohort.endpoint_rules import endpoint_rules

if TYPE_CHECKING:
    from analyses.study.spec import Study
    from cohort.description import Her2Outlook
    from cohort.dictionary import SourceDictionary

_GIVEN = re.compile(r"given_[a-z0-9]+_time")
_QUESTIONS = MappingProxyType(
    {
        "her2_status": "associated with HER2 group (zero, low, positive)?",
        "her2_reported": "associated with HER2 status (negative, positive)?",
    }
)
LEAST_KNOWN = 0.5  # share of patients with a value, below which a column is left a comment
_FEATURES = (
    *("age_years", "sex", "race", "diagnosis_year", "histology", "grade", "stage"),
    *("tumour_size_mm", "nodes_positive", "hr_status", "ki67_percent", "comorbidity_index"),
    *("surgery", "radiotherapy", "chemotherapy", "endocrine_therapy"),
)
# Terms of an adjusted model as a study file writes them; treatments begin after diagnosis.
_TERMS = MappingProxyType(
    {
        "age_years": "{name: age_years, spline: {df: 4}}",
        "diagnosis_year": "diagnosis_year",
        "grade": "grade",
        "stage": "stage",
        "hr_status": "{name: hr_status, reference: positive}",
        "comorbidity_index": "comorbidity_index",
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is known of a source before its study is written.

    Attributes
    ----------
    dictionary
        That reads the files; `name` is how the study file names it.
    files
        Path of each file by its role, as the study file writes it.
    shares
        Share of patients with a value by canonical column; empty where no file was looked at.
    n
        Patients; None where no file was looked at.
    outlook
        Whether HER2-low can be formed; None where no file was looked at.
    """

    name: str
    dictionary: SourceDictionary
    files: Mapping[str, str]
    shares: Mapping[str, float] = field(default_factory=dict)
    n: int | None = None
    outlook: Her2Outlook | None = None

    def has(self, column: str) -> bool:
        """Whether the source gives the column, to enough patients as far as is known."""
        if self.available().get(column) != ():
            return False
        parts = ("er_status", "pr_status") if column == "hr_status" else (column,)
        known = max(self.shares.get(part, 0.0) for part in (column, *parts))
        return not self.shares or known >= LEAST_KNOWN

    def available(self) -> Mapping[str, tuple[str, ...]]:
        """Canonical columns, each with roles of files of which it would need one."""
        from analyses.study.check_source import available_columns

        made = available_columns(self.probe("OS"), self.dictionary)
        if not self.shares:
            return made
        return {name: roles for name, roles in made.items() if self._seen(name)}

    def _seen(self, name: str) -> bool:
        """Whether a file that was looked at has any value of the column; a derived one's parts."""
        of_dictionary = name in self.dictionary.columns
        return name in self.shares or not of_dictionary

    def probe(self, kind: str) -> Study:
        """A study of these files with one endpoint, for what they can bear."""
        from analyses.study.spec import Study

        return Study.from_dict(
            {
                "version": 1,
                "title": "-",
                "source": {"name": self.name, "files": dict(self.files)},
                "endpoints": [{"id": "e", "kind": kind}],
                "analyses": [{"id": "k", "kind": "kaplan_meier", "endpoint": "e"}],
            },
            allow_path=True,
        )

    @property
    def forms_low(self) -> bool:
        """Whether HER2-zero and HER2-low can be told apart."""
        if self.outlook is not None:
            return self.outlook.possible
        return bool(self.dictionary.identifies.stated()["her2_score"])

    @property
    def groups(self) -> str:
        """The column whose groups are compared; empty where the source tells nothing of HER2."""
        if self.forms_low:
            return "her2_status"
        return "her2_reported" if self.has("her2_reported") else ""


def drafted(known: Known) -> str:
    """The text of a study file that runs as it is, with comments on what to decide."""
    parts = [
        *_head(known),
        *_source(known),
        *_her2(known),
        *_endpoints(known),
        *_selection(known),
        *_analyses(known),
        "",
        f"report: {{style: default}}   # how numbers are written: {', '.join(STYLES)}",
        "verify: false             # true: a second program recomputes the estimates",
        "seed: 20250131            # of everything that is drawn at random",
    ]
    return "\n".join(parts) + "\n"


def _head(known: Known) -> Iterator[str]:
    yield f"# A study of: {' '.join(known.dictionary.describes.split())}"
    if known.n is not None:
        yield f"# The files hold {known.n:,} patients."
    yield "# Columns have the program's own names; her2low describe tells which ones a file gives."
    yield "version: 1"
    yield "title: Survival by HER2 group"
    yield "question: >-"
    kind = (possible_endpoints(known) or ("OS",))[0]
    rule = endpoint_rules().get(kind)
    outcome = kind if rule is None else rule.name.lower()
    if known.groups:
        yield f"  Is {outcome} {_QUESTIONS[known.groups]}"
    else:
        yield f"  How does {outcome} go? The source tells nothing of HER2."


def _source(known: Known) -> Iterator[str]:
    yield ""
    yield "source:"
    yield f"  name: {_quoted(known.name)}"
    yield "  files:"
    for role, path in known.files.items():
        yield f"    {role}: {_quoted(path)}"
    yield from (f"  # Not told by this source: {said}" for said in _because(known.dictionary))


def _because(dictionary: SourceDictionary) -> Sequence[str]:
    said = (" ".join(reason.split()) for reason in dictionary.identifies.because.values())
    return list(dict.fromkeys(said))


def _her2(known: Known) -> Iterator[str]:
    yield ""
    yield "her2:"
    yield "  edition: 2018   # ASCO/CAP 2007, 2013, 2018 or 2023: how in-situ results are read"
    yield "  # policies: {E4: ...}   # where edge cases depart from their default, by their id"
    if known.outlook is not None:
        sizes = ", ".join(f"{status} {n:,}" for status, n in known.outlook.counts if n)
        yield f"  # By this edition, before any selection: {sizes}."
        yield from (f"  # {reason}" for reason in known.outlook.reasons)
    elif not known.forms_low:
        yield "  # This source has no score: HER2-zero and HER2-low cannot be told apart."


def _endpoints(known: Known) -> Iterator[str]:
    yield ""
    yield "endpoints:   # censor_at: {years: 10} ends every follow-up there"
    kinds = possible_endpoints(known)
    for kind in kinds:
        rule = endpoint_rules().get(kind)
        label = kind if rule is None else rule.name
        yield f"  - {{id: {kind.lower()}, kind: {kind}, label: {_quoted(label)}}}"
    if not kinds:
        yield "  # None can be made: vital status and follow-up are needed."
        yield "  - {id: os, kind: OS, label: Overall survival}"


def possible_endpoints(known: Known) -> tuple[str, ...]:
    """Kinds of endpoint that the files have ready-made or can bear, overall survival first.

    Definitions that are from memory are left to the writer of the study.
    """
    from analyses.study.check_endpoints import endpoint_problems

    available = known.available()
    ready = [name.split("_")[1].upper() for name in available if _GIVEN.fullmatch(name)]
    defined = [kind for kind, rule in endpoint_rules().items() if rule.is_verified]
    return tuple(
        kind
        for kind in dict.fromkeys(["OS", *ready, *defined])
        if not any(endpoint_problems(known.probe(kind), known.dictionary, available))
    )


def _selection(known: Known) -> Iterator[str]:
    yield ""
    yield "select:   # in order; each step is counted, by HER2 group, in the flow of patients"
    lines = list(_criteria(known))
    if lines:
        yield from lines
    else:
        yield "  []"


def _criteria(known: Known) -> Iterator[str]:
    formed = () if known.outlook is None else known.outlook.formed_in
    if known.has("diagnosis_year") and formed:
        reason = "HER2 score collected in these years"
        yield _criterion("era", "diagnosis_year", f"between: [{min(formed)}, null]", reason)
    elif known.has("diagnosis_year") and known.forms_low:
        yield "  # - {id: era, column: diagnosis_year, ...}   # years in which scores were taken"
    if known.has("sex"):
        yield _criterion("women", "sex", "equals: female", "Women")
    if known.has("behaviour"):
        yield _criterion("invasive", "behaviour", "equals: invasive", "Invasive tumour")
    if known.has("stage"):
        yield "  # Stage I to III and stage IV at diagnosis never belong in one model."
        yield _criterion("early", "stage", "one_of: [I, II, III]", "Stage I to III")


def _criterion(name: str, column: str, condition: str, reason: str) -> str:
    return f"  - {{id: {name}, column: {column}, {condition}, reason: {reason}}}"


def _analyses(known: Known) -> Iterator[str]:
    groups = known.groups
    by = f", by: {groups}" if groups else ""
    features = [name for name in _FEATURES if known.has(name)]
    first = (possible_endpoints(known) or ("OS",))[0].lower()
    yield ""
    yield "analyses:"
    if features and groups:
        yield f"  - {{id: features, kind: table_one, by: {groups},"
        lines = wrap(f"columns: [{', '.join(features)}]}}", 90, subsequent_indent="  ")
        yield from (f"     {line}" for line in lines)
    yield f"  - {{id: curves, kind: kaplan_meier, endpoint: {first}{by},"
    yield "     at: {years: [1, 3, 5]}}"
    if groups:
        yield f"  - {{id: tests, kind: logrank, endpoint: {first}{by}}}"
    yield "  - id: model"
    yield "    kind: cox"
    yield f"    endpoint: {first}"
    yield "    # Only what is known at diagnosis: no treatment that starts later."
    yield "    terms:"
    if groups:
        reference = "zero" if groups == "her2_status" else "negative"
        yield f"      - {{name: {groups}, reference: {reference}}}"
    yield from (f"      - {_TERMS[name]}" for name in _TERMS if known.has(name))
    yield "  # More kinds of analysis: docs/study_file.md, or an editor that knows her2low schema."


def _quoted(text: str) -> str:
    """Text as YAML reads it back; quoted where it must be."""
    import yaml

    return yaml.safe_dump(text, allow_unicode=True, width=10_000).splitlines()[0]
