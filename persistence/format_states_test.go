package persistence_test

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"anomalydetector/persistence"
	"anomalydetector/test/formats"
)

var writeStates = flag.Bool("write-states", false, "write testdata/states for the present storage format, which must not exist")

// The directory has one partition, whose entities have states: some in the database, and some in files.
const (
	statesDetector = "atlasdelaydetector"
	statesEntities = 60
	statesRounds   = 40
	statesRemoved  = "LM0063AS64496,LM64497"
	statesMadeBy   = "habit of a format"
	statesFolder   = "testdata/states"
)

func stateKeyOf(i int) string { return fmt.Sprintf("LM%04dAS64496,LM64497", 60+i) }

// statePoint is the n-th point of an entity.
func statePoint(i, n int) persistence.Point {
	return persistence.Point{At: begin + int64(n)*hour/2 + int64(i), Value: float64(i) + float64(n)/3}
}

// stateText is the state of an entity after some points. It is long enough that a few make a file.
func stateText(key string, points int) string {
	return strings.Repeat(fmt.Sprintf("%s after %d points. ", key, points), 4)
}

// TestWriteStates writes the directory; see testdata/states/README.md.
func TestWriteStates(t *testing.T) {
	if !*writeStates {
		t.Skip("without -write-states nothing is written")
	}
	if err := os.Mkdir(statesFolder, 0o755); err != nil {
		t.Fatalf("a format that was written stays as it is: %v", err)
	}
	dir := t.TempDir()
	store := open(t, dir, persistence.Options{Journal: 200, File: 3000, Period: 12, Seen: true, Log: slog.New(slog.DiscardHandler)})
	p, err := store.Partition(statesDetector, 5)
	if err != nil {
		t.Fatal(err)
	}
	head := persistence.Head{Source: "a stream", Cluster: "a-cluster", Topic: "a-topic", History: 72 * hour, States: statesMadeBy}
	cached, counts := make(map[string]*persistence.Entity), make(map[string]int)
	checkpoint := func(toDisk ...string) {
		t.Helper()
		p.Commit()
		var evict []*persistence.Entity
		for _, key := range toDisk {
			evict = append(evict, cached[key])
			delete(cached, key)
		}
		plan := p.Plan(head, evict)
		plan.FillStates(func(e *persistence.Entity, n int) (points []persistence.Point, live int) {
			var i int
			if _, err := fmt.Sscanf(e.Key(), "LM%dAS", &i); err != nil {
				t.Fatal(err)
			}
			for k := max(0, counts[e.Key()]-n); k < counts[e.Key()]; k++ {
				points = append(points, statePoint(i-60, k))
			}
			return points, counts[e.Key()]
		}, func(e *persistence.Entity, to []byte) ([]byte, int64) {
			return append(to, stateText(e.Key(), counts[e.Key()])...), begin
		})
		err := plan.Write()
		p.Settle(plan, err)
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := range statesRounds {
		for i := range statesEntities {
			key := stateKeyOf(i)
			if cached[key] == nil {
				if cached[key], _, _, _, err = p.LoadState(key); err != nil {
					t.Fatal(err)
				}
			}
			point := statePoint(i, n)
			p.Append(cached[key], point.At, point.Value)
			counts[key]++
			head.Offset++
		}
		head.StreamTime = begin + int64(n)*hour/2
		if n%3 == 2 {
			checkpoint(stateKeyOf(n % statesEntities))
		}
	}
	checkpoint(stateKeyOf(1), stateKeyOf(2)) // too few for a file
	p.Remove(cached[statesRemoved])
	checkpoint()
	p.Close()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	pack(t, dir, &formats.Format{Path: statesFolder}, formats.Closed)
}

// TestStatesOfAnEarlierVersionAreRead: each state, and the points that came after it.
func TestStatesOfAnEarlierVersionAreRead(t *testing.T) {
	dir := (&formats.Format{Path: statesFolder}).Unpack(t, formats.Closed)
	if files, err := filepath.Glob(filepath.Join(dir, "state", "journal", "*.states")); err != nil || len(files) == 0 {
		t.Fatalf("there are the files of states %v, %v", files, err)
	}
	store := open(t, dir, persistence.Options{Seen: true, Log: slog.New(slog.DiscardHandler)})
	summaries, err := store.Summaries()
	if err != nil || len(summaries) != 1 || summaries[0].Err != nil || summaries[0].Entities != statesEntities-1 || summaries[0].States < 50 {
		t.Errorf("the summaries are %+v, %v", summaries, err)
	}
	p, err := store.Partition(statesDetector, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if head, stored := p.Head(); !stored || head.States != statesMadeBy || head.Offset != statesEntities*statesRounds {
		t.Errorf("the head is %+v, stored %t", head, stored)
	}
	stated := 0
	for i := range statesEntities {
		key := stateKeyOf(i)
		_, state, points, known, err := p.LoadState(key)
		if err != nil || known == (key == statesRemoved) {
			t.Errorf("%s: known %t, %v", key, known, err)
		}
		if key == statesRemoved {
			continue
		}
		before := statesRounds - len(points)
		if state.Bytes == nil && before != 0 || state.Bytes != nil && string(state.Bytes) != stateText(key, before) {
			t.Errorf("%s has the state %q and %d points after it", key, state.Bytes, len(points))
		}
		for n, point := range points {
			if want := statePoint(i, before+n); point != want {
				t.Errorf("point %d of %s is %v, want %v", before+n, key, point, want)
			}
		}
		if state.Bytes != nil {
			stated++
		}
	}
	if stated < 50 {
		t.Errorf("%d entities have a state", stated)
	}
}
