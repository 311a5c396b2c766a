"""What a study file says of HER2, from its keys to the methods text and the manifest."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pypdf
import pytest

import analyses
from analyses.study.check import check_study
from analyses.study.kinds.logrank import trend_rows
from analyses.study.spec import Study, load_study
from cohort.simulation import simulate

BASE: dict[str, Any] = {
    "version": 1,
    "title": "A study",
    "source": {"name": "ncdb_puf", "files": {"main": "registry.csv"}},
    "endpoints": [{"id": "os", "kind": "OS"}],
    "analyses": [{"id": "table", "kind": "table_one", "by": "her2_status", "columns": ["grade"]}],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("her2")
    simulate(900, seed=5, dirt=0).to_csv(target / "registry.csv", index=False)
    return target


def report(folder: Path, out: Path, her2: dict[str, Any], **changed: Any) -> tuple[Any, str]:
    """The result of a study with this HER2 part, and the text of its PDF."""
    study = Study.from_dict(BASE | {"her2": her2} | changed, folder=folder)
    result = analyses.run_study(study, out=out)
    pages = pypdf.PdfReader(out / "report.pdf").pages
    return result, " ".join(" ".join(page.extract_text() for page in pages).split())


def test_a_named_policy_stands_alone_or_among_edge_cases() -> None:
    alone = Study.from_dict(BASE | {"her2": {"policies": "peiffer2023"}})
    among = Study.from_dict(
        BASE | {"her2": {"edition": 2023, "policies": {"policy": "peiffer2023", "E5": "exclude"}}}
    )
    assert dict(alone.her2.policies) == {"policy": "peiffer2023"}
    assert dict(among.her2.policies) == {"policy": "peiffer2023", "E5": "exclude"}
    assert among.her2.edition == 2023
    assert alone.to_dict()["her2"]["policies"] == {"policy": "peiffer2023"}


def test_wrong_names_and_choices_against_the_named_policy_are_told_with_their_lines(
    folder: Path, tmp_path: Path
) -> None:
    text = "\n".join(
        [
            "version: 1", "title: t", "source: {name: ncdb_puf, files: registry.csv}", "her2:",
            "  policies:", "    policy: NAME", "    E17: low", "    E99: low",
            "analyses: [{id: d, kind: table_one, by: sex, columns: [age_years]}]",
        ]
    )  # fmt: skip
    path = tmp_path / "study.yaml"
    (tmp_path / "registry.csv").write_bytes((folder / "registry.csv").read_bytes())
    path.write_text(text.replace("NAME", "peiffer2023"))
    told = [str(problem) for problem in check_study(load_study(path))]
    assert [line.splitlines()[0] for line in told] == [
        "study.yaml:7: her2.policies.E17: peiffer2023 decides E17 itself: unresolved",
        "study.yaml:8: her2.policies.E99: 'E99' is not an edge case",
    ]
    path.write_text(text.replace("NAME", "pfeiffer2023"))
    told = [str(problem) for problem in check_study(load_study(path))]
    assert told[0].startswith("study.yaml:6: her2.policies.policy: no named policy 'pfeiffer2023'")
    assert "Did you mean 'peiffer2023'?" in told[0]


def test_methods_and_manifest_name_the_policy_and_each_choice(folder: Path, tmp_path: Path) -> None:
    result, text = report(folder, tmp_path / "out", {"policies": "peiffer2023"})
    assert "Edge cases follow the named policy peiffer2023, as listed below." in text
    assert "never a score" in text
    choices = json.loads((tmp_path / "out" / "manifest.json").read_text())["choices"]
    said = {c["name"]: c["value"] for c in choices if c["stage"] == "her2"}
    assert (said["policy"], said["E3"], said["S1"]) == ("peiffer2023", "keep_by_ihc", "peiffer2023")
    assert {rule.split(".")[0] for _, rule, _, _ in result.her2_counts} >= {"N0", "N1"}
    for _, rule, _, n in result.her2_counts:
        assert rule in text, (rule, n)


def test_methods_name_an_edition_and_scores_read_again(folder: Path, tmp_path: Path) -> None:
    result, text = report(
        folder, tmp_path / "out", {"edition": 2013, "policies": {"E14": "restain"}}
    )
    assert "In-situ results were read by ASCO/CAP 2013: dual-probe groups 1 to 3" in text
    assert (
        "No score was read again from its staining (edge case E14): the source does not give"
        in text
    )
    assert "Edge cases were decided as follows." in text
    unverified = [f for f in result.findings if f.rule == "edition_unverified"]
    assert [(f.severity, f.n > 0) for f in unverified] == [("warning", True)]
    assert "from memory of Wolff 2013" in text


def test_the_era_of_diagnosis_is_a_stratum(folder: Path, tmp_path: Path) -> None:
    model = {"id": "model", "kind": "cox", "endpoint": "os", "terms": ["her2_status"],
             "strata": ["her2_era"]}  # fmt: skip
    table = {"id": "eras", "kind": "table_one", "by": "her2_era", "columns": ["her2_ihc"]}
    result, text = report(folder, tmp_path / "out", {}, analyses=[model, table])
    assert result.exit_code == 0
    assert "Years of diagnosis by the HER2 guideline of their time" in text
    assert "2013 and before" in text
    eras = {f.value: f.n for f in result.findings if f.rule == "her2_era"}
    # Of the patients that the study selected, not of all that were loaded.
    assert sum(eras.values()) == result.attrition[-1].n_after < result.n_loaded
    assert {f.value for f in result.findings if f.rule == "zero_by_era"} == {
        "0, up to 2013", "0, after 2013",
    }  # fmt: skip


def test_null_and_ultralow_are_ihc_0_in_the_trend_within_her2_negative_disease() -> None:
    levels = ["ihc_0_null", "ihc_0_ultralow", "ihc_0", "ihc_1", "ihc_2_ish_negative", "ihc_3"]
    frame = pd.DataFrame({"her2_detail": pd.Categorical([*levels, None], categories=levels)})
    frame["her2_status"] = ["zero"] * 3 + ["low"] * 2 + ["positive"] * 2
    rows, by, said = trend_rows(SimpleNamespace(trend="her2_negative"), frame)
    assert list(rows.her2_detail) == ["ihc_0"] * 3 + ["ihc_1", "ihc_2_ish_negative"]
    assert by == {"name": "her2_detail", "levels": ["ihc_0", "ihc_1", "ihc_2_ish_negative"]}
    assert "IHC 0, IHC 1+" in said
    assert list(frame.her2_detail[:2]) == ["ihc_0_null", "ihc_0_ultralow"]
    assert "policy" not in said


def test_2_plus_that_a_policy_takes_as_low_is_of_the_third_level_of_the_trend() -> None:
    details = ["ihc_0", "ihc_1", "ihc_2_ish_negative", "ihc_2_ish_unknown", "ihc_2_ish_unknown"]
    frame = pd.DataFrame({"her2_detail": pd.Categorical([*details, None])})
    frame["her2_status"] = ["zero"] + ["low"] * 5
    rows, by, said = trend_rows(SimpleNamespace(trend="her2_negative"), frame)
    assert list(rows.her2_detail) == ["ihc_0", "ihc_1"] + ["ihc_2_ish_negative"] * 3
    assert by["levels"] == ["ihc_0", "ihc_1", "ihc_2_ish_negative"]
    assert "IHC 2+ with negative ISH or, as the policy has it, with unknown ISH (n = 2)" in said
    assert said.endswith(", without zero or low of no such level (n = 1)")


def test_the_trend_holds_every_patient_of_zero_and_low(folder: Path, tmp_path: Path) -> None:
    test = {"id": "lr", "kind": "logrank", "endpoint": "os", "by": "her2_status"}
    her2 = {"policies": {"E1": "low", "E17": "low"}}
    result, text = report(folder, tmp_path / "out", her2, analyses=[test])
    (made,) = result.analyses
    sizes = dict(zip(made.test.groups, made.test.n, strict=True))
    assert sum(made.trend.n) == sizes["zero"] + sizes["low"]
    told = {r.id: r.n for r in result.records}
    n = told["lr.trend/n_ish_unknown"]
    assert n > 0
    assert f"with unknown ISH (n = {n:,})" in text


def test_the_trend_by_policy_is_verified_too(folder: Path) -> None:
    test = {"id": "lr", "kind": "logrank", "endpoint": "os", "by": "her2_status"}
    her2 = {"policies": {"E1": "low", "E17": "low"}}
    study = BASE | {"her2": her2, "analyses": [test], "verify": True}
    result = analyses.run_study(Study.from_dict(study, folder=folder))
    assert result.exit_code == 0


def test_eras_are_those_of_the_patients_selected(folder: Path, tmp_path: Path) -> None:
    test = {"id": "lr", "kind": "logrank", "endpoint": "os", "by": "her2_status"}
    late = {
        "id": "late", "column": "diagnosis_year", "between": [2014, 2019], "reason": "one guideline"
    }  # fmt: skip
    both, text = report(folder, tmp_path / "a", {}, analyses=[test])
    assert "IHC 0 by years of diagnosis: " in text
    counts = {f.value: f.n for f in both.findings if f.rule == "zero_by_era"}
    told = {r.term: r.n for r in both.records if r.quantity == "n_zero_by_era"}
    assert told == counts
    assert sum(counts.values()) <= both.attrition[-1].n_after
    one, text = report(folder, tmp_path / "b", {}, analyses=[test], select=[late])
    assert "zero_by_era" not in {f.rule for f in one.findings}
    assert "IHC 0 by years of diagnosis" not in text
    eras = {f.value: f.n for f in one.findings if f.rule == "her2_era"}
    assert sum(eras.values()) == one.attrition[-1].n_after
    assert "<=2013" not in eras
