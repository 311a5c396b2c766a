"""Results become pages: the PDF report, its tables, its figures and the results file."""
