package web

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"
)

// KafkaHook shows the traffic of one client of a detector, from when it is made until it
// is closed. Brokers come and go with their ids, so they are not told apart.
func (s *Site) KafkaHook(detector string) kgo.Hook {
	registry := prometheus.WrapRegistererWith(prometheus.Labels{"detector": detector}, s.metrics.registry)
	return kprom.NewMetrics(prefix, kprom.Subsystem("kafka"), kprom.Registerer(patient{registry}), kprom.BrokerLabels(),
		kprom.FetchAndProduceDetail(kprom.Batches, kprom.Records, kprom.CompressedBytes, kprom.UncompressedBytes, kprom.ConsistentNaming))
}

// patient takes no offence at metrics that are there: those of a client that is still
// being closed. They are shown until it is; the new ones are not.
type patient struct{ prometheus.Registerer }

func (p patient) Register(c prometheus.Collector) error {
	_ = p.Registerer.Register(c)
	return nil
}

func (p patient) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		_ = p.Register(c)
	}
}
