package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/test/golden"
	"anomalydetector/test/naive"
)

// place is where a record of the input is.
type place struct {
	partition int32
	offset    int64
}

// expected is what is to come of a record.
type expected struct {
	payload string // of the anomaly; empty: none
	reason  string // of the dead letter; empty: none
	times   int    // it was read and committed
}

// verify compares what was committed with what a naive detector says of the
// input as it is in the log, and was in those of before.
func (r *run) verify() {
	var err error
	if r.input.log, err = r.read(inputTopic); err != nil {
		r.problem("read the input: %v", err)
		return
	}
	var want []map[place]expected
	for _, input := range append(r.former, r.input) {
		want = append(want, r.expect(input))
	}
	r.report.Anomalies = r.compare(outputTopic, want,
		func(e expected) string { return e.payload }, func(record *kgo.Record) string {
			if problem := golden.Unexplained(record, "v"); problem != "" {
				r.problem("%s", problem)
			}
			return string(record.Value)
		})
	if r.scenario.Letters {
		r.report.Letters = r.compare(letterTopic, want,
			func(e expected) string { return e.reason }, func(record *kgo.Record) string { return header(record, "reason") })
	}
}

func (r *run) read(topic string) ([]*kgo.Record, error) {
	return golden.Read(topic, kgo.SeedBrokers(brokerAddress(0)), kgo.Dialer(r.network.dialer("operator")))
}

// expect runs the naive detector over a log.
func (r *run) expect(input *incarnation) map[place]expected {
	log := input.log
	slices.SortFunc(log, func(a, b *kgo.Record) int { return int(a.Offset - b.Offset) })
	type line struct {
		era       int
		partition int32
	}
	oracles := make(map[line]*naive.Detector)
	eras := append([]era{{rules: input.rules}}, input.eras...)
	want := make(map[place]expected)
	for _, record := range log {
		truth := r.truth(record)
		e := expected{times: input.times(record)}
		if truth.Bad != "" {
			e.reason = truth.Bad
		} else {
			for number, era := range eras { // the last that has begun decides
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
		if e.payload != "" && r.scenario.Sink.refuses(record.Offset, truth.At) {
			e.payload, e.reason = "", r.scenario.Sink.reason()
			r.report.Withheld++
		}
		want[place{record.Partition, record.Offset}] = e
	}
	return want
}

// truth is the record as it was made.
func (r *run) truth(record *kgo.Record) Record {
	number, err := strconv.Atoi(header(record, "n"))
	if err != nil {
		panic(err) // nobody else feeds
	}
	if made := r.scenario.Records; number < len(made) {
		return made[number]
	}
	return r.last[number-len(r.scenario.Records)]
}

// times is how often a record was read and committed: an operator may have set
// the offsets back, or forward.
func (i *incarnation) times(record *kgo.Record) (times int) {
	for _, s := range i.scored[record.Partition] {
		if s.from <= record.Offset && record.Offset < s.until {
			times++
		}
	}
	return times
}

// compare checks that a topic holds what is wanted of each incarnation of the input,
// as often as it is wanted, and returns how many records it holds.
func (r *run) compare(topic string, want []map[place]expected, wanted func(expected) string, got func(*kgo.Record) string) int {
	records, err := r.read(topic)
	if err != nil {
		r.problem("read %s: %v", topic, err)
		return 0
	}
	slices.SortFunc(records, func(a, b *kgo.Record) int { return int(a.Offset - b.Offset) })
	found := make([]map[place]int, len(want))
	for i := range found {
		found[i] = make(map[place]int)
	}
	order := make(map[string]int64)
	for _, record := range records {
		partition, _ := strconv.Atoi(header(record, "partition"))
		offset, _ := strconv.ParseInt(header(record, "offset"), 10, 64)
		at := place{int32(partition), offset}
		of := len(want) - 1 // which incarnation it may be of: the first one that lacks it
		for i := len(want) - 1; i >= 0; i-- {
			if wanted(want[i][at]) == got(record) && (found[i][at] < want[i][at].times || wanted(want[of][at]) != got(record)) {
				of = i
			}
		}
		found[of][at]++
		if text := wanted(want[of][at]); text != got(record) {
			r.problem("%s: %q of offset %d of partition %d, where %q is right", topic, got(record), at.offset, at.partition, text)
		}
		line := fmt.Sprint(record.Partition, partition, string(record.Key))
		if offset < order[line] && !r.replayed() {
			r.problem("%s: offset %d of partition %d came after offset %d", topic, offset, partition, order[line])
		}
		order[line] = offset
	}
	for i := range want {
		for _, at := range slices.SortedFunc(maps.Keys(want[i]), func(a, b place) int { return int(a.offset - b.offset) }) {
			e := want[i][at]
			if times := found[i][at]; wanted(e) != "" && times != e.times {
				r.problem("%s: offset %d of partition %d is there %d times, where %d are right", topic, at.offset, at.partition, times, e.times)
			}
		}
	}
	return len(records)
}

// replayed tells whether an operator has set offsets, or made them begin again.
func (r *run) replayed() bool {
	return r.has(offsetsReset) || r.has(topicMadeAgain)
}

func header(record *kgo.Record, name string) string {
	for _, h := range record.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}
