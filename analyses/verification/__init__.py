"""Double programming: the study's numbers recomputed by lifelines, statsmodels or plain sums.

Nothing of the estimators or kernels is imported here, and no design matrix of theirs: two programs
that share code share its mistakes.
"""
