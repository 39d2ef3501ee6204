// Package stream is the detector's side of Kafka: the topics, the session in the consumer group
// with its transactions, the reading of history, and what can be learned from a broker when
// something is wrong.
//
// It decides nothing about datapoints and holds no windows. It knows no actors, no store and no
// web. Of this module it imports messages, whose assignments and slices of records it hands out,
// and episode, whose state records it finds. Time comes from Config.Now; timestamps are Unix milliseconds, from Kafka's record
// timestamp.
//
// The files by subject:
//
//   - The session (one a detector): session.go polls, ends the transaction and closes;
//     assignment.go keeps what the group assigned to this member; identity.go notices a topic that
//     was deleted and created again; produce.go writes; pool.go recycles fetched memory.
//   - Records that a topic refuses: failure.go collects them, refusal.go tells which errors mean
//     it, isolate.go finds the records one by one, outlet.go knows the topics' size limits.
//   - The consumer group: balance.go and deal.go say which member gets which partition, prefer.go
//     breaks ties; group.go looks at the group from outside; fence.go aborts the transaction of a
//     member that is gone.
//   - History: history.go reads a span of a partition again, readers.go keeps its connections, since.go
//     finds the spans from a time on.
//   - Episodes: episodes_topic.go makes and widens their topic, episodes.go finds the state of a
//     partition's episodes in it, episodes_parts.go puts its parts together.
//   - The output topic as people see it: tail.go follows it, tail_begin.go finds where to begin,
//     tail_panic.go survives a listener's panic.
//   - Topics: topics.go creates them, retention.go compares how long they keep records.
//   - Old records: feed.go writes them into a topic, for the command backtest.
//   - What is wrong: observer.go remembers the clients' last errors, heard.go reads them out of the
//     client library's log, log.go logs broker outages, ends.go finds what holds reading up,
//     explain.go and advice.go say what to do about an error, check.go and check_read.go are the
//     command check.
//   - config.go is the configuration of all of them; embedded.go the broker inside the process.
package stream
