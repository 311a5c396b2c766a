"""How a Cox model is asked for: everything but the data and the terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyses.kernels import cox as kernel
from cohort.errors import AnalysisError, Problem

TIES: tuple[kernel.Ties, ...] = ("efron", "breslow")


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """How the model is to be fitted: its variance, ties, penalty and limits."""

    time: str
    event: str
    entry: str | None
    strata: tuple[str, ...]
    weights: str | None
    cluster: str | None
    robust: bool | None
    offset: str | None
    ties: kernel.Ties
    conf_level: float
    penalty: str | None = None


def asking(
    time: str,
    event: str,
    entry: str | None,
    strata: str | Sequence[str] | None,
    weights: str | None,
    cluster: str | None,
    robust: bool | None,
    offset: str | None,
    ties: str,
    conf_level: float,
    penalty: str | None = None,
) -> Asked:
    """The arguments, refused together where any of them makes no sense."""
    problems = []
    known = [method for method in TIES if method == ties]
    if not known:
        problems.append(Problem("cox: ties", f"'{ties}'", f"Allowed: {', '.join(TIES)}"))
    if not 0 < conf_level < 1:
        problems.append(Problem("cox: conf_level", f"{conf_level!r}", "Allowed: between 0 and 1"))
    if penalty not in (None, "firth"):
        problems.append(Problem("cox: penalty", f"{penalty!r}", "Allowed: firth, or none"))
    if penalty is not None and (cluster is not None or robust):
        problems.append(
            Problem(
                "cox: penalty",
                f"'{penalty}' together with clusters or a robust variance",
                advice="Its tests and limits are those of the likelihood: leave one of them out.",
            )
        )
    if cluster is not None and robust is False:
        problems.append(
            Problem(
                "cox: robust",
                f"False together with cluster '{cluster}'",
                advice="Clusters act through the robust variance: leave one of the two out.",
            )
        )
    if problems:
        raise AnalysisError(problems)
    groups = (strata,) if isinstance(strata, str) else tuple(strata or ())
    return Asked(
        time, event, entry, groups, weights, cluster, robust, offset, known[0], conf_level, penalty
    )
