# The two commands of a fresh machine are `make demo` and `make test`; both set up what they need in .venv first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The whole is held to a lower bound (pyproject.toml); what decides and what remembers nearly wholly. Several tests
# wait for leases and limits, so six workers keep two cores busy.
WHOLLY := --include='declarative_kv/config/*,declarative_kv/engine/*,declarative_kv/model/*,declarative_kv/state/*,declarative_kv/values/*'

# Other people's programs, for the tests in tests/clients: each in a folder of its own, as its version is written there.
CLIENTS := .clients
OTHERS := $(CLIENTS)/.az $(CLIENTS)/.python $(CLIENTS)/.javascript $(CLIENTS)/.azurite \
	$(CLIENTS)/.reports $(CLIENTS)/.checkov $(CLIENTS)/.sarif
# The one package that brings the schema which OASIS published; nothing of it is installed.
SARIF_SCHEMA := sarif-pydantic==0.6.2

# What is set up comes from elsewhere and is waited for, so it is done side by side.
MAKEFLAGS += --jobs=4

.PHONY: help clients demo test test-all lint format bench bench-small screenshots reference clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $(READY)

$(CLIENTS)/.az $(CLIENTS)/.python $(CLIENTS)/.reports $(CLIENTS)/.checkov: $(CLIENTS)/.%: tests/clients/%.txt
	rm -rf $(CLIENTS)/$*
	$(PYTHON) -m venv $(CLIENTS)/$*
	$(CLIENTS)/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --requirement $<
	touch $@

$(CLIENTS)/.sarif: $(READY)
	rm -rf $(CLIENTS)/sarif
	mkdir -p $(CLIENTS)/sarif
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest $(CLIENTS)/sarif $(SARIF_SCHEMA)
	tar -xzf $(CLIENTS)/sarif/*.tar.gz -C $(CLIENTS)/sarif --strip-components 1 --wildcards '*/sarif-schema-2.1.0.json'
	touch $@

$(CLIENTS)/.javascript $(CLIENTS)/.azurite: $(CLIENTS)/.%: tests/clients/%/package.json tests/clients/%/package-lock.json
	mkdir -p $(CLIENTS)/$*
	cp $^ $(CLIENTS)/$*
	@if command -v npm >/dev/null; then cd $(CLIENTS)/$* && npm ci --no-audit --no-fund --loglevel=error; \
	else echo "not run: what is tested with $*, because Node was not found"; fi
	@if command -v npm >/dev/null; then touch $@; fi

clients: $(OTHERS) ## the az CLI, Azure's other SDKs, Azurite, SOPS, Checkov and linters, to test with; 1.6 GB, a few minutes, once

demo: $(READY) ## plan, apply, drift and destroy on a private emulator, explained as it goes
	$(BIN)/dkv demo

test: $(READY) $(OTHERS) ## the tests, with counts that fit into 15 minutes on two cores
	$(BIN)/python -m pytest -n 6 --dist worksteal -rfEs --cov --cov-report=term:skip-covered
	$(BIN)/coverage report $(WHOLLY) --fail-under=99 --skip-covered --show-missing

test-all: $(READY) $(OTHERS) ## the same tests with full counts
	DKV_TESTS=full $(BIN)/python -m pytest -n 6 --dist worksteal -rfEs --cov --cov-report=term:skip-covered

lint: $(READY) ## formatting, linting, spelling, strict types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## bring the code into form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## requests, wall time, CPU and memory of plan, apply and destroy, up to 100,000 secrets; a quarter of an hour
	$(BIN)/python -m tests.benchmarks --full
	$(BIN)/python -m tests.benchmarks.throttled
	$(BIN)/python -m tests.benchmarks.saving

screenshots: $(READY) ## pictures of the HTML reports at the width of a phone and of a desktop, for a person to look at
	$(BIN)/python -m tests.reports.screenshots screenshots

bench-small: $(READY) ## the same without 10,000 secrets in one vault; some minutes
	$(BIN)/python -m tests.benchmarks

reference: $(READY) ## write the generated pages of the documentation again
	$(BIN)/python -m declarative_kv.cli.reference > docs/cli.md
	$(BIN)/python -m declarative_kv.cli.reference lint > docs/lint.md

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) $(CLIENTS) .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
