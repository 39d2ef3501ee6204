// Package episode folds the anomalies of one entity into episodes: people think of "it was down from
// 10:00 to 11:30", not of six points.
//
// An episode opens with an anomaly. It ends when ClearAfter bins have passed without one. An anomaly
// within ReopenWithin of the last one reopens the same episode, with its ID, instead of opening another.
//
// The fold is driven in one of two ways. A reader of the output topic knows the anomalies alone: it calls
// Anomaly and Advance, and Judge once somebody has the points that followed. The detector knows each
// scored point: it sets EveryPoint and calls Normal, too, and the outcome comes with the end.
//
// The package is pure: it takes values and returns values. It knows neither Kafka nor a clock; time is
// stream time, in Unix milliseconds. It imports nothing of this project.
package episode
