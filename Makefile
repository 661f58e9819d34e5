# make bench, make study, make test: set up what they need, then run. ROUTE and CONDA_FILE choose the environment; each of
# these may stand before the command, too (ROUTE=pip make bench).
ROUTE ?= auto
CONDA_FILE ?= environment.yml
RESULTS ?= results/quick
STUDY ?= seed
FIGURES ?= figures

PYTHON = $(shell for python in python3 python3.13 python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
  && echo $$python && break; done)
NO_PYTHON = Python 3.11 to 3.13 not found: install it with venv (Debian `python3 python3-venv`, Fedora `python3`)

# Not $(MAKE) in the recipes themselves: with it, make -n would run them.
AGAIN = $(MAKE) -s
DRAW = $(AGAIN) -j 2

# conda's ROOT looks for its compiler on PATH.
IN_ENV = PATH="$(CURDIR)/.route/bin:$$PATH"
export PYTHONNOUSERSITE = 1
# Another ROOT in the shell (thisroot.sh) would be loaded in place of the environment's.
ifdef ROOTSYS
unexport ROOTSYS PYTHONPATH LD_LIBRARY_PATH
endif

.PHONY: bench study autoencoder test coverage perf lint plots page open docs tutorial doctor env env-theano env-keras2 clean

# Figures and page are made where a run failed, too (exit 1).
bench: env
	@$(IN_ENV) tmva-bench bench --results $(RESULTS); code=$$?; [ $$code -gt 1 ] || { $(DRAW) plots page && \
	  $(AGAIN) open; } || exit; exit $$code

# The study's own figures, under figures/seed.
study: name = $(notdir $(basename $(STUDY)))
study: env
	@$(IN_ENV) tmva-bench study $(STUDY) --results results/$(name); code=$$?; [ $$code -gt 1 ] || \
	  { $(DRAW) plots page RESULTS=results/$(name) FIGURES=$(FIGURES)/$(name) && \
	  $(AGAIN) open RESULTS=results/$(name) FIGURES=$(FIGURES)/$(name); } || exit; exit $$code

# The study of the autoencoder, and beside its figures those of each encoded file and of each autoencoder by TMVA.
autoencoder: export PYTHONWARNINGS = ignore::UserWarning:ROOT
autoencoder: env
	@$(AGAIN) study STUDY=autoencoder
	@cd results/autoencoder && find inputs runs -name 'encoded-*.root' -o -path '*/dae-tmva-*/encoded.root' | sort | \
	  $(IN_ENV) xargs -P 2 -I @ sh -c 'folder="$(abspath $(FIGURES))/autoencoder/$$(echo @ | tr / -)"; \
	  mkdir -p "$${folder%.root}" && root -l -b -q "$(CURDIR)/macros/autoencoder.C(\"@\",\"$${folder%.root}\")"'

test: env
	$(IN_ENV) python -m pytest -n 2 --dist loadfile

# Half as long again as make test; fails below the floor that pyproject.toml says.
coverage: env
	$(IN_ENV) python -m pytest -n 2 --dist loadfile --cov

# Minutes on one core, of a machine that does nothing else.
perf: env
	@$(IN_ENV) python benchmarks/perf.py

lint: env
	$(IN_ENV) ruff check
	$(IN_ENV) ruff format --check
	$(IN_ENV) mypy
	$(IN_ENV) lint-imports
	$(IN_ENV) oxlint

# Exit code 1 where a figure could not be drawn.
plots: env
	@$(IN_ENV) tmva-bench plot $(RESULTS) -o $(FIGURES)

# What there is to look at; the last lines of make bench and make study.
open:
	@printf '%s\n' "Look at $(RESULTS)/report.html (the page: a browser opens it) and $(FIGURES)/ (the figures)"

page: env
	@$(IN_ENV) tmva-bench report $(RESULTS)

# The pages, into site/; a warning is an error (with --quiet it would not be).
docs: export NO_MKDOCS_2_WARNING = 1
docs: env
	@$(IN_ENV) mkdocs build --strict

# Some minutes: runs the tutorial's commands and writes their output and pictures into its page.
tutorial: env
	@$(IN_ENV) python docs/make_tutorial.py

doctor: env
	$(IN_ENV) tmva-bench doctor

env:
	@$(or $(PYTHON),$(error $(NO_PYTHON))) environments/setup_env.py --route $(ROUTE) --conda-file $(CONDA_FILE)

# Keras 2.3 on Theano and a Python 3.8, beside the environment in use: the Theano series of the studies.
env-theano:
	@$(or $(PYTHON),$(error $(NO_PYTHON))) environments/setup_env.py --route theano

# Keras 2.15 on TensorFlow and a Python 3.10 or 3.11, beside the environment in use: tests of the older Keras.
env-keras2:
	@$(or $(PYTHON),$(error $(NO_PYTHON))) environments/setup_env.py --route keras2

# Environments, caches, pages and figures; never results.
clean:
	rm -rf .route .venv* .conda* $(FIGURES) site build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
