"""Lines of a forest of studies: published results, pools with their prediction, this study."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from analyses.formatting import NumberStyle, capitalised, count, hazard_ratio, number
from analyses.results.evidence import Evidence, EvidenceRow, PresentStudy
from analyses.results.meta_analysis import MetaAnalysis, Pooled

Mark = Literal["heading", "square", "hollow", "diamond", "words", "present"]
UNVERIFIED = "†"
PARTLY = "‡"
_HOW = {
    "yes": "adjusted",
    "weighted": "weighted",
    "partly": "partly adjusted",
    "no": "unadjusted",
    "randomised": "randomised",
    "mixed": "as in studies",
    "not_stated": "not stated",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the forest.

    Attributes
    ----------
    mark
        ``square`` (pooled, sized by `share`), ``hollow`` (drawn beside the pool), ``diamond``
        (a pool), ``present`` (this study), ``words`` (no ratio: `ratio_words` says what is known).
    estimate, low, high
        Ratios, or plain estimates where the measure is none.
    prediction
        Limits where a new study would lie.
    """

    key: str
    mark: Mark
    label: str
    how: str = ""
    n: str = ""
    ratio_words: str = ""
    share_words: str = ""
    source: str = ""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    share: float | None = None
    prediction: tuple[float, float] | None = None


def evidence_lines(evidence: Evidence, style: NumberStyle) -> tuple[Line, ...]:
    """Pooled results with their pools, then those drawn and listed beside them, this study last."""
    shares = {} if evidence.pool is None else _shares(evidence.pool)
    pooled, drawn, listed = (evidence.used(use) for use in ("pooled", "drawn", "listed"))
    lines: list[Line] = []
    if pooled:
        lines.append(Line("pooled", "heading", "Pooled, one result of shared patients"))
        lines += [_published(row, "square", style, shares) for row in pooled]
    if evidence.pool is not None:
        lines += _pools("published", evidence.pool, "", style)
    for title, key, rows in (
        ("Drawn, not pooled", "drawn", [r for r in drawn if r.published.kind != "meta_analysis"]),
        (
            "Meta-analyses, not pooled",
            "meta",
            [r for r in drawn if r.published.kind == "meta_analysis"],
        ),
        ("Without a ratio and limits", "listed", list(listed)),
    ):
        if rows:
            lines.append(Line(key, "heading", title))
            mark: Mark = "words" if key == "listed" else "hollow"
            lines += [_published(row, mark, style, {}) for row in rows]
    if evidence.present is not None:
        lines.append(Line("present", "heading", "The present study"))
        lines.append(_present(evidence.present, style))
    if evidence.pool_with_present is not None:
        lines += _pools("with_present", evidence.pool_with_present, " with this study", style)
    return tuple(lines)


def study_lines(result: MetaAnalysis, style: NumberStyle) -> tuple[Line, ...]:
    """The studies of a meta-analysis and its pools."""
    shares = _shares(result)
    risen = math.exp if result.measure else float
    lines = [
        Line(
            study.study,
            "square",
            study.study,
            ratio_words=_words(
                risen(study.estimate),
                risen(study.conf_low),
                risen(study.conf_high),
                result.measure,
                style,
            ),
            share_words=f"{number(100 * shares[study.study], 1, style)}%",
            estimate=risen(study.estimate),
            low=risen(study.conf_low),
            high=risen(study.conf_high),
            share=shares[study.study],
        )
        for study in result.studies
    ]
    return (*lines, *_pools("pool", result, "", style))


def _shares(result: MetaAnalysis) -> dict[str, float]:
    """Weights with random effects; with fixed effects where one study is pooled."""
    return {
        s.study: s.share_fixed if s.share_random is None else s.share_random for s in result.studies
    }


def _published(row: EvidenceRow, mark: Mark, style: NumberStyle, shares: dict[str, float]) -> Line:
    p = row.published
    flag = {"yes": "", "partly": PARTLY, "memory": UNVERIFIED}[p.verified]
    differs = p.contrast not in ("low_vs_zero", "adc_vs_chemotherapy", "trastuzumab_added")
    told = [_HOW[p.adjusted]] if p.form == "estimate" else []
    told += [contrast_words(p.contrast)] if differs else []
    told += [p.stage] if p.kind != "trial" and not differs else []
    told += [word for word in (p.assessment, "" if p.report == "only" else p.report) if word]
    said = p.p_said if p.p_said[:1] in ("<", ">") else f"= {p.p_said}"
    known = ", ".join(text for text in (p.result, f"p {said}" if p.p_said else "") if text)
    if p.form == "no_limits":
        known = f"{hazard_ratio(p.estimate, style=style)}, no limits"
    return Line(
        p.id,
        mark,
        f"{p.label}{flag}",
        ", ".join(told),
        "" if p.n is None else count(p.n, style),
        hazard_ratio(p.estimate, p.conf_low, p.conf_high, style) if mark != "words" else known,
        f"{number(100 * shares[p.id], 1, style)}%" if p.id in shares else "",
        short_source(p.reference),
        p.estimate,
        p.conf_low,
        p.conf_high,
        shares.get(p.id),
    )


def short_source(reference: str) -> str:
    """Where a result can be read: the archive's number where there is one, a doi without "doi"."""
    parts = [part.strip() for part in reference.split(";")]
    archived = [part for part in parts if part.startswith("PMC")]
    if archived:
        return archived[0]
    # A doi may be broken after its prefix.
    return parts[0].removeprefix("doi ").replace("/", "/ ", 1) if "doi " in parts[0] else reference


def contrast_words(contrast: str) -> str:
    """A contrast in words."""
    known = {
        "low_vs_zero": "HER2-low against HER2-zero",
        "ihc1_vs_ihc0": "IHC 1+ against 0",
        "erbb2_cnv_neutral_vs_non_neutral": "ERBB2 copies neutral against not",
        "ihc1_vs_ihc2_within_low": "1+ against 2+ in low",
        "adc_vs_chemotherapy": "antibody-drug conjugate against chemotherapy",
        "trastuzumab_added": "trastuzumab added to chemotherapy",
        "single_arm": "single arm",
    }
    return known.get(contrast, contrast.replace("_", " "))


def _present(present: PresentStudy, style: NumberStyle) -> Line:
    estimate, low, high = present.ratio
    return Line(
        "present_study",
        "present",
        present.label,
        "unadjusted" if present.adjustment == "none" else "adjusted",
        count(present.n, style),
        hazard_ratio(estimate, low, high, style),
        source=present.source,
        estimate=estimate,
        low=low,
        high=high,
    )


def _pools(key: str, result: MetaAnalysis, suffix: str, style: NumberStyle) -> Iterator[Line]:
    """Fixed effects, random effects with the prediction; one study has no random effects."""
    for name in ("fixed", "random"):
        pooled: Pooled = getattr(result, name)
        label = f"{capitalised(name)} effects{suffix}"
        if pooled.estimate is None or pooled.conf_low is None or pooled.conf_high is None:
            said = capitalised((pooled.reason or "").partition(":")[0])
            yield Line(f"{key}_{name}", "words", label, ratio_words=said)
            continue
        risen = math.exp if result.measure else float
        values = (risen(pooled.estimate), risen(pooled.conf_low), risen(pooled.conf_high))
        wide = None
        if pooled.prediction_low is not None and pooled.prediction_high is not None:
            wide = (_held(risen, pooled.prediction_low), _held(risen, pooled.prediction_high))
        yield Line(
            f"{key}_{name}",
            "diamond",
            label,
            ratio_words=_words(*values, result.measure, style),
            estimate=values[0],
            low=values[1],
            high=values[2],
            prediction=wide,
        )


def _held(risen: object, value: float) -> float:
    """The value on the drawn scale, as far as numbers reach."""
    return math.exp(min(max(value, -700.0), 700.0)) if risen is math.exp else value


def _words(
    estimate: float, low: float, high: float, measure: str | None, style: NumberStyle
) -> str:
    if measure:
        return hazard_ratio(estimate, low, high, style)
    return f"{number(estimate, 2, style)} ({number(low, 2, style)} to {number(high, 2, style)})"


def in_reach(lines: Sequence[Line]) -> list[float]:
    """Estimates and limits that the axis should hold."""
    return [x for line in lines for x in (line.estimate, line.low, line.high) if x is not None]
