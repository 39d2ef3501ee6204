// Package cluster lets the nodes of a consumer group answer for one another: who
// they are and what each owns, the windows of any entity, and the state of a
// partition that moves.
//
// No result depends on it. Who owns a partition, Kafka's group says (view.go); what may
// be written, Kafka's transactions; and what a node is given by another lies at or
// before what the group has committed, or is refused (package actors). If all of
// this fails, partitions are replayed from the topic, as without it.
//
// Nodes speak HTTP (HTTP/2 and mutual TLS where certificates are configured): one
// port, of which server.go says what is there, and client.go asks for it.
package cluster
