# One target per check; continuous integration runs `lint types imports package test`, in that order.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install lint types imports package test test-all docs clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

# pip before 25.1 does not know dependency groups, so the environment gets a newer one first.
$(INSTALLED): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[cpu]" --group dev
	touch $@

install: $(INSTALLED)  ## make .venv and install FalconQL with its development tools

lint: $(INSTALLED)  ## ruff, rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)  ## mypy, strict
	$(BIN)/mypy falconql tests

imports: $(INSTALLED)  ## the order of the layers
	$(BIN)/lint-imports

package: $(INSTALLED)  ## build the wheel, install it elsewhere, run a query there
	$(BIN)/python -m pytest -q -m package tests/package

test: $(INSTALLED)  ## the default tests
	OMP_NUM_THREADS=2 $(BIN)/python -m pytest -q --numprocesses auto --dist worksteal

test-all: $(INSTALLED)  ## the slow tests too; they need `pip install -e ".[train]" --group grammars`
	$(BIN)/python -m pytest -q -m "not gpu"

docs: $(INSTALLED)  ## write generated pages and the outputs shown in the documentation again
	$(BIN)/python -m tests.docs.regenerate

clean:  ## remove what the other targets make
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
