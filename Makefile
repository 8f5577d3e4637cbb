# Two commands matter: `make run` lives through the journey, `make test` proves it.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
FOLDER ?= data
# Test runs are spread over the cores; JOBS=0 runs them in one process.
JOBS ?= auto

.PHONY: help run test check chaos format bench diagram clean

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

# pip is quiet but for what it installs; a failed install leaves no stamp behind.
$(VENV)/run.stamp: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	@test -d $(VENV) || { echo "making $(VENV) …"; $(PYTHON) -m venv $(VENV); }
	@echo "installing (once, one or two minutes) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[demo]'
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	@echo "installing the tools for tests (once) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[demo,dev]'
	@touch $@

$(VENV)/bench.stamp: $(VENV)/dev.stamp
	@echo "installing what the bench compares with (once) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[demo,dev,bench]'
	@touch $@

run: $(VENV)/run.stamp ## a school, 300 invented graduates and a phone at http://127.0.0.1:8000/
	@$(BIN)/quxiang demo --folder $(FOLDER) --port $(PORT)

test: $(VENV)/dev.stamp ## every test; says plainly what is skipped (JOBS=0 for one process)
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

check: $(VENV)/dev.stamp ## ruff, mypy --strict, import contracts, house rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest -q tests/house

chaos: $(VENV)/dev.stamp ## 50,000 pushes while servers are killed (PostgreSQL; two minutes)
	@$(BIN)/python -m tests.load chaos 50000

format: $(VENV)/dev.stamp ## let ruff put the code in order
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

bench: $(VENV)/bench.stamp ## CPU per message beside others, roster import, report
	@$(BIN)/python -m tests.bench

diagram: $(VENV)/dev.stamp ## write docs/flows.md anew from the flows
	@$(BIN)/python -m bot.conversation.diagram > docs/flows.md

clean: ## remove what make made (the demo's data stays)
	rm -rf $(VENV) *.egg-info build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
