package simulation

import (
	"strings"
	"time"
)

// Report is what a run found wrong, and what it counted.
type Report struct {
	Problems    []string
	Drawn       [faultKinds]int // faults of the schedule that were carried out
	Struck      [faultKinds]int // requests and writes that a fault spoilt
	Starts      int             // processes
	Exits       int             // processes that ended by themselves
	Unstuck     int             // rebalances that the embedded broker could not end without help
	Handoffs    int             // partitions whose windows came from another node
	NoHandoffs  int             // handoffs that failed, so the topic was read
	Postponed   int             // commits whose checkpoints waited for another one
	Shed        int             // points that were never stored, because windows had lost them
	Standbys    int             // partitions of which a node became the standby
	TakenOver   int             // partitions that were assigned to their standby
	Reloads     int             // replays that a late record made necessary
	Outliers    int             // log lines about timestamps far from stream time
	Answers     int             // over HTTP
	Claimed     int             // anomalies that processes counted as committed
	Listed      int             // anomalies that processes listed in the end
	Visits      int             // streams of events that were opened
	Followed    int             // anomalies that streams had to tell, each once, and did
	Gaps        int             // gaps that streams told
	Anomalies   int             // in the output topic
	DeadLetters int
	Episodes    int // events in the episodes topic
	Withheld    int // anomalies that the output topic refused
	Virtual     time.Duration
	Log         string // of all processes, in the order in which they ended
	Leaked      bool   // goroutines were left: the bubble cannot end
}

// logged are the events that the program logs and counts nowhere. They are statistics: no
// verdict depends on them. TestCountedLogLinesExist notices if the program words a line
// differently.
var logged = []struct {
	words  string // a part of the log line
	source string // a part of the program that logs it
	count  func(*Report) *int
}{
	{"standby of a partition begins", `"standby of a partition begins"`, func(r *Report) *int { return &r.Standbys }},
	{"standby=true", `"standby", standby)`, func(r *Report) *int { return &r.TakenOver }},
	{"replaying more", `replaying more"`, func(r *Report) *int { return &r.Reloads }},
	{"timestamp is far from stream time", `"timestamp is far from stream time`, func(r *Report) *int { return &r.Outliers }},
}

// readLog counts what only the log tells.
func (r *Report) readLog() {
	for _, line := range logged {
		*line.count(r) = strings.Count(r.Log, line.words)
	}
}
