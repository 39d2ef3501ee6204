// Package tail holds the committed anomalies of one detector in memory, as far back as they are shown,
// and answers what people ask of them: lists, episodes, counts by time and row, and what came after a
// cursor.
//
// It is a function of the records of the output topic and of stream time, so every node that reads the
// topic answers the same. Output partitions arrive in any order, and the original program spreads an
// entity over them: its anomalies are put in the order of the input before they are folded into episodes.
//
// Memory is bounded by Config.MostBytes: beyond it the oldest anomalies are given up, and counted.
//
// One goroutine adds what the topic holds, any number read. A query holds it up while it looks through
// what is held, for milliseconds; a reader that follows holds nobody up. The package knows neither Kafka
// nor a clock. It imports episode, and nothing else of this project.
package tail
