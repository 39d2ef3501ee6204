package round

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
)

// anyone is a detector's surroundings: it answers the steps in any way and order that is legal, and checks what the
// round may never do.
type anyone struct {
	*Round
	random *rand.Rand
	now    time.Time
	log    []string

	underWay Effect                  // the step that is not answered yet
	session  bool                    // there is one
	slices   map[int32]struct{}      // that are not answered
	failed   bool                    // a slice of the transaction
	flushed  bool                    // since the last slice
	behind   map[int32]time.Duration // partitions that can be read beyond their last slice, and polling when that came
	polling  time.Duration           // time spent polling
	polls    time.Time               // when the last poll began
	saving   map[int32]bool          // partitions that have not answered a commit; whether they may postpone
	owing    map[int32]struct{}      // partitions that have postponed a checkpoint
	draining bool
	cut      bool // the step under way
	finished int
	problem  string
	last     Step
	seen     map[[2]Step]int // transitions
}

const anyPartitions = 3

// run takes the effects as the detector's actor does.
func (a *anyone) run(event string, effects []Effect) {
	if step := a.Step(); step != a.last {
		a.seen[[2]Step{a.last, step}]++
		a.last = step
	}
	a.log = append(a.log, event+" -> "+fmt.Sprint(effects))
	for _, effect := range effects {
		a.do(effect)
	}
}

func (a *anyone) wrong(format string, values ...any) {
	if a.problem == "" {
		a.problem = fmt.Sprintf(format, values...)
	}
}

func (a *anyone) do(effect Effect) {
	switch effect := effect.(type) {
	case Conclude:
		a.conclude(effect)
	case Store:
		a.store(effect.Partitions)
	case Reload:
		if !a.failed {
			a.wrong("partitions are loaded anew, and no slice has failed")
		}
		a.failed = false
	case Unassign:
		a.failed = false
		clear(a.behind)
	case Reconcile:
		a.maybeStore()
		a.run("reconciled", a.Reconciled(a.now))
	case Cut:
		if a.cut || !a.Step().cuttable() || a.underWay == nil {
			a.wrong("%s is cut", a.Step())
		}
		a.cut = true
	case Drain:
		a.draining = true
	case Hurry, StopIntake, ResumeIntake:
	case Finish:
		a.finished++
		if a.session && !effect.AtOnce {
			a.wrong("it finishes, and its session is open")
		}
	default:
		a.begin(effect)
	}
}

// begin is a step.
func (a *anyone) begin(step Effect) {
	if a.underWay != nil || a.finished > 0 {
		a.wrong("%s begins while %s is under way", step, a.underWay)
	}
	a.underWay, a.cut = step, false
	switch step := step.(type) {
	case Open:
		if a.session {
			a.wrong("a second session is opened")
		}
	case Score:
		a.flushed = false
		for _, slice := range step.Slices {
			a.slices[slice.Partition] = struct{}{}
		}
	case Poll:
		a.polls = a.now
		if a.Mode() == Stopping {
			a.wrong("it polls while it stops")
		}
		if a.Stall() != nil {
			a.wrong("it polls while the state cannot be stored")
		}
	case End:
		if step.Commit && (len(a.slices) > 0 || a.failed || a.Uncommitted() && !a.flushed) {
			a.wrong("commit with %d unanswered slices, failed %t, flushed %t", len(a.slices), a.failed, a.flushed)
		}
	case Reopen, Close:
		if !a.session {
			a.wrong("no session is closed")
		}
		if _, closes := step.(Close); closes && len(a.saving) > 0 && a.Result() == nil && step.(Close).Uncommitted == nil {
			a.wrong("it closes while %d checkpoints are written", len(a.saving))
		}
		a.session = false
	}
	switch step.(type) {
	case Pause, Reopen, Close:
		if len(a.owing) > 0 {
			a.wrong("%s, and %d partitions owe a checkpoint", step, len(a.owing))
		}
	}
	if _, opens := step.(Open); !opens && !a.session {
		if _, ok := step.(Reopen); !ok {
			if _, ok := step.(Close); !ok {
				a.wrong("%s without a session", step)
			}
		}
	}
}

// conclude tells some partitions of a commit.
func (a *anyone) conclude(c Conclude) {
	a.flushed = false
	if more := c.Committed && !c.Transaction.Empty() && len(a.behind) > 0 && a.Mode() == Running; c.More != more {
		a.wrong("%s, and the detector is %s, with %d partitions behind", c, a.Mode(), len(a.behind))
	}
	if !c.Committed {
		return
	}
	for partition := range int32(anyPartitions) {
		if !a.IsSaving(partition) && a.random.IntN(2) == 0 {
			a.Saving(partition)
			a.saving[partition] = c.More
			delete(a.owing, partition)
		}
	}
}

// store tells partitions to write what they have postponed.
func (a *anyone) store(partitions []int32) {
	if a.Uncommitted() {
		a.wrong("partitions store while records are not committed")
	}
	for _, partition := range partitions {
		if _, owes := a.owing[partition]; !owes {
			a.wrong("partition %d stores, and owes nothing", partition)
		}
		delete(a.owing, partition)
		a.saving[partition] = false
	}
}

// answerCommit is the answer of a partition that was told of a commit.
func (a *anyone) answerCommit(partition int32) {
	postpones := a.saving[partition] && a.random.IntN(3) > 0
	delete(a.saving, partition)
	if postpones {
		a.owing[partition] = struct{}{}
	}
	a.run(fmt.Sprint("checkpointed ", partition, postpones), a.Checkpointed(partition, postpones))
}

func (a *anyone) maybeStore() {
	switch a.random.IntN(30) {
	case 0:
		a.StoreIs(errors.New("disk full"), false)
	case 1:
		a.StoreIs(errors.New("disk broken"), true)
	default:
		a.StoreIs(nil, false)
	}
}

func (a *anyone) failure(kinds ...Kind) Failure {
	if a.random.IntN(8) > 0 {
		return Failure{}
	}
	return Failure{errors.New("failed"), kinds[a.random.IntN(len(kinds))]}
}

// answer ends the step under way.
func (a *anyone) answer() {
	step := a.underWay
	if _, scores := step.(Score); scores {
		a.answerSlice()
		return
	}
	a.underWay = nil
	switch step := step.(type) {
	case Open:
		a.maybeStore()
		if a.cut || a.random.IntN(20) == 0 {
			a.run("open failed", a.Opened(a.now, errors.New("failed")))
			return
		}
		a.session = true
		a.run("opened", a.Opened(a.now, nil))
	case Poll:
		a.polled(step)
	case Flush:
		failure := a.failure(Passing, Refused, Final)
		a.flushed = failure.Err == nil
		a.run("flushed", a.Flushed(a.now, nil, failure))
	case Discard:
		a.run("discarded", a.Discarded(a.now))
	case End:
		failure := a.failure(Passing, Fenced, Final)
		committed := failure.Err == nil && step.Commit && a.random.IntN(5) > 0
		a.run(fmt.Sprint("ended ", committed, failure.Err), a.Ended(a.now, committed, failure))
	case Pause, Reopen:
		a.maybeStore()
		a.run("waited", a.Waited(a.now))
	case Close:
		a.run("closed", a.Closed())
	}
}

func (a *anyone) polled(poll Poll) {
	failure := a.failure(Passing, Fenced, Final)
	batch := Batch{Changed: a.random.IntN(2) == 0}
	if failure.Err == nil {
		for partition := range int32(anyPartitions) {
			if a.random.IntN(2) == 0 {
				batch.Slices = append(batch.Slices, messages.Slice{
					Partition: partition, Records: []*kgo.Record{{}}, Readable: 1 + int64(a.random.IntN(2)),
				})
			}
		}
	}
	a.now = a.now.Add(poll.For / time.Duration(1+a.random.IntN(3)))
	a.polling += a.now.Sub(a.polls)
	for _, slice := range batch.Slices {
		if delete(a.behind, slice.Partition); slice.Readable > 1 {
			a.behind[slice.Partition] = a.polling
		}
	}
	if len(batch.Slices) > 0 {
		maps.DeleteFunc(a.behind, func(_ int32, came time.Duration) bool { return a.polling-came >= longWait })
	}
	idle := failure.Err == nil && len(batch.Slices) == 0 && !a.Uncommitted()
	if idle && !batch.Changed {
		clear(a.behind)
	}
	a.run(fmt.Sprint("polled ", len(batch.Slices), failure.Err), a.Polled(a.now, batch, failure))
	if idle && len(a.owing) > 0 {
		a.wrong("no records came, and %d partitions owe a checkpoint", len(a.owing))
	}
}

// answerSlice answers one of the slices, or its partition dies.
func (a *anyone) answerSlice() {
	for partition := range a.slices {
		delete(a.slices, partition)
		if len(a.slices) == 0 {
			a.underWay = nil
		}
		switch a.random.IntN(12) {
		case 0:
			a.failed = true
			delete(a.behind, partition)
			a.run(fmt.Sprint("failed ", partition), a.SliceFailed(a.now, &messages.SliceFailed{Partition: partition}))
		case 1:
			a.failed = true
			a.gone(partition)
		default:
			done := &messages.SliceDone{Partition: partition, Tally: messages.Tally{Anomalies: a.random.IntN(1000)}}
			a.run(fmt.Sprint("done ", partition), a.SliceDone(a.now, done))
		}
		return
	}
}

// happen is something that comes at any time.
func (a *anyone) happen() {
	partition := int32(a.random.IntN(anyPartitions))
	switch a.random.IntN(12) {
	case 0:
		if _, scores := a.slices[partition]; !scores { // else answerSlice does it
			a.gone(partition)
		}
	case 1:
		if a.draining {
			a.draining = false
			a.run("drained", a.Drained(a.now))
		}
	case 2:
		if a.random.IntN(50) == 0 {
			a.run("fail", a.Fail(a.now, errors.New("failed")))
		}
	case 3:
		if a.random.IntN(200) == 0 {
			a.run("break off", a.BreakOff(errors.New("broken")))
		}
	default:
		if _, saves := a.saving[partition]; saves {
			a.answerCommit(partition)
		}
	}
}

// gone ends a partition.
func (a *anyone) gone(partition int32) {
	delete(a.saving, partition)
	delete(a.owing, partition)
	delete(a.behind, partition)
	a.run(fmt.Sprint("gone ", partition), a.Gone(a.now, partition))
	if a.random.IntN(2) == 0 { // its answer was on the way
		a.run(fmt.Sprint("checkpointed too late ", partition), a.Checkpointed(partition, true))
	}
}

// TestRoundNeverDoesTwoThingsAtOnceAndAlwaysEnds: whatever comes in whatever legal order, one step is under way, no
// transaction is committed that has an unanswered or a failed slice, or is not written, and a stop leads to the end.
func TestRoundNeverDoesTwoThingsAtOnceAndAlwaysEnds(t *testing.T) {
	const events, untilOver = 300, 300
	seen := make(map[[2]Step]int)
	for seed := range uint64(3000) {
		a := &anyone{random: rand.New(rand.NewPCG(seed, 0)), now: time.UnixMilli(0),
			slices: make(map[int32]struct{}), behind: make(map[int32]time.Duration), saving: make(map[int32]bool), owing: make(map[int32]struct{}), seen: seen}
		a.Round = New(Config{CommitInterval: time.Second, WriteWithin: 5 * time.Second, Backoff: time.Second, Batch: DefaultBatch, Stay: seed%2 == 0})
		a.run("start", a.Start())
		for event := 0; a.finished == 0 && a.problem == ""; event++ {
			a.now = a.now.Add(time.Duration(a.random.IntN(300)) * time.Millisecond)
			switch {
			case event == events:
				a.run("stop", a.Stop(a.now, false, a.random.IntN(2) == 0))
			case event > events+untilOver:
				a.wrong("it is %s, %s, and does not end", a.Step(), a.Mode())
			case a.random.IntN(3) == 0:
				a.happen()
			case a.underWay != nil:
				a.answer()
			case a.Step() != Storing:
				a.wrong("it is %s, and nothing is under way", a.Step())
			}
		}
		if a.problem != "" || a.finished != 1 || a.Step() != Over {
			t.Fatalf("seed %d: %s; it has finished %d times\n%s", seed, a.problem, a.finished, tail(a.log))
		}
	}
	for transition, times := range seen {
		if from, to := transition[0], transition[1]; to != Over && !slices.Contains(table[from], to) {
			t.Errorf("from %s to %s, %d times: the table has no such transition", from, to, times)
		}
	}
	for from, all := range table {
		for _, to := range all {
			if seen[[2]Step{from, to}] == 0 {
				t.Errorf("never from %s to %s, as the table says", from, to)
			}
		}
	}
}

// table has the transitions of the package comment, but for those to the same step, and those to over when the
// detector is broken off.
var table = map[Step][]Step{
	"":         {Opening},
	Opening:    {Polling, Pausing, Storing, Closing, Over},
	Polling:    {Scoring, Flushing, Ending, Pausing, Reopening, Storing, Closing},
	Scoring:    {Polling, Flushing, Discarding},
	Flushing:   {Ending},
	Discarding: {Ending},
	Ending:     {Polling, Pausing, Reopening, Storing, Closing},
	Pausing:    {Polling, Ending, Storing, Closing},
	Reopening:  {Opening, Over},
	Storing:    {Closing},
	Closing:    {Over},
}

func tail(log []string) (text string) {
	for _, line := range log[max(0, len(log)-20):] {
		text += line + "\n"
	}
	return text
}
