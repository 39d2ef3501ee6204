package simulation

import (
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const (
	inputTopic      = "in"
	outputTopic     = "out"
	deadLetterTopic = "bad"
	group           = "group"
	confName        = "sim"
)

// run is one scenario under way. Each role of it has a file of its own.
type run struct {
	scenario *Scenario
	dir      string // holds the configuration and all data directories
	begin    time.Time

	network  *network
	broker   *broker
	nodes    []*node
	operator *operator
	feeder   *feeder
	input    *input
	judge    *judge

	healed     chan struct{}  // closed when all faults are to end
	background atomic.Int32   // ends of faults and starts of processes that are still to come
	reaping    sync.WaitGroup // what dead processes left running
	quiet      chan struct{}  // holds a token; only its holder may call synctest.Wait
}

// Run runs a scenario in a bubble of its own, with the bubble's clock.
func Run(t *testing.T, scenario *Scenario) (report Report) {
	dir := scratch(t)
	defer func() {
		if report.Leaked {
			_ = recover() // the bubble panics if goroutines are left; the report says it better
		}
	}()
	synctest.Test(t, func(*testing.T) {
		r := newRun(scenario, dir)
		r.live()
		report = r.judge.verdict()
	})
	return report
}

func newRun(scenario *Scenario, dir string) *run {
	r := &run{
		scenario: scenario, dir: dir, begin: time.Now(), input: newInput(scenario),
		healed: make(chan struct{}), quiet: make(chan struct{}, 1),
	}
	r.quiet <- struct{}{}
	r.judge = newJudge(r)
	r.network = newNetwork(scenario.Seed, scenario.PeerDelay, r.judge.struck)
	r.broker = &broker{run: r}
	r.operator = &operator{run: r}
	r.feeder = &feeder{run: r}
	for number := range scenario.Nodes {
		r.nodes = append(r.nodes, newNode(r, number))
	}
	return r
}

// live is the run from the first broker to the last check.
func (r *run) live() {
	r.broker.start()
	r.operator.begin()
	r.feeder.begin()
	for number, n := range r.nodes {
		r.later(time.Duration(number)*700*time.Millisecond, n.startHeld)
	}
	watcher := r.watch()
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		r.feeder.feed()
	}()
	for _, fault := range r.scenario.Faults {
		time.Sleep(time.Until(r.begin.Add(fault.At)))
		r.strike(fault)
	}
	<-fed
	r.mend()
	if r.feeder.feedLast() && r.judge.caughtUp() {
		r.judge.awaitLists()
		watcher.toldAll()
		watcher.end()
		r.operator.stopAll(true)
		r.judge.compareTopics()
		r.judge.compareTold()
	} else {
		watcher.end()
		r.operator.stopAll(false)
	}
	r.reaping.Wait()
	r.judge.compareClaims()
	r.feeder.end()
	r.operator.end()
	r.broker.stop()
	r.judge.findLeaks()
}

// strike lets a fault happen. Each kind belongs to exactly one role.
func (r *run) strike(f Fault) {
	r.judge.count(func(report *Report) { report.Drawn[f.Kind]++ })
	if !r.operator.strike(f) && !r.broker.strike(f) {
		panic("no role carries out the fault: " + f.Kind.String())
	}
}

// has tells whether a kind of fault is in the schedule.
func (r *run) has(kind faultKind) bool {
	return slices.ContainsFunc(r.scenario.Faults, func(f Fault) bool { return f.Kind == kind })
}

// later ends a fault: after a while, or when all faults are to end.
func (r *run) later(after time.Duration, do func()) {
	r.background.Add(1)
	go func() {
		defer r.background.Add(-1)
		select {
		case <-time.After(after):
		case <-r.healed:
		}
		do()
	}()
}

// settle waits until later has nothing left to do. A process that ends by itself adds to
// it meanwhile, which a WaitGroup does not allow.
func (r *run) settle() {
	for r.background.Load() > 0 {
		time.Sleep(10 * time.Millisecond)
	}
}

// mend ends all faults, and starts the nodes that do not run.
func (r *run) mend() {
	close(r.healed)
	r.network.clear()
	r.broker.mend()
	r.settle()
	for _, n := range r.nodes {
		n.failing.Store(0)
		release := n.hold()
		n.start()
		release()
	}
}

func (r *run) clock() time.Duration { return time.Since(r.begin) }

// scratch is a folder for data directories, in memory if the machine has such a place:
// a virtual second of syncing then costs no real one.
func scratch(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "simulation")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove %s: %v", dir, err)
		}
	})
	return dir
}
