# The only commands anyone needs. Each does its own set-up; Python 3.11+ and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
unexport PYTHONDONTWRITEBYTECODE  # hundreds of processes would each compile the program again
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: help install demo test services test-fast chaos fuzz lint format bench contracts docs lock clean

help:  ## what each target does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.installed  ## only install: .venv/bin/penchant

demo: $(VENV)/.installed  ## load a real shop's half a million invoice lines, show live embeddings, prove them
	$(BIN)/penchant demo

test: $(VENV)/.installed-dev  ## everything: unit, contract and integration tests, with coverage
	@$(BIN)/python -m tests.services.install --for-tests
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --cov --cov-report=term

services: $(VENV)/.installed-dev  ## servers for the tests where there is no Docker (Debian, as root)
	@$(BIN)/python -m tests.services.install

test-fast: $(VENV)/.installed-dev  ## unit and contract tests without the long ones, about a minute
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder -m "not slow" tests/unit tests/contract

# Less of it: make chaos CHAOS="--events 20000 --kills 30 --seconds 80 --seed 1"
chaos: $(VENV)/.installed-dev  ## kill everything at random while a client records, and prove that nothing is lost
	@$(BIN)/python -m tests.services.install --for-tests
	$(BIN)/python -m tests.chaos $(CHAOS)
	PENCHANT_KILLS=20 $(BIN)/python -m pytest tests/integration/test_graph.py tests/integration/test_index.py -k killed

# More or less of it, or the same again: make fuzz FUZZ=50 SEED=7
FUZZ ?= 5
SEED ?= $(shell date +%s)

fuzz: $(VENV)/.installed-dev  ## try everything on the HTTP API at random, five times as much as `make test`
	@$(BIN)/python -m tests.services.install --for-tests
	PENCHANT_FUZZ=$(FUZZ) PENCHANT_FUZZ_SEED=$(SEED) $(BIN)/python -m pytest tests/contract/test_http_fuzz.py tests/contract/test_http_schemathesis.py

lint: $(VENV)/.installed-dev  ## style, types, direction of imports, the Dockerfile, known faults of what is locked
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint docker/Dockerfile
	@$(BIN)/python -m tests.dependency_audit

format: $(VENV)/.installed-dev  ## mend what ruff can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-dev  ## measure, and print the tables: three quarters of an hour; docs/benchmarks.md says how to run one
	@$(BIN)/python -m tests.services.install --for-tests
	$(BIN)/python -m benchmarks

contracts: $(VENV)/.installed-dev  ## write docs/contracts again: OpenAPI, AsyncAPI and JSON Schemas
	$(BIN)/python -m docs.contracts

docs: contracts  ## draw the pictures of the README again from real output, the table of settings, the contracts
	$(BIN)/python docs/settings.py
	$(BIN)/python docs/metrics.py
	$(BIN)/python docs/pictures.py

lock: $(VENV)/.installed-dev  ## choose versions again and write the lock files
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --upgrade --extra build -o requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --upgrade --extra build --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml

clean:  ## remove what was built here; data in PENCHANT_HOME stay
	rm -rf $(VENV) build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage*

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Penchant needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing pinned dependencies into $(VENV), the first time only: about half a minute"
	@$(PIP) --require-hashes --no-deps --requirement requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@$(PIP) --no-compile --require-hashes --no-deps --requirement requirements-dev.lock
	touch $@
