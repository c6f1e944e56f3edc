# Everything a person runs. Needed beforehand: Python 3.11 or newer with venv, and make.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
HOST ?= 127.0.0.1
PORT ?= 8000
WORKERS ?= 1

VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
EXTRAS := $(VENV)/.extras
DEVELOPMENT := $(VENV)/.development
MANAGE := $(BIN)/python manage.py
# The quick targets run on SQLite with the settings' own defaults, whatever the shell has set.
ON_SQLITE := env -u DATABASE_URL -u DATABASE_URL_FILE

# Run a command that may write keys and a database file, without touching those of the demo.
in_empty_database = @directory=$$(mktemp -d) && trap 'rm -rf "$$directory"' EXIT \
	&& (set -x; $(ON_SQLITE) DATA_DIR="$$directory" $(1))

.DEFAULT_GOAL := help
.PHONY: help setup extras demo test test-postgres test-served test-browser fuzz lint style check check-migrations lock contracts bench

# A lock names every package with its version and hashes, so pip has nothing to resolve. With resolution on, it would ask the
# index for the newest release of a package with an extra, and refuse the lock because that release has no hash in it.
define install
$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
@found=$$($(BIN)/python -m pip check) \
	|| { echo "$$found"; echo "Remove $(VENV) and try again. If that does not help, $< is incomplete: make lock"; exit 1; }
@touch $@
endef

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: $(RUNTIME) ## Make .venv and install the locked dependencies

$(BIN)/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name it: make setup PYTHON=/path/to/python3.11"; exit 1; }
	"$(PYTHON)" -m venv $(VENV)

$(RUNTIME): requirements.txt | $(BIN)/python
	$(install)

$(EXTRAS): requirements-extras.txt | $(BIN)/python
	$(install)

$(DEVELOPMENT): requirements-dev.txt | $(BIN)/python
	$(install)

extras: $(EXTRAS) ## Install what is optional too: Parquet reports and Redis

demo: setup ## Make the demo clinic and serve it: HOST, PORT, WORKERS
	$(MANAGE) demo --address http://$(HOST):$(PORT)
	exec $(MANAGE) serve --host $(HOST) --port $(PORT) --workers $(WORKERS)

test: $(DEVELOPMENT) ## Run the tests on SQLite
	$(ON_SQLITE) $(BIN)/pytest -n 2 --dist worksteal

test-postgres: $(DEVELOPMENT) ## Run the same tests on the PostgreSQL server that DATABASE_URL names
	@test -n "$$DATABASE_URL" || { echo "Set DATABASE_URL, for example postgres://user:password@127.0.0.1:5432/anamnesis"; exit 1; }
	@$(BIN)/python -c 'import os, psycopg; psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5).close()' 2>/dev/null \
		|| { echo "No PostgreSQL server answers at DATABASE_URL"; exit 1; }
	$(BIN)/pytest -n 2 --dist worksteal

test-served: $(DEVELOPMENT) ## Run the tests of running servers on SQLite
	$(ON_SQLITE) $(BIN)/pytest -m served tests/concurrency tests/exports

test-browser: $(DEVELOPMENT) ## Run the browser tests in headless Chromium
	$(ON_SQLITE) $(BIN)/pytest -m browser tests/browser

fuzz: $(DEVELOPMENT) ## Send generated requests to every documented operation
	$(ON_SQLITE) $(BIN)/pytest -m fuzz tests/fuzz

lint: style check check-migrations ## Check style, complexity, types, deployment settings and migrations

style: $(DEVELOPMENT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(ON_SQLITE) $(BIN)/mypy .

check: $(DEVELOPMENT) ## Check the deployment settings alone
	$(call in_empty_database,DEBUG=0 HTTPS=1 TRUSTED_PROXIES=1 ALLOWED_HOSTS=clinic.example $(MANAGE) check --deploy --fail-level WARNING)

check-migrations: $(DEVELOPMENT) ## Check that every change of a model has its migration
	$(call in_empty_database,$(MANAGE) makemigrations --check --dry-run)

# The resolver comes from the package index into an environment that is thrown away. Pins stay as they are where pyproject.toml
# allows them. The development lock is resolved first; the other two start from its pins, so that all three agree.
UV := uv==0.13.9
UPGRADE :=
COMPILE = "$$work/bin/uv" --no-config pip compile pyproject.toml --quiet --no-header --generate-hashes \
	--universal --python "$$work/bin/python" --python-version 3.11

lock: ## Renew the locks from pyproject.toml: UPGRADE=--upgrade or UPGRADE="--upgrade-package NAME"
	@work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && set -ex \
		&& "$(PYTHON)" -m venv "$$work" \
		&& "$$work/bin/python" -m pip install --quiet --disable-pip-version-check $(UV) \
		&& cp requirements-dev.txt "$$work" \
		&& $(COMPILE) --extra dev --output-file "$$work/requirements-dev.txt" $(UPGRADE) \
		&& cp "$$work/requirements-dev.txt" "$$work/requirements-extras.txt" \
		&& $(COMPILE) --extra parquet --extra redis --output-file "$$work/requirements-extras.txt" \
		&& cp "$$work/requirements-extras.txt" "$$work/requirements.txt" \
		&& $(COMPILE) --output-file "$$work/requirements.txt" \
		&& cp "$$work"/requirements*.txt .

contracts: $(DEVELOPMENT) ## Renew the OpenAPI snapshots after an intended change
	$(ON_SQLITE) $(MANAGE) contracts

bench: $(DEVELOPMENT) ## Measure reads beside a plain view, on the PostgreSQL server that DATABASE_URL names
	$(BIN)/python -m bench.read
