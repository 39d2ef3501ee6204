package backtest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"anomalydetector/backtest/source"
)

// TestDatapointAllocatesNothing once its entity is known and its window is as long as it gets.
func TestDatapointAllocatesNothing(t *testing.T) {
	const entities, bins, rounds, tries = 3, 3300, 250, 3
	const ofBlock = 2 // the functions that take its rows and its faults
	for _, format := range []string{source.CSV, source.JSON} {
		t.Run(format, func(t *testing.T) {
			var text strings.Builder
			if format == source.CSV {
				text.WriteString("timestamp,scope,asn,hege\n")
			}
			for i := range bins * entities {
				one := row{at: 1_600_000_200_000 + int64(i/entities)*quarter, key: fmt.Sprintf("%d,as", i%entities), value: float64(i%7) / 100}
				text.WriteString(one.write(format))
			}
			s := &stream{options: hegemony, files: []string{write(t, "s", text.String())}}
			o := s.run()
			o.Settings = o.Settings[1:4] // of two windows
			for i := range o.Settings {
				o.Settings[i].Rules.Threshold = 100
			}
			const each = 2 * entities // datapoints
			var parts []source.Block
			for from := s.open(t); len(parts) < tries*2*rounds; {
				block, err := from.Next(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				for lines := bytes.SplitAfter(block.Data, []byte{'\n'}); len(lines) > each; lines = lines[each:] {
					parts = append(parts, source.Block{Input: block.Input, Data: bytes.Join(lines[:each], nil)})
				}
			}
			decoder, shards, one := o.Decoder(), []*shard{newShard(&o), newShard(&o)}, &task{}
			tasks, round, scored := []*task{one}, 0, int64(0)
			score := func() {
				one.block = &parts[round]
				one.decode(decoder, len(shards), nil)
				for number, s := range shards {
					s.score(number, round, tasks)
				}
				scored += one.points
				round++
			}
			several := func() {
				for range rounds {
					score()
				}
			}
			// Allocations of other goroutines are counted, too, but hardly in each try.
			least := math.Inf(1)
			for range tries {
				least = min(least, testing.AllocsPerRun(1, several))
			}
			if least > rounds*ofBlock {
				t.Errorf("%v allocations for %d blocks of %d datapoints, want %d", least, rounds, each, rounds*ofBlock)
			}
			if scored != tries*2*rounds*each { // AllocsPerRun runs it once more before
				t.Errorf("%d datapoints are scored", scored)
			}
		})
	}
}

// TestTaskKeepsMemoryForABlock and not for each shard, if each block has an entity of its own.
func TestTaskKeepsMemoryForABlock(t *testing.T) {
	const rows, shards = 5000, 64
	s := &stream{options: hegemony, files: []string{write(t, "s.csv", "timestamp,scope,asn,hege\n1600000200,1,2,0.5\n")}}
	all, err := s.open(t).Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	decoder, one := source.NewDecoder(hegemony), &task{}
	for entity := range 200 {
		one.block = &source.Block{Input: all.Input, Data: bytes.Repeat(fmt.Appendf(nil, "1600000200,%d,2,0.5\n", entity), rows)}
		one.decode(decoder, shards, nil)
	}
	kept := 0
	for _, items := range one.items {
		kept += cap(items)
	}
	if kept > 4*rows {
		t.Errorf("there is room for %d items, and a block has %d", kept, rows)
	}
}
