package web

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"anomalydetector/actors"
	"anomalydetector/messages"
)

// answersWithin is how old a detector's latest report may be. A detector publishes one each second, whatever
// it waits for. If the report is older, its actor is stuck.
const answersWithin = 30 * time.Second

// Reasons why a process is not ready, or not alive.
const (
	reasonStarting  = "starting"  // the detectors have not begun
	reasonStuck     = "stuck"     // the detector's actor handles no messages: it is not alive
	reasonJoining   = "joining"   // the process is not a member of the consumer group
	reasonReplaying = "replaying" // assigned partitions are not ready
	reasonNoSpace   = string(actors.NoSpace)
	reasonDisk      = "disk_unknown" // the disk does not tell its free space
	reasonStopped   = "stopped"      // the detector is stopping, or has ended
)

// reason is one of these reasons, with details.
type reason struct {
	Detector   string  `json:"detector,omitempty"`
	Reason     string  `json:"reason"`
	Partitions []int32 `json:"partitions,omitempty"`
	Records    int64   `json:"records_to_replay,omitempty"`
	Detail     string  `json:"detail"`
}

// health is the answer to a probe.
type health struct {
	OK        bool                      `json:"ok"`
	Version   string                    `json:"version"`
	Names     []string                  `json:"names"` // of the detectors, even before they have begun
	At        time.Time                 `json:"at"`
	Reasons   []reason                  `json:"reasons"` // why the process is not ready, or not alive
	Detectors []messages.DetectorStatus `json:"detectors"`
}

// healthz says whether the detectors' actors work. They also work while they replay, wait for the broker or
// have no disk space: a restart would not help.
func (s *Site) healthz(w http.ResponseWriter, r *http.Request) {
	var reasons []reason
	all, _ := s.all()
	for _, d := range all {
		if stuck := d.stuck(s.config.Now()); stuck != nil {
			reasons = append(reasons, *stuck)
		}
	}
	s.tell(w, r, reasons)
}

// readyz says whether every detector does its work.
func (s *Site) readyz(w http.ResponseWriter, r *http.Request) {
	all, begun := s.all()
	var reasons []reason
	if !begun {
		reasons = append(reasons, reason{Reason: reasonStarting, Detail: "the detectors have not begun"})
	}
	for _, d := range all {
		reasons = append(reasons, d.unready(s.config.Now())...)
	}
	s.tell(w, r, reasons)
}

// stuck says whether the detector's actor is stuck; nil: it is not.
func (d *Detector) stuck(now time.Time) *reason {
	report := d.Report()
	if report == nil || report.Ended || now.Sub(report.At) <= answersWithin {
		return nil
	}
	return &reason{Detector: d.Name, Reason: reasonStuck, Detail: fmt.Sprintf("the detector has not reported since %s", report.At.UTC().Format(time.RFC3339))}
}

// unready are the reasons why a detector does not do its work.
func (d *Detector) unready(now time.Time) (reasons []reason) {
	report := d.Report()
	add := func(word string, partitions []int32, records int64, detail string) {
		reasons = append(reasons, reason{d.Name, word, partitions, records, detail})
	}
	if report == nil {
		add(reasonStarting, nil, 0, "the detector has not begun")
		return reasons
	}
	if stuck := d.stuck(now); stuck != nil {
		reasons = append(reasons, *stuck)
	}
	switch {
	case report.Ended:
		add(reasonStopped, nil, 0, "the detector has ended")
		return reasons
	case report.Paused != "":
		add(string(report.Paused), nil, 0, "intake is stopped: "+cmp.Or(report.Status.Problem, "the state cannot be stored"))
	case report.Status.State == messages.StateStopped:
		add(reasonStopped, nil, 0, "the detector is stopping")
	case !report.Joined:
		add(reasonJoining, nil, 0, "the process is not a member of the consumer group; "+cmp.Or(report.Status.Problem, "no error is known"))
	}
	if d.Store != nil && report.Paused == "" {
		free, floor, err := d.Store.Space()
		switch {
		case err != nil:
			add(reasonDisk, nil, 0, err.Error())
		case free < floor:
			add(reasonNoSpace, nil, 0, fmt.Sprintf("the disk has %d MB free, at least %d MB are wanted", free>>20, floor>>20))
		}
	}
	var replaying []int32
	var records int64
	for _, p := range report.Status.Partitions {
		if p.Role == messages.RoleAssigned && p.Phase != messages.Ready {
			replaying = append(replaying, p.Partition)
			records += p.Pending
		}
	}
	if len(replaying) > 0 {
		add(reasonReplaying, replaying, records, fmt.Sprintf("%d partitions are not ready yet", len(replaying)))
	}
	return reasons
}

// tell answers a probe with 200, or with 503 and the reasons.
func (s *Site) tell(w http.ResponseWriter, r *http.Request, reasons []reason) {
	status := http.StatusOK
	if len(reasons) > 0 {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
	}
	if r.URL.Query().Has("verbose") {
		answer := health{OK: len(reasons) == 0, Version: s.config.Version, Names: s.config.Names, At: s.config.Now().UTC(),
			Reasons: append([]reason{}, reasons...), Detectors: []messages.DetectorStatus{}}
		all, _ := s.all()
		for _, d := range all {
			if report := d.Report(); report != nil {
				answer.Detectors = append(answer.Detectors, report.Status)
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		writeJSON(w, answer)
		return
	}
	if status != http.StatusOK {
		var words []string
		for _, why := range reasons {
			words = append(words, strings.TrimPrefix(why.Detector+": "+why.Detail, ": "))
		}
		refuse(w, status, strings.Join(words, "; "))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "ok")
}
