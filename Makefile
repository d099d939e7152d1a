# Every command of the project. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

bin := node_modules/.bin
bun := $(bin)/bun
chromium := chromium
servers := redis-server openssl 'postgresql=initdb|/usr/lib/postgresql/*/bin/initdb' 'rabbitmq-server=/usr/lib/rabbitmq/bin/rabbitmq-server' nginx haproxy 'gettext-base=envsubst' 'openjdk-17-jre-headless=java' 'maven=mvn'
load_generator := wrk
proto_baseline := proto/baseline.binpb
proto_image := $(bin)/buf build --exclude-source-info
code := $(wildcard src web clients tools test bench)

##@ Use

.PHONY: help run run-distributed services build
help: ## list the commands
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: export APURA_DEMO ?= 1
run: setup ## serve on http://localhost:8080 with an open demo poll (APURA_DEMO=0: without)
	@exec bin/apura serve

run-distributed: setup test-packages ## the same, every role a process, on Kafka, Redis, Postgres and nginx (LITE=1: smaller)
	@exec $(bun) tools/run-distributed.ts $(if $(filter 1,$(LITE)),--lite)

services: setup-packages test-packages ## start real servers until Ctrl-C: WHAT="redis postgres kafka rabbitmq cassandra", KAFKA_NODES=3, PORTS="redis=6399"
	@exec $(bun) tools/services.ts $(WHAT) $(if $(KAFKA_NODES),--kafka-nodes $(KAFKA_NODES)) $(PORTS:%=--port %)

build: setup ## make dist/apura, one executable with everything inside
	@$(bun) tools/build-executable.ts

##@ Prove

.PHONY: test test-fast coverage lint types arch tidy proto proto-baseline format
test: setup test-packages ## check the code and run every test, with real servers and a browser
	@$(bun) tools/run-tests.ts

test-fast: setup-packages ## run the tests that need neither servers nor a browser: units and contracts
	@$(bun) tools/run-tests.ts unit

coverage: setup ## show which lines of src the in-process tests reach
	@$(bun) tools/run-tests.ts --coverage unit component

lint: format types arch tidy proto ## check format, types, the dependency rule, the house rules and the wire contract

format: setup-packages
	@$(bin)/biome check --diagnostic-level=warn --error-on-warnings

types: setup-packages ## check the types
	@$(bin)/tsc --noEmit -p tsconfig.json
	@$(bin)/tsc --noEmit -p web/tsconfig.json
	@$(bin)/tsc --noEmit -p web/tsconfig.test.json

arch: setup-packages ## check the dependency rule
	@$(bin)/depcruise --config .dependency-cruiser.mjs --output-type err-long $(code)

tidy: setup-packages ## check the house rules (tools/tidy.ts)
	@$(bun) tools/tidy.ts

proto: setup-packages ## check the wire contract: lint, format, and that it breaks no client
	@$(bin)/buf lint
	@$(bin)/buf format --diff --exit-code
	@$(bin)/buf breaking --against $(proto_baseline)
	@$(proto_image) -o -#format=binpb | cmp -s - $(proto_baseline) || \
	  { echo 'proto/ has grown: run `make proto-baseline` and commit it'; exit 1; }

proto-baseline: setup-packages ## take what proto/ has gained into the contract that must not break
	@$(bin)/buf breaking --against $(proto_baseline)
	@$(proto_image) -o $(proto_baseline)

##@ Measure

.PHONY: bench bench-peak soak bench-packages
bench: setup bench-packages ## measure a no-op route, durable votes, workers and the feed
	@$(bun) bench/run.ts

bench-peak: setup ## take 3,000,000 votes in one minute, watched live, and audit them
	@$(bun) bench/peak.ts

soak: setup $(if $(APART)$(PULSES),test-packages) ## load, restart and audit for hours (HOURS=8; APART=1: roles apart; PULSES=1: metering)
	@$(bun) bench/soak$(if $(PULSES),-pulses,$(if $(APART),-apart)).ts

##@ Keep

.PHONY: setup setup-packages pictures fmt clean test-packages
setup: ## install what package-lock.json names and build the pages' assets
	@node tools/setup.mjs

setup-packages:
	@node tools/setup.mjs --packages-only

test-packages:
	@tools/system-packages.sh $(chromium) $(servers)
	@tools/kafka/install.sh
	@tools/cassandra/install.sh

bench-packages:
	@tools/system-packages.sh $(load_generator)

pictures: setup test-packages ## make the README's pictures anew, from a server under load
	@$(bun) test/screenshots.ts

fmt: setup-packages ## format the code
	@$(bin)/biome check --write

clean: ## remove everything that was built (never ./data)
	@rm -rf dist build coverage examples/*/generated
