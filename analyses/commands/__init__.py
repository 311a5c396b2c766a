"""The commands of ``her2low``, one a file; `analyses.cli` puts them under one name."""
