"""How HER2 groups were formed, in sentences that hold under the policies that a study chose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyses.formatting import NumberStyle, count
from analyses.results.study import StudyResult

Chosen = Mapping[str, str]  # edge case -> choice


def her2_methods(result: StudyResult, style: NumberStyle) -> str:
    """The groups, the order of the evidence, what was read again, and where the rest is listed."""
    edition = next(c for c in result.choices if c.stage == "her2" and c.name == "edition")
    chosen = {c.name: c.value for c in result.choices if c.stage == "her2"}
    said = [
        *_groups(chosen),
        f"In-situ results were read by {edition.meaning}.",
        *_evidence(chosen),
        _scores(result, chosen, edition.value, style),
    ]
    index = next((c for c in result.choices if c.stage == "specimens" and c.name == "E10"), None)
    if index is not None:
        said.append(f"{index.meaning}. The in-situ part of an invasive tumour was no evidence.")
    if "policy" in chosen:
        said.append(f"Edge cases follow the named policy {chosen['policy']}, as listed below.")
    else:
        said.append("Edge cases were decided as follows.")
    return " ".join(said)


def _groups(chosen: Chosen) -> Iterator[str]:
    """What zero, low and positive are."""
    if chosen.get("S1") == "peiffer2023":
        yield (
            "HER2-zero is IHC 0 and HER2-low is IHC 1+, each with a negative summary, or 2+ with "
            "a negative summary and a ratio under 2.0 or signals under 4.0; any other 2+ with a "
            "negative summary, and any other patient who would be zero or low, is left out."
        )
    else:
        without = _without_ish(chosen)
        yield (
            "HER2-zero is IHC 0 and HER2-low is IHC 1+, or 2+ with a negative in-situ "
            f"result{without}."
        )
    three = "IHC 3+"
    if chosen.get("E5") == "exclude":
        three = "IHC 3+ (left out where the in-situ result is negative)"
    yield f"Positive is {three}{_POSITIVE[chosen.get('E3', 'positive')]}."
    if chosen.get("E16") == "positive":
        yield "IHC 0 or 1+ without in-situ evidence against a positive summary is positive as well."


def _without_ish(chosen: Chosen) -> str:
    """2+ without in-situ evidence that the study takes as low."""
    alone, negative = chosen.get("E1") == "low", chosen.get("E17") == "low"
    if alone and negative:
        return ", or 2+ without in-situ evidence unless the summary is positive"
    if alone:
        return ", or 2+ without in-situ evidence or a summary that decides"
    return ", or 2+ without in-situ evidence and with a negative summary" if negative else ""


# What a positive in-situ result makes, by edge case E3.
_POSITIVE = {
    "positive": " or a positive in-situ result, or without either a positive summary",
    "exclude": (
        ", or a positive in-situ result with IHC 2+ or without a score (with IHC 0 or 1+ it "
        "leaves the patient out), or without either a positive summary"
    ),
    "keep_by_ihc": (
        ", or a positive in-situ result with IHC 2+ or without a score (with IHC 0 or 1+ the "
        "score decides), or without either a positive summary"
    ),
}


def _evidence(chosen: Chosen) -> Iterator[str]:
    """By what authority in-situ evidence decides."""
    start = "Evidence was taken in this order"
    if chosen.get("S1") == "peiffer2023":
        start = "Where the summary is not negative, and of IHC 3+, evidence was taken in this order"
    recount = ""
    if chosen.get("R1") == "reported_decides":
        recount = (
            ", save where IHC 2+ needs a recount: there a reported positive or negative result is "
            "its outcome"
        )
    alone = ", else the ratio alone" if chosen.get("E19") == "ratio_alone" else ""
    yield (
        f"{start}: dual-probe ratio and signals both known (the guideline's group{recount}); else "
        "a reported positive or negative in-situ result, a decisive single-probe count, or the "
        "overall summary where some in-situ number exists; else what every group left open by "
        f"partial numbers has in common{alone}."
    )


def _scores(result: StudyResult, chosen: Chosen, edition: str, style: NumberStyle) -> str:
    """Whether scores were read again, and of how many patients."""
    if chosen.get("E14") != "restain":
        return "An edition re-reads in-situ results only, never a score."
    read, changed = (
        sum(n for _, _, flags, n in result.her2_counts if flag in flags.split(";"))
        for flag in ("score_from_staining", "score_changed")
    )
    if not read:
        why = next((f.advice for f in result.findings if f.rule == "none_restained"), "")
        return why or "No score was read again from its staining."
    return (
        f"Scores were read again from their staining by the {edition} edition, of "
        f"{count(read, style)} of the source's patients ({count(changed, style)} changed)."
    )
