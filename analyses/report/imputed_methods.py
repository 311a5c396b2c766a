"""How missing data were imputed and pooled, in sentences for the methods: every default in them."""

from __future__ import annotations

from analyses.formatting import label
from analyses.report.words import in_sentence, joined
from analyses.results.imputations import LARGEST_R_HAT, Imputations
from analyses.results.pooled_cox import PooledCox
from analyses.results.study import CoxAnalysis, CurveAnalysis, RmstAnalysis

_WAYS = {
    "pmm": "predictive mean matching",
    "logistic": "logistic regression",
    "multinomial": "multinomial logistic regression",
    "ordered": "proportional-odds regression",
}


def imputed_methods(analysis: CoxAnalysis | CurveAnalysis | RmstAnalysis) -> str:
    """Nothing where patients who lack a value are left out."""
    if analysis.imputed is None:
        return ""
    made, pooled = analysis.imputed.imputations, analysis.imputed.pooled
    text = f" Missing values: {_how_often(made)}, {_models(made)}."
    text += (
        " Chains start from observed values at random and go from the column that lacks least. "
        "Each conditional model holds all other columns of the imputation (numbers as lines), the "
        "event indicator "
        "and the Nelson-Aalen cumulative hazard"
    )
    text += " of each cause" if len(made.outcome) > len(("time", "event", "entry")) else ""
    text += (
        ", with its parameters drawn from their posterior; categories' models have the augmented "
        "rows of White, Daniel and Royston against perfect prediction."
    )
    if made.within:
        within = joined([in_sentence(name) for name in made.within])
        text += f" Everything was imputed apart within the groups of {within}."
    for column in made.columns:
        if column.name.startswith("her2"):
            among = f" among patients with {column.among}" if column.among else ""
            text += f" As the study says, {label(column.name)} was imputed{among}."
    text += (
        f" Convergence: R-hat of {made.m} chains in halves, the first fifth of the iterations "
        f"aside, at most {LARGEST_R_HAT:g}. Estimates were pooled by Rubin's rules with Barnard "
        "and Rubin's degrees of freedom, those of complete data being "
    )
    if isinstance(pooled, PooledCox):
        return text + (
            "events less parameters; several coefficients were tested by D1 (Li, Raghunathan and "
            "Rubin, with Reiter's degrees of freedom) and D2. Knots of splines were learnt once, "
            "of the observed values."
        )
    if isinstance(analysis, CurveAnalysis):
        return text + (
            "the group's events less 1 (of two groups: less 2); survival was pooled on the "
            "complementary log-log scale, differences on their own."
        )
    return text + (
        "the group's events less 1 (of two groups: less 2); means and differences were pooled on "
        "their own scale, ratios on the logarithmic one."
    )


def _how_often(made: Imputations) -> str:
    why = (
        "the percentage of incomplete patients, and at least 20"
        if made.m_from == "data"
        else "as asked for"
    )
    return (
        f"multiple imputation by chained equations, {made.m} times ({why}), {made.iterations} "
        f"iterations each, from seed {made.seed}"
    )


def _models(made: Imputations) -> str:
    parts = []
    for method, way in _WAYS.items():
        names = [in_sentence(c.name) for c in made.columns if c.method == method]
        if names:
            of = f" of {made.donors} donors (type 1)" if method == "pmm" else ""
            parts.append(f"{joined(names)} by {way}{of}")
    return joined(parts)
