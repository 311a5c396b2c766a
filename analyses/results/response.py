"""What response by group says: shares, and odds ratios raw, within strata, pooled and adjusted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from analyses.results.failure import Failure
from analyses.results.left_out import left_out_records
from analyses.results.log_ratio import NUMBERS, numbers_of, ratio_of
from analyses.results.odds import OddsTest
from analyses.results.records import Record, Status, checked
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "response"
How = Literal["raw", "within", "mantel_haenszel", "adjusted"]


@dataclass(frozen=True, slots=True)
class ResponseShare:
    """Responders of one group, in one stratum or (`stratum` None) in all, with Wilson's limits."""

    stratum: str | None
    group: str
    n: int
    n_response: int
    estimate: float | None
    conf_low: float | None
    conf_high: float | None


@dataclass(frozen=True, slots=True)
class ResponseRatio:
    """The odds of response in one group over those in the reference, on the log scale.

    Attributes
    ----------
    how
        ``raw``; ``within`` one stratum; ``mantel_haenszel``, the one ratio that all strata share;
        ``adjusted`` for the stratum and the terms by a logistic model.
    n, n_response, n_reference, n_response_reference
        Patients and responders of the group, and of the reference.
    estimate ... conf_high
        None with a `reason` where not defined.
    """

    how: How
    stratum: str | None
    group: str
    reference: str
    n: int
    n_response: int
    n_reference: int
    n_response_reference: int
    estimate: float | None = None
    std_error: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    status: Status = "ok"
    reason: str | None = None

    @property
    def odds_ratio(self) -> tuple[float | None, float | None, float | None]:
        """Odds ratio with its limits."""
        return ratio_of(self)


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """Response to treatment by group, as it is and with a stratum held fixed.

    Attributes
    ----------
    shares
        Of all, then of each stratum, by group.
    ratios
        Of each group against the reference: raw, pooled over strata, adjusted, within each.
    interaction
        Likelihood ratio of the product of group and stratum, on the same patients.
    pooled_tests
        Cochran-Mantel-Haenszel test of each group; its term is the group.
    response, level, by, groups, reference, within, strata, terms
        Columns and levels: the level of the response that counts as one, the groups in order, the
        stratum's levels in order (empty without strata), what the adjusted model holds besides.
    n, n_response, n_input, n_missing
        Patients complete in every column, responders, rows given, and (column, rows without a
        value): every ratio is of the same patients.
    """

    shares: tuple[ResponseShare, ...]
    ratios: tuple[ResponseRatio, ...]
    interaction: OddsTest | None
    pooled_tests: tuple[OddsTest, ...]
    response: str
    level: str
    by: str
    groups: tuple[str, ...]
    reference: str
    within: str | None
    strata: tuple[str, ...]
    terms: tuple[str, ...]
    conf_level: float
    n: int
    n_response: int
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()
    failures: tuple[Failure, ...] = ()

    def of_group(self, group: str) -> tuple[ResponseRatio, ...]:
        """Every odds ratio of one group against the reference."""
        return tuple(ratio for ratio in self.ratios if ratio.group == group)

    @property
    def summary(self) -> pd.DataFrame:
        """One row an odds ratio, on both scales."""
        import pandas as pd

        names = ("odds_ratio", "odds_ratio_low", "odds_ratio_high")
        rows = [asdict(r) | dict(zip(names, r.odds_ratio, strict=True)) for r in self.ratios]
        return pd.DataFrame(rows).astype(dict.fromkeys((*NUMBERS, *names), float))

    @property
    def share_table(self) -> pd.DataFrame:
        """One row a group and stratum: responders and their share."""
        import pandas as pd

        table = pd.DataFrame([asdict(share) for share in self.shares])
        return table.astype(dict.fromkeys(("estimate", "conf_low", "conf_high"), float))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            **{name: list(getattr(self, name)) for name in ("groups", "strata", "terms")},
            "n_missing": dict(self.n_missing),
            "shares": [asdict(share) for share in self.shares],
            "ratios": [asdict(ratio) for ratio in self.ratios],
            "interaction": None if self.interaction is None else asdict(self.interaction),
            "pooled_tests": [asdict(test) for test in self.pooled_tests],
            "findings": [asdict(finding) for finding in self.findings],
            "failures": [asdict(failure) for failure in self.failures],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number: shares, both scales of each odds ratio, tests."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        yield from left_out_records(analysis, KIND, self.n, self.n_input, self.n_missing)
        for share in self.shares:
            missing = share.estimate is None
            yield Record(
                analysis,
                KIND,
                "response_share",
                group=share.group,
                term=None if share.stratum is None else self.within,
                level=share.stratum,
                n=share.n,
                n_event=share.n_response,
                estimate=share.estimate,
                conf_low=share.conf_low,
                conf_high=share.conf_high,
                status="not_estimable" if missing else "ok",
                reason="nobody of the group" if missing else None,
            )
        for ratio in self.ratios:
            yield from ratio_records(analysis, self.within, ratio)
        for test in self.pooled_tests:
            yield test.record(analysis, KIND, "mantel_haenszel_test", self.n)
        if self.interaction is not None:
            yield self.interaction.record(analysis, KIND, "interaction_test", self.n)

    def plot(self, ax: Any = None) -> Any:
        """Forest of the odds ratios, raw and with the stratum held fixed; named artists."""
        from analyses.plots.response import plot_response

        return plot_response(self, ax=ax)

    def _repr_html_(self) -> str:
        """Odds ratios as a readable table in a notebook."""
        from html import escape

        head = f"<p><b>{escape(self.response)}</b> by {escape(self.by)}, {self.n:,} patients</p>"
        shown = ["how", "stratum", "group", "odds_ratio", "odds_ratio_low", "odds_ratio_high"]
        table = self.summary[[*shown, "p_value", "reason"]]
        return head + str(table.to_html(index=False, na_rep=""))


_PLAIN = (
    *("response", "level", "by", "reference", "within", "conf_level", "n", "n_response"),
    "n_input",
)


def ratio_records(analysis: str, within: str | None, ratio: ResponseRatio) -> Iterator[Record]:
    """Both scales of one odds ratio; patients and responders of both groups."""
    rest: dict[str, Any] = {
        "group": ratio.group,
        "reference": ratio.reference,
        "term": within if ratio.stratum is not None else None,
        "level": ratio.stratum,
        "n": ratio.n + ratio.n_reference,
        "n_event": ratio.n_response + ratio.n_response_reference,
        "status": ratio.status,
        "reason": ratio.reason,
    }
    yield Record(analysis, KIND, f"{ratio.how}_log_odds_ratio", **numbers_of(ratio), **rest)
    value, low, high = ratio.odds_ratio
    yield Record(
        analysis,
        KIND,
        f"{ratio.how}_odds_ratio",
        estimate=value,
        conf_low=low,
        conf_high=high,
        **rest,
    )


@dataclass(frozen=True, slots=True, eq=False)
class ResponseAnalysis:
    """Response by group, as a study file asked for it."""

    id: str
    title: str
    result: Response
