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

// shownFor is how far back anomalies can be looked at, unless a window is longer.
const shownFor = 7 * 24 * time.Hour

// tailing is what a detector's output topic says, as it is read for people.
type tailing struct {
	tail    *tail.Tail
	streams stream.Config
	to      stream.Listener
	span    time.Duration
}

// recall prepares to read the output topic.
func (b *built) recall(config *configs.Config, streams stream.Config) {
	settings := settings(config)
	bin := time.Duration(settings.GranularityMinutes * float64(time.Minute))
	r := &tailing{streams: streams, span: max(shownFor, b.config.History)}
	r.tail = tail.New(tail.Config{
		KeyFields: len(config.IO.KeyFields), Rules: episode.DefaultRules(bin, settings.Threshold), Range: r.span,
	})
	r.to = feed.New(feed.Config{
		InputTopic: config.IO.InputTopic, Group: config.IO.ConsumerGroup, ValueField: config.IO.ValueField, KeyFields: config.IO.KeyFields,
	}, r.tail)
	b.tailing = r
	b.told = &source.Detector{
		Name: config.Name, Topic: config.IO.InputTopic, OutputTopic: config.IO.OutputTopic, Group: config.IO.ConsumerGroup,
		ValueField: config.IO.ValueField, KeyFields: config.IO.KeyFields, Settings: settings, Tail: r.tail,
	}
}

// read reads the output topics until stop is called.
func (s *site) read(all []*built) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{}, len(all))
	count := 0
	for _, b := range all {
		if b.tailing == nil {
			continue
		}
		count++
		go func() {
			stream.FollowOutput(ctx, b.tailing.streams, b.tailing.span, b.tailing.to)
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

// tell lets the API and the page answer for detectors that have been started.
func (s *site) tell(world *World, asker source.Asker, all []*built) {
	config := source.Config{Version: version(), Address: s.address, Now: world.Now, Asker: asker}
	for _, b := range all {
		if b.told == nil {
			return // only health is shown
		}
		config.Node = b.node
		b.told.Synthetic = b.shown.Synthetic
		b.told.Median = func() (float64, bool) { return s.DetectionMedian(b.config.Name) }
		config.Detectors = append(config.Detectors, b.told)
	}
	s.Show(source.New(config))
}

func rules(config *configs.Config) detection.Rules { return detection.NewRules(settings(config)) }

// settings are those of a configuration, as numbers.
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
