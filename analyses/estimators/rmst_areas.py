"""Areas under the curves of the groups within each stratum, and their mean over the strata."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analyses.estimators.grouped_survival import GroupedSurvival
from analyses.estimators.strata import stratum_codes
from analyses.kernels.product_limit import Counts, ProductLimit, count, product_limit
from analyses.kernels.restricted_mean import (
    area_between,
    greenwood_variance,
    jackknife_variance,
    restricted_mean,
)
from analyses.results.frozen import Array, frozen
from cohort.errors import AnalysisError, Problem


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The patients of one stratum, or all of them, with the curves of the groups among them.

    `plain` counts patients, `used` sums what they weigh (the same where weights are whole).
    """

    label: str
    share: float
    rows: GroupedSurvival
    plain: Counts
    used: Counts
    emptied: npt.NDArray[np.bool_]
    fit: ProductLimit

    @property
    def last(self) -> Array:
        """The last time of each group [K]."""
        own = self.plain.exits > 0
        places = own.shape[1] - 1 - np.argmax(own[:, ::-1], axis=1)
        return np.asarray(self.plain.time[places])

    def curves(self) -> Iterator[tuple[str, int, Array, npt.NDArray[np.bool_]]]:
        """For each group its name, patients, own times, and whether its curve is at 0 then."""
        within = f" in stratum '{self.label}'" if self.label else ""
        for g, (level, n) in enumerate(zip(self.rows.levels, self.rows.per_group(), strict=True)):
            own = self.plain.exits[g] > 0
            yield f"{level}{within}", n, self.plain.time[own], self.fit.survival[g, own] == 0

    def starts(self) -> Iterator[tuple[str, int, float, float]]:
        """For each group its name, patients, first entry and last time."""
        for g, ((name, n, times, _), last) in enumerate(zip(self.curves(), self.last, strict=True)):
            del times
            entry = self.rows.entry
            first = 0.0 if entry is None else float(entry[self.rows.codes == g].min())
            yield name, n, first, float(last)

    @property
    def has_ended(self) -> npt.NDArray[np.bool_]:
        """The groups whose curve has come down to 0, which are known for all times [K]."""
        return np.asarray(self.fit.survival[:, -1] == 0)


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """Mean up to tau of one group, its variance and the step curve whose area it is."""

    mean: float
    variance: float
    time: Array
    survival: Array


def parts_of(rows: GroupedSurvival, strata: tuple[str, ...]) -> list[Part]:
    """The strata with every group in each, or everybody as one part.

    AnalysisError, naming every stratum and group, where a stratum lacks a group.
    """
    if not strata:
        return [_part(rows, "", 1.0)]
    codes, labels = stratum_codes(rows.frame, strata)
    n_groups = len(rows.levels)
    cells = np.bincount(codes * n_groups + rows.codes, minlength=n_groups * len(labels))
    lacking = np.argwhere(cells.reshape(len(labels), n_groups) == 0)
    if len(lacking):
        raise AnalysisError(
            Problem(
                f"restricted mean, stratum '{labels[s]}'",
                f"no patient of group '{rows.levels[g]}'",
                "Every group in every stratum.",
                "Merge strata, or adjust by weights.",
            )
            for s, g in lacking
        )
    order = np.argsort(codes, kind="stable")
    pieces = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    total = _weighed(rows).sum()
    return [
        _part(part, label, float(_weighed(part).sum() / total))
        for part, label in zip((_taken(rows, piece) for piece in pieces), labels, strict=True)
    ]


def areas_of(part: Part, tau: float) -> list[Area]:
    """The area under each group's curve up to tau."""
    rows, used, fit = part.rows, part.used, part.fit
    after = area_between(used.time, fit.survival, tau)
    means = restricted_mean(used.time, fit.survival, tau)
    if rows.weights is None:
        variances = greenwood_variance(used.n_risk, used.events, part.emptied, after)
    else:
        variances = jackknife_variance(
            used,
            fit,
            after,
            time=rows.time,
            event=rows.event,
            codes=rows.codes,
            weights=rows.weights,
            entry=rows.entry,
        )
    found = []
    for g in range(len(rows.levels)):
        steps = (used.events[g] > 0) & (used.time <= tau)
        curve = frozen(used.time[steps]), frozen(fit.survival[g, steps])
        found.append(Area(float(means[g]), float(variances[g]), *curve))
    return found


def combined(parts: Sequence[Sequence[Area]], shares: Sequence[float]) -> list[Area]:
    """By group the mean of the parts' areas, weighted by the parts' shares."""
    if len(parts) == 1:
        return list(parts[0])
    return [_mixed(areas, shares) for areas in zip(*parts, strict=True)]


def _mixed(areas: Sequence[Area], shares: Sequence[float]) -> Area:
    """One group over its strata; its curve is the weighted mean of the strata's curves."""
    pairs = list(zip(areas, shares, strict=True))
    time = np.unique(np.concatenate([area.time for area in areas]))
    survival = np.zeros(len(time))
    for area, share in pairs:
        place = np.searchsorted(area.time, time, side="right")
        survival += share * np.concatenate([[1.0], area.survival])[place]
    return Area(
        mean=sum(share * area.mean for area, share in pairs),
        variance=sum(share**2 * area.variance for area, share in pairs),
        time=frozen(time),
        survival=frozen(survival),
    )


def _part(rows: GroupedSurvival, label: str, share: float) -> Part:
    """Counts and curves of these rows."""
    k = len(rows.levels)
    plain = count(rows.time, rows.event, rows.codes, k, entry=rows.entry, weights=rows.counts)
    used = plain
    if rows.weights is not None:
        used = count(rows.time, rows.event, rows.codes, k, entry=rows.entry, weights=rows.weights)
    n_risk = plain.n_risk
    emptied = (plain.events > 0) & (plain.events == n_risk)
    fit = product_limit(np.where(n_risk > 0, used.n_risk, 0.0), used.events, emptied)
    return Part(label, share, rows, plain, used, emptied, fit)


def _weighed(rows: GroupedSurvival) -> Array:
    """What each row counts for."""
    if rows.counts is not None:
        return rows.counts
    return np.ones(len(rows.time)) if rows.weights is None else rows.weights


def _taken(rows: GroupedSurvival, chosen: npt.NDArray[np.intp]) -> GroupedSurvival:
    """The chosen rows; the table itself stays behind."""
    return replace(
        rows,
        time=rows.time[chosen],
        event=rows.event[chosen],
        entry=None if rows.entry is None else rows.entry[chosen],
        codes=rows.codes[chosen],
        counts=None if rows.counts is None else rows.counts[chosen],
        weights=None if rows.weights is None else rows.weights[chosen],
    )
