package datapoint

import "testing"

// BenchmarkAppendAnomaly encodes an anomaly around its datapoint.
func BenchmarkAppendAnomaly(b *testing.B) {
	point := []byte(record("timestamp", "\xce\x5f\x5e\x10\xc8", "scope", "\xa46939", "asn", "\xa51299x", "hege", half, "nb_peers", "\x50"))
	var anomaly []byte
	b.ReportAllocs()
	for b.Loop() {
		anomaly = AppendAnomaly(anomaly[:0], point, -28.25)
	}
	b.SetBytes(int64(len(anomaly)))
}
