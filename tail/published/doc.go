// Package published holds the episodes that one detector publishes, as far back as they are shown, and answers what people ask
// about them: lists, gaps, and what came after a place in the topic.
//
// What it holds depends on the records of the episodes topic and on stream time alone, so every node that reads the topic gives
// the same answers. It holds each open episode, and each that ended within Config.Range. Config.MostBytes limits the memory.
// Beyond it the oldest episodes leave, ended ones first, and are counted.
//
// One goroutine adds what it reads from the topic, and any number of goroutines ask. The package knows neither Kafka nor a
// clock. It imports episode, and tail for its words. Times are Unix milliseconds.
//
// Read in this order: values.go (what is asked and answered), episodes.go (what comes in and what leaves), list.go and
// follow.go (the questions).
package published
