# Every target sets up what it needs. `make help` lists them.
PYTHON ?= python3
SIZE   ?= quick
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The lock files are complete; --no-deps keeps pip from resolving them once more, which it gets wrong for extras.
.DEFAULT_GOAL := help
.PHONY: help demo test lint bench bench-loop crash docs reference lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.run: requirements/run.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked requirements into $(VENV) …"
	@$(PIP) install --require-hashes --no-deps -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "installing the locked development requirements into $(VENV) …"
	@$(PIP) install --require-hashes --no-deps -r requirements/dev.txt
	@touch $@

# What only one test needs is left to CI, where no test may be skipped for a missing tool.
test: $(VENV)/.dev $(if $(CI),$(VENV)/.docs $(VENV)/dbt/.done) ## run every test
	$(if $(CI),DBT_PYTHON=$(CURDIR)/$(VENV)/dbt/bin/python) $(BIN)/pytest -n auto --dist worksteal $(ARGS)

lint: $(VENV)/.dev ## formatter, linter, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## measure, each beside a baseline; SIZE=full for the sizes that are promised
	@failed=""; for file in $(filter-out %/bench_loop.py,$(wildcard tests/bench/bench_*.py)); do \
	  name=$$(basename $$file .py); echo "== $$name"; \
	  SIZE=$(SIZE) $(BIN)/python -m tests.bench.$$name || failed="$$failed $$name"; echo; \
	done; test -z "$$failed" || { echo "missed their aims or failed:$$failed"; exit 1; }

bench-loop: $(VENV)/.dev ## trimtab against doing nothing, a rule of thumb and an oracle
	SIZE=$(SIZE) $(BIN)/python -m tests.bench.bench_loop

crash: $(VENV)/.dev ## kill every pair of source and sink fifty times
	TRIMTAB_CRASHES=50 $(BIN)/pytest tests/loader/test_crash.py -n auto $(ARGS)

docs: $(VENV)/.docs ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

reference: $(VENV)/.dev ## write docs/cli.md and docs/schemas from the code
	$(BIN)/python -m tests.docs.reference

$(VENV)/.docs: requirements/docs.txt $(VENV)/.run
	@$(PIP) install --require-hashes --no-deps -r requirements/docs.txt
	@touch $@

$(VENV)/dbt/.done: requirements/dbt.txt $(VENV)/.run
	@test -x $(VENV)/dbt/bin/python || $(PYTHON) -m venv $(VENV)/dbt
	@echo "installing dbt into an environment of its own, $(VENV)/dbt …"
	@$(VENV)/dbt/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps \
	  -r requirements/dbt.txt
	@touch $@

demo: $(VENV)/.run ## run the main job on a simulated fleet: no account, no network
	$(BIN)/trimtab demo

lock: $(VENV)/.dev ## resolve requirements/*.txt anew from pyproject.toml
	requirements/lock

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
