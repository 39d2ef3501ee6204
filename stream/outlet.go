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

// Outlet is what is known of the topics that are written to. The sessions of a
// detector, one after the other, share it. It is safe for concurrent use; a nil
// one knows nothing.
type Outlet struct {
	mu     sync.Mutex
	limits map[string]int  // max.message.bytes, by topic
	told   map[string]bool // what was logged, and need not be again
}

// NewOutlet knows nothing yet.
func NewOutlet() *Outlet { return &Outlet{limits: make(map[string]int), told: make(map[string]bool)} }

const (
	// batchBytes is what a batch may have where the broker does not tell the
	// topic's limit: less than any broker takes by default.
	batchBytes = 1_000_012
	// batchOverhead is what a batch of one record adds to its key, value and
	// headers, at most.
	batchOverhead = 100
)

// limit is how many bytes a batch of the topic may have. A limit is of the
// compressed batch; we take it for the batch before compression, so that whether
// a record fits depends on the record alone.
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

// clientLimit is the limit as the client library takes it.
func (o *Outlet) clientLimit(topic string) int32 {
	const least, most = 512, 1 << 30
	return int32(min(max(o.limit(topic), least), most))
}

// Largest is how many bytes of key, value and headers a record of the topic may
// have, before compression.
func (o *Outlet) Largest(topic string) int { return o.limit(topic) - batchOverhead }

// learn keeps the limits that a broker told.
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

// once tells whether this is to be logged the first time.
func (o *Outlet) once(what string) bool {
	if o == nil {
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	defer func() { o.told[what] = true }()
	return !o.told[what]
}

// settled tells whether once was asked.
func (o *Outlet) settled(what string) bool {
	if o == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.told[what]
}

// settings are a topic's, in force, by key.
type settings map[string]kadm.Config

func (s settings) value(key string) string {
	setting := s[key]
	return setting.MaybeValue()
}

func (s settings) number(key string) (int64, bool) {
	number, err := strconv.ParseInt(s.value(key), 10, 64)
	return number, err == nil
}

// own tells whether the setting is the topic's, not the broker's.
func (s settings) own(key string) bool { return s[key].Source == kmsg.ConfigSourceDynamicTopicConfig }

// describe asks for the settings of topics, and learns the limits of those that
// are written to. A topic is missing if the broker does not tell, which is
// logged once.
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
