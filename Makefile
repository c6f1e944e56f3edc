# Everything a person runs. Needed beforehand: Python 3.11 or newer with venv, and make.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
HOST ?= 127.0.0.1
PORT ?= 8000
WORKERS ?= 1

BIN := .venv/bin
RUNTIME := .venv/.runtime
DEVELOPMENT := .venv/.development
MANAGE := $(BIN)/python manage.py
# The quick targets run on SQLite with the settings' own defaults, whatever the shell has set.
ON_SQLITE := env -u DATABASE_URL -u DATABASE_URL_FILE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-postgres test-browser fuzz lint contracts bench

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: $(RUNTIME) ## Make .venv and install the locked dependencies

$(BIN)/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name it: make setup PYTHON=/path/to/python3.11"; exit 1; }
	"$(PYTHON)" -m venv .venv

$(RUNTIME): requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	@touch $@

demo: setup ## Make the demo clinic and serve it: HOST, PORT, WORKERS
	$(MANAGE) demo --address http://$(HOST):$(PORT)
	exec $(MANAGE) serve --host $(HOST) --port $(PORT) --workers $(WORKERS)

test: $(DEVELOPMENT) ## Run the tests on SQLite
	$(ON_SQLITE) $(BIN)/pytest -n 2

test-postgres: $(DEVELOPMENT) ## Run the same tests on the PostgreSQL server that DATABASE_URL names
	@test -n "$$DATABASE_URL" || { echo "Set DATABASE_URL, for example postgres://user:password@127.0.0.1:5432/anamnesis"; exit 1; }
	@$(BIN)/python -c 'import os, psycopg; psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5).close()' 2>/dev/null \
		|| { echo "No PostgreSQL server answers at DATABASE_URL"; exit 1; }
	$(BIN)/pytest -n 2

test-browser: $(DEVELOPMENT) ## Run the browser tests in headless Chromium
	$(ON_SQLITE) $(BIN)/pytest -m browser

fuzz: $(DEVELOPMENT) ## Send generated requests to every documented operation
	$(ON_SQLITE) $(BIN)/pytest -m fuzz

lint: $(DEVELOPMENT) ## Check style, complexity, types, deployment settings and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(ON_SQLITE) $(BIN)/mypy .
	@directory=$$(mktemp -d) && trap 'rm -rf "$$directory"' EXIT && set -x \
		&& $(ON_SQLITE) DEBUG=0 HTTPS=1 ALLOWED_HOSTS=clinic.example DATA_DIR="$$directory" $(MANAGE) check --deploy --fail-level WARNING \
		&& $(ON_SQLITE) DATA_DIR="$$directory" $(MANAGE) makemigrations --check --dry-run

contracts: $(DEVELOPMENT) ## Renew the OpenAPI snapshots after an intended change
	$(ON_SQLITE) $(MANAGE) contracts

bench: $(DEVELOPMENT) ## Measure reads beside a plain view, on the PostgreSQL server that DATABASE_URL names
	$(BIN)/python -m bench.read
