// Package datapoint reads the input records, which are msgpack maps, and writes the anomalies, which embed them.
//
// A Scanner finds the value and the key in a record's payload without building a map: it walks the bytes once, checks
// all of them, and allocates nothing. If it refuses a record, it names the Reason. AppendAnomaly writes the bytes of an
// anomaly, and a Decoder reads them back.
//
// The package is pure: the same bytes give the same result. It never reads a clock, logs or keeps a payload, and it
// knows neither Kafka nor actors. It imports the standard library and github.com/tinylib/msgp, and nothing of this
// project.
//
// Read in this order: scanner.go (the way of one record), walk.go (what is well-formed), scalar.go (numbers and text as
// Python has them), reason.go (what can be wrong), anomaly.go and explain.go (the output), decode.go (the way back).
package datapoint
