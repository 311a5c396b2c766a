"""The methods text of HER2: no sentence contradicts a policy that the study chose."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from analyses.number_style import STYLES
from analyses.report.her2_words import her2_methods
from cohort.her2_findings import choices
from cohort.her2_policies import given, resolved
from cohort.table import Finding


def said(policies: Any = None, counts: Any = (), findings: Any = ()) -> str:
    made = choices(2018, resolved(policies), given(policies))
    result: Any = SimpleNamespace(choices=made, her2_counts=counts, findings=findings)
    return her2_methods(result, STYLES["default"])


def test_the_defaults() -> None:
    text = said()
    assert text.startswith(
        "HER2-zero is IHC 0 and HER2-low is IHC 1+, or 2+ with a negative in-situ result. "
        "Positive is IHC 3+ or a positive in-situ result, or without either a positive summary. "
        "In-situ results were read by ASCO/CAP 2018: dual-probe groups 1 to 5"
    )
    assert "the overall summary where some in-situ number exists; else what every group" in text
    assert "has in common. An edition re-reads in-situ results only, never a score." in text


@pytest.mark.parametrize(
    ("policies", "there", "absent"),
    [
        ({"E1": "low"}, ["2+ without in-situ evidence or a summary that decides."], []),
        ({"E17": "low"}, ["or 2+ without in-situ evidence and with a negative summary."], []),
        ({"E1": "low", "E17": "low"}, ["without in-situ evidence unless the summary is pos"], []),
        ({"E3": "exclude"}, ["with IHC 0 or 1+ it leaves the patient out"],
         ["IHC 3+ or a positive in-situ result"]),
        ({"E3": "keep_by_ihc"}, ["with IHC 0 or 1+ the score decides"],
         ["IHC 3+ or a positive in-situ result"]),
        ({"E5": "exclude"}, ["IHC 3+ (left out where the in-situ result is negative)"], []),
        ({"E16": "positive"}, ["against a positive summary is positive as well"], []),
        ({"E19": "ratio_alone"}, ["has in common, else the ratio alone."], []),
        ({"R1": "reported_decides"},
         ["save where IHC 2+ needs a recount: there a reported positive or negative result is"],
         ["(the guideline's group);"]),
        ("peiffer2023",
         ["each with a negative summary, or 2+ with a negative summary and a ratio under 2.0 or",
          "Where the summary is not negative", "else the ratio alone", "the score decides",
          "Edge cases follow the named policy peiffer2023"],
         ["or 2+ with a negative in-situ result", "IHC 3+ or a positive in-situ result"]),
    ],
)  # fmt: skip
def test_a_policy_changes_the_sentences(policies: Any, there: list[str], absent: list[str]) -> None:
    text = said(policies)
    assert [words for words in there if words not in text] == []
    assert [words for words in absent if words in text] == []


def test_scores_read_again_are_counted_or_it_is_said_that_there_are_none() -> None:
    counts = (
        ("zero", "C12.none", "score_from_staining;score_changed", 3),
        ("low", "C13.none", "score_from_staining", 4),
        ("low", "C13.none", "", 9),
    )
    text = said({"E14": "restain"}, counts)
    assert "by the 2018 edition, of 7 of the source's patients (3 changed)." in text
    why = "No score was read again from its staining (edge case E14): the source gives none."
    found = Finding("warning", "her2", "her2_ihc", "", "none_restained", 0, why)
    text = said({"E14": "restain"}, (("low", "C13.none", "", 9),), (found,))
    assert why in text
    assert "Scores were read again" not in text
