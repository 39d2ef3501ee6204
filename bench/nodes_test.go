package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"anomalydetector/configs"
	"anomalydetector/messages"
)

var event = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// after is a time in seconds after the event.
func after(seconds float64) time.Time {
	return event.Add(time.Duration(seconds * float64(time.Second)))
}

func by(producer int64, seconds float64) sighting {
	return sighting{at: after(seconds), producer: producer}
}

func TestMoveIsOverWhenAnotherNodeHasReportedAllThatWasRaised(t *testing.T) {
	const old, other = 7, 8
	m := move{partitions: []int32{0, 1}, event: event, before: map[int64]bool{old: true}}
	probes := map[position]probe{
		{0, 1}: {after(-1), by(old, -0.9), by(old, -0.8)},
		{0, 2}: {after(0.1), by(old, 0.1), by(old, 0.2)}, // the struck node's last word
		{0, 3}: {after(0.3), by(other, 4), by(other, 5)},
		{0, 4}: {after(4), by(other, 4.5), by(other, 6)},
		{0, 5}: {after(0.4), by(old, 0.5), by(other, 5)},  // reported, and not committed; read again
		{1, 1}: {after(-0.1), by(other, 3), by(other, 6)}, // raised before the event
		{1, 2}: {after(0.2), by(other, 4.2), by(other, 6.5)},
		{1, 3}: {raised: after(6.9)},                    // raised after the end: nobody waits for it
		{2, 1}: {after(-1), by(other, 8), by(other, 9)}, // a partition that did not move
		{0, 0}: {visible: by(other, 1), reported: by(other, 1)},
	}
	took, over := m.judge(probes)
	want := outage{first: 5 * time.Second, all: 6500 * time.Millisecond, reported: 4200 * time.Millisecond, longest: 6300 * time.Millisecond}
	if !over || took != want {
		t.Errorf("%+v, %v, want %+v, true", took, over, want)
	}
	for name, at := range map[string]position{"first alarm of the other node": {1, 2}, "alarm of before the event": {1, 1}} {
		missing := probes[at]
		probes[at] = probe{raised: missing.raised}
		if _, over := m.judge(probes); over {
			t.Errorf("over though the %s is not visible", name)
		}
		probes[at] = missing
	}
}

func TestStatusIsSteadyWhenEachPartitionHasItsNodes(t *testing.T) {
	live := func(partition int, offset int) string { return has(partition, "owner", "live", offset) }
	standby := func(partition int, offset int) string { return has(partition, "standby", "following", offset) }
	for name, c := range map[string]struct {
		nodes    []string
		standbys int
		want     bool
	}{
		"alone":               {[]string{says(live(0, 10), live(1, 10))}, 0, true},
		"shared":              {[]string{says(live(0, 10)), says(live(1, 10))}, 0, true},
		"not shared":          {[]string{says(live(0, 10), live(1, 10)), says()}, 0, false},
		"one has no owner":    {[]string{says(live(0, 10)), says(live(0, 10))}, 0, false},
		"one is replayed":     {[]string{says(live(0, 10)), says(has(1, "owner", "replaying", 10))}, 0, false},
		"no standbys":         {[]string{says(live(0, 10)), says(live(1, 10))}, 1, false},
		"standbys":            {[]string{says(live(0, 10), standby(1, 12)), says(live(1, 12), standby(0, 10))}, 1, true},
		"a standby is behind": {[]string{says(live(0, 10), standby(1, 11)), says(live(1, 12), standby(0, 10))}, 1, false},
	} {
		text := `{"nodes":[` + strings.Join(c.nodes, ",") + `]}`
		var status messages.ClusterStatus
		if err := json.Unmarshal([]byte(text), &status); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := steady(status, len(c.nodes), 2, c.standbys); got != c.want {
			t.Errorf("%s: steady is %v, want %v", name, got, c.want)
		}
		if steady(status, len(c.nodes)+1, 2, c.standbys) {
			t.Errorf("%s: steady though a node is missing", name)
		}
		status.Partial = true
		if steady(status, len(c.nodes), 2, c.standbys) {
			t.Errorf("%s: steady though it is not all there is", name)
		}
	}
}

// has is a partition in a status, says a node with some.
func has(partition int, role, state string, offset int) string {
	return fmt.Sprintf(`{"partition":%d,"role":%q,"state":%q,"offset":%d}`, partition, role, state, offset)
}

func says(partitions ...string) string {
	return `{"detectors":[{"partitions":[` + strings.Join(partitions, ",") + `]}]}`
}

func TestNodesDifferInTheirFoldersAndPorts(t *testing.T) {
	b := &bench{brokers: "127.0.0.1:1"}
	j := job{name: "g", input: "in", output: "out", dir: t.TempDir()}
	dirs, addresses := make(map[string]bool), make(map[string]bool)
	for _, id := range []string{"n1", "n2"} {
		n, err := j.newNode(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, standbys := range []int{noCluster, 1} {
			b.nodeProgram(n, standbys)
			got, err := configs.Load(n.conf(), func(string) string { return "" })
			if err != nil {
				t.Fatal(err)
			}
			if clustered := got.Cluster.Listen == n.address && got.Cluster.Standbys == standbys; clustered != (standbys != noCluster) {
				t.Errorf("with %d standbys [cluster] is %+v", standbys, got.Cluster)
			}
			if got.Name != detectorName || got.Persistence.Dir != n.data() || len(got.Warnings) > 0 {
				t.Errorf("configuration is %+v", got)
			}
		}
		dirs[n.dir], addresses[n.address] = true, true
	}
	if len(dirs) != 2 || len(addresses) != 2 {
		t.Errorf("folders %v, addresses %v: want two of each", dirs, addresses)
	}
}

func TestTargetsGoRoundAndAreUsedUp(t *testing.T) {
	b := &bench{settings: &Settings{Seed: 1}}
	h, err := b.newHegemony(60, 40, 2)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, target := range targetsOf(h) {
		count += len(target.entities)
		seen := make(map[string]int)
		for {
			entity, err := target.another()
			if err != nil {
				break
			}
			seen[entity]++
		}
		for entity, times := range seen {
			if times != alarmsOfOne {
				t.Errorf("entity %s had %d alarms, want %d", entity, times, alarmsOfOne)
			}
		}
	}
	if count != 60 {
		t.Errorf("%d entities are in some partition, want 60", count)
	}
}

func TestWindowsTakenAreThoseOfThePartitionsThatMoved(t *testing.T) {
	said := "08:00:00 INF windows taken from another node topic=hegemony.1 partition=9 entities=1480 used=true\n" +
		"08:00:00 INF windows taken from another node topic=hegemony.1 partition=3 entities=1 used=true\n" +
		"08:00:00 INF no windows from other nodes, reading the topic topic=hegemony.1 partition=8 records=458573\n"
	if got := taken(said, []int32{8, 9}); got != 1 {
		t.Errorf("%d, want 1: the windows of 9", got)
	}
}

// TestUsualAnswerIsReadAsIfItWereDecoded, and all others are decoded.
func TestUsualAnswerIsReadAsIfItWereDecoded(t *testing.T) {
	one := messages.EntityStatus{Address: "localhost:1", Window: []messages.WindowPoint{{At: 1, Value: 2}}}
	for name, answer := range map[string]messages.EntityAnswer{
		"usual":   {Asked: []int32{1}, Found: []messages.EntityStatus{one}},
		"none":    {Asked: []int32{1}, Found: []messages.EntityStatus{}},
		"partial": {Found: []messages.EntityStatus{one}, Partial: true, Problems: []string{`,"found":[{`, `}],"partial":false}`}},
	} {
		var body bytes.Buffer
		if err := json.NewEncoder(&body).Encode(answer); err != nil {
			t.Fatal(err)
		}
		var want entityAnswer
		if err := json.Unmarshal(body.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		got, err := decodeAnswer(body.Bytes())
		if err != nil || len(got.Found) != len(want.Found) || got.Partial != want.Partial || !slices.Equal(got.Problems, want.Problems) {
			t.Errorf("%s: it is %+v, error %v, want %+v", name, got, err, want)
		}
		if name == "usual" && got.Found[0] != nil {
			t.Error("the usual answer is decoded")
		}
	}
	if _, err := decodeAnswer([]byte(`{"detector":"d","found":[{`)); err == nil {
		t.Error("half an answer is taken")
	}
}
