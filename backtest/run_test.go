package backtest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"anomalydetector/backtest/labels"
	"anomalydetector/backtest/source"
)

// TestRunFindsWhatTheOracleFinds in any stream, however its rows are cut and whatever the number of workers.
func TestRunFindsWhatTheOracleFinds(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("stream ", seed), func(t *testing.T) {
			s := random(t, seed, 3, 200)
			o := s.run()
			o.Labels = labels.NewJudge(someLabels(s.rows), labels.DefaultOptions(o.Bin))
			want, reports := oracle(s.rows, o)
			if want.Late == 0 || len(want.Faults) < 2 || want.Settings[1].Adds.Anomalies == 0 || want.Settings[2].Loses.Anomalies == 0 || want.Settings[0].Reopened == 0 ||
				want.Settings[0].Score.Episodes.Found == 0 {
				t.Fatalf("the stream shows too little: %+v", want)
			}
			for _, c := range []struct{ workers, most int }{{1, 0}, {2, 0}, {7, 0}, {1, 50}, {2, 700}, {7, 5000}} {
				t.Run(fmt.Sprintf("%d workers, blocks of %d", c.workers, c.most), func(t *testing.T) {
					from := s.open(t)
					if c.most > 0 {
						from = &recut{Source: from, random: rand.New(rand.NewPCG(seed, 1)), most: c.most}
					}
					o, next := o, 0
					o.Workers = c.workers
					o.Anomaly = func(setting int, a *Anomaly, b *source.Block, r *source.Row) error {
						if next >= len(reports) {
							return errors.New("there are more anomalies than there should be")
						}
						one := &reports[next]
						next++
						if one.setting != setting || !reflect.DeepEqual(one.anomaly, *a) || r.At != a.At || r.Value != a.Value || string(r.Key) != a.Entity ||
							string(r.Raw) != one.text || b.Input.Name != a.Place.Input {
							return fmt.Errorf("reported for setting %d is %+v of row %q, want for %d %+v of %q", setting, *a, r.Raw, one.setting, one.anomaly, one.text)
						}
						return nil
					}
					equal(t, must(t, from, o), want)
					if next != len(reports) {
						t.Errorf("%d anomalies are reported, want %d", next, len(reports))
					}
				})
			}
		})
	}
}

// TestTimelineDoesNotDependOnTheOrder in which shards are joined.
func TestTimelineDoesNotDependOnTheOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 19))
	for _, reach := range []int64{1000, 5000, 300_000, 1 << 40} {
		var times []int64
		n := &naive{opened: map[int64]bool{}}
		for i := range int64(6000) {
			times = append(times, r.Int64N(reach)*shortestSpan+r.Int64N(shortestSpan))
			n.opened[i] = i%3 == 0
		}
		n.times = times
		want := n.hours()
		var whole, joined timeline
		parts := make([]timeline, 5)
		for i, at := range times {
			whole.take(at, n.opened[int64(i)])
			parts[r.IntN(len(parts))].take(at, n.opened[int64(i)])
		}
		for i := range parts {
			joined.join(&parts[i])
		}
		if !reflect.DeepEqual(whole.inOrder(), want) || !reflect.DeepEqual(joined.inOrder(), want) {
			t.Errorf("over %d hours there are %d spans, or %d if they are joined, want %d", reach, len(whole.spans), len(joined.spans), len(want))
		}
	}
}

// TestEndedRunKnowsWhatItHasRead: the result is that of a run over the rows up to there.
func TestEndedRunKnowsWhatItHasRead(t *testing.T) {
	for seed := range uint64(8) {
		s := random(t, seed, 2, 200)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		from := &failing{Source: &recut{Source: s.open(t), random: rand.New(rand.NewPCG(seed, 1)), most: 500}, blocks: int(3 + 9*seed), before: cancel}
		got, err := Run(ctx, from, s.run())
		if err != nil {
			t.Fatal(err)
		}
		if got.Rows >= int64(len(s.rows)) || seed > 2 && got.Rows == 0 {
			t.Fatalf("%d of %d rows are read", got.Rows, len(s.rows))
		}
		want, _ := oracle(s.rows[:got.Rows], s.run())
		want.Partial = true
		equal(t, comparable(got), want)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	s := random(t, 1, 1, 10)
	if got, err := Run(ctx, s.open(t), s.run()); err != nil || !got.Partial {
		t.Errorf("after a deadline: %+v, %v", got, err)
	}
}

// TestInputThatBreaksCountsUpToThere, and the others as a whole. A second pass finds the same.
func TestInputThatBreaksCountsUpToThere(t *testing.T) {
	s := random(t, 2, 3, 250)
	content, err := os.ReadFile(s.files[1])
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = zip.Write(content) // to memory
	_ = zip.Close()
	if err := os.WriteFile(s.files[1], packed.Bytes()[:packed.Len()*2/3], 0o600); err != nil {
		t.Fatal(err)
	}
	o := s.run()
	o.Traces = 2
	got := must(t, s.open(t), o)
	if len(got.Broken) != 1 || !strings.Contains(got.Broken[0], s.files[1]) || !strings.Contains(got.Broken[0], "not whole") {
		t.Errorf("broken is %q", got.Broken)
	}
	lost := len(s.rows) - int(got.Rows)
	var rows []row
	begun := 0
	for i, r := range s.rows {
		if r.input == s.files[1] {
			begun++
			if last := i; last+1 < len(s.rows) && i >= s.end(1)-lost {
				continue
			}
		}
		rows = append(rows, r)
	}
	if lost <= 0 || lost >= begun {
		t.Fatalf("%d of %d rows are lost", lost, begun)
	}
	want, _ := oracle(rows, o)
	if len(got.Traces) != 2 || int64(len(got.Traces[0].Points)) == 0 {
		t.Errorf("there are %d traces", len(got.Traces))
	}
	want.Broken, want.Traces = got.Broken, got.Traces
	equal(t, got, want)
}

// end is the number of rows up to the end of a file.
func (s *stream) end(file int) (rows int) {
	for i, r := range s.rows {
		if r.input == s.files[file] {
			rows = i + 1
		}
	}
	return rows
}

// TestErrorEndsARun, and no goroutine stays, whoever has the error.
func TestErrorEndsARun(t *testing.T) {
	s := random(t, 3, 3, 250)
	gone := errors.New("no space left")
	for name, c := range map[string]func(source.Source, *Options) source.Source{
		"of a report": func(from source.Source, o *Options) source.Source {
			count := 0
			o.Anomaly = func(int, *Anomaly, *source.Block, *source.Row) error {
				if count++; count == 20 {
					return gone
				}
				if count > 20 {
					t.Error("an anomaly is reported after an error")
				}
				return nil
			}
			return from
		},
		"of the source": func(from source.Source, _ *Options) source.Source {
			return &failing{Source: from, blocks: 40, err: gone}
		},
		"of the source at once": func(from source.Source, _ *Options) source.Source {
			return &failing{Source: from, blocks: 1, err: gone}
		},
		"when it is read again": func(from source.Source, o *Options) source.Source { o.Traces = 1; return &onceOnly{from, gone} },
		"in the second pass": func(from source.Source, o *Options) source.Source {
			o.Traces = 1
			return &failing{Source: from, blocks: 1000, err: gone}
		},
		"of a report when it ends": func(from source.Source, o *Options) source.Source {
			o.Anomaly = func(int, *Anomaly, *source.Block, *source.Row) error { return gone }
			return &failing{Source: from, blocks: 60, before: func() {}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			o := s.run()
			o.Workers = 3
			files, err := source.Open(s.files, s.options)
			if err != nil {
				t.Fatal(err)
			}
			from := c(&recut{Source: files, random: rand.New(rand.NewPCG(1, 1)), most: 500}, &o)
			if r, err := Run(context.Background(), from, o); !errors.Is(err, gone) || r != nil {
				t.Errorf("the run ends with %v", err)
			}
			if err := files.Close(); err != nil {
				t.Error(err)
			}
			for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; runtime.Gosched() {
				if time.Now().After(deadline) {
					t.Fatalf("%d goroutines are left, %d were there before", runtime.NumGoroutine(), before)
				}
			}
		})
	}
}

// onceOnly cannot be read again.
type onceOnly struct {
	source.Source
	err error
}

func (o *onceOnly) Rewind() error { return o.err }
