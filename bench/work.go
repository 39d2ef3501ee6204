package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/backtest"
	"anomalydetector/datapoint"
	"anomalydetector/detection"
)

// workCommand does a part of the detector's work: it reads a topic once, and prints how
// many points are done. It is a process of its own, so that /proc shows what the part
// takes. In the end it waits until its input is closed.
type workCommand struct {
	What    string `arg:"" enum:"count,decode,score"`
	Brokers string `arg:""`
	Topic   string `arg:""`
}

// hegemonySettings are those of hegemonydetector.conf.
var hegemonySettings = detection.Settings{
	GranularityMinutes: 15, HistoryHours: 72, MinRatio: 0.6, Threshold: 5, MinDeviation: 0.01, Metric: detection.MeanDeviation,
}

// part holds the windows of a Kafka partition.
type part struct {
	scanner   *datapoint.Scanner
	windows   *backtest.Windows // as in a backtest
	anomalies int
	encoded   []byte
}

func (w *workCommand) Run(ctx context.Context, _ *Settings) error {
	client, total, err := w.open(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	parts := make(map[int32]*part)
	var seen int64
	next := time.Now()
	for seen < total {
		fetches := client.PollRecords(ctx, 200_000) // as many as the detector takes
		if err := fetches.Err0(); err != nil {
			return err
		}
		var bad atomic.Int64
		var wait sync.WaitGroup
		fetches.EachPartition(func(slice kgo.FetchTopicPartition) {
			seen += int64(len(slice.Records))
			if w.What == "count" {
				return
			}
			p := parts[slice.Partition]
			if p == nil {
				p = &part{scanner: datapoint.NewScanner("hege", []string{"scope", "asn"}), windows: backtest.NewWindows([]detection.Settings{hegemonySettings})}
				parts[slice.Partition] = p
			}
			wait.Go(func() { bad.Add(p.take(slice.Records, w.What == "score")) })
		})
		wait.Wait()
		if bad.Load() > 0 {
			return fmt.Errorf("%d bad records", bad.Load())
		}
		if now := time.Now(); now.After(next) || seen >= total {
			fmt.Println(seen)
			next = now.Add(10 * time.Millisecond)
		}
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until we are no longer needed
	return nil
}

// open reads all partitions from their beginning, and returns how many records they hold.
func (w *workCommand) open(ctx context.Context) (*kgo.Client, int64, error) {
	client, err := newClient(w.Brokers)
	if err != nil {
		return nil, 0, err
	}
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, w.Topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		client.Close()
		return nil, 0, err
	}
	var total int64
	positions := make(map[int32]kgo.Offset)
	ends.Each(func(o kadm.ListedOffset) {
		total += o.Offset
		positions[o.Partition] = kgo.NewOffset().AtStart()
	})
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{w.Topic: positions})
	return client, total, nil
}

func (p *part) take(records []*kgo.Record, score bool) (bad int64) {
	for _, r := range records {
		at := r.Timestamp.UnixMilli()
		point, fault := p.scanner.Scan(at, r.Value)
		if fault != nil {
			bad++
			continue
		}
		if !score {
			continue
		}
		if verdict := p.windows.Take(point.Key, at, point.Value)[0]; verdict.Reason == detection.Anomalous {
			p.encoded = datapoint.AppendAnomaly(p.encoded[:0], r.Value, verdict.Deviation)
			p.anomalies++
		}
	}
	return bad
}

// counter reads the lines that a workCommand prints.
type counter struct {
	rest []byte
	at   atomic.Int64
}

func (c *counter) Write(text []byte) (int, error) {
	c.rest = append(c.rest, text...)
	for {
		line, rest, whole := bytes.Cut(c.rest, []byte("\n"))
		if !whole {
			return len(text), nil
		}
		if n, err := strconv.ParseInt(string(line), 10, 64); err == nil {
			c.at.Store(n)
		}
		c.rest = rest
	}
}
