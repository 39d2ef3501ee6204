package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"anomalydetector/bench/report"
	"anomalydetector/loopback"
)

// standby measures what standbys cost: two nodes share a stream that arrives at an even rate, in turn without and with
// standbys. With them, each partition is a standby of one of the two.
func (f *nodesFlags) standby(ctx context.Context, b *bench) error {
	result := report.Standby{Partitions: int(b.settings.Partitions), Rate: f.StandbyRate, Seconds: f.StandbyTime.Seconds()}
	for round := range f.Rounds {
		for standbys, into := range []*[]report.StandbyRun{&result.Without, &result.With} {
			run, err := f.following(ctx, b, standbys)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				b.note("a run with %d standbys failed: %v", standbys, err)
				continue
			}
			say("round %d: %d standbys: %.1f %% of a core, %d new connections", round+1, standbys, run.Core, run.Connections)
			*into = append(*into, run)
		}
	}
	if len(result.Without) == 0 || len(result.With) == 0 {
		return fmt.Errorf("no run with standbys, or none without, succeeded")
	}
	b.result.Standby = append(b.result.Standby, result.Completed())
	return nil
}

// following is a run of two nodes with a number of standbys for each partition.
func (f *nodesFlags) following(ctx context.Context, b *bench, standbys int) (run report.StandbyRun, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.settings.Patience)
	defer cancel()
	stream, err := b.newHegemony(f.QuestionsEntities, 2, b.settings.Partitions)
	if err != nil {
		return run, err
	}
	topic := b.name("hegemony-standby")
	if err := b.createTopic(ctx, b.settings.Partitions, topic); err != nil {
		return run, err
	}
	t := &team{bench: b, stream: stream}
	defer t.discard()
	if t.job, err = b.newJob(ctx, topic, "standby", b.settings.Partitions); err != nil {
		return run, err
	}
	var pages []string
	for i := range 2 {
		n, err := t.newNode(fmt.Sprintf("n%d", i+1))
		if err != nil {
			return run, err
		}
		page, err := loopback.FreeAddress()
		if err != nil {
			return run, err
		}
		p := b.nodeProgram(n, standbys)
		p.env = append(p.env, "DETECTOR_HTTP="+page)
		if n.process, err = p.start(ctx); err != nil {
			return run, err
		}
		t.nodes, pages = append(t.nodes, n), append(pages, page)
	}
	if _, err := b.untilShared(ctx, t.nodes); err != nil {
		return run, err
	}
	appending, stop := context.WithCancel(ctx)
	defer stop()
	go b.pace(appending, stream, topic, f.StandbyRate)
	if err := b.untilCommitted(ctx, t.nodes[0].process, t.job, int64(f.StandbyRate)); err != nil {
		return run, err
	}
	pause(ctx, f.StandbyWarm)
	before, err := costsOf(ctx, t.nodes, pages)
	if err != nil {
		return run, err
	}
	began := time.Now()
	pause(ctx, f.StandbyTime)
	after, err := costsOf(ctx, t.nodes, pages)
	if err != nil {
		return run, err
	}
	during := time.Since(began).Seconds()
	run = report.StandbyRun{Core: 100 * (after.cpu - before.cpu).Seconds() / during, Connections: int(after.connections - before.connections),
		Followed: (after.followed - before.followed) / during}
	if followed := run.Followed > float64(f.StandbyRate)/2; followed != (standbys > 0) {
		return run, fmt.Errorf("%d standbys read %.0f records a second of %d", standbys, run.Followed, f.StandbyRate)
	}
	return run, nil
}

// nodesCosts are sums over nodes since they started.
type nodesCosts struct {
	cpu         time.Duration
	connections float64 // that their Kafka clients have made
	followed    float64 // records that their standbys have read
}

func costsOf(ctx context.Context, nodes []*node, pages []string) (sum nodesCosts, err error) {
	for _, page := range pages {
		err := eachMetric(ctx, page, func(name, labels string, value float64) {
			switch {
			case name == "anomalydetector_kafka_connects_total":
				sum.connections += value
			case name == "anomalydetector_kafka_fetch_records_total" && strings.Contains(labels, `client="history"`):
				sum.followed += value
			}
		})
		if err != nil {
			return sum, err
		}
	}
	if sum.connections == 0 {
		return sum, fmt.Errorf("the nodes count no connections")
	}
	sum.cpu, err = cpuOf(processesOf(nodes))
	return sum, err
}
