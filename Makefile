.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help demo test long fuzz lowest check lock zip clean

READY := .venv/.ready
FUZZED := tests/streams/test_hostile.py tests/frames/test_hostile_rules.py tests/streams/test_dead_letter_machine.py

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  ARGS=… goes to the command, as in: make test ARGS='-k kafka'"

demo: $(READY) ## run the whole thing on real flights, on this machine
	@.venv/bin/headrace demo $(ARGS)

test: $(READY) ## run the tests, in two processes
	@.venv/bin/pytest -n 2 --dist loadfile $(ARGS)

long: $(READY) ## the tests that take minutes, and ten kills
	@HEADRACE_KILLS=10 .venv/bin/pytest -m "long or kills" $(ARGS)

fuzz: $(READY) ## a million hostile records, 10,000 rules, 200 lives of dead letters
	@HEADRACE_FUZZ_RECORDS=1000000 HEADRACE_FUZZ_RULES=10000 HEADRACE_FUZZ_LIVES=200 .venv/bin/pytest -s -m "long or not long" $(FUZZED) $(ARGS)

lowest: $(READY) ## tests with the lowest versions of what headrace needs (Python 3.11; some minutes)
	python3.11 -m venv .venv/lowest
	.venv/lowest/bin/python -m pip install -q --require-hashes -r conf/locks/build.txt
	.venv/lowest/bin/python -m pip install -q --require-hashes --no-build-isolation -r conf/locks/lowest.txt
	.venv/lowest/bin/python -m pip install -q --no-deps --no-build-isolation -e .
	.venv/lowest/bin/pytest tests/pure tests/frames/test_judge.py tests/frames/test_windows.py tests/streams/test_train.py $(ARGS)

check: $(READY) ## lint, format, types, import layers
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

lock: ## resolve conf/locks anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --group pyproject.toml:build -o conf/locks/build.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --all-extras --group dev --group build pyproject.toml -c conf/locks/constraints.txt -o conf/locks/all.txt
	uv pip compile -q --python-version 3.11 --generate-hashes --no-header --resolution lowest-direct \
	  --all-extras --group dev pyproject.toml -o conf/locks/lowest.txt

zip: $(READY) ## dist/headrace.zip, for spark-submit --py-files
	@rm -rf dist && .venv/bin/pip wheel -q --no-deps --no-build-isolation -w dist .
	@mv dist/headrace-*.whl dist/headrace.zip # executors import from a wheel only under this name
	@echo dist/headrace.zip

clean: ## remove everything that can be made again
	rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache spark-warehouse
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Made anew when a lock or the package's declaration changes.
$(READY): conf/locks/build.txt conf/locks/all.txt pyproject.toml .ci/setup
	@PYTHON='$(PYTHON)' .ci/setup
	@touch $@
