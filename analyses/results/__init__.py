"""Result classes: what an estimator returns, a figure draws and the report prints."""
