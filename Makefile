# autograd-bot: `make demo` shows it, `make test` tests it; both need git, make, Python 3.11 or newer, and no other step.

PYTHON ?= python3
VENV   ?= .venv
DATA   ?= data/demo
BIN    := $(VENV)/bin
READY  := $(VENV)/.installed
JOBS   ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test check lint format bench reference install system clean

help:  ## show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: install  ## answer the posts of the sample forum and show the drafts
	@$(BIN)/autograd-bot --data $(DATA) db upgrade
	@$(BIN)/autograd-bot --data $(DATA) demo

test: install  ## the whole test suite
	$(BIN)/pytest -n $(JOBS) -q

check: install lint  ## lint, layers and the quick tests
	$(BIN)/pytest -n $(JOBS) -q -m "not slow"

lint: install  ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install  ## bring the code into the project's style
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: install  ## measure, and write benchmarks/figures.json
	$(BIN)/python -m benchmarks

reference: install  ## write the pages of docs/reference anew
	$(BIN)/python -m bot.reference

install: system $(READY)  ## make .venv with the pinned versions, and the sandbox's own environment

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	$(BIN)/autograd-bot sandbox prepare
	@touch $@

# What comes from the system's packages: the jail, and where Debian splits it off, Python's venv.
system:
	@needed=""; \
	command -v bwrap >/dev/null 2>&1 || needed="$$needed bubblewrap"; \
	ldconfig -p 2>/dev/null | grep -q 'libseccomp\.so\.2' || /sbin/ldconfig -p 2>/dev/null | grep -q 'libseccomp\.so\.2' \
	  || needed="$$needed libseccomp2"; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || needed="$$needed python3-venv"; \
	test -z "$$needed" && exit 0; \
	install="apt-get install -y --no-install-recommends$$needed"; \
	if ! command -v apt-get >/dev/null 2>&1; then echo "Please install:$$needed"; exit 1; fi; \
	if [ "$$(id -u)" = 0 ]; then as=""; \
	elif sudo -n true 2>/dev/null; then as="sudo"; \
	else echo "Please type: sudo $$install"; exit 1; fi; \
	echo "Installing:$$needed"; \
	$$as apt-get update -qq >/dev/null && $$as $$install -qq >/dev/null

clean:  ## remove what was installed and made here
	rm -rf $(VENV) data build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
