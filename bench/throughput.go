package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"anomalydetector/bench/report"
)

type throughputFlags struct {
	Entities     int      `default:"10000" help:"Entities of the stream (default ${default})."`
	Bins         int      `default:"1000" help:"Bins of the stream; a window is full after 288 (default ${default})."`
	Rounds       int      `default:"5" help:"How often each system runs (default ${default})."`
	Peers        []string `default:"kafka-streams,goka" help:"Which peers run; --peers= for none (default ${default})."`
	PeerEntities int      `default:"600" help:"Entities of the part of the stream that the peers get (default ${default})."`
	PeerBins     int      `help:"Bins of that part (default all)."`
	PeerRounds   int      `default:"3" help:"How often each peer runs (default ${default})."`
	Habit        bool     `help:"Run the detector with the method habit, too."`
	Original     string   `help:"Command of the original, such as \"python3 anomalydetector.py\": a peer then." placeholder:"COMMAND"`
}

// throughput runs all systems in turn, round by round, so that other load of the machine
// meets them alike.
func (f *throughputFlags) throughput(ctx context.Context, b *bench) error {
	peers := b.peers(ctx, slices.DeleteFunc(slices.Clone(f.Peers), func(name string) bool { return name == "" }), f.Original)
	topic, stream, err := b.fill(ctx, "hegemony", f.Entities, f.Bins, b.settings.Partitions)
	if err != nil {
		return err
	}
	var part string
	partShape := report.Shape{}
	systems := b.ours()
	if f.Habit {
		systems = append(systems, b.habits()...)
	}
	if len(peers) > 0 {
		var h *hegemony
		if part, h, err = b.fill(ctx, "hegemony-part", f.PeerEntities, cmp.Or(f.PeerBins, f.Bins), b.settings.Partitions); err != nil {
			return err
		}
		partShape = h.shape
		same := b.detectorSystem("detector-part", "detector, the peers' part")
		same.Aside = true // its start-up is most of the time
		systems = append(systems, same)
	}
	for _, s := range systems {
		s.Shape = stream.shape
		if s.Aside {
			s.Shape = partShape
		}
	}
	for _, s := range peers {
		s.Shape = partShape
	}
	systems = append(systems, peers...)
	for round := range f.Rounds {
		for _, s := range systems {
			if s.Peer && round >= f.PeerRounds {
				continue
			}
			input := topic
			if s.Peer || s.Aside {
				input = part
			}
			run, err := b.runOnce(ctx, s, input, s.Shape)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				b.note("a run of %s failed: %v", s.Label, err)
				continue
			}
			say("round %d: %s: %s points/s, %s with start-up", round+1, s.Label, report.Short(run.Steady), report.Short(run.Total))
			s.Runs = append(s.Runs, run)
		}
	}
	for _, s := range systems {
		if len(s.Runs) == 0 {
			err = fmt.Errorf("no run of %s succeeded", s.Label)
			continue
		}
		b.result.Throughput = append(b.result.Throughput, s.Row)
	}
	report.Compare(b.result.Throughput, limit)
	b.deleteTopics(topic, part)
	return err
}
