package datapoint

import "github.com/tinylib/msgp/msgp"

// AppendAnomaly appends the anomaly of a datapoint to dst: the msgpack map
// {"datapoint": datapoint, "deviation": deviation}. The datapoint is the whole
// payload of a record that Scan took, and is embedded as it is.
//
//	82 | a9 "datapoint" | datapoint | a9 "deviation" | cb float64, big endian
func AppendAnomaly(dst, datapoint []byte, deviation float64) []byte {
	dst = msgp.AppendMapHeader(dst, 2)
	dst = msgp.AppendString(dst, "datapoint")
	dst = append(dst, datapoint...)
	dst = msgp.AppendString(dst, "deviation")
	return msgp.AppendFloat64(dst, deviation)
}
