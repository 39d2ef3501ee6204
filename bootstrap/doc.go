// Package bootstrap builds the program out of its parts and stops it in reverse order. Main runs a
// command line. Run runs detectors until they end; the tests and the simulation call it with a
// world of their own.
//
// It is the only package that knows all others, and the only one that reads the environment and
// takes signals. It never changes a window and never decides what is committed; it scores datapoints
// only to check the demo. It may import every package of the program. Only main and the simulation
// import it.
//
// # Map of the folder
//
// The command line:
//
//   - cli*.go: parsing, help, completion, hints for misspelt commands, exit codes
//   - command_*.go: one file a command; command_reading.go is what those share that read the API
//   - client_*.go: how a command asks a running process (asker, reader, stream), or reads the
//     output topic itself (topic)
//   - demo*.go: the demo: an embedded broker, a synthetic stream, and a check of the result
//
// The running process:
//
//   - run.go: Run builds a detector for each configuration, starts them, and waits for their end;
//     read it first
//   - run_home.go, run_kafka.go, run_password.go, run_cluster.go: what a detector is built of:
//     data directory, Kafka client, node of a cluster
//   - run_await.go: signals, failures, and the time that a stop may take
//   - run_announcer.go, progress.go: what a terminal shows of anomalies and of a replay
//   - run_world.go: the environment, terminal, clock and signals of a real process
//   - heap.go: how often the garbage collector runs
//   - log*.go: loggers, log files that can be renamed, sinks that never block, and what keeps text
//     from outside from moving a terminal
//
// The site, which the process shows over HTTP:
//
//   - site.go: listening, and what package web is told of each detector
//   - site_answers.go: questions about nodes and entities, answered by this process or by all nodes
//   - site_tail.go: reading the output topic for the page and the API
//
// The folder is one package because its groups share the configuration of Kafka clients, the
// printing of foreign text and the loading of configurations. Package stopping, below it, takes
// the signals before any other package is initialised.
package bootstrap
