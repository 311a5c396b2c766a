"""Numbers and XML names of the NAACCR items that breast-cancer registries use."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

_FILE = Path(__file__).with_name("naaccr_items.csv")


@cache
def item_ids() -> Mapping[str, str]:
    """XML name of each item number: ``390`` is ``dateOfDiagnosis``."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return MappingProxyType({row["naaccr_item"]: row["xml_id"] for row in rows})


def item_numbers() -> Mapping[str, str]:
    """Number of each item by its XML name."""
    return {name: number for number, name in item_ids().items()}
