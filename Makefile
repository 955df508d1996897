# Each target sets up what it needs. PYTHON says which interpreter makes the environment (3.11 or later).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# A second environment, with the next Hydra in front of everything that the first one has.
VENV14 := .venv-hydra14
BIN14 := $(VENV14)/bin
# A bound that names a pre-release lets pip take one, of Hydra alone.
NEXT_HYDRA := "hydra-core>=1.4.0.dev1,<1.5"
HYDRA14 := tests/core/plans tests/core/sweeps tests/core/cli/test_cli.py tests/core/cli/test_completion.py tests/plugins/optuna \
	tests/plugins/ray tests/e2e/test_sweep.py

# A third one, with TensorFlow beside everything that the first one has.
VENVTF := .venv-tf
BINTF := $(VENVTF)/bin
TENSORFLOW := tests/plugins/tensorflow tests/core/testing/test_trainer.py tests/core/testing/test_packager.py

# A fourth one, with TorchServe beside everything that the first one has. It wants Java 17.
VENVTS := .venv-torchserve
BINTS := $(VENVTS)/bin

# Tests at a time: two even on one core, since many wait, and four at most, each of which may take a gigabyte.
CORES := $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 2 ? 2 : n > 4 ? 4 : n)))

# What has a longer form than `make test` has.
LONG := tests/core/test_properties.py tests/core/cli/test_plugins.py tests/core/sweeps/test_hydra_suites.py tests/e2e/test_sweep.py \
	tests/e2e/test_every_trainer.py tests/plugins/serving/openapi/test_document.py tests/plugins/ray/test_launcher.py tests/plugins/torch/test_on_ray.py tests/plugins/optuna/test_pruning.py tests/plugins/bentoml \
	tests/plugins/mlflow/test_registry.py tests/e2e/test_formats.py

# The tests start hundreds of processes, each of which would compile all of hookline again.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test fuzz test-hydra14 test-tensorflow test-torchserve long torture torture-serving soak lint types mypy pyright unit bench bench-peers bench-serving-peers attack docs docs-check clean help

help:
	@echo "make demo   from data to a served, watched model, on data that comes with scikit-learn"
	@echo "make test   everything: lint, types and tests"
	@echo "make lint   ruff and import-linter"
	@echo "make types  mypy and pyright"
	@echo "make unit   pytest"
	@echo "make long   the long forms of what make test does in short: property tests, killed sweeps, new plugins, other launchers, all routes"
	@echo "make fuzz   every parser of ours and a package's files, changed at random, for a minute or two"
	@echo "make test-hydra14   what depends on Hydra, on the pre-release of Hydra 1.4"
	@echo "make test-tensorflow   what needs TensorFlow, in an environment that has it (1.4 GB more)"
	@echo "make test-torchserve  TorchServe around an archive of ours, in an environment that has it (wants Java 17)"
	@echo "make torture  commands killed at any moment on three hosts that share one home (Linux, root; a quarter of an hour)"
	@echo "make torture-serving  servers and workers killed 200 times under load, and 100 policies put in force meanwhile (10 minutes)"
	@echo "make soak   ten minutes of steady load, while policies change and labels come in: memory, and the log to its last record"
	@echo "make docs-check  every page whose commands are run shows what they print; WRITE_DOCS=1 writes them anew"
	@echo "make docs   docs/reference, written again from the classes"
	@echo "make bench  speed and memory, against scripts"
	@echo "make attack  how long a good client waits beside bad ones of every sort"
	@echo "make bench-peers  the same against Kedro, ZenML, Metaflow and MLflow, each in an environment of its own"
	@echo "make bench-serving-peers  answers a second and latencies beside BentoML, KServe, LitServe, MLflow, mosec and Ray Serve"
	@echo "make clean  remove the environment and all caches, but no model"

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py

test: lint types unit

lint: $(VENV)/.all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --verbose | tail -n 4

types: $(VENV)/.all
	$(MAKE) --jobs 2 --output-sync=target mypy pyright

mypy pyright: $(VENV)/.all
	$(BIN)/$@

unit: $(VENV)/.all
	$(BIN)/pytest --numprocesses $(CORES) --dist loadfile --no-loadscope-reorder --durations 25

long: $(VENV)/.all
	$(BIN)/pytest --long --hypothesis-profile long --durations 25 $(LONG)

fuzz: $(VENV)/.all
	FUZZ_SECONDS=5 $(BIN)/pytest --durations 0 tests/fuzz

test-hydra14: $(VENV14)/.hydra14
	$(BIN14)/python -c "import hydra, omegaconf; print('hydra', hydra.__version__, 'omegaconf', omegaconf.__version__)"
	$(BIN14)/python -m pytest --long --numprocesses 2 --dist loadfile $(HYDRA14)

test-tensorflow: $(VENVTF)/.tensorflow
	$(BINTF)/python -m pip check
	$(BINTF)/python -m pytest --numprocesses 2 --dist loadfile --durations 10 $(TENSORFLOW) -k "tensorflow or keras or saved_model"

test-torchserve: $(VENVTS)/.torchserve
	$(BINTS)/python -m pip check
	$(BINTS)/python -m pytest --numprocesses 0 --durations 10 tests/plugins/torchserve

torture: $(VENV)/.all
	cd tests && ../$(BIN)/python -m kit.torture --minutes 15

torture-serving: $(VENV)/.all
	cd tests && ../$(BIN)/python -m kit.serving_torture --kills 200 --changes 100

soak: $(VENV)/.all
	cd tests && ../$(BIN)/python -m kit.serving_torture --soak 600

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[sklearn,onnx,serving,report]"
	$(BIN)/python -m hookline_report.vega
	@touch $@

$(VENV)/.all: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[all,dev]"
	$(BIN)/python -m hookline_report.vega
	@touch $@ $(VENV)/.demo

# An environment beside the first one: what it is to have is installed, and the rest is found where the first one has it.
# The setuptools of a new environment may be older than torch takes; the first one's is not.
define beside
	rm -rf $(1)
	$(BIN)/python -m venv $(1)
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(1)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/z_first.pth"
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable $(2)
	$(1)/bin/python -m pip uninstall --quiet --disable-pip-version-check --yes setuptools
	@touch $@
endef

$(VENV14)/.hydra14: $(VENV)/.all
	$(call beside,$(VENV14),. $(NEXT_HYDRA))

$(VENVTF)/.tensorflow: $(VENV)/.all
	$(call beside,$(VENVTF),".[tensorflow]")

$(VENVTS)/.torchserve: $(VENV)/.all
	$(call beside,$(VENVTS),. "torchserve>=0.12")

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("hookline needs Python 3.11 or later; say which with PYTHON=..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

docs-check: $(VENV)/.all
	$(BIN)/pytest --long tests/e2e/test_transcripts.py

docs: $(VENV)/.all
	$(BIN)/hookline components reference --output docs/reference

bench: $(VENV)/.bench
	cd benchmarks && for file in startup w featurize data_profile serving predict sweep; do echo "== $$file"; ../$(BIN)/python $$file.py; done

attack: $(VENV)/.all
	cd benchmarks && ../$(BIN)/python serving_attack.py --each

bench-peers: $(VENV)/.bench
	$(BIN)/python benchmarks/peers/run.py all

bench-serving-peers: $(VENV)/.bench
	$(BIN)/python benchmarks/serving_peers.py

$(VENV)/.bench: $(VENV)/.all
	$(PIP) --editable ".[all,bench]"
	@touch $@

clean:
	rm -rf $(VENV) $(VENV14) $(VENVTF) $(VENVTS) benchmarks/peers/.venv-* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
