"""How a study does each kind of analysis: from its patients to an outcome, one file a kind."""
