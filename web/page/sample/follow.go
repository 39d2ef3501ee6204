package sample

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"anomalydetector/web/answers"
)

// Follow tells the anomalies of Add.
func (s *Source) Follow(ctx context.Context, q answers.FollowQuery, event func(answers.Event) error) error {
	seen, _ := strconv.Atoi(q.Cursor)
	if q.Cursor == "" {
		s.mu.Lock()
		seen = s.added
		s.mu.Unlock()
	}
	for {
		s.mu.Lock()
		added, news := s.added, s.news
		s.mu.Unlock()
		for ; seen < added; seen++ {
			a := s.extra(seen)
			if err := event(answers.Event{ID: strconv.Itoa(seen + 1), Anomaly: &a}); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-news:
		}
	}
}

// Add makes n more anomalies come.
func (s *Source) Add(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.added += n
	close(s.news)
	s.news = make(chan struct{})
}

// extra is an anomaly of Add.
func (s *Source) extra(i int) answers.Anomaly {
	w := s.worlds[s.detectors[0].Name]
	e := w.entities[i%len(w.entities)]
	return answers.Anomaly{ID: fmt.Sprintf("new-%d", i), Detector: w.d.Name, Entity: e.ref.Key, Fields: e.ref.Fields, Time: s.until.Add(time.Duration(i+1) * time.Second),
		Value: of(0.5), Usual: of(e.level), Scale: of(0.04), Deviation: of(7.5), Direction: answers.Up, Low: of(e.level - 0.2), High: of(e.level + 0.2), Output: answers.Position{Topic: w.d.OutputTopic, Offset: int64(i)}}
}
