package simulation

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/persistence"
	"anomalydetector/test/golden"
)

// judge says what is wrong with a run, once, and counts. All roles tell it. In the end it
// compares what the topics hold with what the oracle says. Its methods may be called from
// any goroutine until findLeaks; those that compare are called by live alone.
type judge struct {
	run *run

	mu       sync.Mutex
	problems []string
	said     map[string]bool // problems, without their times
	report   Report
	logs     []string
	told     map[place]string  // ids of the anomalies that processes told of, by their place in the output topic
	entities map[string]string // entities of those anomalies, by id
}

// place is where a record is in a topic.
type place struct {
	partition int32
	offset    int64
}

func newJudge(r *run) *judge {
	return &judge{run: r, said: make(map[string]bool), told: make(map[place]string), entities: make(map[string]string)}
}

// problem notes something that is wrong. The same words again are no other problem.
func (j *judge) problem(format string, values ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	text := fmt.Sprintf(format, values...)
	if !j.said[text] {
		j.said[text] = true
		j.problems = append(j.problems, fmt.Sprintf("at %.3f s: ", j.run.clock().Seconds())+text)
	}
}

func (j *judge) count(change func(*Report)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change(&j.report)
}

// struck counts a request or a write that a fault spoilt.
func (j *judge) struck(kind faultKind) { j.count(func(report *Report) { report.Struck[kind]++ }) }

// verdict is the report of a run that is over.
func (j *judge) verdict() Report {
	j.mu.Lock()
	defer j.mu.Unlock()
	report := j.report
	report.Problems = j.problems
	report.Virtual = j.run.clock()
	report.Log = strings.Join(j.logs, "")
	report.readLog()
	return report
}

// exited judges a process that ended by itself. A daemon does that only if another process
// took its name, or if it could not store its state.
func (j *judge) exited(p *process) {
	j.count(func(report *Report) { report.Exits++ })
	faults := j.run.scenario.Faults
	unstored := errors.Is(p.err, persistence.ErrNoSpace) || p.failedWrites.Load() > 0
	if !slices.ContainsFunc(faults, Fault.fences) && !(unstored && slices.ContainsFunc(faults, Fault.breaks)) {
		j.problem("%s ended by itself: %v", p.party, p.err)
	}
}

// isPanicOrDamage finds these as whole words. The id of a topic is random text, and one began with "panic".
var isPanicOrDamage = regexp.MustCompile(`(^|[ "=(])(panic|corrupt|corrupted)([ ",:;.)\n]|$)`)

// reaped takes the log of a dead process. No fault makes the program panic, and none
// damages what is stored.
func (j *judge) reaped(p *process) {
	text := p.text()
	for line := range strings.Lines(text) {
		if isPanicOrDamage.MatchString(line) {
			j.problem("%s: %s", p.party, strings.TrimSpace(line))
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.logs = append(j.logs, text)
}

// caughtUp waits until all of the input is committed, which shows that the detectors live. If topics refuse each anomaly and each request is slow, that
// takes long; but some more of it must be committed every five minutes.
func (j *judge) caughtUp() bool {
	ends, ok := j.run.operator.ends()
	if !ok {
		return false
	}
	begun, helped := time.Now(), false
	moved, least, behind := begun, int64(math.MaxInt64), ""
	for time.Since(moved) < 5*time.Minute && time.Since(begun) < time.Hour {
		var left int64
		if behind, left = j.run.operator.behind(ends); behind == "" {
			j.run.input.now.committedTo(ends)
			return true
		}
		if left < least {
			moved, least = time.Now(), left
		}
		if !helped && time.Since(begun) > time.Minute {
			helped = true
			j.run.broker.unstick()
		}
		time.Sleep(200 * time.Millisecond)
	}
	j.problem("%s after all faults had ended the input is not committed, and nothing more of it for %s:%s", time.Since(begun), time.Since(moved), behind)
	return false
}

// read reads all committed records of a topic.
func (r *run) read(topic string) ([]*kgo.Record, error) {
	return golden.Read(topic, kgo.SeedBrokers(brokerAddress(0)), kgo.Dialer(r.network.dialer(operatorParty)))
}

// compareTopics compares the output and dead-letter topics with what the oracle says of
// the input as it is in the log, and of those that were deleted.
func (j *judge) compareTopics() {
	r := j.run
	var err error
	if r.input.now.log, err = r.read(inputTopic); err != nil {
		j.problem("read the input: %v", err)
		return
	}
	r.input.now.id = r.operator.identify()
	var want []map[place]expected
	for _, life := range append(r.input.former, r.input.now) {
		want = append(want, j.expect(life))
	}
	j.report.Anomalies = j.compare(outputTopic, want,
		expected.anomaly, func(record *kgo.Record) string {
			return anomaly(string(record.Value), headersOf(header(record, "usual"), header(record, "scale")))
		})
	if r.scenario.DeadLetters {
		j.report.DeadLetters = j.compare(deadLetterTopic, want,
			func(e expected) string { return e.reason }, func(record *kgo.Record) string { return header(record, "reason") })
	}
	j.compareEpisodes()
}

// compare checks that a topic holds what is wanted of each incarnation of the input, as
// often as it is wanted and in order. It returns how many records the topic holds.
func (j *judge) compare(topic string, want []map[place]expected, wanted func(expected) string, got func(*kgo.Record) string) int {
	records, err := j.run.read(topic)
	if err != nil {
		j.problem("read %s: %v", topic, err)
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
		of := len(want) - 1 // the incarnation it may belong to: the first one that lacks it
		for i := len(want) - 1; i >= 0; i-- {
			if wanted(want[i][at]) == got(record) && (found[i][at] < want[i][at].times || wanted(want[of][at]) != got(record)) {
				of = i
			}
		}
		found[of][at]++
		if text := wanted(want[of][at]); text != got(record) {
			j.problem("%s: offset %d of partition %d has %q, want %q", topic, at.offset, at.partition, got(record), text)
		}
		line := fmt.Sprint(record.Partition, partition, string(record.Key))
		if offset < order[line] && !j.run.has(offsetsReset) && !j.run.has(topicMadeAgain) {
			j.problem("%s: offset %d of partition %d came after offset %d", topic, offset, partition, order[line])
		}
		order[line] = offset
	}
	for i := range want {
		for _, at := range slices.SortedFunc(maps.Keys(want[i]), func(a, b place) int { return int(a.offset - b.offset) }) {
			e := want[i][at]
			if times := found[i][at]; wanted(e) != "" && times != e.times {
				j.problem("%s: offset %d of partition %d is there %d times, want %d", topic, at.offset, at.partition, times, e.times)
			}
		}
	}
	return len(records)
}

// compareClaims checks that processes did not count more anomalies as committed than there
// are. If something else is wrong the counts prove nothing.
func (j *judge) compareClaims() {
	j.mu.Lock()
	claimed, held, well := j.report.Claimed, j.report.Anomalies, len(j.problems) == 0
	j.mu.Unlock()
	if well && claimed > held {
		j.problem("%d anomalies were counted as committed, but there are %d", claimed, held)
	}
}

func header(record *kgo.Record, name string) string {
	for _, h := range record.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}
