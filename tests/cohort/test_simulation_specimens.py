"""Simulated specimens: their change is recovered, and misreading lowers agreement."""

from __future__ import annotations

import math

import pytest

from cohort import her2_change
from cohort.harmonisation import harmonise
from cohort.loading import load
from cohort.simulation import simulated_specimens
from cohort.simulation.specimens import TRANSITIONS

KINDS = {
    "metastasis": ("primary", "metastasis"),
    "residual": ("before_treatment", "after_neoadjuvant"),
}
N = 4000


def changed(second, **options):
    patients, specimens = simulated_specimens(N, second=second, **options)
    given = {"main": patients, "specimens": specimens.drop(columns="true_group")}
    cohort = harmonise(load(given, source="canonical"))
    first, later = KINDS[second]
    return her2_change(cohort, first=first, second=later, by="hr_status")


@pytest.mark.parametrize("second", ["metastasis", "residual"])
def test_the_shares_that_made_the_specimens_are_recovered(second):
    change = changed(second)
    assert change.overall.n == N
    for row, truth in zip(change.overall.shares, TRANSITIONS[second], strict=True):
        for share, p in zip(row, truth, strict=True):
            assert abs(share.estimate - p) < 4 * math.sqrt(p * (1 - p) / share.total)
    assert sum(t.n for t in change.transitions[1:]) == N


def test_change_lies_where_published_series_found_it():
    assert 0.276 <= changed("metastasis").overall.changed.estimate <= 0.496
    zero, low, _ = changed("residual").overall.shares
    assert zero[1].conf_low < 0.395 < zero[1].conf_high
    assert low[0].conf_low < 0.143 < low[0].conf_high


def test_readers_who_disagree_make_change_that_is_none():
    exact, misread = changed("residual"), changed("residual", disagreement=0.2)
    assert misread.overall.changed.estimate > exact.overall.changed.estimate + 0.05
    assert misread.overall.kappas[0].estimate < exact.overall.kappas[0].estimate - 0.1


def test_the_same_seed_gives_the_same_specimens():
    for made, again in zip(simulated_specimens(50), simulated_specimens(50), strict=True):
        assert made.equals(again)
    assert not simulated_specimens(50, seed=2)[1].equals(simulated_specimens(50)[1])
