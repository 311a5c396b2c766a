"""The smallest hazard ratio that the events at hand could have shown."""

from __future__ import annotations

from scipy.special import ndtri

from analyses.results.detectable import Detectable, detectable
from cohort.errors import AnalysisError, Problem


def detectable_hazard_ratio(
    n_event: int,
    *,
    n: tuple[int, int],
    groups: tuple[str, str] = ("group", "reference"),
    conf_level: float = 0.95,
    power: float = 0.80,
) -> Detectable:
    """Which hazard ratios a comparison of two groups could have found, and which it could not.

    Limits that hold 1 say that nothing was found; this says what could have been. With few
    events it is the only honest answer to "is there a difference".

    Parameters
    ----------
    n_event
        Events of both groups together.
    n, groups
        Patients of the group and of its reference, and their names.
    conf_level, power
        1 less the two-sided level of the test, and the chance of finding such a ratio.

    Returns
    -------
    Detectable
        Without a ratio, and with the reason, where there is no event or an empty group.

    Raises
    ------
    AnalysisError
        For negative counts, more events than patients, or levels outside 0 to 1.

    Notes
    -----
    exp(+-(z(1 - alpha/2) + z(power)) / sqrt(D p (1 - p))) for D events and the share p of patients
    in one group: Schoenfeld (1983), Biometrics 39, 499-503. With 5 % and 80 % the sum is 2.802.
    Without adjustment; covariates that tell the groups apart make the smallest ratio larger.

    Checked against the formula written out in R and a case by hand
    (tests/analyses/test_robustness_numbers.py).
    """
    problems = []
    counts = (n_event, *n)
    if any(k < 0 for k in counts) or n_event > sum(n):
        found = f"{n_event} events among {n[0]} and {n[1]} patients"
        problems.append(Problem("detectable hazard ratio", found, "0 or more, events of patients"))
    for name, level in (("conf_level", conf_level), ("power", power)):
        if not 0 < level < 1:
            problems.append(
                Problem(f"detectable hazard ratio: {name}", f"{level!r}", "Between 0 and 1")
            )
    if problems:
        raise AnalysisError(problems)
    reach = float(ndtri((1 + conf_level) / 2) + ndtri(power))
    return detectable(groups, (int(n[0]), int(n[1])), int(n_event), reach, (conf_level, power))
