package stream

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Embedded starts a broker inside this process, on loopback. It keeps everything in memory and forgets it
// when it is closed. It serves the demo and the tests.
func Embedded(options ...kfake.Opt) (*kfake.Cluster, error) {
	cluster, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(1),
		// The only member need not wait for others to join.
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}),
	}, options...)...)
	if err != nil {
		return nil, fmt.Errorf("start embedded broker: %w", err)
	}
	return cluster, nil
}
