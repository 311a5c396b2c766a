"""The page of HER2 rules, from the rule tables of cohort.her2_rules."""

from __future__ import annotations

from markdown import as_written, page, read
from spec_tables import CANONICAL
from worked import ABOUT, of_source, worked

_PACKAGE = "cohort.her2_rules"


def text() -> str:
    """The page."""
    editions = read(_PACKAGE, "editions")
    in_situ = dict.fromkeys(row["ish"] for row in editions)
    return page(
        "# HER2 rules",
        "These tables decide; the program holds no rule besides them. `any` is every value, `|` "
        "stands between alternatives, `missing` is a value that is not known. The column "
        "`verified` says whether the row was checked in the source named beside it: `yes`, "
        "`derived` from such a source, `partly`, or `memory`. A patient's `her2_rule` reads "
        "`C04.D5`: the row of the category table, and the in-situ evidence it used.",
        "## Status",
        "Score, in-situ result, wording of the IHC report and the source's summary decide by one "
        "row. Where a row names a policy (E1, E3, ...), that edge case's choice decides.",
        as_written(read(_PACKAGE, "category")),
        "## Editions",
        as_written(editions),
        "## In-situ results",
        "Ratio and signals both known give the guideline's group; else a reported result decides; "
        "else what partial numbers leave open (rows of probe `partial`).",
        *(
            part
            for name in in_situ
            for part in (f"### Edition {name}", as_written(read(_PACKAGE, f"ish_{name}")))
        ),
        "### Evidence named in `her2_rule`",
        as_written([row for row in read(_PACKAGE, "ish_evidence") if row["meaning"]]),
        "## Scores from staining",
        "A score is read again only from percent and pattern of staining, where a source has them.",
        as_written(read(_PACKAGE, "staining")),
        "## Edge cases",
        "The default of each is `yes` in its column; a study file names another "
        "(`policies: {E1: low}`), or all of a named policy (`policies: peiffer2023`).",
        as_written(read(_PACKAGE, "policies"), without=("strictness", "stage")),
        "### What a choice decides",
        as_written(read(_PACKAGE, "policy_rows")),
        as_written(read(_PACKAGE, "overrides")),
        "### Named policies",
        as_written(read(_PACKAGE, "named_policies")),
        "## Flags",
        as_written(read(_PACKAGE, "flag_meanings")),
        "### When a flag is set",
        as_written(read(_PACKAGE, "flags")),
        "## Worked patients",
        ABOUT,
        worked(of_source(CANONICAL)),
    )
