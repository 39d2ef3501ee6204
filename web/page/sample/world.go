package sample

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"anomalydetector/web/answers"
)

// world is all entities of a detector.
type world struct {
	d        answers.Detector
	entities []*entity
	gaps     []answers.Episode
}

type entity struct {
	ref      answers.EntityRef
	level    float64
	noise    float64
	points   []answers.Point
	events   []event
	episodes []answers.Episode
	found    []answers.Anomaly
	silent   bool
	short    bool
	gone     int // how many bins ago it vanished; 0: it did not
	back     int // how many bins ago it came back; 0: it did not
	flaps    bool
	habit    *habitual // of the method habit
	mean     float64   // of its last 24 values, how far from what was expected
}

// event is a change of an entity, which begins at a bin and lasts for a number of bins.
type event struct {
	ago, bins int // how many bins before the stream's time, and for how many
	to        float64
	outcome   answers.Outcome // empty: it is not over
}

func key(fields []answers.Field) string {
	var parts []string
	for _, f := range fields {
		parts = append(parts, f.Value)
	}
	return strings.Join(parts, ",")
}

func of[T any](v T) *T { return &v }

func newWorld(d answers.Detector, calm, published bool) *world {
	w := &world{d: d}
	r := &random{uint32(len(d.Name)*7919 + 7)}
	if d.Method == answers.Habit {
		w.habits(r)
		return w
	}
	if len(d.KeyFields) > 0 && d.KeyFields[0].ASN {
		w.hegemony(r, calm)
	} else {
		w.delay(r, calm)
	}
	if published && d.ValueField == "hege" {
		w.vanish(r)
	}
	for i, e := range w.entities {
		e.ref.Detector, e.ref.Key = d.Name, key(e.ref.Fields)
		e.ref.Partition = of(int32(i % 10))
		if d.DataUntil != nil {
			w.fill(r, e, i)
		}
	}
	slices.SortFunc(w.entities, func(a, b *entity) int { return cmp.Compare(a.ref.Key, b.ref.Key) })
	if published {
		w.publish()
	}
	w.crowd()
	return w
}

func (w *world) add(level, noise float64, values []string, events ...event) *entity {
	e := &entity{level: level, noise: noise, events: events}
	for i, k := range w.d.KeyFields {
		e.ref.Fields = append(e.ref.Fields, answers.Field{Name: k.Name, Value: values[i], ASN: k.ASN})
	}
	w.entities = append(w.entities, e)
	return e
}

// hegemony makes 40 scopes with some entities each, and a fault that a person can recognise: AS64524 has lost
// its place, and AS64530 has taken it.
func (w *world) hegemony(r *random, calm bool) {
	w.add(0.7152, 0.012, []string{"-1", "64524"}, event{ago: 3, bins: 4, to: 0}, event{ago: 190, bins: 1, to: 0.862, outcome: answers.Recovered})
	w.add(0.0413, 0.004, []string{"-1", "64530"}, event{ago: 3, bins: 4, to: 0.6128})
	w.add(0.212, 0.009, []string{"-1", "64561"}, event{ago: 2, bins: 3, to: 0.018})
	w.add(0.33, 0.01, []string{"-1", "3356"})
	for scope := range 40 {
		name := strconv.Itoa(64500 + scope)
		if scope == 0 {
			for i := range 37 {
				level := 0.2 + 0.6*r.next()
				to := 0.0
				if i%6 == 5 {
					level, to = 0.02+0.03*r.next(), 0.4+0.3*r.next()
				}
				w.add(level, 0.012, []string{name, strconv.Itoa(64540 + i)}, event{ago: 4, bins: 5, to: to})
			}
		}
		w.add(0.81-0.01*float64(scope%9), 0.012, []string{name, "64524"})
		for i := range 3 {
			level := 0.1 + 0.7*r.next()
			e := event{ago: 10 + int(r.next()*260), bins: 1 + int(r.next()*9), to: math.Max(0, level+(r.next()-0.5)*0.9), outcome: answers.Recovered}
			if scope%5 == 1 {
				e.outcome = answers.Absorbed
			}
			if scope%3 != i {
				w.add(level, 0.014, []string{name, strconv.Itoa(64700 + scope*3 + i)})
				continue
			}
			w.add(level, 0.014, []string{name, strconv.Itoa(64700 + scope*3 + i)}, e)
		}
	}
	w.add(0.44, 0.01, []string{"64533", "65010"}).short = true
	w.add(0.52, 0.01, []string{"64534", "65011"}, event{ago: 60, bins: 4, to: 0.1, outcome: answers.Silent}).silent = true
	if w.d.Name == "hegemony v6" {
		w.add(0.3, 0.01, []string{"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>"}, event{ago: 30, bins: 2, to: 0.9, outcome: answers.Recovered})
	}
	if calm {
		for _, e := range w.entities {
			e.events = nil
		}
	}
}

func (w *world) delay(r *random, calm bool) {
	places := []string{"CT4Singapore, Central Singapore, SG", "CT4Amsterdam, North Holland, NL", "CT4Frankfurt am Main, Hesse, DE", "CT4São Paulo, São Paulo, BR", "CT4Nairobi, Nairobi Area, KE", "AS64500v4", "AS64501v4", "CT4Tokyo, Tokyo, JP"}
	for i, from := range places {
		for j, to := range places {
			if i == j || (i*3+j)%4 == 0 {
				continue
			}
			level := 8 + 180*r.next()
			switch {
			case calm || (i+j)%3 != 0:
				w.add(level, 1.1, []string{from, to})
			case i == 0:
				w.add(level, 1.1, []string{from, to}, event{ago: 2, bins: 3, to: level + 60 + 40*r.next()})
			default:
				w.add(level, 1.1, []string{from, to}, event{ago: 8 + int(r.next()*110), bins: 2 + i, to: level + 90*(r.next()-0.2), outcome: answers.Recovered})
			}
		}
	}
}

// fill makes an entity's points and the anomalies among them.
func (w *world) fill(r *random, e *entity, index int) {
	bin := time.Duration(w.d.BinSeconds) * time.Second
	scale := 1.4826 * (w.d.MinDev + e.noise*0.7)
	low, high := e.level-w.d.Threshold*scale, e.level+w.d.Threshold*scale
	for ago := w.d.PointsFull - 1; ago >= 0; ago-- {
		at := w.d.DataUntil.UTC().Truncate(bin).Add(-time.Duration(ago) * bin)
		if ago == 188 || ago == 187 || e.short && ago > 40 || e.silent && ago < 56 || ago < e.gone && ago >= e.back {
			continue
		}
		value := e.level + e.noise*r.gauss()
		for _, v := range e.events {
			if ago <= v.ago && ago > v.ago-v.bins {
				value = v.to + e.noise*0.3*r.gauss()
			}
			if v.outcome == answers.Absorbed && ago <= v.ago-v.bins {
				value = e.level + (v.to-e.level)*0.15
			}
		}
		if w.d.ValueField == "hege" {
			value = math.Min(1, math.Max(0, math.Round(value*1e6)/1e6))
		}
		e.points = append(e.points, answers.Point{Time: at, Value: value})
		if value < low || value > high {
			w.find(e, at, value, scale, low, high, index)
		}
	}
	w.fold(e)
}

func (w *world) find(e *entity, at time.Time, value, scale, low, high float64, index int) {
	deviation := (value - e.level) / scale
	side := answers.Up
	if deviation < 0 {
		side = answers.Down
	}
	n := int64(index*1000 + len(e.found))
	e.found = append(e.found, answers.Anomaly{ID: fmt.Sprintf("%s-%d-%d", strings.ReplaceAll(w.d.Name, " ", "-"), index%10, n), Detector: w.d.Name, Entity: key(e.ref.Fields),
		Fields: e.ref.Fields, Time: at, Value: of(value), Usual: of(e.level), Scale: of(scale), Deviation: of(deviation), Direction: side, Low: of(low), High: of(high),
		Output: answers.Position{Topic: w.d.OutputTopic, Partition: int32(index % 10), Offset: n}, Input: &answers.Position{Topic: w.d.Topic, Partition: int32(index % 10), Offset: 88_214_109 + n}})
}

// fold makes episodes of the anomalies.
func (w *world) fold(e *entity) {
	bin := time.Duration(w.d.BinSeconds) * time.Second
	for _, a := range e.found {
		last := len(e.episodes) - 1
		if last >= 0 && a.Time.Sub(e.episodes[last].LastAt) <= 4*bin {
			x := &e.episodes[last]
			x.LastAt, x.Points = a.Time, x.Points+1
			if math.Abs(*a.Deviation) > math.Abs(*x.Deviation) {
				x.Value, x.Deviation, x.PeakAt, x.PeakID, x.Direction = a.Value, a.Deviation, a.Time, a.ID, a.Direction
			}
			continue
		}
		e.episodes = append(e.episodes, answers.Episode{ID: a.ID, Kind: answers.Deviation, Detector: a.Detector, Entity: a.Entity, Fields: a.Fields, State: answers.Open,
			OpenedAt: a.Time, LastAt: a.Time, Points: 1, Direction: a.Direction, Usual: a.Usual, Low: a.Low, High: a.High, Value: a.Value, Deviation: a.Deviation, PeakAt: a.Time, PeakID: a.ID})
	}
	for i := range e.episodes {
		x := &e.episodes[i]
		if w.d.DataUntil.Sub(x.LastAt) > 4*bin {
			outcome := answers.Recovered
			for _, v := range e.events {
				if v.outcome != "" && v.ago > 4 {
					outcome = v.outcome
				}
			}
			x.State, x.Outcome, x.EndedAt = answers.Ended, &outcome, of(x.LastAt.Add(bin))
		}
	}
	slices.Reverse(e.found)
	slices.Reverse(e.episodes)
}

// crowd counts the episodes that opened in the same bin with the same first field.
func (w *world) crowd() {
	counts := map[string]int{}
	name := func(x answers.Episode) string { return x.Fields[0].Value + x.OpenedAt.String() }
	for _, e := range w.entities {
		for _, x := range e.episodes {
			counts[name(x)]++
		}
	}
	for _, e := range w.entities {
		for i := range e.episodes {
			e.episodes[i].Concurrent = counts[name(e.episodes[i])] - 1
		}
	}
}

// random is a small generator that gives the same numbers everywhere.
type random struct{ seed uint32 }

func (r *random) next() float64 {
	r.seed = r.seed*1664525 + 1013904223
	return float64(r.seed) / (1 << 32)
}

func (r *random) gauss() float64 {
	return math.Sqrt(-2*math.Log(r.next()+1e-9)) * math.Cos(2*math.Pi*r.next())
}
