package source

import (
	"context"
	"fmt"
	"slices"

	"anomalydetector/tail"
	"anomalydetector/tail/published"
	"anomalydetector/web/answers"
)

// publishes are the episodes that the detector publishes. An event is published when an episode opens, grows or ends. The
// anomalies that came since the latest event are counted in the tail.
type publishes struct {
	known    *known
	episodes *published.Episodes
}

func (l *publishes) list(_ context.Context, f tail.Filter, q answers.EpisodesQuery) (items []answers.Episode, next string, err error) {
	found, next, err := l.episodes.List(query(f, q.Kind, q.State), q.Cursor, limit(q.Limit))
	if err != nil {
		return nil, "", badCursor(err, q.Cursor)
	}
	return l.told(found), next, nil
}

func query(f tail.Filter, kind answers.EpisodeKind, state answers.EpisodeState) published.Query {
	states := map[answers.EpisodeState]published.State{answers.Open: published.Open, answers.Ended: published.Ended, answers.SilentEntities: published.Silent}
	return published.Query{Filter: f, Kind: string(kind), State: states[state]}
}

// tell adds the gaps of the entity's partition, too.
func (l *publishes) tell(answer *answers.Entity, _ *looked) error {
	found, _, err := l.episodes.List(published.Query{Filter: tail.Filter{Entity: answer.Key}}, "", mostShown)
	if err != nil {
		return err
	}
	answer.Episodes = l.told(found)
	if len(answer.Fields) == 0 && len(found) > 0 {
		answer.Fields = l.known.named(found[0].Fields)
	}
	if answer.Partition != nil {
		answer.Gaps = l.told(l.episodes.Gaps(*answer.Partition, 0, 0))
	}
	return nil
}

func (l *publishes) caughtUp() <-chan struct{} { return l.episodes.CaughtUp() }

// held also says what the tail lacks: the counts of anomalies come from there.
func (l *publishes) held() (partial bool, problems []string) {
	partial, problems = l.known.held()
	switch status := l.episodes.Status(); {
	case status.Problem != "":
		return true, append(problems, "the episodes topic "+l.known.EpisodesTopic+" cannot be read: "+status.Problem)
	case !status.Caught:
		return true, append(problems, "the episodes topic "+l.known.EpisodesTopic+" is still being read")
	case status.Dropped > 0:
		return true, append(problems, fmt.Sprintf("%d older episodes are not held any more: there was no room for them", status.Dropped))
	}
	return partial, problems
}

func (l *publishes) told(found []published.Episode) []answers.Episode {
	all := make([]answers.Episode, len(found))
	for i := range found {
		all[i] = l.one(&found[i])
	}
	return all
}

func (l *publishes) one(e *published.Episode) answers.Episode {
	partition := e.Partition
	one := answers.Episode{
		ID: e.ID, Kind: answers.EpisodeKind(e.Kind), Detector: l.known.Name, Entity: e.Entity, Fields: l.known.named(e.Fields), Partition: &partition,
		State: answers.Open, OpenedAt: moment(e.OpenedAt), LastAt: moment(e.At), Points: e.Points, Reopened: e.Reopened,
		Usual: answers.Finite(e.Usual), Low: answers.Finite(e.Low), High: answers.Finite(e.High), PeakAt: moment(e.OpenedAt), Concurrent: e.Concurrent,
	}
	if !e.Open {
		ended, outcome := moment(e.EndedAt), answers.Outcome(e.Outcome)
		one.State, one.EndedAt, one.Outcome = answers.Ended, &ended, &outcome
	}
	switch e.Kind {
	case published.Gap:
		one.Value = answers.Finite(e.Value)
	case published.Deviation:
		one.Direction = answers.SideOf(e.Peak.Deviation)
		one.Value, one.Deviation, one.PeakAt, one.PeakID = answers.Finite(e.Peak.Value), answers.Finite(e.Peak.Deviation), moment(e.Peak.At), e.Peak.ID
		if peak, found := l.known.Tail.ByHabit(e.Entity, e.Peak.ID); found {
			one.ByHabit = l.known.byHabit(&peak.Habit, peak.Value, peak.Usual, peak.Scale)
		}
		until := e.EndedAt
		if e.Open {
			until = l.known.Tail.State().StreamTime
		} else {
			one.LastAt = one.PeakAt // its latest event is its end
		}
		count, last := l.known.Tail.Within(e.Entity, e.OpenedAt, until)
		one.Points = max(one.Points, count)
		if count > 0 {
			one.LastAt = moment(last)
		}
	}
	return one
}

// draw puts rows that have no anomaly last.
func (l *publishes) draw(lanes *answers.Lanes, f tail.Filter, place, limit int) (left int, err error) {
	f.MinDeviation, f.Direction = 0, tail.Both
	f.From, f.Until = lanes.From.UnixMilli(), lanes.Until.UnixMilli()
	found, _, err := l.episodes.List(published.Query{Filter: f, Kind: published.Absence}, "", answers.MostItems)
	if err != nil {
		return 0, err
	}
	rows := make(map[string]*answers.Lane)
	var labels []string // in the order of the list
	for i := range found {
		e := &found[i]
		label, fields := e.Entity, l.known.named(e.Fields)
		if place >= 0 {
			if place >= len(fields) {
				continue
			}
			label, fields = fields[place].Value, fields[place:place+1]
		}
		row := rows[label]
		if row == nil {
			row = &answers.Lane{Label: label, Fields: fields, Cells: []answers.Cell{}}
			rows[label] = row
			labels = append(labels, label)
		}
		span := answers.TimeSpan{From: moment(e.OpenedAt), Until: lanes.Until}
		if !e.Open {
			span.Until = moment(e.EndedAt)
		}
		row.Absent = append(row.Absent, span)
	}
	for i := range lanes.Items {
		if row := rows[lanes.Items[i].Label]; row != nil {
			lanes.Items[i].Absent = united(row.Absent)
			delete(rows, row.Label)
		}
	}
	for _, label := range labels {
		row := rows[label]
		switch {
		case row == nil, lanes.Next != "" && l.known.anomalous(f, place, label):
			continue // it has a place on this page, or on a later one
		case len(lanes.Items) >= limit:
			left++
			continue
		}
		row.Absent = united(row.Absent)
		lanes.Items = append(lanes.Items, *row)
	}
	lanes.Gaps = l.told(l.episodes.Gaps(-1, f.From, f.Until))
	return left, nil
}

// anomalous says whether a row has an anomaly.
func (d *known) anomalous(f tail.Filter, place int, label string) bool {
	if place < 0 {
		f.Entity = label
	} else {
		fields := map[int]string{place: label}
		for field, value := range f.Fields {
			fields[field] = value
		}
		f.Fields = fields
	}
	found, _, err := d.Tail.Anomalies(f, "", 1)
	return err != nil || len(found) > 0
}

// united are spans in the order of time, of which no two touch.
func united(spans []answers.TimeSpan) (all []answers.TimeSpan) {
	slices.SortFunc(spans, func(a, b answers.TimeSpan) int { return a.From.Compare(b.From) })
	for _, span := range spans {
		if n := len(all); n > 0 && !span.From.After(all[n-1].Until) {
			if span.Until.After(all[n-1].Until) {
				all[n-1].Until = span.Until
			}
			continue
		}
		all = append(all, span)
	}
	return all
}

func (l *publishes) news(f tail.Filter, from *cursor) news {
	var after tail.Vector // nil: this moment
	if from != nil {
		after = from.episodes
	}
	reader := l.episodes.Since(after, published.Query{Filter: f})
	return &publishedNews{publishes: l, reader: reader, after: reader.Vector()}
}

// publishedNews tells of each episode when its record is read.
type publishedNews struct {
	*publishes
	reader *published.Reader
	after  tail.Vector // of the episodes topic, after everything that was told
}

func (n *publishedNews) episodeOf(e *tail.Entry) (one answers.Episode, is bool) {
	found, is := n.episodes.At(e.Entity, e.At)
	if is {
		one = n.one(&found)
	}
	return one, is
}

func (n *publishedNews) next(ctx context.Context, _ bool, tell func(answers.Episode) error) error {
	for {
		items := n.reader.Next(mostAtOnce)
		for i := range items {
			n.after = items[i].After
			if err := tell(n.one(&items[i].Episode)); err != nil {
				return err
			}
		}
		if len(items) < mostAtOnce {
			n.after = n.reader.Vector()
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (n *publishedNews) more() <-chan struct{} { return n.reader.More() }

func (n *publishedNews) place(c *cursor) { c.episodes = n.after }
