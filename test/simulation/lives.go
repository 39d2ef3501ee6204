package simulation

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/episode"
	"anomalydetector/test/naive"
)

// compareEpisodes checks that each partition of the episodes topic holds the events that the oracle tells, each once and
// in order, and that the state in it leads up to the end of the input.
func (j *judge) compareEpisodes() {
	r := j.run
	if !r.scenario.Episodes.On {
		return
	}
	records, err := r.read(episodesTopic)
	if err != nil {
		j.problem("read %s: %v", episodesTopic, err)
		return
	}
	slices.SortFunc(records, func(a, b *kgo.Record) int { return int(a.Offset - b.Offset) })
	found := make(map[int32][]*kgo.Record)
	for _, record := range records {
		if record.Partition >= r.input.partitions.Load() {
			j.problem("%s has a record in partition %d", episodesTopic, record.Partition)
		}
		found[record.Partition] = append(found[record.Partition], record)
	}
	for partition := range r.input.partitions.Load() {
		want := j.expectEpisodes(partition)
		events := j.readStates(partition, found[partition])
		j.count(func(report *Report) { report.Episodes += len(events) })
		var got []string
		for _, event := range events {
			got = append(got, string(event.Value))
			j.checkHeaders(event)
		}
		if difference := naive.Difference(got, want); difference != "" {
			j.problem("%s: partition %d: %s", episodesTopic, partition, difference)
		}
	}
}

// checkHeaders checks that the key and the headers of an event are those of its value.
func (j *judge) checkHeaders(record *kgo.Record) {
	var e episode.Record
	_ = json.Unmarshal(record.Value, &e) // a wrong value is a problem of its own
	key := map[string]string{"deviation": e.Entity, "absence": e.Entity + "\x00absence", "gap": "\x00gap"}[e.Kind]
	if string(record.Key) != key || header(record, "id") != e.ID || header(record, "event") != e.Event || header(record, "kind") != e.Kind {
		j.problem("%s: %s has key %q and headers %v", episodesTopic, record.Value, record.Key, record.Headers)
	}
}

// readStates checks the records of a partition's state, and returns all others. Each transaction that moved the
// partition's offset has the state of that offset, with all its parts.
func (j *judge) readStates(partition int32, records []*kgo.Record) (events []*kgo.Record) {
	next, part := int64(0), 0
	moved := j.run.has(offsetsReset) || j.run.has(topicMadeAgain)
	for _, record := range records {
		if !episode.IsStateKey(record.Key) {
			events = append(events, record)
			continue
		}
		s, err := episode.ParseState(record.Value)
		if err != nil {
			j.problem("%s: partition %d, offset %d: %v", episodesTopic, partition, record.Offset, err)
			continue
		}
		if s.Partition != partition || s.Part != part || string(record.Key) != string(episode.StateKey(part)) {
			j.problem("%s: the state of offset %d in partition %d is of partition %d, part %d; want part %d", episodesTopic, s.Offset, partition, s.Partition, s.Part, part)
		}
		if part > 0 && s.Offset != next || s.Part == 0 && s.Offset <= next && !moved {
			j.problem("%s: the state of offset %d in partition %d, part %d, came after that of offset %d", episodesTopic, s.Offset, partition, s.Part, next)
		}
		if next, part = s.Offset, s.Part+1; part == s.Parts {
			part = 0
		}
	}
	if spans := j.run.input.now.committed[partition]; len(spans) > 0 && (part != 0 || next != spans[len(spans)-1].until) {
		j.problem("%s: the last state in partition %d is of offset %d, and lacks parts from %d on; want offset %d", episodesTopic, partition, next, part,
			spans[len(spans)-1].until)
	}
	return events
}

// expectEpisodes runs the oracle over all that was read and committed of a partition. Its state begins anew only where
// the operator set the offsets, or made the topic again.
func (j *judge) expectEpisodes(partition int32) (want []string) {
	s := j.run.scenario
	e := &naive.Episodes{EpisodeRules: s.Episodes.Rules}
	e.Begin()
	note := func(events []episode.Record) {
		for _, event := range events {
			want = append(want, naive.Published(event, confName, "k"))
		}
	}
	read := int64(-1) // of this incarnation
	for _, life := range append(slices.Clone(j.run.input.former), j.run.input.now) {
		if read >= 0 {
			read = -2 // an offset of another topic
		}
		for _, span := range life.committed[partition] {
			if span.from != read && read != -1 {
				e.Begin()
			}
			read = span.until
			j.readSpan(life, partition, span, e, note)
		}
	}
	return want
}

// readSpan lets the oracle read what was committed in a row. The records before it fill its windows.
func (j *judge) readSpan(life *incarnation, partition int32, of span, e *naive.Episodes, note func([]episode.Record)) {
	eras := append([]era{{rules: life.rules}}, life.eras...)
	var oracles []oracle
	for _, era := range eras {
		oracles = append(oracles, newOracle(era.rules))
	}
	e.ID = func(offset int64, kind string, n int) string {
		return naive.ID(inputTopic, life.id, group, partition, offset, kind, n)
	}
	for _, record := range life.log {
		truth := j.truth(record)
		if record.Partition != partition || record.Offset >= of.until || truth.Bad != "" {
			continue
		}
		current := 0
		for number, era := range eras {
			if record.Offset >= era.from[partition] {
				current = number
			}
		}
		e.Rules, e.Windows = eras[current].rules.Rules, oracles[current].windows()
		e.Judge = func(key string, at int64, value float64) (verdict naive.Verdict) {
			for number, oracle := range oracles {
				if v := oracle.Judge(key, at, value); number == current {
					verdict = v
				}
			}
			return verdict
		}
		if record.Offset < of.from {
			e.Judge(truth.Key, truth.At, truth.Value)
			continue
		}
		note(e.Take(record.Offset, truth.Key, truth.At, truth.Value))
	}
}

// identify asks for the id of the input topic.
func (o *operator) identify() (id string) {
	o.insist("ask for the id of the input", func(ctx context.Context) error {
		metadata, err := o.admin.Metadata(ctx, inputTopic)
		if err == nil {
			err = metadata.Topics[inputTopic].Err
			id = metadata.Topics[inputTopic].ID.String()
		}
		return err
	})
	return id
}
