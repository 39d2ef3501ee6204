package bootstrap

import (
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"anomalydetector/actors"
	"anomalydetector/messages"
)

const (
	// notifyEach is how often the service manager is told.
	notifyEach = time.Second
	// readyAnyway is how long a start may wait for detectors that cannot read yet, such as without a
	// broker. After that the service counts as started, so that it does not hold up the boot of the
	// machine, and its status says what it waits for.
	readyAnyway = time.Minute
	// reportsWithin is how old the latest report of a detector may be. It publishes one each second,
	// whatever it waits for. If the report is older, its actor is stuck.
	reportsWithin = 30 * time.Second
)

// Manager is how the process talks to the service manager that has started it: systemd, or one that speaks
// its protocol. The nil Manager is none.
type Manager struct {
	Send     func(state string) // lines of sd_notify(3)
	Watchdog bool               // the manager wants a sign of life
}

// serviceManager is that of the process; nil: there is none.
func serviceManager(env func(string) string) *Manager {
	if env("NOTIFY_SOCKET") == "" {
		return nil
	}
	watchdog, err := daemon.SdWatchdogEnabled(false)
	return &Manager{
		Watchdog: err == nil && watchdog > 0,
		// A manager that does not listen is no reason to do anything else.
		Send: func(state string) { _, _ = daemon.SdNotify(false, state) },
	}
}

// servicePhase is how far the service is, as the service manager was told. Each phase leads to the next; a stop
// may also follow starting.
type servicePhase int

const (
	serviceStarting servicePhase = iota // nothing was sent but a status
	serviceReady                        // READY=1 was sent
	serviceStopping                     // STOPPING=1 was sent
)

// notifier tells the service manager how far the process is. The goroutine of waiting.await calls its
// methods, so a sign of life also means that signals are handled. The methods of the nil notifier do
// nothing.
type notifier struct {
	manager *Manager
	now     func() time.Time
	page    string
	all     []reported
	began   time.Time
	phase   servicePhase
	told    string // the last status
	ticker  *time.Ticker
}

// reported is a detector that the service manager is told of.
type reported struct {
	name   string
	report func() *actors.Report // the latest one; nil before the first
}

func newNotifier(world *World, page string, all []*built) *notifier {
	if world.Manager == nil {
		return nil
	}
	n := &notifier{manager: world.Manager, now: world.Now, page: page, began: world.Now(), ticker: time.NewTicker(notifyEach)}
	for _, b := range all {
		n.all = append(n.all, reported{b.config.Name, b.config.Report})
	}
	return n
}

// ticks says when to call tick.
func (n *notifier) ticks() <-chan time.Time {
	if n == nil {
		return nil
	}
	return n.ticker.C
}

// tick tells what has changed, and that the process is alive.
func (n *notifier) tick() {
	reading, alive, status := n.look()
	var state []string
	if n.phase == serviceStarting && (reading || n.now().Sub(n.began) >= readyAnyway) {
		n.phase = serviceReady
		state = append(state, daemon.SdNotifyReady)
	}
	if status != n.told && n.phase != serviceStopping {
		n.told = status
		state = append(state, "STATUS="+status)
	}
	if alive && n.manager.Watchdog {
		state = append(state, daemon.SdNotifyWatchdog)
	}
	if len(state) > 0 {
		n.manager.Send(strings.Join(state, "\n"))
	}
}

// look tells whether each detector reads, whether none is stuck, and the state of all in a line.
func (n *notifier) look() (reading, alive bool, status string) {
	reading, alive = true, true
	var parts []string
	for _, d := range n.all {
		report := d.report()
		if report == nil {
			reading = false
			alive = alive && n.now().Sub(n.began) <= reportsWithin
			parts = append(parts, d.name+": starting")
			continue
		}
		alive = alive && (report.Ended || n.now().Sub(report.At) <= reportsWithin)
		reading = reading && report.Joined
		parts = append(parts, d.name+": "+stateLine(report.Status))
	}
	status = printable(strings.Join(parts, "; "))
	if n.page != "" {
		status += "; page " + n.page
	}
	return reading, alive, status
}

// stateLine is the state of a detector in a few words.
func stateLine(status messages.DetectorStatus) string {
	assigned, standby := 0, 0
	for _, p := range status.Partitions {
		if p.Role == messages.RoleAssigned {
			assigned++
		} else {
			standby++
		}
	}
	line := fmt.Sprintf("%s, %d partitions", status.State, assigned)
	if standby > 0 {
		line += fmt.Sprintf(" and %d standbys", standby)
	}
	if status.Problem != "" {
		line += " (" + status.Problem + ")"
	}
	return line
}

// reload tells that a reload begins, and returns what tells that it is over. Before READY=1 it tells
// nothing: the READY=1 at the end of a reload would count as that of the start.
func (n *notifier) reload() (over func()) {
	if n == nil || n.phase != serviceReady {
		return func() {}
	}
	n.manager.Send(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	return func() {
		if n.phase != serviceStopping {
			n.manager.Send(daemon.SdNotifyReady)
		}
	}
}

// stop tells that a stop begins.
func (n *notifier) stop(reason string) {
	if n == nil || n.phase == serviceStopping {
		return
	}
	n.phase = serviceStopping
	n.manager.Send(daemon.SdNotifyStopping + "\nSTATUS=stopping: " + printable(reason))
}

// close ends the ticks.
func (n *notifier) close() {
	if n != nil {
		n.ticker.Stop()
	}
}
