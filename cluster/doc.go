// Package cluster makes the nodes of a consumer group answer for one another. Any node can say
// which nodes there are and what each of them owns, and can show the window of any entity. Nodes
// also copy the windows of a partition to its next owner, so that the partition is ready when it
// moves.
//
// The package never decides which node owns a partition, and never decides what is written:
// Kafka's group assigns partitions, and Kafka's transactions fence a member that lost one. Windows
// that come from another node lie at or before the committed offset, or package actors refuses
// them. If everything here fails, the detector replays each partition from the topic, as it does
// without a cluster. It may import actors, stream, persistence and messages.
//
// # Parts
//
//   - Node is this process in the cluster: one port and one HTTP client. server.go lists the URLs,
//     client.go asks them of other nodes, guard.go refuses requests that do not come from nodes.
//   - GroupWatcher watches the group of one detector. It asks the broker once a second (view.go),
//     and tells the detector which partitions of others to keep as standbys (standbys.go).
//   - A node's life in a group has named phases (life.go): it copies the windows of its future
//     share before it joins (join.go), and lets its successors copy its own before it leaves
//     (drain.go, successor.go).
//   - names.go tells which certificates belong to nodes.
//   - handoff.go copies windows, export.go sends them, pace.go bounds how long either waits.
//   - Asker is the client of an operator, who is not a node.
//
// Nodes speak HTTP: HTTP/2 with mutual TLS 1.3 if certificates are configured, plain text
// otherwise.
package cluster
