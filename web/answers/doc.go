// Package answers is what people and programs are told about the detectors: the values that the API serves as
// JSON and that the page shows, and the Source that gives them.
//
// It knows neither HTTP nor actors nor Kafka, and imports nothing of this project. Times are UTC. A number
// that is infinite, not a number or not known is null. An entity always comes with its fields beside its key.
// The key joins the fields with commas, and a field may hold commas itself, so a key cannot be split.
package answers
