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
	Standbys    int             // partitions that a standby began to follow
	TakenOver   int             // partitions that were assigned to their standby
	Reloads     int             // histories that were read again for a late record
	Outliers    int             // log lines about timestamps far from stream time
	Answers     int             // over HTTP
	Claimed     int             // anomalies that processes counted as committed
	Listed      int             // anomalies that processes listed in the end
	Visits      int             // streams of events that were opened
	Followed    int             // anomalies that streams had to tell, each once, and did
	Gaps        int             // gaps that streams told
	Anomalies   int             // in the output topic
	DeadLetters int
	Withheld    int // anomalies that the output topic refused
	Virtual     time.Duration
	Log         string // of all processes, in the order in which they ended
	Leaked      bool   // goroutines were left: the bubble cannot end
}

// logged are the events that the program logs and counts nowhere, each by a part of its
// log line. They are statistics: no verdict depends on them. TestCountedLogLinesExist
// notices when the program words one of them differently.
var logged = []loggedLine{
	{"partition of another node is kept warm", "actors/detector_standby.go", func(r *Report) *int { return &r.Standbys }},
	{"older than the history that was loaded, loading more", "actors/score.go", func(r *Report) *int { return &r.Reloads }},
	{"timestamp is far from stream time", "actors/limited_log.go", func(r *Report) *int { return &r.Outliers }},
}

type loggedLine struct {
	words string
	file  string // of the program, which holds the words
	count func(*Report) *int
}

// takenOver is the attribute of the line that tells of an assigned partition.
const takenOver = "standby=true"

// readLog counts what only the log tells.
func (r *Report) readLog() {
	for _, line := range logged {
		*line.count(r) = strings.Count(r.Log, line.words)
	}
	r.TakenOver = strings.Count(r.Log, takenOver)
}
