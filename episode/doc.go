// Package episode folds the anomalies of one entity into episodes: people think of "it was down from 10:00 to
// 11:30", not of six points.
//
// An episode opens with an anomaly. It ends when ClearAfter bins have passed without one. An anomaly within
// ReopenWithin of the last one does not open another episode: it reopens the same one, with its ID.
//
// The fold is driven in one of two ways. A reader of the output topic knows only the anomalies: it calls
// Anomaly and Advance, and Judge when it has the points that followed. The detector knows every scored point:
// it sets EveryPoint and calls Normal, too. Then the event that ends an episode has its outcome.
//
// The package is pure: the same calls give the same events. It knows neither Kafka nor a clock. Time is
// stream time, in Unix milliseconds. It imports nothing of this project.
package episode
