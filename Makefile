# Each target sets up .venv by itself; nothing needs the network once that is done, and nothing that is done is done again.
PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
PYTEST := OMP_NUM_THREADS=1 LOKY_MAX_CPU_COUNT=1 JUPYTER_DEFAULT_PROVISIONER_NAME=course-fork $(BIN)/python -m pytest
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable
PRODUCTS := -name '.?*' -o -name __pycache__ -o -name '*.egg-info' -o -path ./build -o -path ./results -o -path ./my_notebooks -o -path ./data/cache
SOURCES := $(shell find . \( $(PRODUCTS) \) -prune -o -type f ! -name '* *' -print)

.PHONY: lab test course build bench doctor test-browser clean

lab: .venv/installed ## open your copies of the lessons in JupyterLab
	$(BIN)/course lab

test: build/tested ## everything that guards the project: style, unit tests, every learner's notebook by nbval

course: .venv/installed ## execute all lessons in order into build/, then print lesson, seconds, verdicts
	$(BIN)/course run --all

build: .venv/installed ## rebuild the notebooks whose source changed (authors)
	$(BIN)/course build

doctor: .venv/installed ## is this machine ready?
	$(BIN)/course doctor

bench: .venv/bench ## the benchmarks of benchmarks/README.md
	$(BIN)/python -m benchmarks.bench

test-browser: .venv/browser ## lesson 00 in JupyterLab, as `make lab` opens it, in Debian's chromium
	$(BIN)/python -m pytest tests/browser

build/tested: .venv/installed $(SOURCES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PYTEST) --numprocesses $$(($(JOBS) + 1)) --dist worksteal tests --ignore tests/browser # one more: many wait for kernels
	$(PYTEST) --numprocesses $(JOBS) --dist loadfile -o filterwarnings=default -p course_utils.nbval_plugin --nbval-lax --nbval-current-env --nbval-cell-timeout 600 \
	  --nbval-sanitize-with tests/nbval_sanitize.cfg $(wildcard notebooks/*.ipynb notebooks/deeper/*.ipynb)
	@mkdir -p build && touch $@

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=python3.12 ...")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo 'This Python has no venv. On Debian and Ubuntu: apt install python3-venv'; exit 1; }
	$(PYTHON) -m venv .venv
	$(INSTALL) '.[dev]'
	@touch $@

.venv/%: .venv/installed
	$(INSTALL) '.[$*]'
	@touch $@

clean: ## forget what was executed and tested (not the notebooks, not your copies, not .venv)
	rm -rf build
