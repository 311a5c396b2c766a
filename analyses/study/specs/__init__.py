"""What a study file may say of each kind of analysis, one model a kind."""
