# Targets for people and for CI. A change must pass `make check`.

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0

.PHONY: soak soak-short browser picture check build format vet staticcheck imports test race fuzz microbench bench test-kafka test-containers test-ops readme simulate mutants damage

check: format vet staticcheck imports race

build:
	CGO_ENABLED=0 go build -trimpath -o anomalydetector .

format:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; fi

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
	go test ./...

race:
	go test -race ./...

# The number of inputs for each fuzz target: make fuzz INPUTS=5000000x
INPUTS ?= 100000x
fuzz:
	test/fuzz $(INPUTS)

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
	go test -run '^$$' -bench . -benchtime $(BENCHTIME) -benchmem ./detection ./datapoint ./persistence ./actors ./tail ./web/page

# Measures the detector and its peers on a real Apache Kafka (Java 17 and Maven); see
# docs/performance.md. make bench BENCH='throughput --rounds 1 --peers='
BENCH ?= all
bench:
	@mkdir -p bench/results
	go build -trimpath -o bench/results/bench ./bench
	exec bench/results/bench $(BENCH)

# Runs the detector for an hour at full speed against a real broker, with kills and restarts; see
# docs/reliability.md. make soak SOAK='--minutes 10'. soak-short takes about four minutes.
SOAK ?=
soak:
	$(MAKE) bench BENCH='soak $(SOAK)'

soak-short:
	$(MAKE) bench BENCH='soak --short --minutes 2.5 --slots 500'

# Runs the whole program in virtual time, with faults drawn from seeds; see
# docs/reliability.md. make simulate SEEDS=1000 [SEED=n] [SIMFLAGS='-race']
SEED ?= 1
SEEDS ?= 1000
simulate:
	cd test/simulation && go test -tags synctests $(SIMFLAGS) -timeout 0 -seed $(SEED) -seeds $(SEEDS) $(if $(KEEP),-keep $(KEEP))

# Checks that the simulation finds small deliberate bugs.
mutants:
	test/simulation/mutants/run

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

# Runs the commands of the README, as CI does.
readme:
	test/readme/run
	test/readme/see
