package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"anomalydetector/configs"
	"anomalydetector/messages"
	"anomalydetector/persistence"
	"anomalydetector/stream"
	"anomalydetector/web/source"
)

// openTopic opens a reader of the output topic. It reads the topic up to its end before it returns,
// beginning at since or, if since is zero, as far back as the page shows. The reader goes on until end
// is called.
func openTopic(ctx context.Context, world *World, config *configs.Config, since time.Time) (reader anomalyReader, end func() error, err error) {
	nobody := &home{node: &persistence.Node{ID: "reader"}} // joins no group, so the id does not matter
	streams, err := streamConfig(config, nobody, slog.New(slog.DiscardHandler), Options{})
	if err != nil {
		return nil, nil, err
	}
	t := newTailing(config, streams)
	t.about.Episodes, t.about.EpisodesTopic = nil, "" // anomalies are asked for, and nobody reads the episodes
	if !since.IsZero() {                              // tail.Range counts back from the latest record, which is hardly later than the clock
		t.anomalies.span = max(world.Now().Sub(since), time.Minute)
	}
	ctx, cancel := context.WithCancel(ctx)
	first := &firstEnd{Listener: t.anomalies.to, told: make(chan error, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		stream.FollowOutput(ctx, t.anomalies.streams, t.anomalies.span, first)
	}()
	end = func() error {
		cancel()
		<-ended
		return nil
	}
	if err := <-first.told; err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read topic %s: %w", config.IO.OutputTopic, err), end())
	}
	return source.New(source.Config{Version: version(), Now: world.Now, Asker: absent{}, Detectors: []*source.Detector{t.about}}), end, nil
}

// firstEnd reports once, when the topic has been read up to its end or cannot be read.
type firstEnd struct {
	stream.Listener
	told chan error
	over bool
}

// Tell implements stream.Listener.
func (f *firstEnd) Tell(caught bool, problem string) {
	f.Listener.Tell(caught, problem)
	if f.over || !caught && problem == "" {
		return
	}
	f.over = true
	if caught {
		f.told <- nil
	} else {
		f.told <- errors.New(problem)
	}
}

// absent answers for the actors of a process that has none.
type absent struct{}

func (absent) Status(context.Context) messages.ClusterStatus { return messages.ClusterStatus{} }

func (absent) Entity(context.Context, string, string) (answer messages.EntityAnswer, known bool) {
	return answer, false
}

func (absent) Entities(context.Context, string, messages.EntitiesQuery) (answer messages.EntitiesAnswer, known bool) {
	return answer, false
}
