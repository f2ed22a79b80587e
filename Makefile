# Everything a fresh machine needs is Python 3.11 or newer; uv is used where it is installed.
# The environment lives in .venv and is made again when the dependencies change.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && { echo "$$python"; break; }; done)

.PHONY: demo test check format lint types layers clean

demo: $(VENV)/.sandbox
	$(BIN)/patter-mcp demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest

check: format lint types layers test

format: $(VENV)/.dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.dev
	$(BIN)/ruff check --output-format concise .

types: $(VENV)/.dev
	$(BIN)/pyright --pythonpath $(BIN)/python

layers: $(VENV)/.dev
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV)

$(VENV)/.sandbox $(VENV)/.dev: $(VENV)/.%: pyproject.toml uv.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed: install one, or name it with make PYTHON=/path/to/python"; exit 1; }
	@if command -v uv >/dev/null 2>&1; then \
		uv sync --locked --inexact --quiet --python "$(PYTHON)" --extra $* --compile-bytecode; \
	else \
		"$(PYTHON)" -m venv $(VENV) && $(BIN)/python -m pip install --quiet --editable '.[$*]'; \
	fi
	@touch $@
