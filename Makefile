# Targets for people and for CI. `make check` is what a change must pass.

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0

.PHONY: browser picture check build format vet staticcheck imports test race fuzz microbench bench test-kafka test-containers test-ops readme simulate mutants damage

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

# So many inputs for each fuzz target: make fuzz INPUTS=5000000x
INPUTS ?= 100000x
fuzz:
	test/fuzz $(INPUTS)

# The page in Debian's Chromium, as a person uses it at a running demo, and in each state.
# Pictures are kept in SCREENSHOTS.
SCREENSHOTS ?=
browser:
	SCREENSHOTS='$(SCREENSHOTS)' test/browser/run

# The picture at the top of the README, made anew.
picture:
	test/browser/picture

# What the parts cost by themselves.
BENCHTIME ?= 1s
microbench:
	go test -run '^$$' -bench . -benchtime $(BENCHTIME) -benchmem ./detection ./datapoint ./persistence ./actors ./tail ./web/page

# The detector and its peers on a real Apache Kafka (Java 17 and Maven); see
# docs/performance.md. make bench BENCH='throughput --rounds 1 --peers='
BENCH ?= all
bench:
	@mkdir -p bench/results
	go build -trimpath -o bench/results/bench ./bench
	exec bench/results/bench $(BENCH)

# The whole program in virtual time, with faults drawn from seeds; see
# docs/reliability.md. make simulate SEEDS=1000 [SEED=n] [SIMFLAGS='-race']
SEED ?= 1
SEEDS ?= 1000
simulate:
	cd test/simulation && go test -tags synctests $(SIMFLAGS) -timeout 0 -seed $(SEED) -seeds $(SEEDS) $(if $(KEEP),-keep $(KEEP))

# Whether the simulation finds small deliberate bugs.
mutants:
	test/simulation/mutants/run

# Every byte of some small data directories, damaged one by one: 27,000 openings, which
# took 6 minutes of two busy processors. Not a part of CI.
damage:
	EVERY_BYTE=1 go test ./persistence -run TestDamageNeverGivesWrongWindows -timeout 0 -v

# The golden cases and crashes against a real Apache Kafka (Java 17 and Maven).
test-kafka:
	test/kafka/run

# The real Dockerfile and compose.yaml, with podman; skipped where it is missing.
test-containers:
	test/containers/run

# Alert rules and dashboard, with promtool and a real Prometheus that reads a running demo.
test-ops:
	test/ops/run

# What CI checks of the README.
readme:
	test/readme/run
	test/readme/see
