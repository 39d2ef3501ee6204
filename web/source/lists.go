package source

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"anomalydetector/messages"
	"anomalydetector/tail"
	"anomalydetector/web/answers"
)

const defaultLimit = 100

// limit brings a limit into the range from 1 to answers.MostItems.
func limit(asked int) int {
	if asked <= 0 {
		return defaultLimit
	}
	return min(asked, answers.MostItems)
}

// filter translates a filter into the tail's.
func (d *known) filter(f answers.Filter) (tail.Filter, error) {
	fields, err := d.indexed(f.Fields)
	if err != nil {
		return tail.Filter{}, err
	}
	filter := tail.Filter{Entity: f.Entity, Fields: fields, Text: f.Text, MinDeviation: f.MinDeviation}
	switch f.Direction {
	case answers.Up:
		filter.Direction = tail.Up
	case answers.Down:
		filter.Direction = tail.Down
	}
	if !f.From.IsZero() {
		filter.From = f.From.UnixMilli()
	}
	if !f.Until.IsZero() {
		filter.Until = f.Until.UnixMilli()
	}
	return filter, nil
}

// indexed replaces the names of key fields by their indexes.
func (d *known) indexed(fields map[string]string) (map[int]string, error) {
	places := make(map[int]string)
	for name, value := range fields {
		place := slices.Index(d.KeyFields, name)
		if place < 0 {
			return nil, bad(name, value, fmt.Sprintf("%s has no key field %.60q, only %s", d.Name, name, strings.Join(d.KeyFields, ", ")))
		}
		places[place] = value
	}
	return places, nil
}

// badCursor is the problem of a cursor, if that is what err says.
func badCursor(err error, cursor string) error {
	if errors.Is(err, tail.ErrCursor) {
		return bad("cursor", cursor, err.Error())
	}
	return err
}

// notInTime is the problem of a question whose answer did not come in time.
func notInTime() error {
	return &answers.Problem{Status: http.StatusServiceUnavailable, Detail: "the answer did not come in time", RetryAfter: time.Second}
}

// held says in words what the tail may lack.
func (d *known) held() (partial bool, problems []string) {
	problems = []string{}
	switch state := d.Tail.State(); {
	case state.Problem != "":
		return true, []string{"the output topic " + d.OutputTopic + " cannot be read: " + state.Problem}
	case !state.Caught:
		return true, []string{"the output topic " + d.OutputTopic + " is still being read"}
	case state.Short:
		problems = append(problems, fmt.Sprintf("%d older anomalies are not held any more: there was no room for them", state.Dropped))
		return true, problems
	}
	return false, problems
}

// tail describes what the tail holds.
func (d *known) tail() answers.Tail {
	state := d.Tail.State()
	answer := answers.Tail{Anomalies: state.Anomalies, Caught: state.Caught, Problem: state.Problem}
	if state.Short {
		answer.Dropped = state.Dropped
	}
	if state.Known {
		from := moment(state.From)
		answer.From = &from
	}
	return answer
}

// Anomalies are the anomalies that a query chooses, the latest first.
func (s *Source) Anomalies(ctx context.Context, q answers.AnomaliesQuery) (list answers.List[answers.Anomaly], err error) {
	d, filter, err := s.prepare(ctx, q.Filter)
	if err != nil {
		return list, err
	}
	entries, next, err := d.Tail.Anomalies(filter, q.Cursor, limit(q.Limit))
	if err != nil {
		return list, badCursor(err, q.Cursor)
	}
	list.Items, list.Next = d.anomalies(entries), next
	list.Partial, list.Problems = d.held()
	return list, nil
}

// prepare finds the detector and translates the filter. It also tells the tail the stream time; if that is
// not known, the tail answers with what it holds.
func (s *Source) prepare(ctx context.Context, f answers.Filter) (*known, tail.Filter, error) {
	d, err := s.detector(f.Detector)
	if err != nil {
		return nil, tail.Filter{}, err
	}
	moment, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	_, _ = s.all(moment)
	filter, err := d.filter(f)
	return d, filter, err
}

// Anomaly is the anomaly with an ID, of one detector or of any.
func (s *Source) Anomaly(_ context.Context, detector, id string) (answers.Anomaly, error) {
	if detector != "" {
		if _, err := s.detector(detector); err != nil {
			return answers.Anomaly{}, err
		}
	}
	for _, d := range s.known {
		if detector == "" || detector == d.Name {
			if entry, found := d.Tail.Anomaly(id); found {
				return d.anomaly(&entry), nil
			}
		}
	}
	return answers.Anomaly{}, &answers.Problem{
		Status: http.StatusNotFound, Parameter: "id", Value: id,
		Detail: "no anomaly with this id is held: it may be older than what is shown, or not be committed yet",
	}
}

// Episodes are the episodes that a query chooses: open ones first, then the latest first.
func (s *Source) Episodes(ctx context.Context, q answers.EpisodesQuery) (list answers.List[answers.Episode], err error) {
	d, filter, err := s.prepare(ctx, q.Filter)
	if err != nil {
		return list, err
	}
	if list.Items, list.Next, err = d.lives.list(ctx, filter, q); err != nil {
		return list, err
	}
	list.Partial, list.Problems = d.lives.held()
	return list, nil
}

// Lanes are counts by time and by row; the rows with the largest deviation come first.
func (s *Source) Lanes(ctx context.Context, q answers.LanesQuery) (answers.Lanes, error) {
	d, filter, err := s.prepare(ctx, q.Filter)
	if err != nil {
		return answers.Lanes{}, err
	}
	by, place := q.By, tail.ByEntity
	if by == "" {
		by = d.KeyFields[0]
	}
	if by != "entity" {
		if place = slices.Index(d.KeyFields, by); place < 0 {
			return answers.Lanes{}, bad("by", q.By, fmt.Sprintf("rows are by a key field of %s, which are %s, or by entity", d.Name, strings.Join(d.KeyFields, ", ")))
		}
	}
	answer, err := d.lanes(filter, place, limit(q.Limit), q)
	if err != nil {
		return answers.Lanes{}, err
	}
	answer.By = by
	if state := d.Tail.State(); state.Known {
		for _, hole := range s.findHoles(ctx, d, moment(state.StreamTime)) {
			if hole.Until.After(answer.From) && hole.From.Before(answer.Until) {
				answer.Holes = append(answer.Holes, hole)
			}
		}
	}
	answer.Partial, answer.Problems = d.lives.held()
	return answer, nil
}

// mostAlone is how many rows of a full page may be such that have absences and no anomaly.
const mostAlone = 20

// lanes are a page of rows. The first page also has rows without an anomaly.
func (d *known) lanes(filter tail.Filter, place, most int, q answers.LanesQuery) (answers.Lanes, error) {
	page := func(most int) (answer answers.Lanes, left int, err error) {
		lanes, err := d.Tail.Lanes(tail.LanesQuery{Filter: filter, By: place, Bin: q.Bin, Limit: most, Cursor: q.Cursor})
		if err != nil {
			return answer, 0, badCursor(err, q.Cursor)
		}
		answer = answers.Lanes{
			Detector: d.Name, From: moment(lanes.From), Until: moment(lanes.Until), BinSeconds: int(lanes.Bin / 1000),
			All: d.lane(lanes.All, place), Items: []answers.Lane{}, Holes: []answers.TimeSpan{}, Next: lanes.Next,
		}
		for _, row := range lanes.Rows {
			answer.Items = append(answer.Items, d.lane(row, place))
		}
		rows := limit(q.Limit)
		if q.Cursor != "" {
			rows = 0
		}
		left, err = d.lives.draw(&answer, filter, place, rows)
		return answer, left, err
	}
	answer, left, err := page(most)
	if room := min(left, most/3, mostAlone); err == nil && q.Cursor == "" && room > 0 {
		answer, _, err = page(most - room)
	}
	return answer, err
}

func (d *known) lane(row tail.Lane, place int) answers.Lane {
	lane := answers.Lane{Label: row.Label, Fields: d.named(row.Fields), Count: row.Count, Cells: []answers.Cell{}}
	if place >= 0 && row.Label != "" {
		field := d.fields[place]
		lane.Fields = []answers.Field{{Name: field.Name, Value: row.Label, ASN: field.ASN && answers.Numbered(row.Label)}}
	}
	for _, cell := range row.Cells {
		lane.Cells = append(lane.Cells, answers.Cell{Bin: cell.Bin, Count: cell.Count, Deviation: answers.Finite(cell.Deviation)})
	}
	return lane
}

// Entities are the entities that a query chooses, in the order of their keys.
func (s *Source) Entities(ctx context.Context, q answers.EntitiesQuery) (list answers.List[answers.EntityRef], err error) {
	d, err := s.detector(q.Detector)
	if err != nil {
		return list, err
	}
	fields, err := d.indexed(q.Fields)
	if err != nil {
		return list, err
	}
	after, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil {
		return list, bad("cursor", q.Cursor, "it is no cursor that a page of this list has given")
	}
	now, err := s.all(ctx)
	if err == nil {
		err = d.joining(now.status)
	}
	if err != nil {
		return list, err
	}
	found, _ := s.config.Asker.Entities(ctx, d.Name, messages.EntitiesQuery{Text: q.Text, Fields: fields, After: string(after), Limit: limit(q.Limit)})
	list = answers.List[answers.EntityRef]{Items: []answers.EntityRef{}, Partial: found.Partial, Problems: append([]string{}, found.Problems...)}
	for _, one := range found.Names {
		partition := one.Partition
		list.Items = append(list.Items, answers.EntityRef{
			Detector: d.Name, Key: one.Key, Fields: d.named(one.Fields), Partition: &partition, Stored: one.Stored,
		})
	}
	if found.More && len(list.Items) > 0 {
		list.Next = base64.RawURLEncoding.EncodeToString([]byte(list.Items[len(list.Items)-1].Key))
	}
	return list, nil
}

func moment(at int64) time.Time { return time.UnixMilli(at).UTC() }

func (d *known) anomalies(entries []tail.Entry) []answers.Anomaly {
	all := make([]answers.Anomaly, len(entries))
	for i := range entries {
		all[i] = d.anomaly(&entries[i])
	}
	return all
}

func (d *known) anomaly(e *tail.Entry) answers.Anomaly {
	low, high := d.rules.Band(e.Usual, e.Scale)
	anomaly := answers.Anomaly{
		ID: e.ID, Detector: d.Name, Entity: e.Entity, Fields: d.named(e.Fields), Time: moment(e.At),
		Value: answers.Finite(e.Value), Usual: answers.Finite(e.Usual), Scale: answers.Finite(e.Scale), Deviation: answers.Finite(e.Deviation),
		Direction: answers.SideOf(e.Deviation), Low: answers.Finite(low), High: answers.Finite(high),
		Output: answers.Position{Topic: d.OutputTopic, Partition: e.Output.Partition, Offset: e.Output.Offset},
	}
	anomaly.ByHabit = d.byHabit(&e.Habit, e.Value, e.Usual, e.Scale)
	if e.Input != tail.Nowhere {
		anomaly.Input = &answers.Position{Topic: d.Topic, Partition: e.Input.Partition, Offset: e.Input.Offset}
	}
	return anomaly
}

func (d *known) episodes(found []tail.Episode) []answers.Episode {
	all := make([]answers.Episode, len(found))
	for i := range found {
		all[i] = d.episode(&found[i])
	}
	return all
}

func (d *known) episode(e *tail.Episode) answers.Episode {
	one := answers.Episode{
		ID: e.ID, Kind: answers.Deviation, Detector: d.Name, Entity: e.Entity, Fields: d.named(e.Fields), State: answers.Open,
		OpenedAt: moment(e.OpenedAt), LastAt: moment(e.LastAt), Points: e.Points, Reopened: e.Reopened,
		Direction: answers.SideOf(e.Peak.Deviation), Usual: answers.Finite(e.Usual), Low: answers.Finite(e.Low), High: answers.Finite(e.High),
		Value: answers.Finite(e.Peak.Value), Deviation: answers.Finite(e.Peak.Deviation), PeakAt: moment(e.Peak.At), PeakID: e.Peak.ID,
		Concurrent: e.Concurrent,
	}
	one.ByHabit = d.byHabit(&e.Habit, e.Peak.Value, e.Peak.Usual, e.Peak.Scale)
	if !e.Open {
		ended := moment(e.EndedAt)
		one.State, one.EndedAt = answers.Ended, &ended
	}
	return one
}
