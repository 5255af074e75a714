# Every command that a person or CI needs. `make demo` shows Ambit at work,
# `make test` proves it.
.DELETE_ON_ERROR:
.PHONY: demo test tools judges build check unit house engine oracle bed cloud soak fuzz generate catalogue bench clean help

export CARGO_TERM_COLOR ?= auto
BED := target/debug/bed

help: ## What there is to make
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

tools: ## Build the programs that the test bed runs beside Ambit
	@dev/tools.sh

judges: ## Fetch the programs and data that judge the policy engine; needs Node.js
	@dev/oracle/install.sh

build: ## Build Ambit and its test bed
	cargo build --workspace --locked

demo: tools build ## Watch Ambit do its main job on real parts; KEEP=1 leaves them running
	@dev/demo.sh

test: tools judges check unit house engine oracle cloud bed ## Everything: format, lints, unit, in-process, other judges, on the test bed

check: ## Formatting, and lints as errors
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

unit: build ## Unit tests
	cargo test --workspace --locked --lib --bins

house: build ## Tidiness, generated files, and simulations in one process; the offline commands
	cargo test --locked --test house --test offline

engine: judges build ## The policy engine: its commands, what must hold of every answer, AWS's managed policies
	cargo test --locked --test engine

oracle: judges build ## The policy engine's answers beside those of two other programs
	cd dev/oracle && python3 -m unittest discover -s tests -p test_simulate.py
	cd dev/oracle && ../../.tools/oracle/z3/bin/python -m unittest discover -s tests -p test_z3.py
	python3 dev/oracle/adjudicated.py
	python3 dev/oracle/simulate/check.py
	.tools/oracle/z3/bin/python dev/oracle/z3/check.py --timeout 2000

soak: judges ## The policy engine for about an hour: many more random policies, other judges included
	cargo build --release --locked
	AMBIT_SOAK=50 cargo test --release --locked --test engine
	python3 dev/oracle/simulate/check.py --ambit target/release/ambit --count 200000 --seed soak
	.tools/oracle/z3/bin/python dev/oracle/z3/check.py --ambit target/release/ambit --managed 600 --made 1500 --largest 20000 --timeout 10000 --seed soak

cloud: tools ## The cloud endpoint of the test bed
	cd dev/cloud && ../../.tools/cloud/bin/python -m unittest discover -s tests

bed: tools build ## Tests on the test bed: real API server, enforcing cloud endpoint
	cargo test --workspace --locked --test bed

generate: build ## Write the generated files anew
	target/debug/ambit crds --out crds
	target/debug/ambit crds --out charts/ambit/files/crds

catalogue: ## Fetch the catalogue of AWS actions anew, in its pinned version
	python3 dev/catalogue/generate.py

fuzz: ## Fuzz the policy engine, five minutes for each target; needs a nightly compiler and cargo-fuzz
	for target in parse compare evaluate words; do \
	  cargo +nightly fuzz run $$target -- -max_total_time=300 -dict=fuzz/policy.dict -max_len=65536 || exit 1; done

bench: tools judges ## Measure what BENCHMARKS.md tells; takes about a quarter of an hour
	cargo build --release --locked
	cargo bench --locked --bench engine
	cargo bench --locked --bench offline
	cargo bench --locked --bench fleet

clean: ## Remove what was built, the programs of the test bed too
	rm -rf target .tools .bed
