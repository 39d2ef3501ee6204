// Package answers is what people and programs are told of the detectors: the values that
// the API serves as JSON and that the page shows, and the Source that gives them.
//
// It knows neither HTTP nor actors nor Kafka. Times are UTC. A number that is not finite,
// or not known, is null. An entity's fields are always apart from its key: the key joins
// them with commas, and fields may hold commas themselves, so nobody can split it.
package answers
