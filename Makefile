PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

.DELETE_ON_ERROR:
.PHONY: venv demo test heavy lint starter clean

venv: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) --editable '.[dev]'
	touch $@

demo: $(STAMP)
	$(BIN)/difface restore examples/photos/astronaut_old.jpg --upscale 4 -o demo --report --overwrite
	$(BIN)/difface restore examples/photos/group_old.jpg --upscale 2 -o demo --report --overwrite
	$(BIN)/difface restore examples/photos/prints/*.jpg --upscale 2 -o demo --report --overwrite
	@echo 'The restored photos are in demo/, the old ones in examples/photos/.'
	@echo 'Open demo/group_old.html, or another page there, to compare them.'

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: lint
	$(BIN)/pytest

# What takes long to start: a cluster, a training in two processes.
heavy: $(STAMP)
	$(BIN)/pytest -m heavy

# The weights of the embedded model, from nothing. Long: about 9 minutes on an H100 for prior and
# estimator (two days and more on a CPU), and 12 hours on two cores for the others. An interrupted
# run goes on at its last checkpoint; MINUTES=30 stops each part after so long.
PORTRAITS ?= ../shared/data/portraits
PORTRAITS2 ?= ../shared/data/portraits2
TRAIN = $(PORTRAITS)/train
FIT = $(BIN)/difface train $(1) configs/starter/$(2).toml --out trained/$(2) \
	$(addprefix --data ,$(3)) $(if $(MINUTES),--minutes $(MINUTES)) \
	$(if $(wildcard trained/$(2)/checkpoint.pt),--resume,$(if $(4),--start trained/$(4)/$(WEIGHTS)))
WEIGHTS = weights.safetensors

starter: $(STAMP)
	$(call FIT,prior,prior,$(TRAIN) $(PORTRAITS2)/train)
	$(call FIT,estimator,drunet,$(TRAIN) $(PORTRAITS2)/train)
	$(call FIT,estimator,estimator,$(TRAIN))
	$(call FIT,estimator,srcnn,$(TRAIN))
	$(call FIT,estimator,lama-128,$(TRAIN))
	$(call FIT,estimator,lama,$(TRAIN),lama-128)
	$(call FIT,estimator,lama-all,$(TRAIN) $(PORTRAITS2)/train,lama)
	$(call FIT,detector,detector,$(PORTRAITS))
	$(call FIT,detector,detector-more,$(PORTRAITS),detector)
	$(call FIT,detector,landmarks,$(PORTRAITS),detector-more)
	$(BIN)/python training/embed.py lama=trained/lama-all/$(WEIGHTS) \
		$(foreach part,prior drunet estimator srcnn detector landmarks,\
		$(part)=trained/$(part)/$(WEIGHTS))

clean:
	rm -rf .venv demo restored dist build .mypy_cache .pytest_cache .ruff_cache \
		.hypothesis .import_linter_cache
	find src tests training benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +
