# Every command that a person or CI needs. `make demo` shows Ambit at work,
# `make test` proves it.
.DELETE_ON_ERROR:
.PHONY: demo test tools build check unit house bed cloud generate catalogue bench clean help

export CARGO_TERM_COLOR ?= auto
BED := target/debug/bed

help: ## What there is to make
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

tools: ## Build the programs that the test bed runs beside Ambit
	@dev/tools.sh

build: ## Build Ambit and its test bed
	cargo build --workspace --locked

demo: tools build ## Watch Ambit do its main job on real parts; KEEP=1 leaves them running
	@dev/demo.sh

test: tools check unit house cloud bed ## Everything: format, lints, unit, in-process, on the test bed

check: ## Formatting, and lints as errors
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

unit: build ## Unit tests
	cargo test --workspace --locked --lib --bins

house: build ## Tidiness, generated files, and simulations in one process
	cargo test --locked --test house

cloud: tools ## The cloud endpoint of the test bed
	cd dev/cloud && ../../.tools/cloud/bin/python -m unittest discover -s tests

bed: tools build ## Tests on the test bed: real API server, enforcing cloud endpoint
	cargo test --workspace --locked --test bed

generate: build ## Write the generated files anew
	target/debug/ambit crds --out crds
	target/debug/ambit crds --out charts/ambit/files/crds

catalogue: ## Fetch the catalogue of AWS actions anew, in its pinned version
	python3 dev/catalogue/generate.py

bench: tools ## Measure what BENCHMARKS.md tells; takes about ten minutes
	cargo bench --locked --bench fleet

clean: ## Remove what was built, the programs of the test bed too
	rm -rf target .tools .bed
