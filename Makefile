# Fresh machine: Python 3.11 or later, git, make. Everything is installed once into .venv (and, for tests, a Chromium).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
ARGS ?=
# Most tests wait for something, so two at a time take two thirds of the time, and not more. In the order of the files: the last ones are short.
WORKERS ?= 2
export PREPARE ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo install test unit e2e benchmark lint format browser constraints image pictures verify-compose clean

help: ## show what can be made
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

demo: install ## start everything and open the dashboard (make demo ARGS=--no-browser)
	@exec $(BIN)/streamgauge demo $(ARGS)

install: $(STAMPS)/package ## install into .venv what the project needs

test: install browser ## run every test, real processes and a real browser included
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder $(ARGS)

unit: install ## run the tests that open no browser and start no process
	$(BIN)/python -m pytest --ignore=tests/e2e $(ARGS)

e2e: install browser ## run the tests with real processes and a real browser
	$(BIN)/python -m pytest tests/e2e $(ARGS)

benchmark: install ## measure Streamgauge and its peers (make benchmark ARGS=--quick: about a minute)
	$(BIN)/python -m benchmarks all $(ARGS)

lint: install ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install ## let ruff sort imports and lay out the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

browser: install ## find or install the Chromium that tests drive
	@tools/install-browser $(BIN)/playwright

constraints: ## pin the newest versions that fit, with hashes (needs uv)
	tools/pin-constraints

image: ## build the container image streamgauge:local
	docker build --tag streamgauge:local .

pictures: install browser ## take the pictures of the docs again (make pictures ARGS="dashboard moving")
	$(BIN)/python -m tests.e2e.pictures $(ARGS)

verify-compose: install browser ## bring compose.yaml up on a real engine, see samples arrive (PREPARE=COMMAND provides the base image)
	$(BIN)/python -m tests.compose.verify

clean: ## remove .venv and what the tools left
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'make: Python 3.11 or later is needed; name one with: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo 'make: Python has no venv module; on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(STAMPS)/dependencies: constraints.txt | $(BIN)/python
	@echo 'Installing into $(VENV), once: about half a minute'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/package: pyproject.toml $(STAMPS)/dependencies
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
