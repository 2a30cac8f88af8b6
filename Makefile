# Slotkeeper: everything that a person or CI runs, by name. `make help` lists it.
#
#   make demo PORT=9000        another port
#   make demo PYTHON=python3   another Python than the newest of 3.11–3.13 that is found

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
RUN := $(VENV)/bin
PORT ?= 8000
PYTHON ?=
ARGS ?=
PYTEST := $(RUN)/python -m pytest
CODE := src tests benchmarks
PACKAGE := src/slotkeeper

# A stamp says that the lock file is installed; nothing is installed twice.
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed

COMPILE := $(RUN)/uv pip compile pyproject.toml --group build --universal --generate-hashes \
	--python-version 3.11 --custom-compile-command "make lock" --quiet

.PHONY: help
help: ## List what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(RUNTIME): requirements.lock pyproject.toml tools/install
	@PYTHON="$(PYTHON)" tools/install $(VENV) requirements.lock
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml tools/install
	@PYTHON="$(PYTHON)" tools/install $(VENV) requirements-dev.lock
	@touch $@ $(RUNTIME)

.PHONY: demo
demo: $(RUNTIME) ## Serve a demo clinic on http://127.0.0.1:8000 (PORT=… for another port)
	@mkdir -p .demo
	@trap : INT; \
	$(RUN)/slotkeeper serve --demo --port $(PORT) --database sqlite:///.demo/slotkeeper.db || test $$? -eq 130

.PHONY: lint
lint: $(DEV)
	$(RUN)/ruff format --check $(CODE)
	$(RUN)/ruff check $(CODE)
	$(RUN)/mypy $(CODE)

.PHONY: test
test: lint ## Everything: format, lint, strict types, all tests, the docs
	@tools/pooler
	@tools/browser
	@tools/inspector
	$(PYTEST)

.PHONY: texts
texts: $(DEV) ## Gather the texts of pages and tools for translators, after a change of them
	cd $(PACKAGE) && $(CURDIR)/$(RUN)/pybabel --quiet extract -F $(CURDIR)/pyproject.toml -k N_ -k _say \
		--no-location --sort-output --omit-header -o locale/messages.pot dashboard tools
	for file in $(wildcard $(PACKAGE)/locale/*.po); do \
		$(RUN)/pybabel --quiet update -i $(PACKAGE)/locale/messages.pot -o $$file -l $$(basename $$file .po) \
			--no-fuzzy-matching --omit-header || exit 1; \
	done

.PHONY: screenshots
screenshots: $(DEV) ## Take the pictures of the docs anew, from the demo clinic
	@tools/browser
	$(RUN)/python -m tests.dashboard.screenshots

.PHONY: check
check: lint ## The part of `make test` that takes seconds
	$(PYTEST) -q -m "not slow"

.PHONY: soak
soak: lint ## The same tests with the long rounds
	@tools/pooler
	@tools/browser
	@tools/inspector
	$(PYTEST) --soak

.PHONY: bench
bench: $(DEV) ## Speed in one table, each figure beside its limit (about ten minutes; ARGS="--rounds 3 booking")
	$(RUN)/python -m benchmarks.run $(ARGS)

.PHONY: guard
guard: $(DEV) ## Fail where a ratio to its limit fell since it was stored (minutes; ARGS=--store stores them)
	$(RUN)/python -m benchmarks.guard $(ARGS)

.PHONY: format
format: $(DEV) ## Write the code in the project's format, and mend what lint can mend
	$(RUN)/ruff check --fix-only --quiet $(CODE)
	$(RUN)/ruff format $(CODE)

.PHONY: lock
lock: $(DEV) ## Remake the lock files from pyproject.toml with the newest releases
	$(COMPILE) --upgrade --output-file requirements.lock
	$(COMPILE) --upgrade --extra dev --constraint requirements.lock --output-file requirements-dev.lock

.PHONY: clean
clean: ## Take away the environment, the demo and all caches
	rm -rf $(VENV) .demo dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .schemathesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
