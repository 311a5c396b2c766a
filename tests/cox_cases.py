"""The Cox models that R fits too (tests/reference/cox.R), as they are asked for here."""

from __future__ import annotations

from typing import Any

LEVELS = ["zero", "low", "positive"]
GROUP = {"name": "group", "levels": LEVELS}
ER = {"name": "er", "levels": ["no", "yes"]}
TIED = {"time": "time", "event": "event"}
LATE = {**TIED, "entry": "entry"}
PLAIN = [GROUP, "age", "grade"]
EVERYTHING = {**LATE, "strata": "site", "weights": "weight", "cluster": "facility"}

CASES: dict[str, dict[str, Any]] = {
    "efron": {**TIED, "terms": PLAIN},
    "breslow": {**TIED, "terms": PLAIN, "ties": "breslow"},
    "no_ties": {"time": "time_fine", "event": "event", "terms": PLAIN},
    "entry": {**LATE, "terms": PLAIN},
    "entry_breslow": {**LATE, "terms": PLAIN, "ties": "breslow"},
    "strata": {**TIED, "terms": PLAIN, "strata": "site"},
    "strata_entry": {**LATE, "terms": PLAIN, "strata": ["site"]},
    "weights": {**TIED, "terms": PLAIN, "weights": "weight"},
    "weights_breslow": {**TIED, "terms": PLAIN, "weights": "weight", "ties": "breslow"},
    "counts": {**TIED, "terms": PLAIN, "weights": "count"},
    "counts_breslow": {**TIED, "terms": PLAIN, "weights": "count", "ties": "breslow"},
    "robust": {**TIED, "terms": PLAIN, "robust": True},
    "robust_entry_breslow": {**LATE, "terms": PLAIN, "robust": True, "ties": "breslow"},
    "cluster": {**TIED, "terms": PLAIN, "cluster": "facility"},
    "everything": {**EVERYTHING, "terms": PLAIN},
    "everything_breslow": {**EVERYTHING, "terms": PLAIN, "ties": "breslow"},
    "offset": {**TIED, "terms": PLAIN, "offset": "shift"},
    "interaction": {**TIED, "terms": [GROUP, ER, "age", {"interaction": ["group", "er"]}]},
    "interaction_number": {**TIED, "terms": [GROUP, "age", {"interaction": ["group", "age"]}]},
    "per": {**TIED, "terms": [{"name": "age", "per": 10}]},
    "spline": {**TIED, "terms": [{"name": "age", "spline": {"df": 4}}]},
}
