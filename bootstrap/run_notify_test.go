package bootstrap

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"anomalydetector/actors"
	"anomalydetector/messages"
)

// told is a service manager that keeps what it is told since the last look.
type told struct{ lines []string }

func (m *told) send(state string) { m.lines = append(m.lines, strings.Split(state, "\n")...) }

func (m *told) has(line string) bool {
	found := slices.Contains(m.lines, line)
	m.lines = nil
	return found
}

// notifying is a notifier of one detector, in a time that the test moves.
type notifying struct {
	*notifier
	told   told
	clock  time.Time
	report *actors.Report
}

func newNotifying() *notifying {
	n := &notifying{clock: time.Unix(1_800_000_000, 0)}
	n.notifier = &notifier{
		manager: &Manager{Send: n.told.send, Watchdog: true}, now: func() time.Time { return n.clock }, began: n.clock,
		all: []reported{{"hegemony", func() *actors.Report { return n.report }}},
	}
	return n
}

func (n *notifying) reports(joined bool, status messages.DetectorStatus) {
	n.report = &actors.Report{At: n.clock, Joined: joined, Status: status}
}

// TestServiceIsReadyWhenEachDetectorReads, and not before.
func TestServiceIsReadyWhenEachDetectorReads(t *testing.T) {
	n := newNotifying()
	n.tick()
	if n.told.has("READY=1") {
		t.Error("it is ready before the detector has reported")
	}
	n.reports(false, messages.DetectorStatus{State: messages.StateOpening, Problem: "no broker\nanswers"})
	n.tick()
	if lines := n.told.lines; slices.Contains(lines, "READY=1") || !slices.Contains(lines, `STATUS=hegemony: opening, 0 partitions (no broker\nanswers)`) {
		t.Errorf("without a broker it tells %q", lines)
	}
	n.told.lines = nil
	n.reports(true, messages.DetectorStatus{State: messages.StateLive, Partitions: []messages.PartitionStatus{{Role: messages.RoleAssigned}, {Role: messages.RoleStandby}}})
	n.tick()
	if lines := n.told.lines; !slices.Contains(lines, "READY=1") || !slices.Contains(lines, "STATUS=hegemony: live, 1 partitions and 1 standbys") {
		t.Errorf("while it reads it tells %q", lines)
	}
	n.told.lines = nil
	n.tick()
	if !slices.Equal(n.told.lines, []string{"WATCHDOG=1"}) {
		t.Errorf("if nothing has changed, it tells %q", n.told.lines)
	}
}

// TestMissingBrokerDoesNotHoldUpTheBoot: after a while the service counts as started.
func TestMissingBrokerDoesNotHoldUpTheBoot(t *testing.T) {
	n := newNotifying()
	n.clock = n.clock.Add(readyAnyway - time.Second)
	n.reports(false, messages.DetectorStatus{State: messages.StateOpening})
	n.tick()
	if n.told.has("READY=1") {
		t.Error("it is ready too early")
	}
	n.clock = n.clock.Add(time.Second)
	n.tick()
	if !n.told.has("READY=1") {
		t.Error("it is never ready")
	}
}

// TestStuckDetectorGivesNoSignOfLife, so that the service manager restarts the process.
func TestStuckDetectorGivesNoSignOfLife(t *testing.T) {
	n := newNotifying()
	n.reports(true, messages.DetectorStatus{State: messages.StateLive})
	for _, step := range []struct {
		after time.Duration
		alive bool
	}{{0, true}, {reportsWithin, true}, {time.Second, false}} {
		n.clock = n.clock.Add(step.after)
		n.tick()
		if got := n.told.has("WATCHDOG=1"); got != step.alive {
			t.Errorf("%s after the last report, a sign of life is %t", n.clock.Sub(n.report.At), got)
		}
	}
	n.report.Ended = true
	n.tick()
	if !n.told.has("WATCHDOG=1") {
		t.Error("a detector that has ended looks stuck")
	}
}

// TestStopDuringAReloadIsNotReady: after STOPPING=1 there is no READY=1.
func TestStopDuringAReloadIsNotReady(t *testing.T) {
	n := newNotifying()
	n.phase = serviceReady
	over := n.reload()
	n.stop("SIGTERM")
	over()
	if lines := n.told.lines; slices.Contains(lines, "READY=1") || !slices.Contains(lines, "STOPPING=1") {
		t.Errorf("it tells %q", lines)
	}
}

// TestReloadBeforeTheServiceIsReadyTellsNothing: logrotate sends SIGHUP to processes that wait for a broker, too.
func TestReloadBeforeTheServiceIsReadyTellsNothing(t *testing.T) {
	n := newNotifying()
	over := n.reload()
	over()
	if len(n.told.lines) > 0 {
		t.Errorf("before it is ready it tells %q", n.told.lines)
	}
	over = n.reload()
	n.reports(true, messages.DetectorStatus{State: messages.StateLive})
	n.tick()
	if !n.told.has("READY=1") {
		t.Error("after the reload it never becomes ready")
	}
	over()
	if len(n.told.lines) > 0 {
		t.Errorf("after a reload of which it told nothing it tells %q", n.told.lines)
	}
	n.reload()()
	if lines := n.told.lines; len(lines) == 0 || lines[0] != "RELOADING=1" || lines[len(lines)-1] != "READY=1" {
		t.Errorf("once it is ready, a reload tells %q", lines)
	}
}

// TestServiceManagerIsToldOfReadingReloadAndStop, by a real process over a real socket.
func TestServiceManagerIsToldOfReadingReloadAndStop(t *testing.T) {
	const name = "short_window_median"
	b := newBroker(t, name)
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	defer socket.Close()
	must(t, socket.SetReadDeadline(time.Now().Add(patience)))
	await := func(want string) string {
		t.Helper()
		buffer := make([]byte, 64<<10)
		for {
			n, err := socket.Read(buffer)
			if err != nil {
				t.Fatalf("%s does not come: %v", want, err)
			}
			if text := string(buffer[:n]); slices.Contains(strings.Split(text, "\n"), want) {
				return text
			}
		}
	}
	p := watched(t, b, name, "", "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=60000000")
	await("READY=1")
	await("WATCHDOG=1")
	p.signal(t, syscall.SIGHUP)
	if text := await("RELOADING=1"); !strings.Contains(text, "\nMONOTONIC_USEC=") {
		t.Errorf("the reload has no time: %q", text)
	}
	await("READY=1")
	p.signal(t, syscall.SIGTERM)
	await("STOPPING=1")
	p.exits(t, exitClean)
}
