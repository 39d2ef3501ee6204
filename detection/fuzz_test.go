package detection

import (
	"encoding/binary"
	"math"
	"testing"
)

// FuzzWindow reads settings and calls from bytes, and compares the window with the oracle. The first four
// bytes are the settings. Each call is one byte of operation, one of time, and one or eight of the value.
func FuzzWindow(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0})
	f.Add([]byte{1, 1, 2, 0, 0, 1, 5, 0, 1, 5, 0, 1, 6, 0, 1, 9, 4, 0, 0, 1, 200, 5, 0, 0, 1, 3})
	f.Add([]byte{0, 9, 1, 1, 1, 4, 8, 1, 4, 7, 1, 4, 7, 8, 1, 0x7f, 0xef, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 1, 7, 3})
	f.Add([]byte{0, 9, 1, 1, 1, 4, 8, 17, 4, 7, 1, 4, 7, 247, 3, 9, 1, 3, 8, 5, 3, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 4 || len(data) > 600 {
			return
		}
		p := newPair(t, Settings{
			GranularityMinutes: 15,
			HistoryHours:       1 + float64(data[0])/16,
			MinRatio:           float64(data[1]) / 512,
			Threshold:          0.01 + float64(data[2])/16,
			MinDeviation:       float64(data[3]>>1) / 100,
			Metric:             Metric(data[3] & 1),
		})
		data = data[4:]
		at, epoch := int64(1_600_000_000_000), uint64(0)
		for len(data) >= 3 {
			operation, step, value := data[0], data[1], float64(int8(data[2]))/10
			data = data[2:]
			if operation&8 != 0 && len(data) >= 8 {
				value = math.Float64frombits(binary.BigEndian.Uint64(data))
				data = data[8:]
			} else {
				data = data[1:]
			}
			if math.IsNaN(value) || math.IsInf(value, 0) {
				value = 0
			}
			at += int64(int8(step)) * 5 * 60 * 1000
			at += int64(operation>>4) * 1_000_003 // off the grid
			at = max(at, 0)
			switch operation & 7 {
			case 4:
				epoch++
			case 5:
				p.rollback(epoch)
			case 6:
				p.rollback(epoch)
				epoch++
			case 7:
				p.observe(epoch, at, value)
				continue
			}
			p.add(epoch, at, value)
		}
	})
}
