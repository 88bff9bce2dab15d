PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

.DELETE_ON_ERROR:
.PHONY: venv demo test lint clean

venv: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) --editable '.[dev]'
	touch $@

demo: $(STAMP)
	$(BIN)/difface restore examples/photos/astronaut_old.jpg --upscale 4 -o demo --report --overwrite
	$(BIN)/difface restore examples/photos/group_old.jpg --upscale 2 -o demo --report --overwrite
	@echo 'The restored photos are in demo/, the old ones in examples/photos/.'
	@echo 'Open demo/astronaut_old.html and demo/group_old.html to compare them.'

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: lint
	$(BIN)/pytest

clean:
	rm -rf .venv demo restored dist build .mypy_cache .pytest_cache .ruff_cache \
		.hypothesis .import_linter_cache
	find src tests training benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +
