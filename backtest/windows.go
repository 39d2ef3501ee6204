package backtest

import (
	"anomalydetector/backtest/labels"
	"anomalydetector/detection"
)

// Windows keeps the windows of some entities, and scores datapoints at several settings. It serves one goroutine at a time.
type Windows struct {
	groups      []group[detection.Rules]
	habits      []habits
	comparisons []*detection.Comparison // by group
	byKey       map[string]*entity
	last        *entity             // of the datapoint before
	verdicts    []detection.Verdict // of the present datapoint, by setting
}

// entity is what is known of one entity.
type entity struct {
	key     string
	fields  []string // nil until its first anomaly
	newest  int64
	windows []detection.Window  // by group
	habits  []detection.Habit   // by those of Windows
	found   []*findings         // by setting; nil: no anomaly so far
	judge   *labels.EntityJudge // nil: there are no labels
	next    *entity             // whose datapoint came after the last one of this entity
}

// NewWindows makes room for the windows of the settings.
func NewWindows(settings []detection.Settings) *Windows {
	w := &Windows{groups: windowsOf(settings), habits: habitsOf(settings), byKey: make(map[string]*entity), verdicts: make([]detection.Verdict, len(settings))}
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

// take scores a datapoint, and returns its entity, and whether it is an anomaly at any setting.
func (w *Windows) take(key []byte, at int64, value float64) (e *entity, anomalous bool) {
	e = w.find(key)
	return e, w.score(e, at, value)
}

func (w *Windows) score(e *entity, at int64, value float64) (anomalous bool) {
	for g, comparison := range w.comparisons {
		verdicts := e.windows[g].Compare(comparison, 0, at, value) // nothing is rolled back
		for i, setting := range w.groups[g].settings {
			w.verdicts[setting] = verdicts[i]
			anomalous = anomalous || verdicts[i].Reason == detection.Anomalous
		}
	}
	for g := range w.habits {
		of := &w.habits[g]
		e.habits[g].Compare(of.rules, 0, at, value, of.judgements)
		for i, setting := range of.settings {
			w.verdicts[setting] = of.judgements[i].Verdict
			anomalous = anomalous || of.judgements[i].Reason == detection.Anomalous
		}
	}
	return anomalous
}

// judgement is what a setting of a method other than the original says of the present datapoint; nil for the original.
func (w *Windows) judgement(setting int) *detection.Judgement {
	for g := range w.habits {
		for i, of := range w.habits[g].settings {
			if of == setting {
				return &w.habits[g].judgements[i]
			}
		}
	}
	return nil
}

// find returns the entity with a key. In most streams the entities of a bin come in the order of the bin before, so the map is
// seldom needed.
func (w *Windows) find(key []byte) *entity {
	if w.last != nil {
		if e := w.last.next; e != nil && e.key == string(key) {
			w.last = e
			return e
		}
	}
	e := w.byKey[string(key)]
	if e == nil {
		e = &entity{key: string(key), windows: make([]detection.Window, len(w.groups)), habits: make([]detection.Habit, len(w.habits))}
		w.byKey[e.key] = e
	}
	if w.last != nil {
		w.last.next = e
	}
	w.last = e
	return e
}
