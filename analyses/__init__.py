"""A cohort becomes numbers, figures and a report."""
