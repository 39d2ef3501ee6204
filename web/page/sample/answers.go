package sample

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"anomalydetector/web/answers"
)

func (s *Source) world(name string) (*world, error) {
	if name == "" {
		name = s.detectors[0].Name
	}
	for _, d := range s.detectors {
		if d.Name == name {
			return s.worlds[name], nil
		}
	}
	return nil, &answers.Problem{Status: 404, Detail: "There is no detector " + name + ".", Parameter: "detector"}
}

// away is what is missing because a node does not answer.
func (s *Source) away() (bool, []string) {
	if s.scenario == Partial {
		return true, []string{"node-3 (10.0.0.3:7070) did not answer within 2 s: partitions 7, 8 and 9 are missing."}
	}
	return false, nil
}

// lacks is what a list of anomalies lacks.
func (s *Source) lacks(d answers.Detector) (bool, []string) {
	if d.Tail.Problem != "" {
		return true, []string{"the output topic " + d.OutputTopic + " cannot be read: " + d.Tail.Problem}
	}
	return s.away()
}

// Status sums everything up.
func (s *Source) Status(context.Context) (answers.Status, error) {
	if s.scenario == Down {
		return answers.Status{}, &answers.Problem{Status: 503, Detail: "The detector is joining its consumer group.", RetryAfter: 2 * time.Second}
	}
	x := answers.Status{At: Clock, Version: "1.0.0", Detectors: s.detectors, Nodes: 3, Answering: 3}
	switch s.scenario {
	case Demo, Calm, Away:
		x.Nodes, x.Answering = 1, 1
	case Killed:
		x.Nodes, x.Answering = 2, 2
	}
	if x.Partial, x.Problems = s.away(); x.Partial {
		x.Answering = 2
	}
	return x, nil
}

// Detectors are all detectors.
func (s *Source) Detectors(context.Context) (answers.List[answers.Detector], error) {
	return answers.List[answers.Detector]{Items: s.detectors}, nil
}

// Nodes are three processes that share the partitions.
func (s *Source) Nodes(context.Context) (answers.List[answers.Node], error) {
	var list answers.List[answers.Node]
	for n := range 3 {
		x := answers.Node{Address: fmt.Sprintf("10.0.0.%d:7070", n+1), ID: fmt.Sprintf("node-%d", n+1), This: n == 0, Version: "1.0.0", StartedAt: of(Clock.Add(-time.Duration(52+n) * time.Hour))}
		if s.scenario == Partial && n == 2 {
			x.Problem, x.Answered = "did not answer within 2 s", of(Clock.Add(-12*time.Second))
		}
		if s.scenario == Killed && n == 2 {
			x.Problem, x.Answered, x.StartedAt = "is not in the consumer group any more", of(Clock.Add(-40*time.Second)), nil
		}
		for _, d := range s.detectors {
			nd := answers.NodeDetector{Name: d.Name, State: d.State, Step: [...]string{"polling", "scoring", "flushing"}[n]}
			for p := range int32(10) {
				np := answers.NodePartition{Partition: p, Role: "assigned", Phase: "ready", Offset: 88_214_109 + int64(p), End: 88_214_109 + int64(p), Entities: d.Entities / 10}
				owner := int(p) % 3
				if s.scenario == Killed && owner == 2 && p != 8 {
					owner = 0
				}
				switch {
				case owner == n && x.Problem != "":
					np = answers.NodePartition{Partition: p, Role: "assigned", Phase: "unknown"}
				case owner == n:
					switch {
					case d.Replay != nil && p == 7, s.scenario == Killed && p == 5:
						np.Phase = "importing"
					case d.Replay != nil && p >= 4:
						np.Phase, np.Pending = "replaying", d.Replay.Remaining/5
						np.Lag, np.Offset = np.Pending, np.End-np.Pending
					}
				case owner == (n+1)%3 && x.Problem == "":
					np.Role, np.Phase = "standby", "ready"
				default:
					continue
				}
				nd.Partitions = append(nd.Partitions, np)
			}
			if s.scenario == Away {
				nd.Partitions = nil
			}
			if s.scenario != Killed || x.Problem == "" {
				x.Detectors = append(x.Detectors, nd)
			}
		}
		list.Items = append(list.Items, x)
		if s.scenario == Demo || s.scenario == Calm || s.scenario == Away {
			list.Items[0].Address = ""
			break
		}
	}
	list.Partial, list.Problems = s.away()
	return list, nil
}

func matches(f answers.Filter, e *entity) bool {
	if f.Entity != "" && f.Entity != e.ref.Key || !strings.Contains(strings.ToLower(e.ref.Key), strings.ToLower(f.Text)) {
		return false
	}
	for _, x := range e.ref.Fields {
		if want, asked := f.Fields[x.Name]; asked && want != x.Value {
			return false
		}
	}
	return true
}

func within(f answers.Filter, t time.Time, deviation *float64, side answers.Direction) bool {
	return (f.From.IsZero() || !t.Before(f.From)) && (f.Until.IsZero() || t.Before(f.Until)) &&
		(f.MinDeviation == 0 || deviation != nil && math.Abs(*deviation) >= f.MinDeviation) && (f.Direction == "" || f.Direction == side)
}

// inState says whether a question about a state chooses an episode.
func inState(state answers.EpisodeState, e *entity, x answers.Episode) bool {
	if state != answers.SilentEntities {
		return state == "" || state == x.State
	}
	return x.Kind == answers.Absence && x.State == answers.Open || x.ID == e.episodes[0].ID && x.Outcome != nil && *x.Outcome == answers.Silent
}

// cut is the part of a list that begins at a cursor, which is a number here.
func cut[T any](items []T, limit int, cursor string) (list answers.List[T]) {
	begin, _ := strconv.Atoi(cursor)
	if limit == 0 {
		limit = 100
	}
	begin = min(max(begin, 0), len(items))
	end := min(begin+limit, len(items))
	list.Items = items[begin:end]
	if end < len(items) {
		list.Next = strconv.Itoa(end)
	}
	return list
}

// Anomalies are the latest first.
func (s *Source) Anomalies(_ context.Context, q answers.AnomaliesQuery) (list answers.List[answers.Anomaly], err error) {
	w, err := s.world(q.Detector)
	if err != nil {
		return list, err
	}
	var all []answers.Anomaly
	for _, e := range w.entities {
		for _, a := range e.found {
			if matches(q.Filter, e) && within(q.Filter, a.Time, a.Deviation, a.Direction) {
				all = append(all, a)
			}
		}
	}
	s.mu.Lock()
	added := s.added
	s.mu.Unlock()
	for i := range added {
		if a := s.extra(i); a.Detector == w.d.Name && within(q.Filter, a.Time, a.Deviation, a.Direction) {
			all = append(all, a)
		}
	}
	slices.SortStableFunc(all, func(a, b answers.Anomaly) int { return b.Time.Compare(a.Time) })
	list = cut(all, q.Limit, q.Cursor)
	list.Partial, list.Problems = s.lacks(w.d)
	return list, nil
}

// Anomaly is one of them.
func (s *Source) Anomaly(_ context.Context, detector, id string) (answers.Anomaly, error) {
	w, err := s.world(detector)
	if err != nil {
		return answers.Anomaly{}, err
	}
	for _, e := range w.entities {
		for _, a := range e.found {
			if a.ID == id {
				return a, nil
			}
		}
	}
	return answers.Anomaly{}, &answers.Problem{Status: 404, Detail: "The anomaly " + id + " is not held: it is older than what is shown, or never was.", Parameter: "id"}
}

// Episodes are the open ones first, then the latest first.
func (s *Source) Episodes(_ context.Context, q answers.EpisodesQuery) (list answers.List[answers.Episode], err error) {
	w, err := s.world(q.Detector)
	if err != nil {
		return list, err
	}
	var all []answers.Episode
	for _, e := range w.entities {
		for _, x := range e.episodes {
			until := q.Until
			f := q.Filter
			f.From, f.Until = time.Time{}, time.Time{}
			if inState(q.State, e, x) && (q.Kind == "" || q.Kind == x.Kind) && matches(f, e) && within(f, x.OpenedAt, x.Deviation, x.Direction) &&
				(until.IsZero() || x.OpenedAt.Before(until)) && (q.From.IsZero() || x.State == answers.Open || !x.LastAt.Before(q.From)) {
				all = append(all, x)
			}
		}
	}
	for _, x := range w.gaps {
		if (q.State == "" || q.State == x.State) && (q.Kind == "" || q.Kind == x.Kind) && q.Entity == "" && q.Text == "" && len(q.Fields) == 0 && q.MinDeviation == 0 && q.Direction == "" &&
			(q.Until.IsZero() || x.OpenedAt.Before(q.Until)) && (q.From.IsZero() || x.EndedAt == nil || x.EndedAt.After(q.From)) {
			all = append(all, x)
		}
	}
	slices.SortStableFunc(all, func(a, b answers.Episode) int {
		if a.State != b.State {
			return cmp.Compare(b.State, a.State)
		}
		return b.OpenedAt.Compare(a.OpenedAt)
	})
	list = cut(all, q.Limit, q.Cursor)
	list.Partial, list.Problems = s.lacks(w.d)
	return list, nil
}

// Lanes count anomalies.
func (s *Source) Lanes(_ context.Context, q answers.LanesQuery) (answers.Lanes, error) {
	w, err := s.world(q.Detector)
	if err != nil {
		return answers.Lanes{}, err
	}
	if w.d.State == "opening" {
		q.From, q.Until = time.Unix(0, 0).UTC(), time.Unix(900, 0).UTC() // as an empty tail answers
	}
	length := q.Until.Sub(q.From)
	bin := time.Duration(w.d.BinSeconds) * time.Second
	for length/bin > 96 {
		bin += time.Duration(w.d.BinSeconds) * time.Second
	}
	l := answers.Lanes{Detector: w.d.Name, By: q.By, From: q.From, Until: q.Until, BinSeconds: int(bin.Seconds())}
	rows := map[string]*answers.Lane{}
	var names []string
	for _, e := range w.entities {
		for _, a := range e.found {
			if !matches(q.Filter, e) || !within(q.Filter, a.Time, a.Deviation, a.Direction) {
				continue
			}
			label, fields := e.ref.Key, e.ref.Fields
			for _, f := range e.ref.Fields {
				if f.Name == q.By {
					label, fields = f.Value, []answers.Field{f}
				}
			}
			if rows[label] == nil {
				rows[label] = &answers.Lane{Label: label, Fields: fields}
				names = append(names, label)
			}
			at := int(a.Time.Sub(q.From) / bin)
			count(rows[label], at, a)
			count(&l.All, at, a)
		}
	}
	worst := func(name string) (far float64) {
		for _, c := range rows[name].Cells {
			far = max(far, math.Abs(*c.Deviation))
		}
		return far
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(worst(b), worst(a)) })
	if len(w.gaps) > 0 && q.Limit > 3 {
		q.Limit -= q.Limit / 3 // rows without anomalies have room, too
	}
	part := cut(names, q.Limit, q.Cursor)
	for _, name := range part.Items {
		l.Items = append(l.Items, *rows[name])
	}
	l.Next = part.Next
	q.Limit += q.Limit / 2
	w.away(&l, q)
	if w.d.DataUntil != nil {
		gap := w.d.DataUntil.Truncate(bin).Add(-188 * 15 * time.Minute)
		if gap.After(q.From) && w.d.PointsFull == 288 && len(w.gaps) == 0 {
			l.Holes = []answers.TimeSpan{{From: gap, Until: gap.Add(30 * time.Minute)}}
		}
	}
	if len(w.gaps) > 0 {
		l.Holes = []answers.TimeSpan{{From: w.gaps[0].OpenedAt, Until: *w.gaps[0].EndedAt}}
	}
	l.Partial, l.Problems = s.lacks(w.d)
	return l, nil
}

func count(l *answers.Lane, at int, a answers.Anomaly) {
	l.Count++
	for i := range l.Cells {
		if c := &l.Cells[i]; c.Bin == at {
			c.Count++
			if math.Abs(*a.Deviation) > math.Abs(*c.Deviation) {
				c.Deviation = a.Deviation
			}
			return
		}
	}
	l.Cells = append(l.Cells, answers.Cell{Bin: at, Count: 1, Deviation: a.Deviation})
	slices.SortFunc(l.Cells, func(a, b answers.Cell) int { return cmp.Compare(a.Bin, b.Bin) })
}

// Entity is all that is known of one.
func (s *Source) Entity(_ context.Context, detector, k string) (answers.Entity, error) {
	w, err := s.world(detector)
	if err != nil {
		return answers.Entity{}, err
	}
	at := slices.IndexFunc(w.entities, func(e *entity) bool { return e.ref.Key == k })
	if at < 0 {
		p := &answers.Problem{Status: 404, Detail: "The entity " + k + " is not known: no point of it came within the history.", Parameter: "key"}
		last := k[strings.LastIndex(k, ",")+1:]
		for _, e := range w.entities {
			if strings.Contains(e.ref.Key, last) && len(p.Similar) < 5 {
				p.Similar = append(p.Similar, e.ref.Key)
			}
		}
		return answers.Entity{}, p
	}
	return w.tell(s, w.entities[at]), nil
}

func (w *world) tell(s *Source, e *entity) answers.Entity {
	bin := time.Duration(w.d.BinSeconds) * time.Second
	scale := 1.4826 * (w.d.MinDev + e.noise*0.7)
	low, high := e.level-5*scale, e.level+5*scale
	phase := "ready"
	if w.d.State == "replaying" {
		phase = "replaying"
	}
	x := answers.Entity{EntityRef: e.ref, Node: "10.0.0.2:7070", Phase: phase, Input: &answers.Position{Topic: w.d.Topic, Partition: *e.ref.Partition, Offset: 88_214_109},
		Points: len(e.points), Needed: w.d.PointsNeeded, Full: w.d.PointsFull, Threshold: 5, Window: e.points, Anomalies: e.found, Episodes: e.episodes, Reason: "normal"}
	for _, gap := range w.gaps {
		if *gap.Partition == *e.ref.Partition {
			x.Gaps = append(x.Gaps, gap)
		}
	}
	x.Coverage = float64(x.Points) / float64(x.Full)
	x.Partial, x.Problems = s.away()
	if len(e.points) == 0 {
		x.Reason, x.Verdict = "too_few_points", "No point is known."
		return x
	}
	if w.d.Method == answers.Habit {
		w.tellHabit(&x, e)
		return x
	}
	last := e.points[len(e.points)-1]
	x.Last = &answers.LastPoint{Time: last.Time, Value: last.Value}
	for i := 1; i < len(e.points); i++ {
		if a, b := e.points[i-1].Time, e.points[i].Time; b.Sub(a) > bin {
			x.Missing = append(x.Missing, answers.TimeSpan{From: a.Add(bin), Until: b})
		}
	}
	if end := w.d.DataUntil.UTC().Truncate(bin).Add(bin); e.gone > 0 && e.back == 0 {
		x.Missing = append(x.Missing, answers.TimeSpan{From: last.Time.Add(bin), Until: end})
	}
	if e.short {
		x.Reason, x.Verdict = "too_few_points", "It is not scored before 173 points of 72 hours are known."
		x.Missing = nil
		return x
	}
	x.Scored, x.Median, x.Scale, x.Low, x.High = true, of(e.level), of(scale), of(low), of(high)
	x.Last.Deviation = of((last.Value - e.level) / scale)
	band := fmt.Sprintf("up to 5 are normal, which is %.4f to %.4f.", low, high)
	switch {
	case e.silent || e.gone > 0 && e.back == 0:
		x.Reason, x.Verdict = "silent", "Its last point came at "+last.Time.Format("15:04")+" UTC; since then others have had points and it has none."
	case math.Abs(*x.Last.Deviation) > 5:
		side := "above"
		if *x.Last.Deviation < 0 {
			side = "below"
		}
		x.Reason, x.Verdict = "anomalous", fmt.Sprintf("The value %.4f of %s UTC lies %.1f deviations %s the usual level %.4f; %s", last.Value, last.Time.Format("15:04"), math.Abs(*x.Last.Deviation), side, e.level, band)
	default:
		x.Verdict = fmt.Sprintf("The value %.4f of %s UTC lies %.1f deviations from the usual level %.4f; %s", last.Value, last.Time.Format("15:04"), math.Abs(*x.Last.Deviation), e.level, band)
	}
	return x
}

// Entities are found by a part of their key.
func (s *Source) Entities(_ context.Context, q answers.EntitiesQuery) (list answers.List[answers.EntityRef], err error) {
	w, err := s.world(q.Detector)
	if err != nil {
		return list, err
	}
	var all []answers.EntityRef
	for _, e := range w.entities {
		if matches(answers.Filter{Text: q.Text, Fields: q.Fields}, e) {
			all = append(all, e.ref)
		}
	}
	list = cut(all, q.Limit, q.Cursor)
	list.Partial, list.Problems = s.away()
	return list, nil
}
