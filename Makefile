# `make train` and `make test` do all the set-up there is; everything else is for development.
PYTHON ?= python3
BIN := .venv/bin
CFG ?= configs/digits.yaml

.PHONY: train test lint bench digits scoreboard mutants false-alarms diagnostics crash clean

train: .venv/installed
	$(BIN)/blockrun train $(CFG)

test: .venv/tested
	$(BIN)/python -m pytest

lint: .venv/tested
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

mutants: .venv/tested     ## does the gradient check kill every wrong gradient? Writes docs/mutants.md
	$(BIN)/python -m tests.mutants.run --write

false-alarms: .venv/installed   ## does it ever accuse a right one? 10,000 block runs
	$(BIN)/python benchmarks/false_alarms.py

diagnostics: .venv/tested ## are mistakes in network files told in words, at their place, with a way out?
	$(BIN)/python -m tests.diagnostics.run

crash: .venv/tested       ## kills, faults, full disks, damaged files, exact resumption: half an hour and more
	$(BIN)/python -m tests.survival.run

digits: .venv/installed   ## mean test accuracy of the digits over seeds 0 to 4
	$(BIN)/python benchmarks/digits.py

scoreboard: .venv/installed   ## trains what benchmarks/scoreboard.jsonl lacks, and writes benchmarks/scoreboard.md
	$(BIN)/python benchmarks/scoreboard.py --write

bench: .venv/installed    ## time of --help, of an executor step, of one training step
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/steps.py

.venv/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "blockrun needs Python 3.11 or newer; `make PYTHON=/path/to/python` uses another")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

.venv/tested: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]' ./tests/example_plugin
	touch $@

clean:
	rm -rf .venv build dist *.egg-info
