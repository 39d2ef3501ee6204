package kafka_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/tinylib/msgp/msgp"
	"github.com/twmb/franz-go/pkg/kgo"
)

// told is an anomaly as the API describes it.
type told struct {
	ID, Time, Entity        string
	Value, Usual, Deviation float64
	Output                  struct {
		Partition int32
		Offset    int64
	}
}

// get asks the API for JSON.
func get(address, path string, values url.Values, answer any) error {
	response, err := http.Get("http://" + address + path + "?" + values.Encode())
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", path, response.Status, body)
	}
	return json.Unmarshal(body, answer)
}

// allAnomalies reads all pages of the list.
func allAnomalies(address string) (all []told, err error) {
	for cursor := ""; ; {
		var page struct {
			Items []told
			Next  string
		}
		values := url.Values{"limit": {"7"}} // small, so that there are several pages
		if cursor != "" {
			values.Set("cursor", cursor)
		}
		if err := get(address, "/api/v1/anomalies", values, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

// header is the value of a record's header.
func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// tells compares an anomaly of the API with its record in the output topic.
func (w *world) tells(address string) (problem string) {
	w.Helper()
	said, err := allAnomalies(address)
	if err != nil {
		return err.Error()
	}
	committed := make(map[string]*kgo.Record)
	for _, r := range w.read(w.output()) {
		committed[header(r, "id")] = r
	}
	if len(said) != len(committed) {
		return fmt.Sprintf("%d anomalies are read, %d are committed", len(said), len(committed))
	}
	for _, one := range said {
		r := committed[one.ID]
		if r == nil {
			return "anomaly " + one.ID + " is told twice, or is not committed"
		}
		delete(committed, one.ID)
		point, deviation := w.decode(r.Value)
		at := r.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z")
		if one.Entity != string(r.Key) || one.Value != point || math.Float64bits(one.Deviation) != math.Float64bits(deviation) ||
			one.Time != at || one.Output.Partition != r.Partition || one.Output.Offset != r.Offset || fmt.Sprint(one.Usual) != header(r, "usual") {
			return fmt.Sprintf("told: %+v, committed: %s at %s, value %v, deviation %v, usual %s", one, r.Key, at, point, deviation, header(r, "usual"))
		}
	}
	return ""
}

// decode reads the payload of an anomaly.
func (w *world) decode(payload []byte) (value, deviation float64) {
	fields, _, err := msgp.ReadMapStrIntfBytes(payload, nil)
	must(w.T, err)
	datapoint := fields["datapoint"].(map[string]any)
	switch number := datapoint[w.golden.ValueField].(type) {
	case float64:
		value = number
	case int64:
		value = float64(number)
	default:
		w.Fatalf("value %v", number)
	}
	return value, fields["deviation"].(float64)
}

// untilTold waits until the API has all committed anomalies.
func (w *world) untilTold(address string) {
	w.Helper()
	last := ""
	defer func() {
		if w.Failed() {
			w.Log(last)
		}
	}()
	w.until("the API at "+address+" tells what is committed", func() bool {
		last = w.tells(address)
		return last == ""
	})
}

func TestAPIShowsWhatIsCommittedAlsoAfterARestart(t *testing.T) {
	w := newWorld(t, "hegemony_mean")
	w.createInput()
	conf, address := w.conf(), freeAddress(t)
	variables := []string{"KAFKA_HOST=" + w.broker, "DETECTOR_DATA_DIR=" + w.home + "/data", "DETECTOR_HTTP=" + address}
	p := w.startWith(variables, conf)
	w.feed(len(w.golden.Records) * 9 / 10)
	w.untilCommitted()
	w.untilTold(address)
	p.signal(syscall.SIGKILL)
	<-p.exited
	p = w.startWith(variables, conf)
	w.untilTold(address)
	w.feed(len(w.golden.Records))
	w.untilCommitted()
	w.untilTold(address)
	p.stop()
	w.verify()
}

// TestAnomaliesAreReadFromTheTopicItself: no detector runs, as beside the original program.
func TestAnomaliesAreReadFromTheTopicItself(t *testing.T) {
	w := newWorld(t, "short_window_median")
	w.createInput()
	conf := w.conf()
	p := w.start(conf)
	w.feed(len(w.golden.Records))
	w.untilCommitted()
	p.stop()
	asking := w.command([]string{"KAFKA_HOST=" + w.broker}, "anomalies", "--from-kafka", "--json", "--limit", "100000", conf)
	var problem strings.Builder
	asking.Stderr = &problem
	said, err := asking.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &problem)
	}
	seen := make(map[string]bool)
	for line := range strings.Lines(string(said)) {
		var one told
		must(t, json.Unmarshal([]byte(line), &one))
		seen[one.ID] = true
	}
	committed := w.read(w.output())
	for _, r := range committed {
		if id := header(r, "id"); !seen[id] {
			t.Errorf("anomaly %s of %s is missing", id, r.Timestamp.UTC())
		}
	}
	if len(seen) != len(committed) || len(seen) == 0 {
		t.Errorf("%d anomalies are read, %d are committed", len(seen), len(committed))
	}
}

// site is the [http] listen of a node.
func (n *node) startWithSite(address string) {
	n.team.Helper()
	n.process = n.team.startWith(append(n.variables(), "DETECTOR_HTTP="+address), n.team.conf)
}

func TestNodesListTheSameAndAStreamResumesOnAnyOfThem(t *testing.T) {
	w := newTeam(t, "hegemony_mean", 1)
	var sites []string
	for _, n := range w.nodes {
		sites = append(sites, freeAddress(t))
		n.startWithSite(sites[len(sites)-1])
	}
	seed := uint64(len(w.golden.Records)) // the same each time; only the timing of the nodes is random
	random := rand.New(rand.NewPCG(seed, 1))
	w.feedTo(70)
	w.untilCommitted()

	watch := &watcher{world: w.world, seen: make(map[string]int)}
	kills := 0
	for cut := 0; w.fed < len(w.golden.Records); cut++ {
		at := random.IntN(len(sites))
		w.feed(len(w.golden.Records) / 40)
		watch.follow(sites[at], 1+random.IntN(5))
		if cut%5 == 4 && kills < 2 {
			kills++
			w.nodes[at].kill() // the node that was just asked
			w.nodes[at].startWithSite(sites[at])
		}
	}
	w.untilCommitted()
	for _, site := range sites {
		w.untilTold(site)
	}
	var first []told
	for i, site := range sites {
		all, err := allAnomalies(site)
		must(t, err)
		if i == 0 {
			first = all
		} else if !slices.Equal(all, first) {
			t.Errorf("node %d lists other anomalies than node 0, or in another order", i)
		}
	}

	committed := w.read(w.output())
	watch.until(sites[0], len(committed))
	for _, r := range committed {
		if id := header(r, "id"); watch.seen[id] != 1 {
			t.Errorf("the streams brought anomaly %s %d times, want once", id, watch.seen[id])
		}
	}
	if len(watch.seen) != len(committed) || watch.gaps > 0 {
		t.Errorf("the streams brought %d anomalies and %d gaps, %d are committed", len(watch.seen), watch.gaps, len(committed))
	}
	if kills != 2 || watch.connections < 8 {
		t.Errorf("%d kills and %d connections: the test did not interrupt the stream often enough", kills, watch.connections)
	}
	w.verify()
}

// watcher follows the stream of events over many connections.
type watcher struct {
	world             *world
	cursor            string
	seen              map[string]int // by id of the anomaly
	gaps, connections int
}

// follow reads a number of anomalies from a node, or fewer if no more come, and then breaks the connection.
func (w *watcher) follow(address string, most int) {
	w.world.Helper()
	want := len(w.seen) + most
	w.read(address, func() bool { return len(w.seen) >= want })
}

// until reads until it has seen a number of anomalies.
func (w *watcher) until(address string, count int) {
	w.world.Helper()
	w.world.until(fmt.Sprintf("the stream has told of %d anomalies", count), func() bool {
		w.read(address, func() bool { return len(w.seen) >= count })
		return len(w.seen) >= count
	})
}

// read reads one connection until it has enough, or a status event says that there is no more for now.
func (w *watcher) read(address string, enough func() bool) {
	w.world.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	values := url.Values{}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/api/v1/stream?"+values.Encode(), nil)
	must(w.world.T, err)
	if w.cursor != "" {
		request.Header.Set("Last-Event-ID", w.cursor)
	} else { // from the beginning: 0 of each partition
		request.Header.Set("Last-Event-ID", w.beginning())
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return // the node is being started
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return
	}
	w.connections++
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 16<<20)
	var event, id, data string
	for !enough() && lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case name == "event":
			event = value
		case name == "id":
			id = value
		case name == "data":
			data = value
		case lines.Text() == "" && event != "":
			if w.take(event, id, data) {
				return
			}
			event, data = "", ""
		}
	}
}

// take reads one event. It returns true for a status event, which the server sends after all anomalies
// that it holds.
func (w *watcher) take(event, id, data string) (caughtUp bool) {
	switch event {
	case "anomaly":
		var one told
		must(w.world.T, json.Unmarshal([]byte(data), &one))
		w.seen[one.ID]++
	case "gap":
		w.gaps++
	}
	w.cursor = id
	return event == "status"
}

// beginning is the cursor before the first anomaly of every partition.
func (w *watcher) beginning() string {
	var all []string
	for partition := range w.world.golden.Partitions {
		all = append(all, fmt.Sprintf("%d:0", partition))
	}
	return strings.Join(all, ",")
}
