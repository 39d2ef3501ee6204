package simulation

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
)

// watcher is a page that stays open for the whole run. It follows the stream of events of one
// process. After an error, a crash or a while it goes on at any process, from the id of the
// last event. The streams must tell each anomaly once.
type watcher struct {
	run    *run
	client *http.Client
	dice   *rand.Rand
	last   string // id of the last event
	leave  func() // ends the watching
	left   chan struct{}

	look   chan struct{} // holds a token; only its holder uses the fields below
	told   map[place]int // times that a stream told of the anomaly at a place
	gaps   int
	visits int
}

const (
	firstCursor = "0:0,1:0,2:0" // all partitions of the output topic from their beginning
	leastStay   = time.Second
	mostStay    = 40 * time.Second // at one process
	visitPause  = 700 * time.Millisecond
	mostEvent   = 1 << 20 // bytes
)

// watch starts the watcher.
func (r *run) watch() *watcher {
	dial := r.network.dialer(people)
	ctx, leave := context.WithCancel(context.Background())
	w := &watcher{
		run: r, dice: rand.New(rand.NewPCG(r.scenario.Seed, 16)), leave: leave, left: make(chan struct{}), look: make(chan struct{}, 1),
		told: make(map[place]int), last: firstCursor,
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return dial(ctx, network, address)
			}}},
	}
	w.look <- struct{}{}
	go w.visit(ctx)
	return w
}

// end ends the watching, and waits until no stream is open.
func (w *watcher) end() {
	w.leave()
	<-w.left
	w.run.judge.count(func(report *Report) { report.Visits, report.Gaps = w.visits, w.gaps })
}

// visit goes from process to process.
func (w *watcher) visit(ctx context.Context) {
	defer close(w.left)
	for ctx.Err() == nil {
		n := w.run.nodes[w.dice.IntN(len(w.run.nodes))]
		stay := leastStay + time.Duration(w.dice.Int64N(int64(mostStay)))
		if p := n.process.Load(); p != nil && !unasked {
			visit, leave := context.WithTimeout(ctx, stay)
			w.follow(visit, p)
			leave()
		}
		select {
		case <-time.After(visitPause):
		case <-ctx.Done():
		}
	}
}

// follow reads the stream of a process until it ends.
func (w *watcher) follow(ctx context.Context, p *process) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.node.http+"/api/v1/stream", nil)
	if err != nil {
		panic(err) // the address is wrong
	}
	request.Header.Set("Last-Event-ID", w.last)
	answer, err := w.client.Do(request)
	if err != nil {
		return // the process has ended, or stands still
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		content, err := io.ReadAll(answer.Body)
		if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
			w.run.judge.problem("%s was asked for a stream from %q on, and answers with %s: %s, error %v", p.party, w.last, answer.Status, content, err)
		}
		return
	}
	<-w.look
	w.visits++
	w.look <- struct{}{}
	var name, id, data string
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, mostEvent)
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "":
			if id != "" {
				w.last = id
			}
			w.hear(p.party, name, data)
			name, id, data = "", "", ""
		case field == "event":
			name = value
		case field == "id":
			id = value
		case field == "data":
			data = value
		}
	}
}

// hear takes an event from a stream.
func (w *watcher) hear(party, name, data string) {
	<-w.look
	defer func() { w.look <- struct{}{} }()
	var err error
	switch name {
	case "anomaly":
		var one listed
		if err = json.Unmarshal([]byte(data), &one); err != nil {
			break
		}
		at := one.place()
		if w.told[at]++; w.told[at] > 1 {
			w.run.judge.problem("%s tells of the anomaly at %v, of which a stream has told before", party, at)
		}
		w.run.judge.note(one, party)
	case "episode":
		var one toldEpisode
		if err = json.Unmarshal([]byte(data), &one); err == nil {
			w.run.judge.noteEpisode(one, party)
		}
	case "gap":
		w.gaps++
	case "problem":
		var problem struct{ Status int }
		if err = json.Unmarshal([]byte(data), &problem); err == nil && problem.Status != http.StatusServiceUnavailable {
			w.run.judge.problem("%s ends a stream with %s", party, data)
		}
	}
	if err != nil {
		w.run.judge.problem("%s tells of the %s %.200q: %v", party, name, data, err)
	}
}

// toldAll waits until the streams have told of each committed anomaly that processes show. If
// a stream told of a gap, anomalies may be missing.
func (w *watcher) toldAll() {
	r := w.run
	committed, err := r.read(outputTopic)
	if err != nil {
		r.judge.problem("read %s: %v", outputTopic, err)
		return
	}
	from := r.shownBy()
	for begin := time.Now(); ; time.Sleep(listAgain) {
		<-w.look
		untold, all, gaps := 0, 0, w.gaps
		var one place
		for _, record := range committed {
			if record.Timestamp.Before(from) {
				continue
			}
			all++
			if at := (place{record.Partition, record.Offset}); w.told[at] == 0 {
				untold, one = untold+1, at
			}
		}
		w.look <- struct{}{}
		switch {
		case untold == 0:
			r.judge.count(func(report *Report) { report.Followed += all })
			return
		case gaps > 0 || unasked:
			return
		case time.Since(begin) > listPatience:
			r.judge.problem("of %d anomalies the streams did not tell of %d, such as the one at %v", all, untold, one)
			return
		}
	}
}

// shownBy is the time from which on all processes show anomalies.
func (r *run) shownBy() (from time.Time) {
	for _, n := range r.nodes {
		if p := n.process.Load(); p != nil {
			if begin, known := p.prober().shownFrom(); known && begin.After(from) {
				from = begin
			}
		}
	}
	return from
}
