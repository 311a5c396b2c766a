"""The table of events and endpoints: whole, with marks, and as the facts say."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from cohort.endpoint_rules import DEATHS, EVENTS, VALUES, _cell, endpoint_rules, read
from cohort.endpoints_definition import meaning

RULES = endpoint_rules()
MARKS = ("yes", "partly", "derived", "memory")


def test_every_cell_is_filled_once_with_its_mark_and_source():
    for rule in RULES.values():
        assert [cell.event for cell in rule.cells] == list(EVENTS), rule.kind
        for cell in rule.cells:
            assert cell.value in VALUES, (rule.kind, cell.event)
            assert cell.verified in MARKS
            assert cell.source.strip()
        assert rule.verified in MARKS
        assert rule.name
        assert rule.event
        assert rule.setting in ("any", "early", "metastatic")
    assert len(read("matrix")) == len(RULES) * len(EVENTS)


def test_follow_up_never_goes_on_after_death():
    for rule in RULES.values():
        assert "ignore" not in [rule.value(death) for death in DEATHS], rule.kind


def test_a_checked_endpoint_rests_on_no_cell_from_memory():
    for rule in RULES.values():
        if rule.is_verified:
            assert {c.verified for c in rule.cells} <= {"yes", "derived"}, rule.kind
    assert [kind for kind, rule in RULES.items() if rule.is_verified] == ["OS", "IDFS", "IBCFS"]


def test_wider_endpoints_count_what_narrower_ones_do():
    def counts(kind):
        return {c.event for c in RULES[kind].cells if c.value == "event"}

    for narrow, wide in [
        ("BCSS", "OS"), ("BCSS", "RFI"), ("OS", "RFS"), ("RFI", "RFS"), ("RFI", "BCFI"),
        ("BCFI", "IBCFS"), ("RFS", "IBCFS"), ("IBCFS", "IDFS"), ("IDFS", "DFS"), ("DRFI", "RFI"),
        ("DRFI", "DRFS"), ("DRFS", "RFS"), ("DRFS", "DDFS"), ("DDFS", "IDFS"), ("OS", "PFS"),
    ]:  # fmt: skip
        assert counts(narrow) < counts(wide), (narrow, wide)


def test_the_table_says_what_the_facts_say():
    path = Path(__file__).resolve().parents[3] / "shared" / "domain" / "endpoints.yaml"
    if not path.is_file():
        pytest.skip("facts absent: sought in ../shared/domain beside the project")
    facts = yaml.safe_load(path.read_text(encoding="utf-8"))["endpoints"]
    for name, fact in facts.items():
        kind = name.split()[0]
        if kind == "pCR":
            continue
        for value in ("event", "competing", "ignore"):
            for event in fact.get(value, ()):
                assert RULES[kind].value(event) == value, (kind, event)
        assert RULES[kind].verified == str(fact["verified"]).lower(), kind


def test_definitions_in_words():
    assert meaning("OS", "events") == "Overall survival: death from any cause"
    assert meaning("RFS", "given") == "Recurrence-free survival, as the source gives it"
    assert meaning("DSS", "given") == "Disease-specific survival, as the source gives it"
    assert meaning("XFS", "given") == "XFS, as the source gives it"


def test_a_value_that_is_none_of_the_four_is_a_mistake_in_the_table():
    row = dict(read("matrix")[0], value="maybe")
    with pytest.raises(ValueError, match="OS ipsilateral_invasive_breast: 'maybe'"):
        _cell(row)
