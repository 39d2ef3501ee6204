//go:build synctests

package simulation

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var (
	seedFlag  = flag.Uint64("seed", 1, "the first seed")
	seedsFlag = flag.Int("seeds", 40, "how many seeds, from the first one on")
	keepFlag  = flag.String("keep", "", "folder for the logs of failed seeds")
	debugFlag = flag.Bool("debug", false, "log what the Kafka clients do, too")
	alone     = flag.Bool("alone", false, "ask nothing over HTTP, to see what asking costs")
	method    = flag.String("method", "", "the method of all scenarios: original or habit")
	findFlag  = flag.Bool("find", false, "end at the first failure, and do not shrink it")
)

// debugSections of a configuration make the program log what its Kafka clients do.
const debugSections = `[loggers]
keys = root
[handlers]
keys = out
[formatters]
keys =
[logger_root]
level = DEBUG
handlers = out
[handler_out]
class = StreamHandler
`

// repeats is how often a schedule is tried. It is the same each time, but goroutines that run
// at the same instant of virtual time take turns as the scheduler likes.
const repeats = 3

// TestMain lets signals end the test. The program, linked in, has claimed them.
func TestMain(m *testing.M) {
	signal.Reset(os.Interrupt, syscall.SIGTERM)
	os.Exit(m.Run())
}

// TestSeeds runs seeds on all cores. It needs the build tag synctests: with it the Kafka
// client's locks let virtual time pass.
func TestSeeds(t *testing.T) {
	if *debugFlag {
		debugLog = debugSections
	}
	unasked, forced = *alone, *method
	var all total
	var next atomic.Int64
	begin := time.Now()
	for range runtime.GOMAXPROCS(0) {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for {
				n := int(next.Add(1)) - 1
				if n >= *seedsFlag || *findFlag && t.Failed() {
					return
				}
				scenario := Draw(*seedFlag + uint64(n))
				report := run1(t, scenario)
				all.add(report)
				if len(report.Problems) > 0 {
					tell(t, scenario, report)
				}
			}
		})
	}
	t.Cleanup(func() { all.print(*seedFlag, time.Since(begin)) })
}

// TestStoppedNodeLeavesWhenItsSuccessorIsReady stops one of two nodes. It stays in the group
// until the other one has the windows of its partitions.
func TestStoppedNodeLeavesWhenItsSuccessorIsReady(t *testing.T) {
	scenario := Draw(1)
	scenario.Nodes, scenario.Partitions, scenario.Cluster, scenario.Standbys, scenario.HandoffFrom = 2, 4, true, 0, 1
	scenario.Disk, scenario.PeerDelay, scenario.ProduceDelay = Disk{Journal: 20}, 100*time.Millisecond, 0
	scenario.Faults = []Fault{{Kind: cleanStop, At: scenario.Length / 2, For: time.Hour, Node: 0}}
	report := run1(t, scenario)
	if len(report.Problems) > 0 {
		t.Errorf("%s  %s", scenario.Words(), strings.Join(report.Problems, "\n  "))
	}
	_, after, stopped := strings.Cut(report.Log, "before this one leaves the group")
	given, then, left := strings.Cut(after, "leaving the group")
	// The other node may ask for windows of its own partitions meanwhile, for a late record.
	if handed := len(regexp.MustCompile(`windows handed over .*partition=[01] `).FindAllString(given, -1)); !stopped || !left || handed != 2 || !strings.Contains(then, "ready_elsewhere=2") {
		t.Errorf("of 2 partitions %d were handed over by the node that stopped:\n%s", handed, report.Log)
	}
	toStandby := regexp.MustCompile(`partition=[01] offset=\d+ new=false standby=true`).FindAllString(report.Log, -1)
	if len(toStandby) < 2 {
		t.Errorf("%d partitions were assigned to their standby, want 2:\n%s", len(toStandby), report.Log)
	}
}

// run1 runs a scenario in a subtest, which removes its folder.
func run1(t *testing.T, scenario *Scenario) (report Report) {
	t.Run(fmt.Sprint("seed_", scenario.Seed), func(t *testing.T) {
		report = Run(t, scenario)
		if report.Leaked {
			// The bubble cannot end, so the test binary has to.
			fmt.Printf("FAIL %s%s\n", scenario.Words(), strings.Join(report.Problems, "\n"))
			keep(scenario, report)
			os.Exit(1)
		}
	})
	return report
}

// tell says what is wrong, and which faults are enough for it.
func tell(t *testing.T, scenario *Scenario, report Report) {
	keep(scenario, report)
	const most = 12
	problems := report.Problems
	if len(problems) > most {
		problems = append(problems[:most:most], fmt.Sprintf("and %d more", len(problems)-most))
	}
	t.Errorf("%s  %s", scenario.Words(), strings.Join(problems, "\n  "))
	if *findFlag {
		return
	}
	failed := 0
	for range repeats {
		if len(run1(t, scenario).Problems) > 0 {
			failed++
		}
	}
	shrunk := Shrink(scenario, func(less *Scenario) bool {
		for range repeats {
			if len(run1(t, less).Problems) > 0 {
				return true
			}
		}
		return false
	})
	t.Logf("it failed again in %d of %d runs; shrunk to: %s", failed, repeats, shrunk.Words())
}

func keep(scenario *Scenario, report Report) {
	if *keepFlag == "" {
		return
	}
	text := scenario.Words() + strings.Join(report.Problems, "\n") + "\n" + report.Log
	if err := os.WriteFile(filepath.Join(*keepFlag, fmt.Sprintf("seed-%d.log", scenario.Seed)), []byte(text), 0o644); err != nil {
		fmt.Println("the log was not kept:", err)
	}
}

// total is the sum of many reports.
type total struct {
	mu      sync.Mutex
	runs    int
	failed  int
	sum     Report
	drawn   [faultKinds]int
	struck  [faultKinds]int
	virtual time.Duration
}

func (a *total) add(r Report) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.runs++
	if len(r.Problems) > 0 {
		a.failed++
	}
	for kind := range faultKinds {
		a.drawn[kind] += r.Drawn[kind]
		a.struck[kind] += r.Struck[kind]
	}
	a.sum.Starts += r.Starts
	a.sum.Exits += r.Exits
	a.sum.Unstuck += r.Unstuck
	a.sum.Handoffs += r.Handoffs
	a.sum.NoHandoffs += r.NoHandoffs
	a.sum.Postponed += r.Postponed
	a.sum.Shed += r.Shed
	a.sum.Standbys += r.Standbys
	a.sum.TakenOver += r.TakenOver
	a.sum.Reloads += r.Reloads
	a.sum.Outliers += r.Outliers
	a.sum.Answers += r.Answers
	a.sum.Claimed += r.Claimed
	a.sum.Listed += r.Listed
	a.sum.Visits += r.Visits
	a.sum.Followed += r.Followed
	a.sum.Gaps += r.Gaps
	a.sum.Anomalies += r.Anomalies
	a.sum.DeadLetters += r.DeadLetters
	a.sum.Withheld += r.Withheld
	a.sum.Episodes += r.Episodes
	a.virtual += r.Virtual
}

func (a *total) print(first uint64, took time.Duration) {
	fmt.Printf("simulated %d seeds from %d on, in %s: %.1f seeds/s, %.1f hours of virtual time; %d failed\n", a.runs, first,
		took.Round(time.Millisecond), float64(a.runs)/took.Seconds(), a.virtual.Hours(), a.failed)
	fmt.Printf("  %d anomalies, %d that the output topic refused, and %d dead letters; %d processes, of which %d ended by themselves\n",
		a.sum.Anomalies, a.sum.Withheld, a.sum.DeadLetters, a.sum.Starts, a.sum.Exits)
	fmt.Printf("  %d handoffs, and %d that failed; %d partitions got a standby, %d were taken over by theirs\n",
		a.sum.Handoffs, a.sum.NoHandoffs, a.sum.Standbys, a.sum.TakenOver)
	fmt.Printf("  %d checkpoints were postponed, and %d points left their windows unstored\n", a.sum.Postponed, a.sum.Shed)
	fmt.Printf("  %d histories read again for late records; %d log lines about timestamps far from stream time\n", a.sum.Reloads, a.sum.Outliers)
	fmt.Printf("  %d answers over HTTP; %d anomalies were counted as committed, %d listed\n", a.sum.Answers, a.sum.Claimed, a.sum.Listed)
	fmt.Printf("  %d streams told all %d anomalies that they had to tell, and %d gaps\n", a.sum.Visits, a.sum.Followed, a.sum.Gaps)
	fmt.Printf("  %d events of episodes\n", a.sum.Episodes)
	if a.sum.Unstuck > 0 {
		fmt.Printf("  %d rebalances that the embedded broker could not end without help\n", a.sum.Unstuck)
	}
	for kind := range faultKinds {
		struck := ""
		if kind == requestFails || kind == requestLost || kind == answerLost || kind == answerWrong || kind == requestLate || kind == peersBreak || kind == peersLate {
			struck = fmt.Sprintf(" (%d requests)", a.struck[kind])
		}
		fmt.Printf("  %5d %s%s\n", a.drawn[kind], kind, struck)
	}
}
