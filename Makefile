# Each target sets up what it needs. PYTHON says which interpreter makes the environment (3.11 or later).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint types unit bench clean help

help:
	@echo "make demo   from data to a served, watched model, on data that comes with scikit-learn"
	@echo "make test   everything: lint, types and tests"
	@echo "make lint   ruff and import-linter"
	@echo "make types  mypy and pyright"
	@echo "make unit   pytest"
	@echo "make bench  speed and memory, against scripts and peers"
	@echo "make clean  remove the environment and all caches"

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py

test: lint types unit

lint: $(VENV)/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --verbose | tail -n 4

types: $(VENV)/.all
	$(BIN)/mypy
	$(BIN)/pyright

unit: $(VENV)/.all
	$(BIN)/pytest --numprocesses 2 --dist loadgroup --durations 10

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[sklearn,onnx,serving,report]"
	@touch $@

$(VENV)/.all: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[all,dev]"
	@touch $@ $(VENV)/.demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("hookline needs Python 3.11 or later; say which with PYTHON=..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

bench: $(VENV)/.bench
	cd benchmarks && for file in startup w serving predict sweep; do echo "== $$file"; ../$(BIN)/python $$file.py; done

$(VENV)/.bench: $(VENV)/.all
	$(PIP) --editable ".[all,bench]"
	@touch $@

clean:
	rm -rf $(VENV) .hookline .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
