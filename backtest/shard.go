package backtest

import (
	"anomalydetector/backtest/labels"
	"anomalydetector/backtest/source"
	"anomalydetector/detection"
	"anomalydetector/episode"
)

// shard scores the datapoints of its entities. It serves one goroutine at a time.
type shard struct {
	*Windows
	settings []Setting
	judge    *labels.Judge // nil: there are no labels
	decoder  source.Decoder
	events   []episode.Event // scratch space

	counts    []count       // by setting
	said      []labels.Said // of the present datapoint, by setting
	late      int64
	lateFirst []placed
	report    bool // keep the round's anomalies
	reported  []reported
}

// placed is a place with its round and task, which give the order of the input.
type placed struct {
	round, task int
	place       Place
}

// reported is an anomaly of this round.
type reported struct {
	task    int
	item    *item
	setting int
	anomaly Anomaly
}

func newShard(o *Options) *shard {
	rules := make([]detection.Settings, len(o.Settings))
	for i := range rules {
		rules[i] = o.Settings[i].Rules
	}
	return &shard{Windows: NewWindows(rules), settings: o.Settings, judge: o.Labels, decoder: o.Decoder(), report: o.Anomaly != nil,
		counts: make([]count, len(rules)), said: make([]labels.Said, len(rules))}
}

// score takes what a round's tasks have for the shard with this number.
func (s *shard) score(number, round int, tasks []*task) {
	s.reported = s.reported[:0]
	for i, t := range tasks {
		for k := range t.items[number] {
			s.observe(round, i, t, &t.items[number][k])
		}
	}
}

// observe scores one datapoint at all settings.
func (s *shard) observe(round, number int, t *task, it *item) {
	e, anomalous := s.take(it.key.of(t.keys), it.at, it.value)
	if e.judge == nil && s.judge != nil {
		e.judge = s.judge.Entity(e.key)
	}
	if it.at < e.newest {
		s.late++
		if len(s.lateFirst) < firstFew {
			s.lateFirst = append(s.lateFirst, placed{round, number, Place{t.block.Input.Name, it.line}})
		}
	}
	e.newest = max(e.newest, it.at)
	if anomalous && e.found == nil {
		e.found, e.fields = make([]*findings, len(s.verdicts)), s.decoder.Fields(t.block, t.row(it))
	}
	judged := e.judge != nil && (anomalous || !e.judge.TakeNormal(it.at))
	if e.found == nil && !judged {
		s.uneventful()
		return
	}
	for k := range s.verdicts {
		s.count(e, k, round, number, t, it)
	}
	if judged {
		e.judge.Take(it.at, s.said)
	}
}

// uneventful does what count does at each setting for an entity that has had no anomaly. Most datapoints are so.
func (s *shard) uneventful() {
	for k := range s.verdicts {
		if s.verdicts[k].Reason == detection.Normal {
			s.counts[k].scored++
		}
	}
}

// count notes what a setting says of a datapoint.
func (s *shard) count(e *entity, setting, round, number int, t *task, it *item) {
	verdict, c := &s.verdicts[setting], &s.counts[setting]
	opened := false
	switch verdict.Reason {
	case detection.Normal:
		c.scored++
		if e.found != nil && e.found[setting] != nil {
			s.normal(e, setting, it)
		}
	case detection.Anomalous:
		c.scored++
		opened = s.anomaly(e, setting, t, it)
		if s.report {
			s.reported = append(s.reported, reported{number, it, setting, found(e, verdict, t, it)})
		}
	}
	if setting > 0 {
		first := &s.verdicts[0]
		switch is, was := verdict.Reason == detection.Anomalous, first.Reason == detection.Anomalous; {
		case is && !was:
			c.adds.take(e, verdict, round, number, t, it)
		case was && !is:
			c.loses.take(e, first, round, number, t, it)
		}
	}
	s.said[setting] = labels.Said{Scored: verdict.Reason != detection.TooFewPoints, Anomalous: verdict.Reason == detection.Anomalous, Opened: opened}
}

// found describes an anomaly.
func found(e *entity, v *detection.Verdict, t *task, it *item) Anomaly {
	return Anomaly{Entity: e.key, Fields: e.fields, At: it.at, Value: it.value, Usual: v.Median, Scale: v.Scale, Deviation: v.Deviation,
		Place: Place{t.block.Input.Name, it.line}}
}

// anomaly folds an anomaly into the entity's episodes, and returns whether it opens one.
func (s *shard) anomaly(e *entity, setting int, t *task, it *item) (opened bool) {
	f := e.found[setting]
	if f == nil {
		f = new(findings)
		e.found[setting] = f
	}
	v, c, rules := &s.verdicts[setting], &s.counts[setting], &s.settings[setting].Episodes
	s.events = f.hear(rules, e.newest, s.events)
	f.state, s.events = rules.Anomaly(f.state,
		episode.Anomaly{At: it.at, Value: it.value, Usual: v.Median, Scale: v.Scale, Deviation: v.Deviation}, s.events)
	for _, event := range s.events {
		switch event.Kind {
		case episode.Opened:
			opened = true
			f.episodes++
			c.episodes++
		case episode.Reopened:
			c.reopened++
		}
	}
	c.anomalies++
	c.over.take(it.at, opened)
	f.take(it, v, Place{t.block.Input.Name, it.line})
	return opened
}

// normal folds a datapoint that is none.
func (s *shard) normal(e *entity, setting int, it *item) {
	f, rules := e.found[setting], &s.settings[setting].Episodes
	if !f.state.Episode.Open {
		f.quiet = max(f.quiet, it.at)
		return
	}
	s.events = f.hear(rules, e.newest, s.events)
	f.state, s.events = rules.Normal(f.state, episode.Point{At: it.at, Value: it.value}, s.events)
}
