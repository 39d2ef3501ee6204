package bootstrap

import (
	"context"
	"sync"
	"time"

	"anomalydetector/configs"
	"anomalydetector/detection"
	"anomalydetector/episode"
	"anomalydetector/stream"
	"anomalydetector/tail"
	"anomalydetector/tail/feed"
	"anomalydetector/tail/published"
	"anomalydetector/web/source"
)

// shownFor is how far back the page shows anomalies, unless the history is longer.
const shownFor = 7 * 24 * time.Hour

// absentFor is for how long, beside its history, an entity may be absent before it is forgotten, and a day more.
const absentFor = 2 * 24 * time.Hour

// tailing reads what a detector publishes, for the page and the API.
type tailing struct {
	about     *source.Detector
	anomalies following
	episodes  following // to is nil: it publishes no episodes
}

// following is what is read of one topic: its records of a span.
type following struct {
	streams stream.Config // with the topic as its output topic
	to      stream.Listener
	span    time.Duration
}

func (f *following) follow(ctx context.Context) {
	stream.FollowOutput(ctx, f.streams, f.span, f.to)
}

// newTailing prepares to read the output topic and, if there is one, the episodes topic.
func newTailing(config *configs.Config, streams stream.Config) *tailing {
	settings, io := settings(config), &config.IO
	span := max(shownFor, history(config))
	held := tail.New(tail.Config{KeyFields: len(io.KeyFields), Rules: shownRules(config), Range: span})
	t := &tailing{anomalies: following{streams, feed.New(feed.Config{InputTopic: io.InputTopic, Group: io.ConsumerGroup, ValueField: io.ValueField, KeyFields: io.KeyFields}, held), span}}
	t.about = &source.Detector{
		Name: config.Name, Topic: io.InputTopic, OutputTopic: io.OutputTopic, Group: io.ConsumerGroup,
		ValueField: io.ValueField, KeyFields: io.KeyFields, Settings: settings, Tail: held,
		Median: func() (float64, bool) { return 0, false },
	}
	if topic := config.Episodes.OutputTopic; topic != "" {
		streams.OutputTopic = topic
		t.about.EpisodesTopic = topic
		t.about.Episodes = published.New(published.Config{KeyFields: io.KeyFields, Bin: binOf(config), Range: span, FieldsOf: held.FieldsOf})
		t.episodes = following{streams, feed.NewEpisodes(t.about.Episodes), max(span, history(config)+absentFor)}
	}
	return t
}

// read reads the topics until stop is called.
func (s *site) read(all []*built) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	for _, b := range all {
		if b.tailing == nil {
			continue
		}
		for _, one := range []*following{&b.tailing.anomalies, &b.tailing.episodes} {
			if one.to != nil {
				reading.Go(func() { one.follow(ctx) })
			}
		}
	}
	return func() error {
		cancel()
		reading.Wait()
		return nil
	}
}

// tell makes the API and the page answer for detectors that have been started, until stop is called.
func (s *site) tell(world *World, asker source.Asker, all []*built, clustered bool) (stop func() error) {
	config := source.Config{Version: version(), Address: s.address, Now: world.Now, Asker: asker, Clustered: clustered}
	for _, b := range all {
		if b.tailing == nil {
			return func() error { return nil } // only health is served
		}
		about := b.tailing.about
		about.Synthetic = b.shown.Synthetic
		about.Median = func() (float64, bool) { return s.DetectionMedian(about.Name) }
		config.Node, config.Detectors = b.node, append(config.Detectors, about)
	}
	made := source.New(config)
	s.Show(made)
	return made.Close
}

// shownRules are the rules by which anomalies are folded into episodes: those of [episodes], or the default ones.
func shownRules(config *configs.Config) episode.Rules {
	if config.Episodes.OutputTopic != "" {
		rules := ledgerRules(config).Rules
		rules.OpenAfter = 1 // the tail knows only anomalies, and counts each
		return rules
	}
	return episode.DefaultRules(binOf(config), config.Detection.Threshold)
}

func rules(config *configs.Config) detection.Rules { return detection.NewRules(settings(config)) }

// habitRules are the rules of the method habit; nil: the method is original.
func habitRules(config *configs.Config) *detection.HabitRules {
	s := settings(config)
	if s.Method != detection.HabitMethod {
		return nil
	}
	rules := detection.NewHabitRules(s)
	return &rules
}

// settings are the detection settings of a configuration.
func settings(config *configs.Config) detection.Settings {
	metric := detection.MeanDeviation
	if config.Detection.Metric == "median" {
		metric = detection.MedianDeviation
	}
	method, _ := detection.ParseMethod(config.Detection.Method) // package configs knows the same ones
	return detection.Settings{
		Method:             method,
		GranularityMinutes: config.IO.GranularityMinutes,
		HistoryHours:       config.Detection.HistoryHours,
		MinRatio:           config.Detection.MinRatio,
		Threshold:          config.Detection.Threshold,
		MinDeviation:       config.Detection.MinDeviation,
		Metric:             metric,
	}
}
