# Targets for people and for CI. A change must pass `make check`.

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0

.PHONY: detection profile soak soak-short browser picture check build format vet staticcheck imports test race fuzz microbench bench test-kafka test-containers test-ops test-alertmanager docs readme simulate mutants damage deb test-packages test-kubernetes image sbom licences notices gosec vulnerabilities

check: format vet staticcheck imports race

# The version is that of the last tag v1.2.3 and the commits since, or the commit. Without git it stays
# unknown. VERSION=1.2.3 overrides it.
RELEASE = $(or $(VERSION),$(patsubst v%,%,$(shell git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null)))
REVISION = $(shell git rev-parse HEAD 2>/dev/null)
COMMITTED = $(shell TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null)
STAMP = -X anomalydetector/bootstrap.release=$(RELEASE) -X anomalydetector/bootstrap.revision=$(REVISION) \
	-X anomalydetector/bootstrap.committed=$(COMMITTED)
build:
	CGO_ENABLED=0 go build -trimpath -ldflags '$(STAMP)' -o anomalydetector .

format:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; fi

# These targets leave out the compiler's profile: with it, each package would be compiled once more.
vet staticcheck imports test race gosec vulnerabilities: export GOFLAGS = $(shell go env GOFLAGS) -pgo=off

vet:
	go vet ./...
	go vet -tags synctests ./test/simulation

staticcheck:
	go run $(STATICCHECK) ./...
	go run $(STATICCHECK) -tags synctests ./test/simulation

# Imports point downward only; see test/imports.
imports:
	go test ./test/imports

test:
	go test -timeout 30m ./...

# The race detector finds nothing in packages that start no goroutine, which test/imports holds, and makes them six times as slow.
# These compute much, so they are tested without it.
SEQUENTIAL := ./detection ./datapoint ./completeness ./episode
race:
	go test -timeout 30m $(SEQUENTIAL)
	go test -race -timeout 30m $$(go list ./... | grep -vxF "$$(go list $(SEQUENTIAL))")

# The number of inputs for each fuzz target: make fuzz INPUTS=5000000x
INPUTS ?= 100000x
fuzz:
	test/fuzz $(INPUTS)

# Looks for weak code with gosec; fails on each finding that test/gosec/known does not explain.
gosec:
	test/gosec/run

# Looks for known vulnerabilities in what is linked, if their database can be reached.
vulnerabilities:
	test/gosec/vulnerabilities

# Opens the page in Debian's Chromium: at a running demo, as a person uses it, and in each state.
# SCREENSHOTS is a folder for pictures.
SCREENSHOTS ?=
browser:
	SCREENSHOTS='$(SCREENSHOTS)' test/browser/run

# Takes the picture at the top of the README again.
picture:
	test/browser/picture

# Measures what the parts cost by themselves.
BENCHTIME ?= 1s
microbench:
	go test -run '^$$' -bench . -benchtime $(BENCHTIME) -benchmem ./detection ./datapoint ./persistence ./actors ./tail ./web/page ./backtest/source

# Measures the detector and its peers on a real Apache Kafka (Java 17 and Maven); see
# docs/performance.md. make bench BENCH='throughput --rounds 1 --peers='
BENCH ?= all
bench:
	@mkdir -p bench/results
	go build -trimpath -pgo=default.pgo -o bench/results/bench ./bench
	exec bench/results/bench $(BENCH)

# Measures where the processor time goes, for the compiler; see docs/adr/0051-the-compiler-gets-a-profile.md.
profile:
	$(MAKE) bench BENCH=profile

# Says how well events of known kinds are found, and writes the tables of docs/detection.md.
detection:
	go run ./bench/detection --page docs/detection.md

# Runs the detector for an hour at full speed against a real broker, with kills and restarts; see
# docs/reliability.md. make soak SOAK='--minutes 10'. soak-short takes about four minutes.
SOAK ?=
soak:
	$(MAKE) bench BENCH='soak $(SOAK)'

soak-short:
	$(MAKE) bench BENCH='soak --short --minutes 2.5 --slots 500'

# Runs the whole program in virtual time, with faults drawn from seeds; see
# docs/reliability.md. make simulate SEEDS=1000 [SEED=n] [METHOD=habit] [SIMFLAGS='-race']
# The tests of that folder which need no seeds run in make check.
SEED ?= 1
SEEDS ?= 1000
simulate:
	cd test/simulation && go test -tags synctests $(SIMFLAGS) -timeout 0 -run 'TestSeeds|TestStoppedNode' -seed $(SEED) -seeds $(SEEDS) $(if $(KEEP),-keep $(KEEP)) $(if $(METHOD),-method $(METHOD))

# Checks that the simulation finds small deliberate bugs: all of them, or a part. make mutants PART=2/3
# PASSED=yes says that the program itself has just passed SEED=1 SEEDS=200.
mutants:
	PART=$(PART) PASSED=$(PASSED) test/simulation/mutants/run

# Damages every byte of some small data directories, one by one: 27,000 openings. This
# took 6 minutes on two busy processors. It is not a part of CI.
damage:
	EVERY_BYTE=1 go test ./persistence -run TestDamageNeverGivesWrongWindows -timeout 0 -v

# Runs the golden cases and crashes against a real Apache Kafka (Java 17 and Maven).
test-kafka:
	test/kafka/run

# Tests the real Dockerfile and compose.yaml with podman. Skipped if podman is missing.
test-containers:
	test/containers/run

# Tests alert rules and dashboard with promtool and a real Prometheus that reads a running demo.
test-ops:
	test/ops/run

# Tells a real Alertmanager of episodes, with the configuration of docs/alerting.md. Skipped if it is missing.
test-alertmanager:
	test/alertmanager/run

# Writes the built-in files and docs/configuration.md from the schema.
docs:
	go generate ./configs

# Runs the commands of all pages, and compares the output that they show. CI does, too.
readme:
	README_COMMANDS=yes go test -count=1 -timeout 60m -v ./test/readme

# Makes Debian packages in the folder DEB. VERSION is theirs, such as 1.0.0.
DEB ?= dist
ARCHITECTURES ?= amd64 arm64
deb:
	VERSION='$(VERSION)' ops/debian/build '$(DEB)' $(ARCHITECTURES)

# Installs, starts, upgrades and removes the Debian package under systemd, with podman. Skipped if a tool is missing.
test-packages:
	test/packages/run

# Checks the manifests in ops/kubernetes against the types of the API. UPDATE=1 makes the rules again from ops/alerts.yml.
UPDATE ?=
test-kubernetes:
	cd test/kubernetes && go vet . && UPDATE='$(UPDATE)' go test -count=1 -timeout 10m .

# Builds the image for this machine, or for PLATFORM=linux/arm64. The same commit gives the same binary and layers;
# Docker needs BuildKit for that. ENGINE is docker or podman.
ENGINE ?= $(shell command -v docker || command -v podman)
IMAGE ?= internethealthreport/anomalydetector
image:
	ENGINE='$(ENGINE)' PLATFORM='$(PLATFORM)' VERSION='$(RELEASE)' REVISION='$(REVISION)' CREATED='$(COMMITTED)' ops/image '$(IMAGE)'

# Writes the bill of materials of the binary: dist/anomalydetector.cdx.json, in CycloneDX.
CYCLONEDX := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
sbom:
	@mkdir -p dist
	CGO_ENABLED=0 go build -trimpath -ldflags '$(STAMP)' -o dist/anomalydetector .
	go run $(CYCLONEDX) bin -json -std -licenses -noserial -notimestamp -version '$(or $(RELEASE),0.0.0-$(REVISION))' \
		-output dist/anomalydetector.cdx.json dist/anomalydetector

# Checks the licence of each linked module against test/licences/allowed.
licences: sbom
	go run ./test/licences dist/anomalydetector.cdx.json test/licences/allowed

# Writes the licences and notices of what is linked, for packages. The image makes its own.
notices:
	ops/notices >THIRD_PARTY_NOTICES.new
	mv THIRD_PARTY_NOTICES.new THIRD_PARTY_NOTICES
