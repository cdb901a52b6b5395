# make demo | test | slow | lab | docs. The first call makes $(VENV) and installs; a second starts at once.
PYTHON ?= python3
VENV ?= .venv
LAVIS ?= auto
ARGS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.ready
NEED_GB := 8
LAVIS_LINE = import sys; v=sys.version_info[:2]; sys.exit(not ('$(LAVIS)' in ('1','yes') or '$(LAVIS)'=='auto' and v in ((3,10),(3,11))))

.PHONY: help demo test slow lab docs quarto clean
.DEFAULT_GOAL := help

help:
	@echo 'make demo   the retrieval demo on http://127.0.0.1:7860'
	@echo 'make test   the whole test suite; ends with: N passed, N failed'
	@echo 'make slow   the notebooks with cells flagged slow, those cells included'
	@echo 'make lab    JupyterLab on nbs/'
	@echo 'make docs   the documentation site, into _docs/; needs Quarto'
	@echo 'make clean  remove caches and build folders; environments, data and runs stay'
	@echo
	@echo 'Settings, e.g. make test PYTHON=python3.11:'
	@echo '  PYTHON=$(PYTHON)  makes the environment; Python 3.10 to 3.13'
	@echo '  VENV=$(VENV)  where the environment is'
	@echo '  LAVIS=$(LAVIS)  with LAVIS on Python 3.10 and 3.11 (auto), never (0)'
	@echo '  ARGS=  for the test runner: --checks, --notebooks, --plain (nbdev_test as it is); see .ci/test.py --help'

demo: $(READY)
	$(BIN)/cir demo $(ARGS)

test: $(READY)
	@$(BIN)/python .ci/test.py $(ARGS)

slow: $(READY)
	@$(BIN)/python .ci/test.py --flags slow --limit 7200 $(ARGS)

lab: $(READY)
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/nbs $(ARGS)

# Asked before anything is installed
quarto:
	@$(PYTHON) .ci/docs.py --ready

docs: quarto $(READY)
	@$(BIN)/python .ci/docs.py

# A virtual environment without pip (interrupted, or made elsewhere) is completed, not replaced.
$(BIN)/python:
	@$(PYTHON) -c 'import sys' || { echo 'No Python answers to $(PYTHON). Name one: make PYTHON=python3.11'; exit 1; }
	@$(PYTHON) -c 'import sys; v=sys.version_info[:2]; s="%s is Python %d.%d; cir_nb is made for 3.10 to 3.13. Name another: make PYTHON=python3.11" % (("$(PYTHON)",)+v); v<(3,10) and sys.exit(s); v>(3,13) and print("Warning: "+s)'
	@mkdir -p $(VENV); free=$$(df -Pk $(VENV) | awk 'NR==2 {print int($$4/1048576)}'); test "$$free" -ge $(NEED_GB) || { \
		echo "$(VENV) needs about $(NEED_GB) GB of disk and $$free GB are free. Make room, or put it elsewhere: make VENV=/path"; exit 1; }
	@echo "Making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV) || { echo 'No virtual environment could be made; on Debian and Ubuntu: apt-get install python3-venv'; exit 1; }

$(READY): settings.ini setup.py | $(BIN)/python
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	@if $(BIN)/python -c "$(LAVIS_LINE)"; then what='.[lavis,dev]'; also=; else what='.[dev,embedding]'; also='gradio>=6.22'; fi; \
		echo "Installing $$what into $(VENV): some minutes the first time"; \
		$(BIN)/python -m pip install -q --use-pep517 -e "$$what" $$also
	@touch $@

clean:
	rm -rf build dist *.egg-info _proc _docs
	find . -name .venv\* -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -type d -prune -exec rm -rf {} +
