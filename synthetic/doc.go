// Package synthetic makes labelled streams of AS hegemony for the demo, the tests and the
// benchmarks: datapoints as they look in Kafka, and the events hidden in them, so that what a
// detector reports can be compared with what really happened.
//
// It is pure: the same options give the same bytes, on every machine, whichever bin is asked for
// first. It never reads a clock, logs, does I/O, starts a goroutine or knows of Kafka, actors or the
// detector's code. It imports the standard library and msgp, nothing of ours. No real network is
// named in a stream: all AS numbers are of the ranges for documentation and private use.
//
// # What a detector with the default settings finds
//
// The defaults are those of hegemony: a threshold of 5, the mean deviation with min_dev 0.01, and
// 72 hours of history of which 60 % is needed. With them, and with enough history before the live
// bins (288 bins of 15 minutes do), these hold by construction:
//
//   - The first bin of each event is an anomaly: its change is larger than the threshold of the
//     widest window that its entity can have (see entity.detectable).
//   - No bin outside an event is an anomaly, the return to the usual level included. An ordinary
//     value lies closer to every possible median than the threshold of a window without any
//     deviation (see maxWave), and an event is too short to move the median. For noisy entities this
//     is a matter of probability, but of one too small to be seen.
//
// A shift need not be an anomaly up to its last bin: a window gets used to the new level.
//
// Read in this order: options.go, stream.go (the way of one datapoint), then what it stands on:
// entity.go (who there is), event.go (what happens), plan.go (to whom and when), random.go.
package synthetic
