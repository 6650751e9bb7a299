# Every target does its own set-up: Python 3.11, git and make are all it needs.

PYTHON ?= python3.11
PARAMS ?= params.yaml
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help repro test bench lab
help:  ## say what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

repro: $(BIN)/.ready  ## run the pipeline, data to figures; PARAMS=params/NAME.yaml: into results/NAME
	python -m neft.pipeline.run "$(PARAMS)"

test: $(BIN)/.ready  ## check style and run all tests and notebooks
	ruff check . && ruff format --check .
	pytest

bench: $(BIN)/.ready  ## measure what reading, programming, training and testing cost (Linux, idle machine)
	cd benchmarks && for each in reads programming training chips; do python $$each.py; done

lab: $(BIN)/.ready  ## open the notebooks
	jupyter lab notebooks

$(BIN)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@
