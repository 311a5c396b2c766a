"""How far predicted survival is from what happened, with weights for those lost to follow-up.

Graf et al. (1999) for the Brier score; Uno et al. (2007) and Hung and Chiang (2010) for the
cumulative and dynamic area under the curve. A death before t counts 1 / G(its time -), a patient
followed past t counts 1 / G(t), one lost before t counts nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from analyses.kernels.followed import Censoring

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def brier(survival: Array, t: float, time: Array, event: Flags, followed: Censoring) -> float:
    """Weighted mean squared distance of predicted survival at t from being alive at t."""
    died = event & (time <= t)
    past = time > t
    total = float((survival[died] ** 2 / followed.before(time[died])).sum())
    if past.any():
        share = float(followed.at(np.array([t]))[0])
        total += float(((1 - survival[past]) ** 2).sum()) / share
    return total / len(time)


def integrated_brier(
    survival_at: Callable[[float], Array],
    steps: Array,
    tau: float,
    time: Array,
    event: Flags,
    followed: Censoring,
) -> float:
    """The Brier score's mean over 0 to tau: exact where `steps` are all times at which it changes.

    Rows ascend in time; `survival_at` gives their predicted survival, or one number for all.
    `steps` are ascending, between 0 and tau; the score is constant from one to the next.
    """
    edges = np.concatenate([[0.0], steps[(steps > 0) & (steps < tau)], [tau]])
    weight = np.where(event, 1 / followed.before(time), 0.0)
    gone = np.searchsorted(time, edges[:-1], side="right").tolist()
    shares = followed.at(edges[:-1])
    total = 0.0
    for t, length, k, share in zip(edges.tolist(), np.diff(edges), gone, shares, strict=False):
        survival = np.broadcast_to(survival_at(t), time.shape)
        died, past = survival[:k], 1 - survival[k:]
        # No products by BLAS: so short, they cost more in waking its threads than in work.
        score = float(np.einsum("i,i,i", weight[:k], died, died))
        if len(past):
            score += float(np.einsum("i,i", past, past)) / float(share)
        total += score * float(length)
    return total / (tau * len(time))


def area_under_curve(
    risk: Array, t: float, time: Array, event: Flags, followed: Censoring
) -> float | None:
    """Of a patient dead by t and one alive, how often the dead had the higher risk; ties one half.

    None where nobody has died by t or nobody is followed past it.
    """
    died = event & (time <= t)
    past = time > t
    if not died.any() or not past.any():
        return None
    weight = 1 / followed.before(time[died])
    controls = np.sort(risk[past])
    lower = np.searchsorted(controls, risk[died], side="left")
    upper = np.searchsorted(controls, risk[died], side="right")
    return float(weight @ (lower + upper)) / (2 * float(weight.sum()) * len(controls))
