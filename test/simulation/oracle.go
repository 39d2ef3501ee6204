package simulation

import (
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/test/golden"
)

// expected is what the oracle says of a record of the input.
type expected struct {
	payload string // of the anomaly; empty: none
	headers string // usual and scale of the anomaly
	reason  string // of the dead letter; empty: none
	times   int    // it was read and committed
}

// anomaly is what the output topic holds of the record; empty: nothing.
func (e expected) anomaly() string { return anomaly(e.payload, e.headers) }

func anomaly(payload, headers string) string {
	if payload == "" {
		return ""
	}
	return payload + headers
}

// headersOf are the headers that explain an anomaly.
func headersOf(usual, scale string) string { return " usual " + usual + ", scale " + scale }

// expect runs the oracle over the log of an incarnation of the input.
func (j *judge) expect(life *incarnation) map[place]expected {
	slices.SortFunc(life.log, func(a, b *kgo.Record) int { return int(a.Offset - b.Offset) })
	type line struct {
		era       int
		partition int32
	}
	oracles := make(map[line]oracle)
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
					oracles[at] = newOracle(era.rules)
				}
				v := oracles[at].Judge(truth.Key, truth.At, truth.Value)
				if record.Offset < era.from[record.Partition] {
					continue
				}
				e.payload = ""
				if v.Anomalous {
					e.payload = string(golden.Payload(record.Value, v.Deviation))
					e.headers = headersOf(exact(v.Usual), exact(v.Scale))
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

// exact is the shortest text of a number that parses back to it.
func exact(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

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
