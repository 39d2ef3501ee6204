// Package source answers what the API and the page ask, for all detectors of a process and for the other
// nodes of its cluster. It takes the answers from the tail of the output topic, from questions to the actors,
// and from the latest report of each detector.
//
// It only reads. It asks the nodes for their status at most once a second, however many clients ask. It
// imports the packages that it reads from and web/answers; it knows neither HTTP nor Kafka.
package source
