# FOLDER: what `make app` opens.
FOLDER ?= demo
# Every target does its own set-up: Python 3.11 or later with venv and pip is all that is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
# Processes that tests run in, a file of tests in one of them, each with one thread for itself.
WORKERS ?= 2
# Idle threads must sleep, not spin: on a busy machine spinning costs more than it gives.
export OMP_WAIT_POLICY ?= passive

.PHONY: demo app test lint format docs bench weights browser ffmpeg release wheel clean

demo: $(VENV)/.installed
	$(BIN)/python examples/demo.py demo

app: $(VENV)/.installed-app
	$(BIN)/mescope app $(FOLDER)

test: lint browser ffmpeg
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Every page and picture that is made by a script; a script that lacks something says what.
docs: $(VENV)/.installed-dev
	set -e; for script in docs/generate_*.py; do $(BIN)/python $$script; done
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "the site: site/index.html; its search needs: $(BIN)/python -m http.server -d site"

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/planted.py
	$(BIN)/python benchmarks/real_faces.py
	$(BIN)/python benchmarks/all.py

weights: $(VENV)/.installed
	$(BIN)/mescope train me-tst-plus-cascade -o runs/me-tst-plus-cascade --jobs 2
	$(BIN)/mescope train me-tst-plus-small-synthetic -o runs/me-tst-plus-small
	$(BIN)/mescope train merba-s28-synthetic -o runs/merba-s28

# The wheel and the source archive, checked; prints how to publish them.
release: $(VENV)/.installed-release
	$(BIN)/python release/build.py

# The wheel in a bare environment of every Python at hand, and run there.
wheel: release
	$(BIN)/python release/wheels.py

# Browser tests drive Chromium; where it is missing and cannot be installed they are skipped.
browser:
	@command -v chromedriver > /dev/null || { test "$$(id -u)" = 0 && command -v apt-get > /dev/null \
	&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	--no-install-recommends chromium chromium-driver; } || echo "no Chromium: its tests are skipped"

# Tests of recordings make them with FFmpeg in every container; where it is missing they are skipped.
ffmpeg:
	@command -v ffmpeg > /dev/null || { test "$$(id -u)" = 0 && command -v apt-get > /dev/null \
	&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
	--no-install-recommends ffmpeg; } || echo "no FFmpeg: its tests are skipped"

clean:
	rm -rf $(VENV) demo runs build dist site

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable .
	touch $@

$(VENV)/.installed-app: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable ".[app]"
	touch $@ $(VENV)/.installed

$(VENV)/.installed-release: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) build hatchling twine
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable ".[dev]"
	touch $@ $(VENV)/.installed
