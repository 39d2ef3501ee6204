package bootstrap

import (
	"context"
	"time"

	"anomalydetector/configs"
	"anomalydetector/detection"
	"anomalydetector/episode"
	"anomalydetector/stream"
	"anomalydetector/tail"
	"anomalydetector/tail/feed"
	"anomalydetector/web/source"
)

// shownFor is how far back the page shows anomalies, unless the history is longer.
const shownFor = 7 * 24 * time.Hour

// tailing reads the output topic of a detector for the page and the API.
type tailing struct {
	about   *source.Detector
	streams stream.Config
	to      stream.Listener
	span    time.Duration
}

// newTailing prepares to read an output topic.
func newTailing(config *configs.Config, streams stream.Config) *tailing {
	settings, io := settings(config), &config.IO
	t := &tailing{streams: streams, span: max(shownFor, history(config))}
	held := tail.New(tail.Config{KeyFields: len(io.KeyFields), Rules: episode.DefaultRules(binOf(config), settings.Threshold), Range: t.span})
	t.to = feed.New(feed.Config{InputTopic: io.InputTopic, Group: io.ConsumerGroup, ValueField: io.ValueField, KeyFields: io.KeyFields}, held)
	t.about = &source.Detector{
		Name: config.Name, Topic: io.InputTopic, OutputTopic: io.OutputTopic, Group: io.ConsumerGroup,
		ValueField: io.ValueField, KeyFields: io.KeyFields, Settings: settings, Tail: held,
		Median: func() (float64, bool) { return 0, false },
	}
	return t
}

// read reads the output topics until stop is called.
func (s *site) read(all []*built) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{}, len(all))
	count := 0
	for _, b := range all {
		t := b.tailing
		if t == nil {
			continue
		}
		count++
		go func() {
			stream.FollowOutput(ctx, t.streams, t.span, t.to)
			ended <- struct{}{}
		}()
	}
	return func() error {
		cancel()
		for range count {
			<-ended
		}
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

func rules(config *configs.Config) detection.Rules { return detection.NewRules(settings(config)) }

// settings are the detection settings of a configuration.
func settings(config *configs.Config) detection.Settings {
	metric := detection.MeanDeviation
	if config.Detection.Metric == "median" {
		metric = detection.MedianDeviation
	}
	return detection.Settings{
		GranularityMinutes: config.IO.GranularityMinutes,
		HistoryHours:       config.Detection.HistoryHours,
		MinRatio:           config.Detection.MinRatio,
		Threshold:          config.Detection.Threshold,
		MinDeviation:       config.Detection.MinDeviation,
		Metric:             metric,
	}
}
