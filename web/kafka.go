package web

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"
)

// KafkaHook counts the traffic of a detector's clients of one purpose: session, history,
// settings and so on. All of them, at a time and one after the other, share one set of
// counters, so that totals only grow. Brokers come and go with their ids, so they are not
// told apart.
func (s *Site) KafkaHook(detector, purpose string) kgo.Hook {
	of := [2]string{detector, purpose}
	s.traffic.Lock()
	defer s.traffic.Unlock()
	hook, made := s.traffic.hooks[of]
	if !made {
		registry := prometheus.WrapRegistererWith(prometheus.Labels{"detector": detector, "client": purpose}, s.metrics.registry)
		hook = traffic{kprom.NewMetrics(prefix, kprom.Subsystem("kafka"), kprom.Registerer(sums{registry}), kprom.BrokerLabels(),
			kprom.FetchAndProduceDetail(kprom.Batches, kprom.Records, kprom.CompressedBytes, kprom.UncompressedBytes, kprom.ConsistentNaming))}
		hook.Metrics.OnNewClient(nil) // makes the counters; only the gauges, which sums leaves out, would need a client
		if s.traffic.hooks == nil {
			s.traffic.hooks = make(map[[2]string]traffic)
		}
		s.traffic.hooks[of] = hook
	}
	return hook
}

// traffic are the counters of several clients. kprom makes new ones for each client and
// removes them with it; these stay.
type traffic struct{ *kprom.Metrics }

func (traffic) OnNewClient(*kgo.Client)    {}
func (traffic) OnClientClosed(*kgo.Client) {}

// sums leaves out what is of one client: the gauges of its buffers.
type sums struct{ prometheus.Registerer }

func (s sums) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		if _, ofOneClient := c.(prometheus.GaugeFunc); !ofOneClient {
			s.Registerer.MustRegister(c)
		}
	}
}
