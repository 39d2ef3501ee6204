package source

import (
	"context"
	"net/http"
	"slices"
	"time"

	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/web/answers"
)

const mostShown = 300 // anomalies and episodes of an entity, each

// Entity is all that is known of an entity.
func (s *Source) Entity(ctx context.Context, detector, key string) (answers.Entity, error) {
	d, err := s.detector(detector)
	if err != nil {
		return answers.Entity{}, err
	}
	now, err := s.all(ctx)
	if err != nil {
		return answers.Entity{}, err
	}
	status := now.status
	found, _ := s.config.Asker.Entity(ctx, d.Name, key)
	answer := answers.Entity{
		EntityRef: answers.EntityRef{Detector: d.Name, Key: key, Fields: []answers.Field{}},
		Needed:    d.needed(), Full: d.full(), Threshold: d.Settings.Threshold,
		Window: []answers.Point{}, Missing: []answers.TimeSpan{},
		Partial: found.Partial || status.Partial, Problems: append(problems(status), found.Problems...),
	}
	owner := preferred(found.Found)
	if owner != nil {
		d.fill(&answer, owner)
	}
	if err := d.recall(&answer, now); err != nil {
		return answers.Entity{}, err
	}
	if owner == nil && len(answer.Anomalies)+len(answer.Episodes) == 0 {
		if err := d.joining(status); err != nil {
			return answers.Entity{}, err
		}
		if !answer.Partial {
			return answers.Entity{}, s.unknown(ctx, d, key)
		}
	}
	recallBands(&answer)
	if len(answer.Fields) == 0 {
		answer.Fields = s.fieldsOf(ctx, d, key)
	}
	until, _ := streamTime(status, d.Name)
	if owner != nil {
		until, _ = partitionTime(status, d.Name, owner.Partition)
	}
	d.judge(&answer, owner, until)
	return answer, nil
}

// joining is the problem of a detector that has no partition on any node, so that nobody can be asked for
// entities.
func (d *known) joining(status messages.ClusterStatus) error {
	has, why := false, ""
	partitionsOf(status, d.Name, func(messages.NodeStatus, messages.DetectorStatus, messages.PartitionStatus) { has = true })
	if has {
		return nil
	}
	for _, node := range status.Nodes {
		for _, one := range node.Detectors {
			if one.Detector == d.Name && one.Problem != "" {
				why = ": " + one.Problem
			}
		}
	}
	return &answers.Problem{Status: http.StatusServiceUnavailable, RetryAfter: 2 * time.Second,
		Detail: d.Name + " has no partition yet, so nobody can be asked for entities" + why}
}

// preferred is the answer to show. An answer of the owner goes before that of a standby, then more points
// before fewer.
func preferred(found []messages.EntityStatus) *messages.EntityStatus {
	var best *messages.EntityStatus
	rank := func(e *messages.EntityStatus) int {
		if e.Role == messages.RoleAssigned {
			return 1
		}
		return 0
	}
	for i := range found {
		one := &found[i]
		if best == nil || rank(one) > rank(best) || rank(one) == rank(best) && one.Points > best.Points {
			best = one
		}
	}
	return best
}

// fill takes over the answer of a partition.
func (d *known) fill(answer *answers.Entity, from *messages.EntityStatus) {
	partition := from.Partition
	answer.Partition, answer.Node, answer.Phase = &partition, from.Address, string(from.Phase)
	answer.Input = &answers.Position{Topic: d.Topic, Partition: from.Partition, Offset: from.Offset}
	answer.Points, answer.Needed, answer.Full, answer.Coverage = from.Points, from.Needed, from.Full, from.Coverage
	answer.Scored, answer.Median, answer.Scale, answer.Low, answer.High = from.Scored, from.Median, from.Scale, from.Low, from.High
	for _, point := range from.Window {
		answer.Window = append(answer.Window, answers.Point{Time: time.UnixMilli(point.At).UTC(), Value: point.Value})
	}
	if from.Habit != nil {
		d.fillHabit(answer, from)
	}
	slices.SortStableFunc(answer.Window, func(a, b answers.Point) int { return a.Time.Compare(b.Time) }) // because of late records
}

// missing are the spans up to stream time in which a window has no point. Points may come half a bin late.
func missing(window []answers.Point, bin time.Duration, until time.Time) []answers.TimeSpan {
	spans := []answers.TimeSpan{}
	for i, point := range window {
		next := until.Add(bin)
		if i+1 < len(window) {
			next = window[i+1].Time
		}
		if next.Sub(point.Time) > bin*3/2 {
			spans = append(spans, answers.TimeSpan{From: point.Time.Add(bin), Until: next})
		}
	}
	return spans
}

// judgement is what an entity's last point was compared with.
type judgement struct {
	last     messages.WindowPoint // the last one to arrive
	habit    *messages.HabitStatus
	scored   bool
	summary  detection.Summary // of the window before the last point
	until    time.Time         // stream time; zero: not known
	silentAt int               // how many bins had no point since
}

// judge says in words what was decided about an entity's last point.
func (d *known) judge(answer *answers.Entity, owner *messages.EntityStatus, streamTime int64) {
	if owner == nil || len(owner.Window) == 0 {
		answer.Reason, answer.Verdict = "unknown", d.sayNothingKnown(answer)
		return
	}
	j := judgement{last: owner.Window[len(owner.Window)-1], habit: owner.Habit}
	if j.habit != nil {
		j.scored = j.habit.Last != nil
		j.summary = detection.Summary{Points: len(owner.Window) - 1, Needed: owner.Needed}
	} else {
		values := make([]float64, len(owner.Window)-1)
		for i := range values {
			values[i] = owner.Window[i].Value
		}
		j.summary = detection.NewScorer(d.rules).Summarize(values)
		j.scored = j.summary.Scored
	}
	if streamTime > 0 {
		j.until = time.UnixMilli(streamTime).UTC()
		j.silentAt = int(j.until.Sub(time.UnixMilli(j.last.At)) / d.bin)
		answer.Missing = missing(answer.Window, d.bin, j.until)
	}
	answer.Last = &answers.LastPoint{Time: time.UnixMilli(j.last.At).UTC(), Value: j.last.Value, Deviation: owner.LastDeviation}
	anomalous := !normal(owner.LastDeviation, d.Settings.Threshold)
	if j.habit != nil && j.scored {
		judged := j.habit.Last
		answer.Last.Test, answer.Last.Expected, answer.Last.Low, answer.Last.High = judged.Test, judged.Expected, judged.Low, judged.High
		answer.Last.Mean, answer.Last.UsualMean = judged.Mean, judged.UsualMean
		anomalous = judged.Anomalous
	}
	switch {
	case j.silentAt >= d.Tail.Rules().ClearAfter: // the same number of bins as ends an episode
		answer.Reason = "silent"
	case !j.scored:
		answer.Reason = "too_few_points"
	case anomalous:
		answer.Reason = "anomalous"
	default:
		answer.Reason = "normal"
	}
	answer.Verdict = d.say(answer, &j)
}

// normal says whether a deviation is normal. An infinite one is nil, because JSON has no number for it, and
// is anomalous.
func normal(deviation *float64, threshold float64) bool {
	return deviation != nil && max(*deviation, -*deviation) <= threshold
}

// unknown is the problem of an entity that no node knows, with some keys that are like it.
func (s *Source) unknown(ctx context.Context, d *known, key string) error {
	return &answers.Problem{
		Status: http.StatusNotFound, Detail: "nothing is known of entity " + key + " of " + d.Name, Parameter: "key", Value: key,
		Similar: s.similar(ctx, d, key),
	}
}
