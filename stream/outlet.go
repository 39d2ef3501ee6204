package stream

import (
	"context"
	"errors"
	"math"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Outlet keeps what is known of the topics that the detector writes to. The successive sessions of a detector
// share one. It is safe for concurrent use. A nil Outlet knows nothing.
type Outlet struct {
	mu     sync.Mutex
	limits map[string]int  // max.message.bytes, by topic
	told   map[string]bool // what was logged and is not logged again
}

// NewOutlet makes an Outlet that knows nothing yet.
func NewOutlet() *Outlet { return &Outlet{limits: make(map[string]int), told: make(map[string]bool)} }

const (
	// batchBytes limits a batch if the broker does not tell the topic's limit. By default every broker
	// accepts more.
	batchBytes = 1_000_012
	// batchOverhead is the most that a batch of one record adds to its key, value and headers.
	batchOverhead = 100
)

// limit is how many bytes a batch of the topic may have. The broker's limit is that of the compressed batch.
// We apply it before compression, so that whether a record fits depends on the record alone.
func (o *Outlet) limit(topic string) int {
	if o == nil {
		return batchBytes
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if limit, known := o.limits[topic]; known {
		return limit
	}
	return batchBytes
}

// clientLimit is the limit within the bounds that the client library accepts.
func (o *Outlet) clientLimit(topic string) int32 {
	const least, most = 512, 1 << 30
	return int32(min(max(o.limit(topic), least), most))
}

// Largest is how many bytes of key, value and headers a record of the topic may have before compression.
func (o *Outlet) Largest(topic string) int { return o.limit(topic) - batchOverhead }

// learn keeps the size limits among the settings.
func (o *Outlet) learn(about map[string]settings) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for topic, of := range about {
		if limit, known := of.number("max.message.bytes"); known {
			o.limits[topic] = int(min(limit, math.MaxInt32))
		}
	}
}

// once says whether this is the first time that it is asked for what: then it is to be logged.
func (o *Outlet) once(what string) bool {
	if o == nil {
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	defer func() { o.told[what] = true }()
	return !o.told[what]
}

// settled says whether once was asked for what.
func (o *Outlet) settled(what string) bool {
	if o == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.told[what]
}

// settings are the settings of a topic that are in force, by key.
type settings map[string]kadm.Config

func (s settings) value(key string) string {
	setting := s[key]
	return setting.MaybeValue()
}

func (s settings) number(key string) (int64, bool) {
	number, err := strconv.ParseInt(s.value(key), 10, 64)
	return number, err == nil
}

// own says whether the topic itself has the setting, not the broker.
func (s settings) own(key string) bool { return s[key].Source == kmsg.ConfigSourceDynamicTopicConfig }

// describe asks for the settings of topics, and learns their size limits. A topic that the broker does not
// describe is missing from the result; that is logged once.
func (c Config) describe(ctx context.Context, admin *kadm.Client, topics ...string) map[string]settings {
	about := make(map[string]settings)
	answers, err := admin.DescribeTopicConfigs(ctx, topics...)
	for _, answer := range answers {
		if answer.Err != nil {
			err = answer.Err
			continue
		}
		about[answer.Name] = make(settings)
		for _, setting := range answer.Configs {
			about[answer.Name][setting.Key] = setting
		}
	}
	if err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) && c.Outlet.once("undescribed") {
		c.Log.Info("the broker does not tell the settings of topics, so their retention and limits are not known; "+
			"allow DESCRIBE_CONFIGS on them to change that", "topics", topics, "error", err)
	}
	c.Outlet.learn(about)
	return about
}
