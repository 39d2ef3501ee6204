package simulation

import (
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/test/golden"
	"anomalydetector/test/naive"
)

// expected is what the oracle says of a record of the input.
type expected struct {
	payload string // of the anomaly; empty: none
	reason  string // of the dead letter; empty: none
	times   int    // it was read and committed
}

// expect runs the oracle, a naive detector, over the log of an incarnation of the input.
func (j *judge) expect(life *incarnation) map[place]expected {
	slices.SortFunc(life.log, func(a, b *kgo.Record) int { return int(a.Offset - b.Offset) })
	type line struct {
		era       int
		partition int32
	}
	oracles := make(map[line]*naive.Detector)
	eras := append([]era{{rules: life.rules}}, life.eras...)
	want := make(map[place]expected)
	for _, record := range life.log {
		truth := j.truth(record)
		e := expected{times: life.times(record)}
		if truth.Bad != "" {
			e.reason = truth.Bad
		} else {
			for number, era := range eras { // the last one that has begun decides
				at := line{number, record.Partition}
				if oracles[at] == nil {
					oracles[at] = naive.New(era.rules)
				}
				deviation, anomalous := oracles[at].Decide(truth.Key, truth.At, truth.Value)
				if record.Offset < era.from[record.Partition] {
					continue
				}
				e.payload = ""
				if anomalous {
					e.payload = string(golden.Payload(record.Value, deviation))
				}
			}
		}
		if sink := j.run.scenario.Sink; e.payload != "" && sink.refuses(record.Offset, truth.At) {
			e.payload, e.reason = "", sink.reason()
			j.report.Withheld++
		}
		want[place{record.Partition, record.Offset}] = e
	}
	return want
}

// truth is the record as the seed drew it.
func (j *judge) truth(record *kgo.Record) Record {
	number, err := strconv.Atoi(header(record, "n"))
	if err != nil {
		panic(err) // only the feeder feeds
	}
	if drawn := j.run.scenario.Records; number < len(drawn) {
		return drawn[number]
	}
	return j.run.input.last[number-len(j.run.scenario.Records)]
}
