"""Receptor and HER2 codes of simulated patients: Collaborative Stage to 2017, SSDI from 2018."""

from __future__ import annotations

import numpy as np

from cohort.simulation.draws import Draws, Text, Truth, Whole, decimals, digits, pick, where
from cohort.simulation.her2_evidence import (
    AMPLIFIED,
    DUAL,
    EQUIVOCAL,
    ISH_CONFLICT,
    ISH_NOT_DONE,
    ISH_NOT_IN_CHART,
    LAST_CS_YEAR,
    NEGATIVE,
    NONE,
    NOT_DONE,
    RATIO_ONLY,
    SINGLE,
    SUM_POSITIVE,
    Evidence,
)
from cohort.simulation.patients import Patients

Columns = dict[str, Text]

# In the order of the codes of her2_evidence: scores 0 to 3, worded negative, worded positive,
# not done, not in chart, unknown.
_CS_SCORE = ("000", "010", "020", "030", "999", "999", "998", "997", "999")
_CS_SCORE_OBSOLETE = ("000", "001", "002", "003", *_CS_SCORE[4:])
_CS_WORDED = ("020", "020", "030", "010", "020", "010", "998", "997", "999")
# Negative, equivocal, amplified, not done, not in chart, methods that conflict.
_CS_ISH = ("020", "030", "010", "998", "997", "020")
# Negative, positive, equivocal, unknown, not in chart.
_CS_SUMMARY = ("020", "010", "030", "999", "997")
_SSDI_SCORE = ("0", "1", "2", "3", "4", "3", "9", "7", "9")
_SSDI_ISH = ("0", "2", "3", "9", "7", "3")
_SSDI_SUMMARY = ("0", "1", "0", "9", "7")


def receptor_columns(draw: Draws, patients: Patients, evidence: Evidence) -> Columns:
    """Receptor and HER2 columns of both eras; those of the other era are blank."""
    early = patients.person.year <= LAST_CS_YEAR
    er = _Receptor(draw, patients.tumour.er, unknown=0.012)
    pr = _Receptor(draw, patients.tumour.pr, unknown=0.018)
    first_years = early & (patients.person.year <= 2011)
    columns = {
        "CS_SITESPECIFIC_FACTOR_1": er.cs(first_years),
        "CS_SITESPECIFIC_FACTOR_2": pr.cs(first_years),
        **_cs_her2(draw, patients, evidence, first_years),
    }
    columns["CS_SITESPECIFIC_FACTOR_16"] = _cs_triple(er, pr, columns["CS_SITESPECIFIC_FACTOR_15"])
    for name, values in columns.items():
        columns[name] = where(early, values, "")
    late = {
        "ER_SUMMARY": er.summary,
        "ER_PERCENT_POS_OR_RNG": er.percent,
        "PR_SUMMARY": pr.summary,
        "PR_PERCENT_POS_OR_RNG": pr.percent,
        **_ssdi_her2(draw, evidence),
    }
    return columns | {name: where(early, "", values) for name, values in late.items()}


class _Receptor:
    """One hormone receptor as each era records it."""

    def __init__(self, draw: Draws, positive: Truth, unknown: float) -> None:
        self.positive = positive
        self.unknown = draw.chance(unknown)
        self.in_chart = draw.chance(0.7)
        self.borderline = draw.chance(0.002)
        self.obsolete = draw.chance(0.3)
        low = draw.chance(0.04)
        percent = np.where(low, draw.whole(1, 10), 100 - np.floor(draw.exponential(11.0)))
        stated = digits(np.clip(percent, 1, 100).astype(np.int64), 3)
        tenth = np.clip((np.clip(percent, 1, 100).astype(np.int64) + 9) // 10, 1, 10)
        interval = pick(tenth - 1, [*(f"R{ten}0" for ten in range(1, 10)), "R99"])
        shown = where(draw.chance(0.12), interval, stated)
        shown = where(draw.chance(0.07), "XX7", shown)
        shown = where(self.positive, shown, "000")
        self.percent = where(self.unknown, where(self.in_chart, "XX9", "XX7"), shown)
        self.summary = where(
            self.unknown,
            where(self.in_chart, "9", "7"),
            pick(positive.astype(np.int64), ("0", "1")),
        )

    def cs(self, first_years: Truth) -> Text:
        """Site-specific factor 1 or 2; the first years still hold two retired codes."""
        old = first_years & self.obsolete
        missing = where(self.in_chart, where(old, "000", "998"), where(old, "080", "997"))
        known = where(self.positive, "010", "020")
        return where(self.unknown, missing, where(self.borderline, "030", known))


def _cs_her2(draw: Draws, patients: Patients, evidence: Evidence, first_years: Truth) -> Columns:
    """Site-specific factors 8 to 15."""
    ish = evidence.ish
    chromogenic = evidence.numbers == SINGLE
    in_words = (evidence.numbers == NONE) & ((ish == NEGATIVE) | (ish == AMPLIFIED))
    chromogenic |= in_words & draw.chance(0.2)
    fish = where(chromogenic, "998", pick(ish, _CS_ISH))
    cish = where(chromogenic, pick(ish, _CS_ISH), "998")
    cish = where(ish == ISH_CONFLICT, "010", cish)
    # A tumour that was tested by both methods is summed up by its genes.
    gene_first = (evidence.ihc == 3) & (ish == NEGATIVE)
    summary = where(gene_first, "020", pick(evidence.summary, _CS_SUMMARY))
    old = first_years & draw.chance(0.03)
    score = where(old, pick(evidence.ihc, _CS_SCORE_OBSOLETE), pick(evidence.ihc, _CS_SCORE))
    untested = patients.tumour.in_situ & (evidence.ihc == NOT_DONE)
    return {
        "CS_SITESPECIFIC_FACTOR_8": score,
        "CS_SITESPECIFIC_FACTOR_9": pick(evidence.ihc, _CS_WORDED),
        "CS_SITESPECIFIC_FACTOR_10": _cs_ratio(evidence, fish, first_years & draw.chance(0.3)),
        "CS_SITESPECIFIC_FACTOR_11": fish,
        "CS_SITESPECIFIC_FACTOR_12": _cs_mean(evidence, cish),
        "CS_SITESPECIFIC_FACTOR_13": cish,
        "CS_SITESPECIFIC_FACTOR_14": where(draw.chance(0.03), "999", "998"),
        "CS_SITESPECIFIC_FACTOR_15": where(untested, "998", summary),
    }


def _cs_ratio(evidence: Evidence, fish: Text, old: Truth) -> Text:
    """Ratio times 100; 980 for 9.80 and more (981 to 987 in the first years), 991 below 1."""
    hundredths = evidence.ratio
    top = where(old, pick(np.clip(hundredths - 980, 0, 7), [str(980 + i) for i in range(8)]), "980")
    stated = where(hundredths >= 980, top, digits(np.minimum(hundredths, 979), 3))
    stated = where(hundredths < 100, "991", stated)
    known = (evidence.numbers == DUAL) | (evidence.numbers == RATIO_ONLY)
    blank = where((fish == "998") | (fish == "997"), fish, "999")
    return where(known, stated, blank)


def _cs_mean(evidence: Evidence, cish: Text) -> Text:
    """Signals per cell times 100, by chromogenic in-situ hybridisation."""
    hundredths = np.clip(evidence.single * 10, 100, 980)
    blank = where((cish == "998") | (cish == "997"), cish, "999")
    return where(evidence.numbers == SINGLE, digits(hundredths, 3), blank)


def _cs_triple(er: _Receptor, pr: _Receptor, summary: Text) -> Text:
    """Site-specific factor 16: a digit each for ER, PR and HER2 where all three are known."""
    her2 = summary == "010"
    known = her2 | (summary == "020")
    for receptor in (er, pr):
        known &= ~receptor.unknown & ~receptor.borderline
    code = er.positive * 4 + pr.positive * 2 + her2 * 1
    return where(known, pick(code, [f"{i:03b}" for i in range(8)]), "999")


def _ssdi_her2(draw: Draws, evidence: Evidence) -> Columns:
    """Items 3850 to 3855."""
    ish = evidence.ish
    stated = where(draw.chance(0.35), _ratio_in_words(ish), "XX.9")
    ratio_unknown = where(
        ish == ISH_NOT_IN_CHART, "XX.7", where(_by_words(evidence), stated, "XX.9")
    )
    number_unknown = where(ish == ISH_NOT_IN_CHART, "XX.7", "XX.9")
    has_ratio = (evidence.numbers == DUAL) | (evidence.numbers == RATIO_ONLY)
    equivocal = (evidence.summary != SUM_POSITIVE) & (ish == EQUIVOCAL)
    return {
        "HER2_IHC_SUMMARY": pick(evidence.ihc, _SSDI_SCORE),
        "HER2_ISH_SUMMARY": pick(ish, _SSDI_ISH),
        "HER2_ISH_DUAL_NUM": where(
            evidence.numbers == DUAL, _tenths(evidence.copies), number_unknown
        ),
        "HER2_ISH_DUAL_RATIO": where(has_ratio, _tenths(evidence.ratio // 10), ratio_unknown),
        "HER2_ISH_SINGLE_NUM": where(
            evidence.numbers == SINGLE, _tenths(evidence.single), number_unknown
        ),
        "HER2_OVERALL_SUMM": where(
            equivocal & draw.chance(0.3), "9", pick(evidence.summary, _SSDI_SUMMARY)
        ),
    }


def _by_words(evidence: Evidence) -> Truth:
    """In-situ hybridisation was done and its numbers are not on record."""
    return np.asarray((evidence.numbers == NONE) & (evidence.ish != ISH_NOT_DONE))


def _ratio_in_words(ish: Whole) -> Text:
    """A ratio stated only as below 2 or as 2 and more."""
    return where(ish == NEGATIVE, "XX.2", where(ish == AMPLIFIED, "XX.3", "XX.9"))


def _tenths(scaled: Whole) -> Text:
    """One decimal, cut off and not rounded, as the registrar's manual asks."""
    return decimals(np.clip(scaled, 0, 999), 1)
