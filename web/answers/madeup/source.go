// Package madeup has a made-up answers.Source for tests. It filters nothing: tests look at the questions that
// it was asked.
package madeup

import (
	"context"
	"fmt"
	"sync"
	"time"

	"anomalydetector/web/answers"
)

// At is when everything happens.
var At = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

// Source answers with its fields. They are set before it is asked.
type Source struct {
	All       answers.Status
	Anomalous answers.List[answers.Anomaly]
	Runs      answers.List[answers.Episode]
	Rows      answers.Lanes
	One       answers.Entity
	Known     answers.List[answers.EntityRef]
	Members   answers.List[answers.Node]
	Err       error // if set, the answer to everything except questions about detectors
	Following func(ctx context.Context, q answers.FollowQuery, event func(answers.Event) error) error

	mu    sync.Mutex
	asked []any
}

// Number is a pointer to a number.
func Number(x float64) *float64 { return &x }

// New makes a source with a detector, three entities, of which one has commas in a field, and two anomalies
// that are one episode.
func New() *Source {
	fields := func(scope, asn string) []answers.Field {
		return []answers.Field{{Name: "scope", Value: scope}, {Name: "asn", Value: asn, ASN: true}}
	}
	first := answers.Anomaly{
		ID: "aa01", Detector: "hegemony", Entity: "-1,64510", Fields: fields("-1", "64510"), Time: At.Add(15 * time.Minute),
		Value: Number(0.1), Usual: Number(0.30000000000000004), Scale: Number(1e-21), Deviation: Number(-20.5), Direction: answers.Down,
		Low: Number(0.25), High: Number(0.35), Output: answers.Position{Topic: "anomalies", Partition: 1, Offset: 7},
		Input: &answers.Position{Topic: "points", Partition: 2, Offset: 99},
	}
	old := answers.Anomaly{ // from the original program, whose records say less
		ID: "aa00", Detector: "hegemony", Entity: "=Paris, 1,64511", Fields: fields("=Paris, 1", "64511"), Time: At,
		Value: Number(2), Direction: answers.Up, Output: answers.Position{Topic: "anomalies", Partition: 0, Offset: 3},
	}
	recovered, ended := answers.Recovered, At.Add(time.Hour)
	s := &Source{
		Anomalous: answers.List[answers.Anomaly]{Items: []answers.Anomaly{first, old}},
		Runs: answers.List[answers.Episode]{Items: []answers.Episode{
			{ID: "aa01", Kind: answers.Deviation, Detector: "hegemony", Entity: first.Entity, Fields: first.Fields, State: answers.Open, OpenedAt: first.Time, LastAt: first.Time, Points: 1,
				Direction: answers.Down, Usual: first.Usual, Low: first.Low, High: first.High, Value: first.Value, Deviation: first.Deviation, PeakAt: first.Time, PeakID: "aa01"},
			{ID: "aa00", Kind: answers.Deviation, Detector: "hegemony", Entity: old.Entity, Fields: old.Fields, State: answers.Ended, OpenedAt: old.Time, LastAt: old.Time, EndedAt: &ended,
				Outcome: &recovered, Points: 3, Reopened: 1, Direction: answers.Up, Value: old.Value, PeakAt: old.Time, PeakID: "aa00"},
		}},
		Rows: answers.Lanes{Detector: "hegemony", By: "scope", From: At, Until: At.Add(time.Hour), BinSeconds: 900, All: answers.Lane{Label: "all", Count: 2},
			Items: []answers.Lane{{Label: "-1", Fields: fields("-1", "64510")[:1], Count: 1, Cells: []answers.Cell{{Bin: 1, Count: 1, Deviation: Number(-20.5)}}}}},
		Known: answers.List[answers.EntityRef]{Items: []answers.EntityRef{
			{Detector: "hegemony", Key: first.Entity, Fields: first.Fields}, {Detector: "hegemony", Key: old.Entity, Fields: old.Fields, Stored: true},
		}},
		Members: answers.List[answers.Node]{Items: []answers.Node{{Address: "127.0.0.1:8080", ID: "n1", This: true, Version: "1.2.3", StartedAt: &At,
			Detectors: []answers.NodeDetector{{Name: "hegemony", State: "live", Step: "polling", Partitions: []answers.NodePartition{{Partition: 2, Role: "assigned", Phase: "ready", Offset: 100, End: 100, Entities: 3}}}}}}},
		One: answers.Entity{EntityRef: answers.EntityRef{Detector: "hegemony", Key: first.Entity, Fields: first.Fields}, Phase: "ready",
			Input: &answers.Position{Topic: "points", Partition: 2, Offset: 100}, Points: 2, Needed: 173, Full: 288, Coverage: 2. / 288,
			Median: Number(0.2), Scale: Number(0.5), Low: Number(-2.3), High: Number(2.7), Threshold: 5,
			Window: []answers.Point{{Time: At, Value: 0.30000000000000004}, {Time: first.Time, Value: 0.1}},
			Last:   &answers.LastPoint{Time: first.Time, Value: 0.1, Deviation: first.Deviation}, Verdict: "It is far below its usual level.", Reason: "anomalous",
			Anomalies: []answers.Anomaly{first}},
	}
	s.One.Episodes = s.Runs.Items[:1]
	s.All = answers.Status{At: At, Version: "1.2.3", Nodes: 1, Answering: 1, Detectors: []answers.Detector{{
		Name: "hegemony", Topic: "points", OutputTopic: "anomalies", ConsumerGroup: "group", ValueField: "hege",
		KeyFields: []answers.KeyField{{Name: "scope"}, {Name: "asn", ASN: true}}, Threshold: 5, DevMetric: "mean", HistoryHours: 72, BinSeconds: 900,
		PointsNeeded: 173, PointsFull: 288, State: "live", Partitions: answers.Partitions{All: 3, Ready: 3}, DataUntil: &At, Entities: 3,
		Tail: answers.Tail{From: &At, Anomalies: 2, Caught: true},
	}}}
	return s
}

// Asked are the questions that it was asked, in order, except those about detectors.
func (s *Source) Asked() []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]any{}, s.asked...)
}

func (s *Source) ask(question any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, question)
	return s.Err
}

func (s *Source) Status(context.Context) (answers.Status, error) { return s.All, s.ask("status") }
func (s *Source) Detectors(context.Context) (answers.List[answers.Detector], error) {
	return answers.List[answers.Detector]{Items: s.All.Detectors}, nil
}
func (s *Source) Nodes(context.Context) (answers.List[answers.Node], error) {
	return s.Members, s.ask("nodes")
}
func (s *Source) Anomalies(_ context.Context, q answers.AnomaliesQuery) (answers.List[answers.Anomaly], error) {
	return s.Anomalous, s.ask(q)
}

// Anomaly is the anomaly with the id.
func (s *Source) Anomaly(_ context.Context, detector, id string) (answers.Anomaly, error) {
	err := s.ask([2]string{detector, id})
	for _, a := range s.Anomalous.Items {
		if a.ID == id {
			return a, err
		}
	}
	return answers.Anomaly{}, &answers.Problem{Status: 404, Detail: fmt.Sprintf("there is no anomaly %q", id), Parameter: "id", Value: id}
}

func (s *Source) Episodes(_ context.Context, q answers.EpisodesQuery) (answers.List[answers.Episode], error) {
	return s.Runs, s.ask(q)
}
func (s *Source) Lanes(_ context.Context, q answers.LanesQuery) (answers.Lanes, error) {
	return s.Rows, s.ask(q)
}

// Entity is One, or an unknown entity.
func (s *Source) Entity(_ context.Context, detector, key string) (answers.Entity, error) {
	err := s.ask([2]string{detector, key})
	if err == nil && key != s.One.Key {
		err = &answers.Problem{Status: 404, Detail: fmt.Sprintf("nothing is known of entity %q", key), Parameter: "key", Value: key, Similar: []string{s.One.Key}}
	}
	return s.One, err
}

func (s *Source) Entities(_ context.Context, q answers.EntitiesQuery) (answers.List[answers.EntityRef], error) {
	return s.Known, s.ask(q)
}

// Follow tells Following, or nothing, until the context ends.
func (s *Source) Follow(ctx context.Context, q answers.FollowQuery, event func(answers.Event) error) error {
	if err := s.ask(q); err != nil {
		return err
	}
	if s.Following != nil {
		return s.Following(ctx, q, event)
	}
	<-ctx.Done()
	return ctx.Err()
}
