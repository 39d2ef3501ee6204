package main

import (
	"context"
	"fmt"
	"os"

	"anomalydetector/backtest"
	"anomalydetector/backtest/labels"
	"anomalydetector/backtest/source"
	"anomalydetector/detection"
	"anomalydetector/episode"
	"anomalydetector/synthetic"
)

// outcome is what one setting reported.
type outcome struct {
	*labels.Score
	messages int64                          // episodes that opened
	wrong    map[synthetic.EntityKind]int64 // false ones, by kind of entity
	holes    int                            // holes with a message of an entity that they lack
}

func (o outcome) f1() float64 {
	if o.Episodes.F1 == nil {
		return 0
	}
	return *o.Episodes.F1
}

// try puts the streams through a backtest. With kinds, it also counts the false messages by kind of entity.
func (s *streams) try(ctx context.Context, settings []detection.Settings, kinds bool) (outcomes []outcome, err error) {
	dir, err := os.MkdirTemp("", "detection-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := s.write(dir); err != nil {
		return nil, err
	}
	result, err := s.backtest(ctx, filesOf(dir, "*"), settings, s.labels)
	if err != nil {
		return nil, err
	}
	for _, o := range result.Settings {
		outcomes = append(outcomes, outcome{o.Score, o.Episodes, make(map[synthetic.EntityKind]int64), 0})
	}
	if !kinds {
		return outcomes, nil
	}
	if result, err = s.backtest(ctx, filesOf(dir, "*"), settings, s.holes); err != nil {
		return nil, err
	}
	for setting, o := range result.Settings {
		for _, hole := range o.Score.Episodes.Kinds {
			if hole.Found > 0 {
				outcomes[setting].holes++
			}
		}
	}
	for i, name := range synthetic.EntityKindNames() {
		result, err := s.backtest(ctx, filesOf(dir, name), settings, s.labels)
		if err != nil {
			return nil, err
		}
		for setting, o := range result.Settings {
			outcomes[setting].wrong[synthetic.EntityKind(i)] = o.Score.Episodes.False
		}
	}
	return outcomes, nil
}

func (s *streams) backtest(ctx context.Context, files string, settings []detection.Settings, all []labels.Label) (result *backtest.Result, err error) {
	fields := source.Options{ValueField: "hege", KeyFields: []string{"scope", "asn"}}
	from, err := source.Open([]string{files}, fields)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	o := backtest.Options{
		Bin:     binLength,
		Decoder: func() source.Decoder { return source.NewDecoder(fields) },
		Labels:  labels.NewJudge(all, labels.DefaultOptions(binLength)),
	}
	for _, rules := range settings {
		o.Settings = append(o.Settings, backtest.Setting{Name: name(rules), Rules: rules, Episodes: episode.DefaultRules(binLength, rules.Threshold)})
	}
	if result, err = backtest.Run(ctx, from, o); err != nil {
		return nil, err
	}
	switch {
	case result.Partial:
		return nil, ctx.Err()
	case result.Points != result.Rows || result.Late > 0:
		return nil, fmt.Errorf("%s: of %d rows, %d are datapoints and %d are late", files, result.Rows, result.Points, result.Late)
	}
	return result, nil
}
