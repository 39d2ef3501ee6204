/*
Package simulation runs whole processes of the detector in virtual time, lets things go
wrong, and compares what is committed with a detector of a few lines.

# What is real, and what is simulated

Each node runs the program as main does after the command line: configuration, actors,
Kafka client, store, HTTP server, log. Four things are replaced, and nothing else:

  - The clock. A run lives in a bubble of testing/synctest: time passes only when all
    goroutines wait, so an hour takes seconds.
  - The network (network.go, wire.go, trap.go). It carries bytes between the parties:
    brokers, nodes, feeder, operator, and people who ask over HTTP. It adds latency, and
    holds, cuts or loses connections.
  - Kafka (broker.go). Three brokers of kfake, in the same bubble.
  - The disk (disk.go). The store writes real files; the simulation makes its writes slow
    or fail, and copies the directory at the instant of a crash.

# How a seed becomes a run

Draw (scenario.go) turns a seed into a Scenario: the settings, the records, and a schedule
of faults. A Scenario is plain data, and the same seed always gives the same one. Each
concern that was added later draws from a random source of its own, so that old seeds keep
their meaning.

Run (run.go) carries out a Scenario. Its live method is the script; four roles act in it:

  - The broker breaks what no operator sees: requests, answers, connections, leaders.
  - The operator starts, stops and kills processes, changes settings, resets offsets, and
    deletes the topic and the disks. Before it changes settings or offsets it stops all
    nodes and waits until no transaction is open.
  - The feeder writes the records to the input, each at its time.
  - The judge collects what is wrong, and says each thing once.

A prober asks each process over HTTP meanwhile, and a watcher follows the stream of events
from process to process. After the last fault all is mended and each partition is fed once
more. All of the input must then be committed, some more of it every five minutes, each process must list
all anomalies, and each must stop cleanly without leaving a goroutine or a connection. The
judge then runs the oracle (oracle.go, package naive) over the input as it is in the log.
The output and dead-letter topics must hold exactly what it says: the same bytes, as often
as each record was committed, in order.
A quarter of the scenarios run the method habit (method.go). There, the oracle is the state of package
detection, one for each entity, which takes all records in order and is never stored. That package's own
tests compare it with the reference.
Most scenarios publish episodes. Then each partition of the episodes topic must hold the
oracle's events, each once and in order. The oracle begins anew only where the operator set
the offsets, or made the topic again (lives.go).

# How to run it

	make simulate SEEDS=1000            # seeds 1 to 1000
	make simulate SEED=54 SEEDS=1       # one seed
	make simulate KEEP=folder           # keep the logs of seeds that fail
	make simulate METHOD=habit          # all seeds with this method
	cd test/simulation && go test -tags synctests -run TestSeeds -seed 54 -seeds 1 -debug

The build tag synctests makes the Kafka client's locks let virtual time pass. The flag
-debug makes the program log what its Kafka clients do; -alone asks nothing over HTTP.

# How to read a failure

A failure prints the scenario in words, then the problems, each with its virtual time:

	seed 54: 2 nodes, 3 partitions, 812 records in 41 s; history 4 h, ratio 0.4, mean; ...
	   12.07 s: crash of node 1, started again after 0.61 s
	  at 61.300 s: out: offset 118 of partition 2 is there 2 times, want 1

The problem names a record of the input by partition and offset; the log of the processes
tells what happened to it. Then the schedule is shrunk: the test takes out faults as long
as what is left still fails, and prints the rest. Read that first. A schedule without any
fault points at a bug in the plain way of a record.

The seed does not fix everything. Goroutines that run at the same instant of virtual time
take turns as Go's scheduler likes. So a seed that fails is run three times more, and the
test prints how often it failed again. If it rarely does, look for an order of two events
that nothing enforces.

If a run stands still in real time, some goroutine waits for something outside the bubble,
or asks again and again without waiting: no virtual time passes.

# How to add a fault

 1. Name its kind at the end of the list in faults.go, with its words.
 2. Draw it in a function of its own, from a random source of its own, and call that
    function last in Draw. Do not add it to weights: that changes what all seeds draw.
 3. Let the broker or the operator carry it out, in its strike method. A kind that neither
    takes panics.
 4. End it with later, so that it also ends when all is mended.
 5. If it changes which results are right, note that in the input (input.go), from which
    the oracle knows.
 6. Write a mutant that only the new fault finds: a small deliberate bug as a patch in
    mutants, its first line a sentence that says what the bug does. make mutants checks
    that the simulation finds each mutant within 200 seeds.
*/
package simulation
