# Targets for people and for CI. Everything runs in .venv, made from PYTHON.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test check bench docs pictures data clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: .venv/.core ## Learn from the demo's customers and score its prospects
	$(BIN)/icp demo

test: .venv/.test ## Run all tests, on all cores
	$(BIN)/python -m pytest -n auto --dist worksteal --durations 20

check: .venv/.test ## Lint, types, layers, import circles
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python bench/house/measure.py --circles

bench: .venv/.bench ## Measure speed; with ICP_DATA=folder of open data, quality too
	$(BIN)/python -m bench.speed.startup
	$(BIN)/python -m bench.speed.run
	$(if $(ICP_DATA),$(BIN)/python -m bench.quality.run)
	$(if $(ICP_DATA),$(BIN)/python -m bench.quality.leaks)
	$(BIN)/python -m bench.honesty.run
	$(if $(ICP_DATA),$(BIN)/python -m bench.quality.learning_curve)

docs: .venv/.test ## Check that the documentation matches the program
	$(BIN)/python -m pytest tests/test_docs.py

pictures: .venv/.test ## Take the pictures of the dashboard anew
	ICP_PICTURES=docs/pictures $(BIN)/python -m pytest -m browser tests/browser/test_pictures.py

data: .venv/.core ## Write the demo's files anew
	$(BIN)/python -m icp.demo data

clean: ## Remove the environment and all that tools left behind
	rm -rf .venv .hypothesis .mypy_cache .ruff_cache .import_linter_cache build dist

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.core: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install -c constraints.txt -e .
	touch $@

.venv/.test: .venv/.core
	$(BIN)/python -m pip install -c constraints.txt -e '.[test]'
	touch $@

.venv/.bench: .venv/.test
	$(BIN)/python -m pip install -c constraints.txt -e '.[bench]'
	touch $@
