package bootstrap

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/synthetic"
)

// feeder produces a synthetic stream.
type feeder struct {
	client *kgo.Client
	topic  string
}

func newFeeder(brokers []string, topic string) (*feeder, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic),
		kgo.ProducerLinger(5*time.Millisecond))
	if err != nil {
		return nil, fmt.Errorf("create the demo's producer: %w", err)
	}
	return &feeder{client: client, topic: topic}, nil
}

// feed produces the history at once and the live bins over so long a time.
func (f *feeder) feed(ctx context.Context, source *synthetic.Stream, options synthetic.Options, live time.Duration) error {
	tick := time.NewTicker(live / time.Duration(options.LiveBins))
	defer tick.Stop()
	for i := range source.Bins() {
		if i > options.HistoryBins {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		var records []*kgo.Record
		for _, point := range source.Bin(i) {
			records = append(records, &kgo.Record{
				Key: []byte(point.Entity), Value: point.Payload, Timestamp: time.UnixMilli(point.At),
			})
		}
		if err := f.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
			return fmt.Errorf("produce bin %d of the demo's stream: %w", i, err)
		}
	}
	return nil
}

// drained waits until the group has committed all that was fed.
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
