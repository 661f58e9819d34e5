# make bench, make study, make test: set up what they need, then run. ROUTE and CONDA_FILE choose the environment.
ROUTE = auto
CONDA_FILE = environment.yml
RESULTS = results/quick
STUDY = seed
FIGURES = figures

PYTHON = $(shell for python in python3 python3.13 python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
  && echo $$python && break; done)
NO_PYTHON = Python 3.11 to 3.13 not found: install it with venv (Debian `python3 python3-venv`, Fedora `python3`)

# conda's ROOT looks for its compiler on PATH.
IN_ENV = PATH="$(CURDIR)/.route/bin:$$PATH"
export PYTHONNOUSERSITE = 1
# Another ROOT in the shell (thisroot.sh) would be loaded in place of the environment's.
ifdef ROOTSYS
unexport ROOTSYS PYTHONPATH LD_LIBRARY_PATH
endif

.PHONY: bench study autoencoder test lint plots doctor env env-theano clean

# The figures are drawn where a run failed too (exit 1).
bench: env
	@$(IN_ENV) tmva-bench bench --results $(RESULTS); code=$$?; [ $$code -gt 1 ] || $(MAKE) -s plots || exit; exit $$code

# The study's own figures, under figures/seed.
study: name = $(notdir $(basename $(STUDY)))
study: env
	@$(IN_ENV) tmva-bench study $(STUDY) --results results/$(name); code=$$?; [ $$code -gt 1 ] || \
	  $(MAKE) -s plots RESULTS=results/$(name) FIGURES=$(FIGURES)/$(name) || exit; exit $$code

# The study of the autoencoder, and beside its figures those of each encoded file and of each run of dae.
autoencoder: export PYTHONWARNINGS = ignore::UserWarning:ROOT
autoencoder: env
	@$(MAKE) -s study STUDY=autoencoder FIGURES=$(FIGURES)
	@$(IN_ENV) root -l -b -q "macros/errors.C(\"results/autoencoder/results.root\",\"$(FIGURES)/autoencoder\")"
	@for file in results/autoencoder/inputs/*-encoded-*.root results/autoencoder/runs/dae-*/encoded.root; do \
	  folder="$(FIGURES)/autoencoder/$$(basename $$(dirname $$file))-$$(basename $$file .root)"; mkdir -p "$$folder"; \
	  $(IN_ENV) root -l -b -q "macros/autoencoder.C(\"$$file\",\"$$folder\")" || exit; done

test: env
	$(IN_ENV) python -m pytest -n 2

lint: env
	$(IN_ENV) ruff check
	$(IN_ENV) ruff format --check
	$(IN_ENV) mypy

# PyPI's ROOT says at each start that it is an alpha.
plots: export PYTHONWARNINGS = ignore::UserWarning:ROOT
plots: env
	@mkdir -p $(FIGURES)
	@for macro in $(filter-out macros/autoencoder.C macros/errors.C macros/inputs.C macros/scan.C,$(wildcard macros/*.C)); do \
	  $(IN_ENV) root -l -b -q "$$macro(\"$(RESULTS)/results.root\",\"$(FIGURES)\")" || exit; done
	@$(IN_ENV) root -l -b -q "macros/scan.C(\"$(RESULTS)/results.root\",\"\",\"\",\"$(FIGURES)\")"
	@$(IN_ENV) root -l -b -q "macros/inputs.C(\"$(RESULTS)/input.root\",\"$(FIGURES)\")"

doctor: env
	$(IN_ENV) tmva-bench doctor

env:
	@$(or $(PYTHON),$(error $(NO_PYTHON))) environments/setup_env.py --route $(ROUTE) --conda-file $(CONDA_FILE)

# Keras 2.3 on Theano and a Python 3.8, beside the environment in use: the Theano series of the studies.
env-theano:
	@$(or $(PYTHON),$(error $(NO_PYTHON))) environments/setup_env.py --route theano

# Environments, caches and figures; never results.
clean:
	rm -rf .route .venv* .conda* $(FIGURES) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
