# `make demo` brings the console up with its demo operator; `make test` proves that it works.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := bomc core collectors checks alerts reconciliation dashboards

.PHONY: help install demo test test-slow faults lint bench clean lock test-servers

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make install    a virtual environment in .venv with the package and its test tools
install: $(VENV)/.installed

$(VENV)/.installed: requirements/test.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "bomc needs Python 3.11 or newer; set PYTHON=python3.x"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing: apt-get install python3-venv"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Everything that the tests and the benchmarks take beside: Spark and the peers that are measured against.
$(VENV)/.full: $(VENV)/.installed requirements/full.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/full.txt
	@touch $@

## make demo       the console with its demo operator (BOMC_HOME, BOMC_PORT choose folder and port)
demo: install
	@BOMC_HOME="$${BOMC_HOME:-var/demo}" $(BIN)/bomc demo

## make test       every test that takes seconds, against real servers started for it
test: install $(VENV)/.full test-servers
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow and not faults"

## make test-slow  the tests that take minutes
test-slow: install $(VENV)/.full test-servers
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "slow"

## make faults     kill -9 and fault injection
faults: install $(VENV)/.full test-servers
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "faults"

test-servers:
	@sh tests/install-servers.sh

## make lint       ruff, mypy --strict, pip-audit
lint: install $(VENV)/.full
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@sh tests/audit-dependencies.sh $(BIN)

## make bench      the figures of docs/benchmarks.md, each as a ratio measured in one run
bench: install $(VENV)/.full test-servers
	$(BIN)/python -m benchmarks

## make clean      what the other commands made
clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra test pyproject.toml -o requirements/test.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra test --extra spark --extra bench pyproject.toml -o requirements/full.txt
