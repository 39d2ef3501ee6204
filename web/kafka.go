package web

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"
)

// KafkaHook counts the traffic of a detector's clients of one purpose, such as session, history or settings.
// All clients of a purpose, at the same time and one after the other, share one set of counters, so that
// totals only grow. Brokers are not counted separately, because they and their ids come and go.
func (s *Site) KafkaHook(detector, purpose string) kgo.Hook {
	of := [2]string{detector, purpose}
	s.traffic.Lock()
	defer s.traffic.Unlock()
	hook, made := s.traffic.hooks[of]
	if !made {
		registry := prometheus.WrapRegistererWith(prometheus.Labels{"detector": detector, "client": purpose}, s.metrics.registry)
		hook = traffic{kprom.NewMetrics(prefix, kprom.Subsystem("kafka"), kprom.Registerer(sums{registry}), kprom.BrokerLabels(),
			kprom.FetchAndProduceDetail(kprom.Batches, kprom.Records, kprom.CompressedBytes, kprom.UncompressedBytes, kprom.ConsistentNaming))}
		hook.Metrics.OnNewClient(nil) // makes the counters. A client would be needed for the gauges only, which sums leaves out
		if s.traffic.hooks == nil {
			s.traffic.hooks = make(map[[2]string]traffic)
		}
		s.traffic.hooks[of] = hook
	}
	return hook
}

// traffic are the counters of several clients. kprom makes new counters for each client and removes them with
// it. These stay.
type traffic struct{ *kprom.Metrics }

func (traffic) OnNewClient(*kgo.Client)    {}
func (traffic) OnClientClosed(*kgo.Client) {}

// sums leaves out the gauges, which describe the buffers of one client.
type sums struct{ prometheus.Registerer }

func (s sums) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		if _, ofOneClient := c.(prometheus.GaugeFunc); !ofOneClient {
			s.Registerer.MustRegister(c)
		}
	}
}
