package api

import (
	"strconv"
	"sync"

	"anomalydetector/web/answers"
)

// written keeps the JSON of the latest anomalies and episodes that were sent, so that ten streams that tell
// the same write it once. It keeps two generations of them.
type written struct {
	mu          sync.Mutex
	young, aged map[string][]byte
}

const mostWritten = 2048

// json is the JSON of a value. The name must be unique to the value.
func (w *written) json(name string, value any) []byte {
	w.mu.Lock()
	text, known := w.young[name]
	if !known {
		text, known = w.aged[name]
	}
	w.mu.Unlock()
	if known {
		return text
	}
	text = Encode(value)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.young == nil || len(w.young) >= mostWritten {
		w.young, w.aged = make(map[string][]byte), w.young
	}
	w.young[name] = text
	return text
}

// anomaly is named by its place, because what is committed there does not change. Its id is not enough: the
// same anomaly may be at two places, if an operator has set the group's offsets back.
func (w *written) anomaly(a *answers.Anomaly) []byte {
	if a.ID == "" {
		return Encode(a)
	}
	name := append(append([]byte("a"), a.Detector...), '/')
	name = append(append(append(append(name, a.ID...), '/'), a.Output.Topic...), '/')
	name = strconv.AppendInt(name, int64(a.Output.Partition), 10)
	name = strconv.AppendInt(append(name, '/'), a.Output.Offset, 10)
	return w.json(string(name), a)
}

// episode is named by the properties that all others follow from.
func (w *written) episode(e *answers.Episode) []byte {
	if e.ID == "" {
		return Encode(e)
	}
	name := append(append([]byte("e"), e.Detector...), '/')
	name = append(append(name, e.ID...), '/')
	name = strconv.AppendInt(name, int64(e.Points), 10)
	name = append(append(append(name, '/'), e.PeakID...), '/')
	name = strconv.AppendInt(name, e.LastAt.UnixMilli(), 10)
	name = strconv.AppendInt(append(name, '/'), int64(e.Concurrent), 10)
	name = strconv.AppendInt(append(name, '/'), int64(e.Reopened), 10)
	name = append(append(name, '/'), e.State...)
	if e.Outcome != nil {
		name = append(append(name, '/'), *e.Outcome...)
	}
	return w.json(string(name), e)
}
