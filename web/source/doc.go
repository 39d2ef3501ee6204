// Package source answers what the API and the page ask, for all detectors of a process and
// for the other nodes of its cluster: from the tail of the output topic, from questions to
// the actors, and from the latest report of each detector.
//
// It only reads. How all nodes are is asked once a second at most, however many ask. It
// imports what it reads from and web/answers; it knows neither HTTP nor Kafka.
package source
