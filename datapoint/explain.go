package datapoint

import "github.com/tinylib/msgp/msgp"

// Explanation says by what an anomaly was decided, for consumers that read no headers.
type Explanation struct {
	ID    []byte  // the anomaly's, in hex, as in its header
	Usual float64 // the median of the window: the points known before the datapoint; of the method habit, what was expected
	Scale float64 // deviation = (value - usual) / scale, unless the test is of the mean
	// Threshold is the largest |deviation| that is normal. Values from Low to High are normal.
	Threshold, Low, High float64
	// Points is how many points were known. Needed is the smallest number that is scored. Full is how many
	// points a window without gaps has.
	Points, Needed, Full int
	// Start and End are the earliest and the latest time in the window, in Unix milliseconds, not negative.
	Start, End   int64
	HistoryHours float64
	Habit        *Habit // nil: the method is the original
}

// Habit is what the method habit says of an anomaly beside the rest.
type Habit struct {
	Test      string  // "value" or "mean": what the deviation is of
	Mean      float64 // how far the last values lie from what was expected of them, on average
	UsualMean float64 // the largest |Mean| that is normal; if the test is of the mean, deviation = threshold * mean / usual mean
}

// ExplanationSize is the most that AppendExplanation adds to an anomaly, in bytes, if the ID has 32
// characters. HabitExplanationSize is the most if the explanation has a Habit, too.
const (
	ExplanationSize      = 250
	HabitExplanationSize = ExplanationSize + 62
)

// AppendExplanation adds the key "explain" to an anomaly that AppendAnomaly made. It changes the anomaly in
// place and appends to it. The order of the keys is part of the format. The whole map has the bytes of
// Python's msgpack:
//
//	83 | what AppendAnomaly wrote after 82 | a7 "explain" | 8c, key, value, key, value, ...
//
// With a Habit, four keys follow: method, test, mean, usual_mean. id, method and test are strings, points and times are whole numbers, the others
// float64.
func AppendExplanation(anomaly []byte, e *Explanation) []byte {
	const keys, ofHabit = 12, 4
	anomaly[0] = 0x83 // a map of three keys
	b := msgp.AppendString(anomaly, "explain")
	if e.Habit != nil {
		b = msgp.AppendMapHeader(b, keys+ofHabit)
	} else {
		b = msgp.AppendMapHeader(b, keys)
	}
	b = msgp.AppendStringFromBytes(msgp.AppendString(b, "id"), e.ID)
	b = msgp.AppendFloat64(msgp.AppendString(b, "usual"), e.Usual)
	b = msgp.AppendFloat64(msgp.AppendString(b, "scale"), e.Scale)
	b = msgp.AppendFloat64(msgp.AppendString(b, "threshold"), e.Threshold)
	b = msgp.AppendFloat64(msgp.AppendString(b, "low"), e.Low)
	b = msgp.AppendFloat64(msgp.AppendString(b, "high"), e.High)
	b = msgp.AppendUint64(msgp.AppendString(b, "points"), uint64(e.Points))
	b = msgp.AppendUint64(msgp.AppendString(b, "points_needed"), uint64(e.Needed))
	b = msgp.AppendUint64(msgp.AppendString(b, "points_full"), uint64(e.Full))
	b = msgp.AppendUint64(msgp.AppendString(b, "window_start"), uint64(e.Start))
	b = msgp.AppendUint64(msgp.AppendString(b, "window_end"), uint64(e.End))
	b = msgp.AppendFloat64(msgp.AppendString(b, "history_hours"), e.HistoryHours)
	if e.Habit == nil {
		return b
	}
	b = msgp.AppendString(msgp.AppendString(b, "method"), "habit")
	b = msgp.AppendString(msgp.AppendString(b, "test"), e.Habit.Test)
	b = msgp.AppendFloat64(msgp.AppendString(b, "mean"), e.Habit.Mean)
	return msgp.AppendFloat64(msgp.AppendString(b, "usual_mean"), e.Habit.UsualMean)
}
