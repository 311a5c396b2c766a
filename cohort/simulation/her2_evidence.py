"""How the laboratory came to each simulated patient's HER2 group, decidable or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cohort.simulation.draws import Draws, Real, Truth, Whole
from cohort.simulation.patients import Patients

# Immunohistochemistry: a score 0 to 3, or
STATED_NEGATIVE, STATED_POSITIVE, NOT_DONE, NOT_IN_CHART, UNKNOWN = 4, 5, 6, 7, 8

# In-situ hybridisation.
NEGATIVE, EQUIVOCAL, AMPLIFIED, ISH_NOT_DONE, ISH_NOT_IN_CHART, ISH_CONFLICT = range(6)

# The registry's overall summary.
SUM_NEGATIVE, SUM_POSITIVE, SUM_EQUIVOCAL, SUM_UNKNOWN, SUM_NOT_IN_CHART = range(5)

# What is known of the in-situ numbers.
NONE, DUAL, RATIO_ONLY, SINGLE = range(4)


@dataclass(frozen=True, slots=True)
class Pathway:
    """One way to a result: how many per thousand of each group take it, and what is on record.

    `group` is the dual-probe group of ASCO/CAP 2018 (0: not by numbers). `recorded` is what
    the record supports under the default edge-case policy: the true group, or none.
    """

    id: str
    per_thousand: tuple[float, float, float]
    ihc: int
    ish: int
    numbers: int
    group: int
    summary: int
    recorded: str


def _negative(
    id: str, zero: float, low: float, ihc: int, numbers: int, group: int, recorded: str
) -> Pathway:
    """A pathway to a negative in-situ result."""
    return Pathway(id, (zero, low, 0), ihc, NEGATIVE, numbers, group, SUM_NEGATIVE, recorded)


def _amplified(id: str, positive: float, ihc: int, numbers: int, group: int) -> Pathway:
    """A pathway to a positive in-situ result."""
    return Pathway(id, (0, 0, positive), ihc, AMPLIFIED, numbers, group, SUM_POSITIVE, "positive")


def _untested(
    id: str, shares: tuple[float, float, float], ihc: int, summary: int, recorded: str
) -> Pathway:
    """A pathway without in-situ hybridisation."""
    return Pathway(id, shares, ihc, ISH_NOT_DONE, NONE, 0, summary, recorded)


PATHWAYS = (
    _untested("score 0", (820, 0, 0), 0, SUM_NEGATIVE, "zero"),
    _negative("score 0, group 5", 75, 0, 0, DUAL, 5, "zero"),
    _negative("score 0, group 4", 4, 0, 0, DUAL, 4, "zero"),
    _negative("score 0, group 3", 1, 0, 0, DUAL, 3, "zero"),
    _negative("score 0, single probe", 10, 0, 0, SINGLE, 0, "zero"),
    _negative("score 0, in-situ result in words", 10, 0, 0, NONE, 0, "zero"),
    _untested("score 1+", (0, 512, 0), 1, SUM_NEGATIVE, "low"),
    _negative("score 1+, group 5", 0, 46, 1, DUAL, 5, "low"),
    _negative("score 1+, group 2", 0, 3, 1, DUAL, 2, "low"),
    _negative("score 1+, group 4", 0, 4, 1, DUAL, 4, "low"),
    _negative("score 2+, group 5", 0, 235, 2, DUAL, 5, "low"),
    _negative("score 2+, group 4", 0, 10, 2, DUAL, 4, "low"),
    _negative("score 2+, group 2", 0, 6, 2, DUAL, 2, "low"),
    _negative("score 2+, single probe", 0, 30, 2, SINGLE, 0, "low"),
    _negative("score 2+, in-situ result in words", 0, 55, 2, NONE, 0, "low"),
    Pathway(
        "score 2+, group 4 called equivocal",
        (0, 10, 0), 2, EQUIVOCAL, DUAL, 4, SUM_NEGATIVE, "low",
    ),
    _untested("score 3+", (0, 0, 521), 3, SUM_POSITIVE, "positive"),
    _amplified("score 3+, group 1", 140, 3, DUAL, 1),
    _amplified("score 3+, in-situ result in words", 20, 3, NONE, 0),
    Pathway(
        "score 3+, group 5", (0, 0, 12), 3, NEGATIVE, DUAL, 5, SUM_NEGATIVE, "positive"
    ),
    _amplified("score 2+, group 1", 165, 2, DUAL, 1),
    _amplified("score 2+, group 3", 8, 2, DUAL, 3),
    _amplified("score 2+, single probe amplified", 15, 2, SINGLE, 0),
    _amplified("score 2+, amplified in words", 30, 2, NONE, 0),
    Pathway(
        "score 2+, fluorescent against chromogenic",
        (0, 0, 3), 2, ISH_CONFLICT, NONE, 0, SUM_POSITIVE, "positive",
    ),
    _amplified("score 1+, group 1", 8, 1, DUAL, 1),
    _amplified("score 0, group 1", 3, 0, DUAL, 1),
    _amplified("no score, group 1", 14, UNKNOWN, DUAL, 1),
    _untested("worded positive", (0, 0, 5), STATED_POSITIVE, SUM_POSITIVE, "positive"),
    _untested("summary positive alone", (0, 0, 7), UNKNOWN, SUM_POSITIVE, "positive"),
    _untested(
        "worded negative", (28, 22, 0), STATED_NEGATIVE, SUM_NEGATIVE, "negative_unspecified"
    ),
    _negative("no score, group 5", 10, 8, UNKNOWN, DUAL, 5, "negative_unspecified"),
    _untested(
        "summary negative alone", (12, 8, 0), NOT_IN_CHART, SUM_NEGATIVE, "negative_unspecified"
    ),
    _untested("not tested", (10, 7, 5), NOT_DONE, SUM_UNKNOWN, "unknown"),
    _untested("result not in chart", (8, 5, 7), NOT_IN_CHART, SUM_NOT_IN_CHART, "unknown"),
    _untested("nothing documented", (10, 6, 10), UNKNOWN, SUM_UNKNOWN, "unknown"),
    _untested("score 0, summary positive", (2, 0, 0), 0, SUM_POSITIVE, "unresolved"),
    _untested("score 2+ alone, summary negative", (0, 16, 4), 2, SUM_NEGATIVE, "unresolved"),
    _untested("score 2+ alone, summary equivocal", (0, 5, 8), 2, SUM_EQUIVOCAL, "unresolved"),
    Pathway(
        "score 2+, in-situ result not in chart",
        (0, 5, 8), 2, ISH_NOT_IN_CHART, NONE, 0, SUM_UNKNOWN, "unresolved",
    ),
    Pathway(
        "score 2+, ratio alone",
        (0, 3, 3), 2, ISH_NOT_IN_CHART, RATIO_ONLY, 5, SUM_UNKNOWN, "unresolved",
    ),
    Pathway(
        "score 2+, equivocal in words",
        (0, 4, 4), 2, EQUIVOCAL, NONE, 0, SUM_EQUIVOCAL, "unresolved",
    ),
)  # fmt: skip

_UNTESTED = next(i for i, pathway in enumerate(PATHWAYS) if pathway.id == "not tested")


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the laboratory found: codes of this module, ratio in hundredths, signals in tenths."""

    pathway: Whole
    ihc: Whole
    ish: Whole
    numbers: Whole
    ratio: Whole
    copies: Whole
    single: Whole
    summary: Whole
    recorded: Whole


RECORDED = ("zero", "low", "positive", "negative_unspecified", "unresolved", "unknown")
LAST_CS_YEAR = 2017


def draw_evidence(draw: Draws, patients: Patients) -> Evidence:
    """The evidence on record for each patient of a block."""
    shares = np.array([pathway.per_thousand for pathway in PATHWAYS]).T
    pathway = np.zeros(draw.n, np.int64)
    for her2, weights in enumerate(shares):
        pathway = np.where(patients.tumour.her2 == her2, draw.one_of(weights), pathway)
    pathway = np.where(patients.tumour.in_situ & draw.chance(0.75), _UNTESTED, pathway)
    ish = _column("ish", pathway)
    early = patients.person.year <= LAST_CS_YEAR
    group = _group(_column("group", pathway), ish, early)
    # Only amplified or not was reported of those whom the 2018 groups would have split.
    ish = np.where(early & (ish == EQUIVOCAL) & (group > 0), NEGATIVE, ish)
    ish = np.where(~early & (ish == ISH_CONFLICT), AMPLIFIED, ish)
    ratio, copies = _dual(draw, group)
    single = np.where(ish == AMPLIFIED, draw.uniform(60, 180), draw.uniform(14, 39.9))
    return Evidence(
        pathway=pathway,
        ihc=_column("ihc", pathway),
        ish=ish,
        numbers=_column("numbers", pathway),
        ratio=ratio,
        copies=copies,
        single=single.astype(np.int64),
        summary=_column("summary", pathway),
        recorded=np.array([RECORDED.index(p.recorded) for p in PATHWAYS])[pathway],
    )


def _column(name: str, pathway: Whole) -> Whole:
    """One field of the pathway that each patient took."""
    values: Whole = np.array([getattr(row, name) for row in PATHWAYS], np.int64)
    return values[pathway]


def _group(group: Whole, ish: Whole, early: Truth) -> Whole:
    """Groups 2 to 4 become 1 or 5 before 2018, when the file held no signals per cell."""
    split = early & (group >= 2) & (group <= 4)
    whole = np.where(ish == AMPLIFIED, 1, 5)
    grouped: Whole = np.where(split, whole, group).astype(np.int64)
    return grouped


# Ratio (hundredths) from and to, and signals per cell (tenths) from and to, by group 0 to 5.
_RATIO = np.array([(100, 101), (220, 900), (200, 260), (120, 195), (105, 195), (85, 195)])
_COPIES = np.array([(20, 21), (45, 60), (26, 39), (60, 85), (40, 59), (14, 38)])


def _dual(draw: Draws, group: Whole) -> tuple[Whole, Whole]:
    """Ratio in hundredths and signals in tenths inside the group of each patient."""
    low, high = _RATIO[group].T.astype(np.float64)
    # Amplified tumours reach far up; squeezing towards the low end keeps the common ones common.
    ratio: Real = low + (high - low) * draw.uniform() ** np.where(group == 1, 2.0, 1.0)
    ratio = np.where((group == 1) & draw.chance(0.02), draw.uniform(980, 1500), ratio)
    least, most = _COPIES[group].T.astype(np.float64)
    centromeres = draw.uniform(1.5, 2.5)
    copies = np.where(
        group == 1,
        np.maximum(ratio / 10 * centromeres, least),
        np.where(
            group == 5,
            np.clip(ratio / 10 * centromeres, least, most),
            draw.uniform(least, most + 0.99),
        ),
    )
    return np.floor(ratio).astype(np.int64), np.floor(copies).astype(np.int64)
