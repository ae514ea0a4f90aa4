# The whole developer interface. Every target sets up what it needs.
.PHONY: demo test check lock docs bench

BIN := .venv/bin

demo: .venv/ready
	$(BIN)/apimctl demo

test: .venv/ready
	scripts/system-packages
	$(BIN)/pytest --numprocesses=auto --cov --cov-report=term

check: .venv/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/command_reference.py --check

# Writes what is generated: formatting and the command reference.
docs: .venv/ready
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/python scripts/command_reference.py

# apimctl beside its peers, as ratios. Peers that are missing are skipped, and that is said.
bench: .venv/ready
	scripts/system-packages wrk nginx
	$(BIN)/python -m benchmarks.gateway

# Every dependency, every platform and supported Python, with hashes and no index address.
lock: .venv/ready
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade \
		--quiet --output-file requirements.lock

.venv/ready: pyproject.toml requirements.lock scripts/setup
	scripts/setup
