package backtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"anomalydetector/detection"
)

// TestTraceIsWhatAScorerSays of each point of the named entities, then of the loudest of each setting in turn.
func TestTraceIsWhatAScorerSays(t *testing.T) {
	s := random(t, 4, 3, 250)
	o := s.run()
	o.Traces, o.Named, o.Workers = 3, []string{"never there", s.rows[7].key, "nor this", s.rows[7].key, "nor this"}, 2
	want, reports := oracle(s.rows, o)
	wanted := []string{s.rows[7].key}
	for rank := range loudest {
		for _, outcome := range want.Settings {
			entity := outcome.Loudest[rank].Entity
			if len(wanted) < 4 && !strings.Contains(strings.Join(wanted, " "), entity) {
				wanted = append(wanted, entity)
			}
		}
	}
	for i, entity := range wanted {
		want.Traces = append(want.Traces, Trace{Entity: entity, Fields: strings.Split(entity, ","), Named: i == 0, Points: s.points(entity, o.Settings)})
	}
	want.Unknown = []string{"never there", "nor this"}
	got := must(t, &recut{Source: s.open(t), random: rand.New(rand.NewPCG(1, 1)), most: 900}, o)
	for i, trace := range got.Traces {
		for k := range o.Settings {
			var traced, reported []string
			for _, p := range trace.Points {
				if v := p.Settings[k]; v.Anomalous {
					traced = append(traced, fmt.Sprint(p.At, p.Value, v.Usual, v.Scale, v.Deviation))
				}
			}
			for _, r := range reports {
				if a := r.anomaly; r.setting == k && a.Entity == trace.Entity {
					reported = append(reported, fmt.Sprint(a.At, a.Value, a.Usual, a.Scale, a.Deviation))
				}
			}
			if !reflect.DeepEqual(traced, reported) {
				t.Errorf("trace %d has at setting %d the anomalies\n%q\nreported are\n%q", i, k, traced, reported)
			}
		}
	}
	equal(t, got, want)
}

// points are those of a trace.
func (s *stream) points(entity string, settings []Setting) (all []TracePoint) {
	windows := make([]detection.Window, len(settings))
	for _, r := range s.rows {
		if r.key != entity || r.bad != "" {
			continue
		}
		point := TracePoint{At: r.at, Value: r.value}
		for k := range settings {
			scorer := detection.NewScorer(detection.NewRules(settings[k].Rules))
			verdict := TraceVerdict{Usual: -1, Scale: -1}
			if usual, scale, ok := windows[k].Expect(scorer, r.at); ok {
				verdict.Usual, verdict.Scale = usual, scale
			}
			v := windows[k].Add(scorer, 1, r.at, r.value)
			verdict.Anomalous, verdict.Deviation = v.Reason == detection.Anomalous, v.Deviation
			point.Settings = append(point.Settings, verdict)
		}
		all = append(all, point)
	}
	return all
}

// TestTraceKeepsTheLatestPoints and no more than it may, whatever the number of rows.
func TestTraceKeepsTheLatestPoints(t *testing.T) {
	for _, count := range []int{mostPoints, mostPoints + 7, 2*mostPoints + 1} {
		var text strings.Builder
		text.WriteString("timestamp,scope,asn,hege\n")
		for i := range count {
			fmt.Fprintf(&text, "%d,1,2,0.5\n", 1_600_000_200+900*i)
		}
		s := &stream{options: hegemony, files: []string{write(t, "s.csv", text.String())}}
		o := s.run()
		o.Settings, o.Named = o.Settings[:1], []string{"1,2"}
		points := must(t, s.open(t), o).Traces[0].Points
		if kept := min(count, mostPoints); len(points) != kept || points[kept-1].At != int64(1_600_000_200+900*(count-1))*1000 {
			t.Errorf("of %d points %d are kept, the last of %d", count, len(points), points[len(points)-1].At)
		}
	}
}

// TestTracesHaveTheFirstSettings however many there are.
func TestTracesHaveTheFirstSettings(t *testing.T) {
	s := random(t, 6, 2, 150)
	o := s.run()
	for few := len(o.Settings); len(o.Settings) < 3*MostTraced; {
		more := o.Settings[len(o.Settings)%few]
		more.Rules.Threshold += float64(len(o.Settings)) / 10
		o.Settings = append(o.Settings, more)
	}
	o.Named = []string{s.rows[0].key}
	got := comparable(must(t, s.open(t), o))
	if want := s.points(s.rows[0].key, o.Settings[:MostTraced]); !reflect.DeepEqual(got.Traces[0].Points, want) || len(got.Settings) != len(o.Settings) {
		t.Errorf("the trace has %d settings of %d", len(got.Traces[0].Points[0].Settings), len(got.Settings))
	}
}

// TestEndOfTheSecondPassKeepsTheResult: only the traces are not whole.
func TestEndOfTheSecondPassKeepsTheResult(t *testing.T) {
	s := random(t, 5, 2, 200)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o := s.run()
	o.Traces, o.Named = 2, []string{"never there"}
	want, _ := oracle(s.rows, o)
	from := &again{&failing{Source: &recut{Source: s.open(t), random: rand.New(rand.NewPCG(1, 1)), most: 500}, before: cancel}, 30}
	got, err := Run(ctx, from, o)
	if err != nil {
		t.Fatal(err)
	}
	whole := s.points(want.Settings[0].Loudest[0].Entity, o.Settings)
	if points := comparable(got).Traces[0].Points; len(points) == 0 || len(points) >= len(whole) || !reflect.DeepEqual(points, whole[:len(points)]) {
		t.Errorf("the trace has %d points of %d", len(points), len(whole))
	}
	want.CutTraces, want.Traces, want.Unknown = true, got.Traces, []string{"never there"}
	equal(t, got, want)
}

// again does what failing does in the second pass.
type again struct {
	*failing
	second int
}

func (a *again) Rewind() error {
	a.blocks = a.second
	return a.failing.Rewind()
}
