# The whole developer interface. Every target sets up what it needs.
.PHONY: demo test coverage check lock docs bench bench-gateway bench-growth bench-token bench-flood \
	bench-listing bench-portal screenshots soak

BIN := .venv/bin
TEST_PACKAGES := curl wrk npm chromium slapd nginx

demo: .venv/ready
	$(BIN)/apimctl demo

test: .venv/ready
	scripts/system-packages $(TEST_PACKAGES)
	$(BIN)/pytest --numprocesses=auto --dist=worksteal

# The same, twice as slow, and which lines no test runs.
coverage: .venv/ready
	scripts/system-packages $(TEST_PACKAGES)
	$(BIN)/pytest --numprocesses=auto --dist=worksteal --cov --cov-report=term

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

# The pictures in docs/portal.md.
screenshots: .venv/ready
	scripts/system-packages chromium
	$(BIN)/python scripts/screenshots.py

# What docs/performance.md tells, about twelve minutes in all; JSON=FOLDER keeps every run there.
# Peers are installed for the run, from pip and npm; one that cannot be is skipped, and that is said.
bench: bench-gateway bench-growth bench-token bench-flood bench-listing bench-portal

bench-gateway: .venv/ready
	scripts/system-packages wrk nginx npm
	$(BIN)/python -m benchmarks.gateway $(JSON:%=--json %/gateway.json)

bench-growth: .venv/ready
	scripts/system-packages wrk nginx
	$(BIN)/python -m benchmarks.growth $(JSON:%=--json %/growth.json)

bench-token: .venv/ready
	scripts/system-packages wrk npm
	$(BIN)/python -m benchmarks.token_api $(JSON:%=--json %/token.json)

bench-flood: .venv/ready
	scripts/system-packages wrk nginx
	$(BIN)/python -m benchmarks.password_flood $(JSON:%=--json %/flood.json)

bench-listing: .venv/ready
	$(BIN)/python -m benchmarks.listing $(JSON:%=--json %/listing.json)

bench-portal: .venv/ready
	$(BIN)/python -m benchmarks.portal $(JSON:%=--json %/portal.json)

# Ten minutes of mixed load, and what the gateway occupies meanwhile.
soak: .venv/ready
	$(BIN)/python -m benchmarks.soak $(JSON:%=--json %/soak.json)

# Every dependency, every platform and supported Python, with hashes and no index address.
lock: .venv/ready
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade \
		--quiet --output-file requirements.lock

.venv/ready: pyproject.toml requirements.lock scripts/setup
	scripts/setup
