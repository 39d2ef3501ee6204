// Package synthetic makes labelled streams of AS hegemony for the demo, the tests, the benchmarks and the command synthesize.
// A stream is datapoints as they look in Kafka, and the list of the events hidden in them, so that what a
// detector reports can be compared with what really happened.
//
// The package is pure: the same options give the same bytes on every machine, whichever bin is asked for
// first. It never reads a clock, logs, does I/O or starts a goroutine, and it knows nothing of Kafka, actors
// or the detector's code. It imports the standard library and msgp, and nothing of this project. No stream
// names a real network: all AS numbers are from the ranges for documentation and private use.
//
// # What a detector with the default settings finds
//
// The defaults are those of hegemony: a threshold of 5, the mean deviation with min_dev 0.01, and 72 hours of
// history of which 60 % is needed. With them, and with enough history before the live bins (such as 288 bins
// of 15 minutes), these rules hold by construction:
//
//   - The first bin of each shift, spike, outage and transit loss is an anomaly: its change is larger than the threshold of
//     the widest window that its entity can have (see entity.detectable).
//   - No bin outside an event is an anomaly, nor is the return to the usual level. An ordinary
//     value lies closer to every possible median than the threshold of a window without any
//     deviation (see maxWave), and an event is too short to move the median. For noisy entities the
//     rule holds with a probability too close to 1 for an exception to be seen. Flapping entities break it.
//
// A shift need not be an anomaly up to its last bin, because the window takes on the new level. Nothing says that a vanish,
// a hole or a drift is found: no datapoint is no anomaly, and a window follows a slow change. A hard stream (Options.Hard)
// promises nothing: it is there to compare settings.
//
// Read in this order: options.go, stream.go (the way of one datapoint), then what it is made from: entity.go
// (the entities), event.go (the events), plan.go (which entity has which event, and when), plan_shared.go
// (events of many entities), names.go, random.go.
package synthetic
