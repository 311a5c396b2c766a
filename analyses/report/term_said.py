"""A model's term in the methods: reference, step, or the knots of its curve."""

from __future__ import annotations

from analyses import formatting as words
from analyses.formatting import label
from analyses.report.words import in_sentence, joined
from analyses.results.terms import Term


def term_said(term: Term) -> str:
    """A term as declared and learnt: reference, step, or the knots of its curve."""
    if term.kind == "over_time":
        how = "over time, by its product with the logarithm of time"
        if term.cuts:
            how = f"by period of follow-up (cut at {joined([f'{cut:g}' for cut in term.cuts])})"
        return f"{term_said(term.parts[0])} {how}"
    if term.kind == "interaction":
        return f"the interaction of {joined([in_sentence(part.name) for part in term.parts])}"
    if term.kind == "spline":
        knots = joined([words.tick(knot) for knot in term.knots])
        df = len(term.knots) - 1
        return f"{in_sentence(term.name)} as a restricted cubic spline ({df} df, knots at {knots})"
    if term.reference is not None:
        return f"{in_sentence(term.name)} (reference {label(term.name, term.reference)})"
    step = words.per_step(term.name, term.per)
    return step[:1].lower() + step[1:] if in_sentence(term.name)[:1].islower() else step
