# Each target sets up .venv by itself; nothing needs the network once that is done, and nothing that is done is done again.
PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
SOURCES = $(wildcard $(shell git ls-files -co --exclude-standard 2>/dev/null))
export OMP_NUM_THREADS ?= 2

.PHONY: lab test course build bench doctor clean

lab: .venv/installed ## open the course in JupyterLab
	$(BIN)/jupyter lab notebooks/00_start_here.ipynb

test: build/tested ## everything that guards the project: style, unit tests, every notebook by nbval

course: .venv/installed ## execute all lessons in order into build/, then print lesson, seconds, verdicts
	$(BIN)/course run --all

build: .venv/installed ## rebuild the notebooks whose source changed (authors)
	$(BIN)/course build

doctor: .venv/installed ## is this machine ready?
	$(BIN)/course doctor

bench: .venv/bench ## the benchmarks of benchmarks/README.md
	$(BIN)/python -m benchmarks.bench

build/tested: .venv/installed $(SOURCES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -o filterwarnings=default -p course_utils.nbval_plugin --nbval-lax --nbval-current-env \
	  --nbval-cell-timeout 600 --nbval-sanitize-with tests/nbval_sanitize.cfg --numprocesses $(JOBS) --dist loadfile notebooks
	@mkdir -p build && touch $@

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

.venv/bench: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	@touch $@

clean: ## forget what was executed and tested (not the notebooks, not .venv)
	rm -rf build
