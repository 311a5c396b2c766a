"""What a model of a category on features says: odds ratios, tests of terms, proportional odds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from analyses.results.failure import Failure
from analyses.results.frozen import Array
from analyses.results.left_out import left_out_records
from analyses.results.odds import OddsRatio, OddsTest
from analyses.results.records import Record, checked
from analyses.results.terms import Term
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "category_model"
ModelName = Literal["multinomial", "ordinal"]
HIGHER, LOWER = "higher", "lower"


@dataclass(frozen=True, slots=True, eq=False)
class CategoryModel:
    """A multinomial or proportional-odds logistic model of a category.

    Attributes
    ----------
    model
        ``multinomial``, with an odds ratio for each pair of categories, or ``ordinal``, with one
        for a higher against a lower category wherever the cut is made.
    of, categories, counts, reference
        The column modelled, its categories in order, their rows, and the category that the
        others are against (of an ordinal model the lowest).
    ratios
        By pair of categories, then in the order of the terms, reference levels among them.
    intercepts
        (category, log odds with every term at its reference or 0): of each other category against
        the reference, or of this category or a lower one.
    term_tests, whole
        Likelihood ratio of the model without a term (and the interactions that it is part of)
        against the model, on the same rows; and of no term at all.
    proportional_odds
        Brant's test that the odds ratios are the same at every cut, of all terms and of each; empty
        for a multinomial model.
    covariance
        Of intercepts or thresholds and slopes as the model was fitted; 0 for what is not estimated.
    n, n_input, n_missing
        Complete rows, rows given, and (column, rows without a value).
    """

    model: ModelName
    of: str
    categories: tuple[str, ...]
    counts: tuple[int, ...]
    reference: str
    ratios: tuple[OddsRatio, ...]
    intercepts: tuple[tuple[str, float], ...]
    term_tests: tuple[OddsTest, ...]
    whole: OddsTest
    proportional_odds: tuple[OddsTest, ...]
    terms: tuple[Term, ...]
    covariance: Array
    log_likelihood: float
    log_likelihood_null: float
    n_parameters: int
    conf_level: float
    n: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(group, against) of the odds ratios, in their order."""
        return tuple(dict.fromkeys((ratio.group, ratio.against) for ratio in self.ratios))

    @property
    def aic(self) -> float:
        """Akaike's criterion, thresholds and intercepts counted."""
        return -2 * self.log_likelihood + 2 * (self.n_parameters + len(self.categories) - 1)

    def of_pair(self, group: str, against: str) -> tuple[OddsRatio, ...]:
        """The odds ratios of one pair of categories."""
        return tuple(r for r in self.ratios if (r.group, r.against) == (group, against))

    @property
    def summary(self) -> pd.DataFrame:
        """One row a pair of categories, term and level, on both scales."""
        import pandas as pd

        rows = []
        for ratio in self.ratios:
            names = ("odds_ratio", "odds_ratio_low", "odds_ratio_high")
            plain = asdict(ratio)
            counts = plain.pop("counts")
            sizes = {f"n_{c}": n for c, n in zip(self.categories, counts, strict=True)}
            rows.append(plain | sizes | dict(zip(names, ratio.odds_ratio, strict=True)))
        table = pd.DataFrame(rows)
        numbers = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high", *names)
        return table.astype(dict.fromkeys(numbers, float))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "categories": list(self.categories),
            "counts": list(self.counts),
            "ratios": [asdict(ratio) for ratio in self.ratios],
            "intercepts": dict(self.intercepts),
            "term_tests": [asdict(test) for test in self.term_tests],
            "whole": asdict(self.whole),
            "proportional_odds": [asdict(test) for test in self.proportional_odds],
            "terms": [asdict(term) for term in self.terms],
            "covariance": self.covariance.tolist(),
            "n_missing": dict(self.n_missing),
            "aic": self.aic,
            "findings": [asdict(finding) for finding in self.findings],
            "failures": [asdict(failure) for failure in self.failures],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: both scales of each odds ratio, tests, fit, rows."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        yield from left_out_records(analysis, KIND, self.n, self.n_input, self.n_missing)
        for category, n in zip(self.categories, self.counts, strict=True):
            yield Record(analysis, KIND, "patients", category, n=n)
        for ratio in self.ratios:
            yield ratio.record(analysis, KIND, "log_odds_ratio")
            yield ratio.record(analysis, KIND)
        for category, value in self.intercepts:
            yield Record(analysis, KIND, "intercept", category, estimate=value)
        for test in self.term_tests:
            yield test.record(analysis, KIND, "term_test", self.n)
        yield self.whole.record(analysis, KIND, "likelihood_ratio_test", self.n)
        for test in self.proportional_odds:
            yield test.record(analysis, KIND, "proportional_odds_test", self.n)
        for name in ("log_likelihood", "log_likelihood_null", "aic"):
            yield Record(analysis, KIND, name, estimate=getattr(self, name), n=self.n)

    def plot(self, ax: Any = None) -> Any:
        """Forest plot of the odds ratios of the first pair; returns its named artists."""
        from analyses.plots.odds_ratios import plot_odds

        return plot_odds(self, ax=ax)

    def _repr_html_(self) -> str:
        """Odds ratios as a readable table in a notebook."""
        from html import escape

        head = (
            f"<p><b>{self.model.capitalize()} model</b> of {escape(self.of)}, {self.n:,} rows</p>"
        )
        shown = ["group", "against", "term", "level", "odds_ratio", "odds_ratio_low"]
        shown += ["odds_ratio_high", "p_value", "reason"]
        return head + str(self.summary[shown].to_html(index=False, na_rep=""))


_PLAIN = (
    *("model", "of", "reference", "log_likelihood", "log_likelihood_null", "n_parameters"),
    *("conf_level", "n", "n_input"),
)


@dataclass(frozen=True, slots=True, eq=False)
class CategoryAnalysis:
    """A model of a category, as a study file asked for it."""

    id: str
    title: str
    result: CategoryModel
