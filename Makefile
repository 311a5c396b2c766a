# Two commands for a new machine: `make demo` and `make test`. `make` alone lists the rest.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test marked check fix bench coverage reference reference-stress docs site notebooks sample

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 20

.venv/core: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "her2low needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) --editable .
	touch $@

.venv/test: .venv/core
	$(PIP) --editable '.[test,check]'
	touch $@

demo: .venv/core  ## install and run the sample study to a PDF report
	$(BIN)/her2low run sample_data/her2_low_os.yaml --out out/demo

test: .venv/test  ## install and run the tests, on every core
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile -m "not slow and not spark"

marked: .venv/test  ## run the slow tests and those of Spark, one after the other
	$(BIN)/python -m pytest -m "slow or spark"

check: .venv/test  ## format, lint and types, without changing anything
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fix: .venv/test  ## format, and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/test  ## time the estimators and a study beside R and Python's peers (absent ones are told), and reading
	$(BIN)/python tests/bench/bench.py --out docs/benchmarks.md
	$(BIN)/python tests/bench/reading.py

coverage: .venv/test  ## how often 95 % limits hold the truth, over 2,000 simulated cohorts a method
	$(BIN)/python tests/covering/covering.py

reference: .venv/test  ## make R's reference answers again (needs R with survival)
	Rscript tests/reference/make_reference.R

reference-stress: .venv/test  ## hold random cohorts against R and print the largest deviations (needs R)
	$(BIN)/python tests/stress/stress.py

docs: .venv/test  ## write the reference in docs/ and its pictures from what the program reads and draws
	$(BIN)/python docs/make
	$(BIN)/her2low run sample_data/her2_low_os.yaml --out out/pictures --format html
	cp out/pictures/figures/curves.svg out/pictures/figures/model.svg docs/pictures/

.venv/site: .venv/core
	$(PIP) --editable '.[docs]'
	touch $@

site: .venv/site  ## build docs/ as a site in out/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

sample: .venv/core  ## make the synthetic sample registry again
	$(BIN)/python -m cohort.simulation sample_data/registry.csv

notebooks: .venv/test  ## run every notebook from top to bottom
	$(BIN)/python -m pytest --nbmake notebooks
