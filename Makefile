# Everything a person runs. Needed beforehand: Python 3.11 or newer with venv, and make; for clients and `lint-openapi` Node.

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

# The clients of the APIs; what generates and checks them has environments of its own.
SDK := dist/sdk
SDK_TOOLS := .sdk
SDK_PYTHON := $(SDK_TOOLS)/python/.generators
SDK_NODE := $(SDK_TOOLS)/node_modules/.package-lock.json
DIALECTS := practice public general
NPM := npm --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error

# The quick targets run on SQLite with the settings' own defaults, whatever the shell has set.
ON_SQLITE := env -u DATABASE_URL -u DATABASE_URL_FILE

# What a change is tried with every time. Without an expression pytest runs sweeps too (pyproject.toml).
QUICK := not (browser or fuzz or sdk or served or sweep)

# The FastAPI side of the bench has an environment of its own.
BENCH_PYTHON := .bench/.fastapi

# Run a command that may write keys and a database file, without touching those of the demo.
in_empty_database = @directory=$$(mktemp -d) && trap 'rm -rf "$$directory"' EXIT \
	&& (set -x; $(ON_SQLITE) DATA_DIR="$$directory" $(1))

.DEFAULT_GOAL := help
.PHONY: help setup extras demo test test-sweeps test-postgres test-served test-browser fuzz sdk test-sdk lint lint-openapi style \
	check check-migrations lock messages contracts bench bench-docs

# A lock names every package with its version and hashes, so pip has nothing to resolve. With resolution on, it would ask the
# index for the newest release of a package with an extra, and refuse the lock because that release has no hash in it.
define install
$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
@found=$$($(@D)/bin/python -m pip check) \
	|| { echo "$$found"; echo "Remove $(@D) and try again. If that does not help, $< is incomplete: make lock"; exit 1; }
@touch $@
endef

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: $(RUNTIME) ## Make .venv and install the locked dependencies

%/bin/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name it: make setup PYTHON=/path/to/python3.11"; exit 1; }
	"$(PYTHON)" -m venv $*

$(RUNTIME): requirements.txt | $(BIN)/python
	$(install)

$(EXTRAS): requirements-extras.txt | $(BIN)/python
	$(install)

$(DEVELOPMENT): requirements-dev.txt | $(BIN)/python
	$(install)

$(BENCH_PYTHON): requirements-bench.txt | .bench/bin/python
	$(install)

$(SDK_PYTHON): requirements-sdk.txt | $(SDK_TOOLS)/python/bin/python
	$(install)

# npm finds its settings from the folder that it works in.
$(SDK_NODE): tests/sdk/package.json tests/sdk/package-lock.json
	@command -v npm >/dev/null || { echo "This needs Node 20 or newer with npm: install your system's package."; exit 1; }
	mkdir -p $(SDK_TOOLS)
	cp $^ $(SDK_TOOLS)
	cd $(SDK_TOOLS) && $(NPM) ci
	@touch $@

extras: $(EXTRAS) ## Install what is optional too: Parquet reports and Redis

demo: setup ## Make the demo clinic and serve it: HOST, PORT, WORKERS
	$(MANAGE) demo --address http://$(HOST):$(PORT)
	exec $(MANAGE) serve --host $(HOST) --port $(PORT) --workers $(WORKERS)

test: $(DEVELOPMENT) ## Run the tests on SQLite, and of each sweep a few examples
	$(ON_SQLITE) $(BIN)/pytest -n 2 --dist worksteal -m "$(QUICK)"

test-sweeps: $(DEVELOPMENT) ## Run the rest of the sweeps on SQLite: every route, page, form and bad value, or those of the files SWEEPS
	$(ON_SQLITE) $(BIN)/pytest -n 2 --dist worksteal -m sweep $(SWEEPS)

test-postgres: $(DEVELOPMENT) ## Run the tests and the sweeps on the PostgreSQL server that DATABASE_URL names
	@test -n "$$DATABASE_URL" || { echo "Set DATABASE_URL, for example postgres://user:password@127.0.0.1:5432/anamnesis"; exit 1; }
	@$(BIN)/python -c 'import os, psycopg; psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5).close()' 2>/dev/null \
		|| { echo "No PostgreSQL server answers at DATABASE_URL"; exit 1; }
	$(BIN)/pytest -n 2 --dist worksteal

test-served: $(DEVELOPMENT) ## Run the tests of running servers on SQLite, and more pairs of merged records
	$(ON_SQLITE) $(BIN)/pytest -m served tests/concurrency tests/exports tests/test_change_histories.py
	$(ON_SQLITE) MERGED_PAIRS=24 $(BIN)/pytest tests/clinical/test_merge_model.py

test-browser: $(DEVELOPMENT) ## Run the browser tests in headless Chromium
	$(ON_SQLITE) $(BIN)/pytest -n 2 --dist worksteal -m browser tests/browser

fuzz: $(DEVELOPMENT) ## Send generated requests to every documented operation
	$(ON_SQLITE) $(BIN)/pytest -m fuzz tests/fuzz

sdk: $(RUNTIME) $(SDK_PYTHON) $(SDK_NODE) ## Generate typed clients of the three APIs for Python and TypeScript, in dist/sdk
	rm -rf $(SDK)
	$(call in_empty_database,$(MANAGE) contracts --directory $(SDK)/openapi --collections)
	@mkdir $(SDK)/python $(SDK)/typescript
	cp tests/sdk/typescript/client.json $(SDK)/typescript/package.json
	@set -ex; for dialect in $(DIALECTS); do \
		$(SDK_TOOLS)/python/bin/openapi-python-client generate --path $(SDK)/openapi/$$dialect.yaml \
			--meta pdm --fail-on-warning --config tests/sdk/python/generator.yaml --output-path $(SDK)/python/$$dialect; \
		$(SDK_TOOLS)/node_modules/.bin/openapi-typescript $(SDK)/openapi/$$dialect.yaml \
			--output $(SDK)/typescript/$$dialect.d.ts; \
	done

test-sdk: sdk $(DEVELOPMENT) ## Generate the clients, and use them on a server that runs
	$(ON_SQLITE) SDK=$(abspath $(SDK)) SDK_TOOLS=$(abspath $(SDK_TOOLS)) $(BIN)/pytest -m sdk tests/sdk

lint: style check check-migrations ## Check style, complexity, types, deployment settings and migrations

style: $(DEVELOPMENT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(ON_SQLITE) $(BIN)/mypy .

lint-openapi: $(SDK_NODE) ## Check the OpenAPI documents by the rules of Redocly; needs Node
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true $(SDK_TOOLS)/node_modules/.bin/redocly lint \
		--config tests/sdk/redocly.yaml tests/contracts/openapi/*.yaml

check: $(DEVELOPMENT) ## Check the deployment settings alone
	$(call in_empty_database,DEBUG=0 HTTPS=1 TRUSTED_PROXIES=1 ALLOWED_HOSTS=clinic.example $(MANAGE) check --deploy --fail-level WARNING)

check-migrations: $(DEVELOPMENT) ## Check that every change of a model has its migration
	$(call in_empty_database,$(MANAGE) makemigrations --check --dry-run)

# The resolver comes from the package index into an environment that is thrown away. Pins stay as they are where pyproject.toml
# allows them. The development lock is resolved first; the two of the product start from its pins, so that all three agree.
UV := uv==0.13.9
UPGRADE :=
COMPILE = "$$work/bin/uv" --no-config pip compile --quiet --no-header --generate-hashes \
	--universal --python "$$work/bin/python" --python-version 3.11

lock: ## Renew the locks from pyproject.toml and package.json: UPGRADE=--upgrade or UPGRADE="--upgrade-package NAME"
	@work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && set -ex \
		&& "$(PYTHON)" -m venv "$$work" \
		&& "$$work/bin/python" -m pip install --quiet --disable-pip-version-check $(UV) \
		&& cp requirements-dev.txt "$$work" \
		&& $(COMPILE) pyproject.toml --extra dev --output-file "$$work/requirements-dev.txt" $(UPGRADE) \
		&& cp "$$work/requirements-dev.txt" "$$work/requirements-extras.txt" \
		&& $(COMPILE) pyproject.toml --extra parquet --extra redis --output-file "$$work/requirements-extras.txt" \
		&& cp "$$work/requirements-extras.txt" "$$work/requirements.txt" \
		&& $(COMPILE) pyproject.toml --output-file "$$work/requirements.txt" \
		&& cp requirements-sdk.txt "$$work" \
		&& $(COMPILE) --group sdk --output-file "$$work/requirements-sdk.txt" $(UPGRADE) \
		&& cp "$$work/requirements.txt" "$$work/requirements-bench.txt" \
		&& $(COMPILE) --group bench --output-file "$$work/requirements-bench.txt" $(UPGRADE) \
		&& cp "$$work"/requirements*.txt .
	@if command -v npm >/dev/null; then set -x; cd tests/sdk && $(NPM) install --package-lock-only; \
		else echo "Without npm, tests/sdk/package-lock.json stays as it is."; fi

messages: $(RUNTIME) ## Collect the texts of pages for translators, and compile what they have translated; needs gettext
	$(MANAGE) makemessages --all --no-location --no-obsolete --no-wrap --ignore 'tests/*' --ignore 'bench/*' --ignore 'dist/*' --ignore 'docs/*'
	$(MANAGE) compilemessages --ignore '.*'

contracts: $(DEVELOPMENT) ## Renew the OpenAPI snapshots, and the examples in them, after an intended change
	$(ON_SQLITE) RENEW_EXAMPLES=1 $(BIN)/pytest -q tests/contracts/test_examples.py
	$(ON_SQLITE) $(MANAGE) contracts

# ARGS=--large has an organization of a million patients, in a database of its own; python -m bench --help lists the rest.
bench: $(DEVELOPMENT) $(BENCH_PYTHON) ## Measure the product beside others on the PostgreSQL server that DATABASE_URL names; needs wrk
	$(BIN)/python -m bench $(ARGS)

bench-docs: $(DEVELOPMENT) ## Write what `make bench` measured last into docs/scaling.md
	$(BIN)/python -m bench.report
