package backtest

import (
	"anomalydetector/backtest/labels"
	"anomalydetector/detection"
)

// Windows keeps the windows of some entities, and scores datapoints at several settings. It serves one goroutine at a time.
type Windows struct {
	groups      []group
	comparisons []*detection.Comparison // by group
	byKey       map[string]*entity
	epoch       uint64
	verdicts    []detection.Verdict // of the present datapoint, by setting
}

// entity is what is known of one entity.
type entity struct {
	key     string
	fields  []string // nil until its first anomaly
	newest  int64
	windows []detection.Window // by group
	found   []*findings        // by setting; nil: no anomaly so far
	judges  []*labels.EntityJudge
}

// NewWindows makes room for the windows of the settings.
func NewWindows(settings []detection.Settings) *Windows {
	w := &Windows{groups: groups(settings), byKey: make(map[string]*entity), verdicts: make([]detection.Verdict, len(settings))}
	for i := range w.groups {
		w.comparisons = append(w.comparisons, detection.NewComparison(w.groups[i].rules))
	}
	return w
}

// Take scores the next datapoint of an entity (time in Unix milliseconds). The verdicts are in the order of the settings, and valid until the next call.
func (w *Windows) Take(key []byte, at int64, value float64) []detection.Verdict {
	w.take(key, at, value)
	return w.verdicts
}

// Forget gives up the datapoints that have left their windows since it was called last.
func (w *Windows) Forget() { w.epoch++ }

// take scores a datapoint, and returns its entity, and whether it is an anomaly at any setting.
func (w *Windows) take(key []byte, at int64, value float64) (e *entity, anomalous bool) {
	e = w.byKey[string(key)]
	if e == nil {
		e = &entity{key: string(key), windows: make([]detection.Window, len(w.groups))}
		w.byKey[e.key] = e
	}
	for g, comparison := range w.comparisons {
		verdicts := e.windows[g].Compare(comparison, w.epoch, at, value)
		for i, setting := range w.groups[g].settings {
			w.verdicts[setting] = verdicts[i]
			anomalous = anomalous || verdicts[i].Reason == detection.Anomalous
		}
	}
	return e, anomalous
}
