# Every target installs what it needs and lacks. The longer recipes are .ci/*.sh.

# What the packager is told; FyneApp.toml says the same (a test in assets compares).
APP_NAME := Goldpan
APP_ID := goldpan.desktop
APP_VERSION := 0.1.0
APP_BUILD := 1
APP_ICON := assets/icons/icon-512.png

# One set of flags for every command, so that all share one build cache.
export GOFLAGS := -trimpath -buildvcs=false
export GOTOOLCHAIN := $(or $(GOTOOLCHAIN),auto)
export PATH := $(PATH):/usr/local/go/bin
export APP_NAME APP_ID APP_VERSION APP_BUILD APP_ICON

FUZZTIME ?= 10s
FAULTS ?= 2000
CASES ?= 100000
KILLS ?= 300
STORM ?= 2600

.DEFAULT_GOAL := help
.PHONY: help run build page cli desktop test race fuzz faults kills storm hunt cases bench bench-web soak load wallet-size screens lint secrets check generate package clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

run: ## set up, build and mine on the practice network
	@.ci/run.sh

build: page cli desktop ## bin/goldpan, bin/goldpan-desktop and the page

page: ## wasm/web/dist, which the programs embed
	@.ci/build.sh page

cli: page ## bin/goldpan, without a window
	@.ci/build.sh cli

desktop: page ## bin/goldpan-desktop
	@.ci/build.sh desktop

test: ## the whole suite
	@.ci/setup.sh test
	@$(MAKE) --no-print-directory build
	@.ci/test.sh

race: ## all but Fyne's packages under the race detector
	@.ci/setup.sh test
	@$(MAKE) --no-print-directory build
	@.ci/test.sh race

fuzz: ## every fuzz target for FUZZTIME
	@.ci/setup.sh test
	@.ci/fuzz.sh $(FUZZTIME)

cases: ## CASES seeded cases an algorithm through every kernel, for ARM emulated, in each browser; an hour
	@.ci/setup.sh test
	@GOLDPAN_CASES=$(CASES) go test -v -count=1 -timeout 0 -run '^TestSeededCases$$' ./core/hasher
	@GOLDPAN_CASES=$(CASES) GOARCH=arm64 CGO_ENABLED=0 go test -v -count=1 -timeout 0 -run '^TestSeededCases$$' \
		-exec qemu-aarch64-static ./core/hasher
	@GOLDPAN_CASES=$(CASES) go test -v -count=1 -timeout 0 -run '^TestKernelInBrowsers$$' ./wasm/web

faults: ## mine through FAULTS faults of two pools' connections; FAULTSEED repeats a run
	@.ci/setup.sh test
	@go test -race -v -count=1 -timeout 2h -run '^TestFaults$$' ./core/stratum -faults $(FAULTS) -faultseed $(or $(FAULTSEED),0)

kills: ## kill wallet, vault and accounts while they keep things, KILLS times
	@.ci/setup.sh test
	@GOLDPAN_KILLS=$(KILLS) go test -v -count=1 -timeout 0 -run '^TestKill' ./wallet ./vault ./core/gateway/accounts

storm: ## STORM requests to each exchange's double while it fails in every way: no ban, no secret outside the store
	@.ci/setup.sh test
	@GOLDPAN_STORM=$(STORM) go test -v -count=1 -timeout 0 -run '^(TestStorm|TestFakesBan)$$' ./vault/exchange

hunt: ## plant a secret in every field of the vault, and search all that it leaves behind
	@.ci/setup.sh test
	@go test -v -count=1 -run '^(TestHunt|TestShown|TestNothingTellsSecrets|TestLeaksAreFound)$$' ./vault/...

bench: cli ## hash rate of each kernel, beside a peer; what the engine keeps of it
	@bin/goldpan bench --algorithm all --kernel all
	@go test -run '^$$' -bench 'Scan|Peer' -benchtime 300ms ./core/hasher
	@go test -run '^$$' -bench 'Delivery' -benchtime 7x ./core/engine
	@go test -run '^$$' -bench 'NewWork|Stop' -benchtime 200x ./core/engine

bench-web: ## the same in Chromium, Firefox and WebKit; how soon new work and Stop are felt there
	@.ci/setup.sh bench-web
	@.ci/bench-web.sh

soak: ## mine in one tab of Chromium for SOAK (2h): rate, memory and processor time, a line a minute
	@.ci/setup.sh bench-web
	@go run ./wasm/web/build
	@go run ./wasm/web/bench -soak $(or $(SOAK),2h)

load: ## fill a gateway with 15,000 devices; memory a device, delivery of new work, shares a second
	@.ci/setup.sh cli
	@mkdir -p bin && go build -o bin/load ./core/gateway/load && bin/load

wallet-size: ## a wallet of 1,000 addresses and 20,000 transactions: time to sync, time to open, memory
	GOLDPAN_WALLET_SIZE=full go test -count=1 -run 'TestSize$$' -v ./wallet

screens: ## pictures of the page's every state into bin/screens; LANGUAGES=en,de,ja
	@.ci/setup.sh screens
	@mkdir -p bin/screens
	@GOLDPAN_SCREENS=$(CURDIR)/bin/screens GOLDPAN_LANGUAGES=$(or $(LANGUAGES),en,de,ja) \
		go test -count=1 -timeout 30m -run '^TestPictures$$' ./wasm/web

lint: ## formatting, vet, golangci-lint, secrets
	@.ci/setup.sh desktop
	@.ci/lint.sh

secrets: ## look for keys, words and machine paths in the tree
	@.ci/setup.sh cli
	@go run ./.ci/secrets

check: ## vet for every target; generate must change nothing
	@.ci/setup.sh check
	@.ci/check.sh

generate: ## write again what is generated
	@.ci/setup.sh cli
	@go generate ./...

package: build ## installable packages in bin/
	@.ci/setup.sh package
	@.ci/package.sh

clean: ## remove what was built
	@rm -rf bin && find wasm/web/dist -mindepth 1 ! -name .keep -delete
