package kafka_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"anomalydetector/test/golden"
)

// restoreCase has late records, and its windows are full long before its middle.
const restoreCase = "short_window_median"

// machine is a place where the detector runs: its data directory, and with it its node id.
type machine struct {
	*world
	data string
	conf string
}

func (w *world) machine(name string) *machine {
	return &machine{world: w, data: filepath.Join(w.home, name), conf: w.conf()}
}

func (m *machine) start() *process {
	return m.startWith([]string{"KAFKA_HOST=" + m.broker, "DETECTOR_DATA_DIR=" + m.data}, m.conf)
}

// did runs a command, which must succeed, and returns what it says.
func (m *machine) did(arguments ...string) string {
	m.Helper()
	said, err := m.command([]string{"DETECTOR_DATA_DIR=" + m.data}, arguments...).CombinedOutput()
	if err != nil {
		m.Fatalf("%v: %v\n%s", arguments, err, said)
	}
	return string(said)
}

// reads runs a detector until it has committed all that is fed, up to the given percentage of the case.
func (m *machine) reads(percent int) *process {
	m.Helper()
	p := m.start()
	m.feed(len(m.golden.Records)*percent/100 - m.fed)
	m.untilCommitted()
	return p
}

// committedOffsets are those of the group, by partition.
func (w *world) committedOffsets() kadm.Offsets {
	w.Helper()
	offsets, err := w.admin.FetchOffsets(context.Background(), w.name)
	must(w.T, err)
	return offsets.Offsets()
}

// replayed is how many records the process has replayed for its partitions.
func (p *process) replayed() (sum int) {
	for _, found := range regexp.MustCompile(`partition ready .* replayed=(\d+)`).FindAllStringSubmatch(p.output.String(), -1) {
		number, _ := strconv.Atoi(found[1]) // the expression admits digits only
		sum += number
	}
	return sum
}

// TestBackupIsRestoredOnAnotherMachine: a machine is lost after its last backup. Another one, with another
// data directory and node id, takes the backup and goes on. The topic no longer has what the backup holds,
// so only the backup can give the right windows. What came after the backup is replayed.
func TestBackupIsRestoredOnAnotherMachine(t *testing.T) {
	w := newWorld(t, restoreCase)
	w.createInput()
	first, second := w.machine("first"), w.machine("second")
	backup := filepath.Join(w.home, "backup")
	first.reads(40).stop()
	first.did("state", "export", first.conf, backup)
	saved := w.committedOffsets()

	p := first.reads(60)
	p.signal(syscall.SIGKILL)
	p.ends()
	node := nodeOf(p)
	must(t, os.RemoveAll(first.data))
	_, err := w.admin.DeleteRecords(context.Background(), saved)
	must(t, err)

	second.did("state", "import", second.conf, backup)
	p = second.reads(100)
	since := len(w.golden.Records)*60/100 - len(w.golden.Records)*40/100
	if replayed := p.replayed(); replayed != since {
		t.Errorf("%d records were replayed, want the %d after the backup", replayed, since)
	}
	if nodeOf(p) == node {
		t.Errorf("the second machine has the first one's node id %s", node)
	}
	if said := p.output.String(); strings.Contains(said, "history is missing") {
		t.Errorf("it misses history:\n%s", said)
	}
	p.stop()
	w.verify()
}

func nodeOf(p *process) string {
	if found := regexp.MustCompile(`detector starts .* node=(\S+)`).FindStringSubmatch(p.output.String()); found != nil {
		return found[1]
	}
	return ""
}

// TestRestoredStateAheadOfResetOffsetsIsNotUsed: an operator restores a backup and sets the group's offsets
// back. The windows of the backup know the future of the records that are read again, so they are rebuilt
// from the topic. The anomalies of those records are there twice, the same, and all others once.
func TestRestoredStateAheadOfResetOffsetsIsNotUsed(t *testing.T) {
	w := newWorld(t, restoreCase)
	w.createInput()
	first, second := w.machine("first"), w.machine("second")
	backup := filepath.Join(w.home, "backup")
	first.reads(40).stop()
	early, begun := w.committedOffsets(), w.fed
	first.reads(70).stop()
	first.did("state", "export", first.conf, backup)
	once := w.read(w.output())
	again := w.fed
	must(t, w.admin.CommitAllOffsets(context.Background(), w.name, early))
	second.did("state", "import", second.conf, backup)
	second.reads(100).stop()

	all := w.read(w.output())
	var repeated []int
	for record := range w.golden.Expected {
		if record >= begun && record < again {
			repeated = append(repeated, record)
		}
	}
	if want := len(once) + len(repeated); len(repeated) == 0 || len(all) <= want {
		t.Fatalf("%d anomalies in all, %d of them before the offsets were set back, and %d of records that are read twice", len(all), len(once), len(repeated))
	}
	seen := make(map[string]int)
	for _, r := range all {
		seen[header(r, "partition")+"/"+header(r, "offset")+"/"+string(r.Value)]++
	}
	offsets := make(map[int32]int)
	for record, r := range w.golden.Records {
		at := strconv.Itoa(int(r.Partition)) + "/" + strconv.Itoa(offsets[r.Partition])
		offsets[r.Partition]++
		deviation, anomalous := w.golden.Expected[record]
		if !anomalous {
			continue
		}
		want := 1
		if record >= begun && record < again {
			want = 2
		}
		key := at + "/" + string(golden.Payload(r.Value, deviation))
		if seen[key] != want {
			t.Errorf("the anomaly of record %d is there %d times, want %d", record, seen[key], want)
		}
		delete(seen, key)
	}
	for key, count := range seen {
		t.Errorf("%d anomalies %x are not expected", count, key)
	}
}

// TestStateOfADeadNodeMovesToAnother: a node of a team dies. Its data directory, as the crash left it, is
// exported, and imported on a third machine, which joins the team. All anomalies are exact, and the third
// node uses what it was given.
func TestStateOfADeadNodeMovesToAnother(t *testing.T) {
	w := newTeam(t, restoreCase, 0)
	w.nodes[0].start()
	w.nodes[1].start()
	w.feedTo(50)
	w.untilCommitted()
	w.until("two nodes share the partitions", func() bool {
		return w.nodes[0].status().shared(w.golden.Partitions, w.nodes[0], w.nodes[1])
	})
	w.nodes[1].kill()
	backup := filepath.Join(w.home, "backup")
	dead := &machine{world: w.world, data: filepath.Join(w.home, w.nodes[1].name)}
	dead.did("state", "export", w.conf, backup)
	third := &machine{world: w.world, data: filepath.Join(w.home, w.nodes[2].name)}
	third.did("state", "import", w.conf, backup)
	w.nodes[2].start()
	w.feedTo(100)
	w.untilCommitted()
	w.until("the third node has partitions", func() bool {
		return strings.Contains(w.nodes[2].output.String(), "partition ready")
	})
	w.nodes[0].stop()
	w.nodes[2].stop()
	w.verify()
}

// TestStateOfAnEarlierVersionIsUsed: the detector of an earlier commit makes the state, this one goes on with
// it, and then the earlier one again: the format is the same. run builds the earlier one.
func TestStateOfAnEarlierVersionIsUsed(t *testing.T) {
	earlier := os.Getenv("DETECTOR_EARLIER")
	if earlier == "" {
		t.Skip("no binary of an earlier version: the checkout has no history")
	}
	w := newWorld(t, restoreCase)
	w.createInput()
	m := w.machine("data")
	current := os.Getenv("DETECTOR_BINARY")
	for i, binary := range []string{earlier, current, earlier, current} {
		t.Setenv("DETECTOR_BINARY", binary)
		p := m.reads(25 * (i + 1))
		if replayed := p.replayed(); replayed != 0 {
			t.Errorf("%d: %d records were replayed, want none", i, replayed)
		}
		p.stop()
		if said := p.output.String(); i > 0 && strings.Contains(said, " WRN ") {
			t.Errorf("%d: it has something to warn of:\n%s", i, said)
		}
	}
	w.verify()
}
