# Every target does its own set-up: Python 3.11 to 3.14, git and make are all it needs.

# The first of these that is here; constraints.txt was tested with 3.11.
PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$each -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null \
	&& echo $$each && break; done)
PARAMS ?= params.yaml
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help repro data verify publish test campaign docs audit bench lab
help:  ## say what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

repro: $(BIN)/.ready  ## run the pipeline, data to figures; PARAMS=params/NAME.yaml: into results/NAME
	neft run "$(PARAMS)"

data: $(BIN)/.ready  ## download a data set into datasets/: DATASET=mnist, cifar10, cifar100 or tiny_imagenet
	@test -n "$(DATASET)" || { echo "error: DATASET must be named, as in make data DATASET=mnist" >&2; exit 1; }
	neft download $(DATASET)

verify: $(BIN)/.ready  ## compare a finished run with the published results, within their intervals
	neft verify "$(PARAMS)"

publish: $(BIN)/.ready  ## make a finished run's results those that git tracks
	neft publish "$(PARAMS)"

test: $(BIN)/.ready  ## check style and types, run all tests and notebooks
	ruff check . && ruff format --check . && mypy
	pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

campaign: $(BIN)/.ready  ## disturb runs and inputs in every way known, and count (Linux, half an hour)
	python tests/campaign/campaign.py

docs: $(BIN)/.docs  ## build the guides and the reference as pages: site/index.html
	NO_MKDOCS_2_WARNING=1 mkdocs build

audit: $(BIN)/.ready  ## compare the installed versions with known vulnerabilities; needs the network
	@python -c "from urllib.request import urlopen; urlopen('https://pypi.org/simple/pip/', timeout=20)" \
		2>/dev/null || { echo "error: pypi.org must be reachable for an audit, is not" >&2; exit 1; }
	python -m pip install --quiet --constraint constraints.txt --editable '.[audit]'
	pip-audit --skip-editable

bench: $(BIN)/.ready  ## measure what all costs (Linux, idle machine); NEFT_CIM=PATH: the paper's code, too
	cd benchmarks && for each in reads programming chips cluster; do python $$each.py; done
	cd benchmarks && python peers.py $(if $(NEFT_CIM),--neft-cim "$(abspath $(NEFT_CIM))")

lab: $(BIN)/.ready  ## open the notebooks
	jupyter lab notebooks

$(BIN)/.ready: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 to 3.14 is needed, found none" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

$(BIN)/.docs: $(BIN)/.ready
	python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@
