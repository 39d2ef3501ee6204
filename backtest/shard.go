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
	events   []episode.Step // scratch space

	counts    []count       // by setting
	said      []labels.Said // of the present datapoint, by setting
	late      int64
	lateFirst []ordered[Place]
	report    bool // keep the round's anomalies
	reported  []reported
}

// reported is an anomaly of this round.
type reported struct {
	datum
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
			it := &t.items[number][k]
			s.observe(&datum{order{round, i, it.line}, t, it})
		}
	}
}

// observe scores one datapoint at all settings.
func (s *shard) observe(d *datum) {
	t, it := d.task, d.item
	e, anomalous := s.take(it.key.of(t.keys), it.at, it.value)
	if e.judge == nil && s.judge != nil {
		e.judge = s.judge.Entity(e.key)
	}
	if it.at < e.newest {
		s.late++
		if len(s.lateFirst) < firstFew {
			s.lateFirst = append(s.lateFirst, ordered[Place]{d.order, d.place()})
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
		s.count(e, k, d)
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
func (s *shard) count(e *entity, setting int, d *datum) {
	verdict, c := &s.verdicts[setting], &s.counts[setting]
	opened := false
	switch verdict.Reason {
	case detection.Normal:
		c.scored++
		if e.found != nil && e.found[setting] != nil {
			s.normal(e, setting, d.item)
		}
	case detection.Anomalous:
		c.scored++
		found := s.anomalyOf(e, setting, d)
		opened = s.anomaly(e, setting, &found)
		if s.report {
			s.reported = append(s.reported, reported{*d, setting, found})
		}
	}
	if setting > 0 {
		first := &s.verdicts[0]
		switch is, was := verdict.Reason == detection.Anomalous, first.Reason == detection.Anomalous; {
		case is && !was:
			c.adds.take(s, e, setting, d)
		case was && !is:
			c.loses.take(s, e, 0, d)
		}
	}
	s.said[setting] = labels.Said{Scored: verdict.Reason != detection.TooFewPoints, Anomalous: verdict.Reason == detection.Anomalous, Opened: opened}
}

// anomalyOf describes the present datapoint as an anomaly at a setting.
func (s *shard) anomalyOf(e *entity, setting int, d *datum) Anomaly {
	v := &s.verdicts[setting]
	a := Anomaly{Entity: e.key, Fields: e.fields, At: d.item.at, Value: d.item.value, Usual: v.Median, Scale: v.Scale, Deviation: v.Deviation,
		Place: d.place(), Method: s.settings[setting].Rules.Method}
	if j := s.judgement(setting); j != nil {
		a.Test, a.Low, a.High, a.Mean, a.MeanLimit = j.Test, j.Low, j.High, j.Mean, j.Usual
	}
	return a
}

// anomaly folds an anomaly into the entity's episodes, and returns whether it opens one.
func (s *shard) anomaly(e *entity, setting int, a *Anomaly) (opened bool) {
	f := e.found[setting]
	if f == nil {
		f = new(findings)
		e.found[setting] = f
	}
	c, rules := &s.counts[setting], &s.settings[setting].Episodes
	s.events = f.hear(rules, e.newest, s.events)
	f.state, s.events = rules.Anomaly(f.state, episode.Anomaly{At: a.At, Value: a.Value, Usual: a.Usual, Scale: a.Scale, Deviation: a.Deviation}, s.events)
	for _, event := range s.events {
		switch event.Event {
		case episode.Opened:
			opened = true
			f.episodes++
			c.episodes++
		case episode.Reopened:
			c.reopened++
		}
	}
	c.anomalies++
	c.over.take(a.At, opened)
	f.take(a)
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
