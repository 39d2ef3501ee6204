package bootstrap

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/synthetic"
)

// feeder produces a synthetic stream to a topic.
type feeder struct {
	client *kgo.Client
	topic  string
	onBin  func(i int, points []synthetic.Datapoint) // called before a bin is produced
	fed    atomic.Int64                              // time of the last bin that was produced, Unix milliseconds
}

func newFeeder(brokers []string, topic string) (*feeder, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic),
		kgo.ProducerLinger(5*time.Millisecond))
	if err != nil {
		return nil, fmt.Errorf("create the demo's producer: %w", err)
	}
	return &feeder{client: client, topic: topic, onBin: func(int, []synthetic.Datapoint) {}}, nil
}

// feed produces the bins from the given one on: those before the live part at once, then one at each
// tick of pace.
func (f *feeder) feed(ctx context.Context, source *synthetic.Stream, from, live int, pace time.Duration) error {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for i := from; i < source.Bins(); i++ {
		if i > live || i == from && from == live {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		points := source.Bin(i)
		f.onBin(i, points)
		if err := f.produce(context.WithoutCancel(ctx), i, points); err != nil {
			return err
		}
		if len(points) > 0 {
			f.fed.Store(points[0].At)
		}
	}
	return nil
}

// drained waits until the group has committed everything that was fed, for at most demoDrain.
func (f *feeder) drained(ctx context.Context, group string) error {
	ctx, cancel := context.WithTimeout(ctx, demoDrain)
	defer cancel()
	admin := kadm.NewClient(f.client)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		lags, err := admin.Lag(ctx, group)
		if err == nil {
			if lag, ok := lags[group]; ok && lag.Error() == nil && len(lag.Lag) > 0 && lag.Lag.Total() == 0 {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the detector to read the stream to its end: %w", ctx.Err())
		}
	}
}
