"""How far one estimate can be trusted: confounding, misreading, single units, few events."""
