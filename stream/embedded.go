package stream

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Embedded starts a broker inside this process, on loopback, that forgets
// everything when it is closed. It is for the demo and the tests.
func Embedded(options ...kfake.Opt) (*kfake.Cluster, error) {
	cluster, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(1),
		// As on a broker that serves this detector: the records of a synthetic
		// or replayed stream may be years old.
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}),
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("start embedded broker: %w", err)
	}
	return cluster, nil
}
