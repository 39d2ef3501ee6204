// Package tail holds the committed anomalies of one detector in memory, as far back as they are shown, and
// answers what people ask about them: lists, episodes, counts by time and row, and what came after a cursor.
//
// What it holds depends on the records of the output topic and on stream time alone, so every node that reads
// the topic gives the same answers. The partitions of the output topic arrive in any order, and the original
// program spreads an entity over them. So the tail puts an entity's anomalies in the order of the input
// before it folds them into episodes.
//
// Config.MostBytes limits the memory. Beyond it the tail gives up the oldest anomalies, and counts them.
//
// One goroutine adds what it reads from the topic, and any number of goroutines ask. A query holds the writer
// up while it looks through what is held, for milliseconds; a Reader holds nobody up. The package knows
// neither Kafka nor a clock. It imports episode, and nothing else of this project. Times are Unix
// milliseconds.
//
// Read in this order: values.go (what is asked and answered), tail.go (what comes in), store.go (how it is
// kept), reading.go (how far reading has come), runs.go (episodes), then the questions: list.go, episodes.go, lanes.go, follow.go.
package tail
