package simulation

import (
	"runtime"
	"strings"
	"time"
)

// findLeaks waits until all goroutines of the bubble have ended, and reports those that
// have not.
func (j *judge) findLeaks() {
	var left []string
	for range 60 {
		time.Sleep(time.Second)
		if left = goroutines(); len(left) == 0 {
			return
		}
	}
	j.report.Leaked = true
	j.problem("%d goroutines are left, such as:\n%s", len(left), left[0])
}

// goroutines are the stacks of the other goroutines of our bubble.
func goroutines() (others []string) {
	own := make([]byte, 200)
	own = own[:runtime.Stack(own, false)]
	head, _, _ := strings.Cut(string(own), "\n")
	_, bubble, _ := strings.Cut(head, "synctest bubble ")
	bubble, _, _ = strings.Cut(bubble, "]")
	all := make([]byte, 16<<20)
	all = all[:runtime.Stack(all, true)]
	for text := range strings.SplitSeq(string(all), "\n\n") {
		head, _, _ := strings.Cut(text, "\n")
		mine := strings.HasSuffix(head, "synctest bubble "+bubble+"]:") || strings.Contains(head, "synctest bubble "+bubble+",")
		if mine && !strings.HasPrefix(text, strings.Fields(string(own))[0]+" "+strings.Fields(string(own))[1]+" ") &&
			!strings.Contains(text, "testing/synctest.") {
			others = append(others, text)
		}
	}
	return others
}
