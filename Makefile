# make demo            the whole path on a synthetic data set; DATA=/path/to/spark takes a real one
# make demo-pose       trains a small pose network, fuses a debris head into it and compares: some 20 min; DATA as above
# make test            everything that CI runs
# make install         the environment alone, in .venv
VENV   ?= .venv
PYTHON ?= python3
DATA   ?=
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo demo-pose test install lint format clean

demo: $(READY)
	$(BIN)/python -m train demo $(if $(DATA),--data "$(DATA)")

POSE_DATA := $(if $(DATA),$(DATA),data/demo)

demo-pose: $(READY)
	$(BIN)/python -m train pose configs/pose_example.yaml
	$(if $(DATA),,$(BIN)/python -m train synth configs/demo_synth.yaml)
	$(BIN)/python -m train fit configs/pose_head.yaml --data "$(POSE_DATA)" --run runs/demo_pose
	$(BIN)/python -m train evaluate runs/demo_pose
	$(BIN)/python -m train fuse runs/demo_pose --pose runs/pose_example/pose.onnx
	$(BIN)/python -m onboard compare-pose runs/pose_example/pose.onnx runs/demo_pose/bundle \
		data/pose/tracks/satellite_99_radar --outputs configs/pose_outputs.yaml

# Two processes with one thread each: two cores are what CI has. Files stay whole, for their fixtures are costly, and in
# tests/conftest.py's order.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

install: $(READY)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# constraints.txt pins what CI and the demo install; leave it out to take the newest releases.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,calibration,synth,dev]'
	touch $@

# Leaves data/ and runs/ alone: they may hold hours of work.
clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
