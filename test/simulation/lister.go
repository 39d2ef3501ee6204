package simulation

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// list asks for all anomalies that a process holds, page by page, and notes them. whole is
// false if a page was not answered, or if the process says that something is missing.
func (b *prober) list() (all map[place]string, whole bool) {
	judge := b.process.node.run.judge
	all = make(map[place]string)
	for cursor := ""; ; {
		values := url.Values{"limit": {"50"}}
		if cursor != "" {
			values.Set("cursor", cursor)
		}
		body := b.ask("/api/v1/anomalies?"+values.Encode(), http.StatusOK, http.StatusServiceUnavailable)
		var page struct {
			Items   []listed
			Next    string
			Partial bool
			Status  int // of a problem
		}
		if body == "" || json.Unmarshal([]byte(body), &page) != nil || page.Status != 0 {
			return all, false
		}
		for _, one := range page.Items {
			at := one.place()
			if _, twice := all[at]; twice {
				judge.problem("%s lists the anomaly at %v twice", b.process.party, at)
			}
			all[at] = one.ID
			judge.note(one, b.process.party)
		}
		if cursor = page.Next; cursor == "" {
			return all, !page.Partial
		}
	}
}

const (
	listPatience = 2 * time.Minute
	listAgain    = time.Second
)

// awaitLists waits until each process lists all anomalies that are committed. Nothing is
// fed any more.
func (j *judge) awaitLists() {
	committed, err := j.run.read(outputTopic)
	if err != nil {
		j.problem("read %s: %v", outputTopic, err)
		return
	}
	for _, n := range j.run.nodes {
		p := n.process.Load()
		if p == nil {
			continue
		}
		by := p.prober()
		for _, look := range looks {
			look(by)
		}
		if by.missed != "" {
			j.problem("%s", by.missed)
		}
		var last string
		for begin := time.Now(); ; time.Sleep(listAgain) {
			all, whole := by.list()
			from, known := by.shownFrom()
			want, may := make(map[place]string), make(map[place]string)
			for _, record := range committed {
				at := place{record.Partition, record.Offset}
				may[at] = header(record, "id")
				if !known || !record.Timestamp.Before(from) {
					want[at] = may[at]
				}
			}
			if last = differ(all, want, may); last == "" && whole {
				j.count(func(report *Report) { report.Listed += len(want) })
				break
			}
			if time.Since(begin) > listPatience {
				j.problem("%s does not list the committed anomalies: %s, whole %t", p.party, last, whole)
				break
			}
		}
	}
}

// shownFrom is the time of the oldest anomaly that a process says it may show. Datapoints
// may be years old, and processes forget old anomalies.
func (b *prober) shownFrom() (from time.Time, known bool) {
	var detectors struct {
		Items []struct{ Tail struct{ From *time.Time } }
	}
	body := b.ask("/api/v1/detectors", http.StatusOK, http.StatusServiceUnavailable)
	if json.Unmarshal([]byte(body), &detectors) != nil || len(detectors.Items) != 1 || detectors.Items[0].Tail.From == nil {
		return from, false
	}
	return *detectors.Items[0].Tail.From, true
}

// differ says which anomalies are missing among those that are listed, or are listed and not committed; empty: none. Some that are
// older than those that must be listed may be listed, too.
func differ(all, must, may map[place]string) string {
	for at, id := range all {
		if may[at] != id {
			return fmt.Sprintf("%s at %v is not committed", id, at)
		}
	}
	listed := 0
	for at := range must {
		if _, is := all[at]; is {
			listed++
		}
	}
	if listed != len(must) {
		return strconv.Itoa(listed) + " of " + strconv.Itoa(len(must)) + " are listed"
	}
	return ""
}
