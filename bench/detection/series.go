package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"anomalydetector/backtest"
	"anomalydetector/backtest/labels"
	"anomalydetector/detection"
	"anomalydetector/episode"
	"anomalydetector/test/series"
)

// labelled are real series with labels: files of the Numenta Anomaly Benchmark (NAB).
type labelled struct {
	files  []seriesFile
	labels []labels.Label
}

type seriesFile struct {
	name   string // as the labels name its entity
	step   time.Duration
	level  float64 // the median of |value| in the probation
	times  []int64 // Unix milliseconds
	values []float64
}

// readSeries reads labels.json and the files of a folder. The error is fs.ErrNotExist if it is not there.
func readSeries(folder string) (*labelled, error) {
	name := filepath.Join(folder, "labels.json")
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	s := &labelled{}
	if s.labels, err = labels.Parse(name, file); err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(folder, "data", "*", "*.csv.gz"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s has no series", folder)
	}
	for _, path := range paths {
		one, err := readSeriesFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		s.files = append(s.files, one)
	}
	return s, nil
}

func readSeriesFile(path string) (f seriesFile, err error) {
	rows, err := series.Rows(path)
	if err != nil {
		return f, err
	}
	if len(rows) < 10 {
		return f, errors.New("it has too few rows")
	}
	for _, row := range rows {
		at, err := time.Parse(time.DateTime, row[0])
		if err != nil {
			return f, err
		}
		value, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			return f, err
		}
		f.times, f.values = append(f.times, at.UnixMilli()), append(f.values, value)
	}
	f.name = strings.TrimSuffix(filepath.Base(path), ".csv.gz")
	f.step = time.Duration(f.times[1]-f.times[0]) * time.Millisecond
	distances := make([]float64, min(len(f.values)*15/100, 750))
	for i := range distances {
		distances[i] = math.Abs(f.values[i])
	}
	slices.Sort(distances)
	f.level = distances[len(distances)/2]
	return f, nil
}

// scores puts the series through both methods, and scores what they report. The only thing that differs between the series is their unit:
// min_dev is a hundredth of the level.
func (s *labelled) scores(original detection.Settings) (scores [2]*labels.Score, messages [2]int) {
	judge := labels.NewJudge(s.labels, labels.DefaultOptions(binLength))
	var entities []*labels.EntityJudge
	for _, f := range s.files {
		settings := original
		settings.GranularityMinutes, settings.MinDeviation = f.step.Minutes(), max(f.level/100, 1e-9)
		entity, said := judge.Entity(f.name), make([]labels.Said, 2)
		windows, key := backtest.NewWindows([]detection.Settings{settings, habitual(settings)}), []byte(f.name)
		fold := [2]folder{{rules: episodesOf(f.step, settings)}, {rules: episodesOf(f.step, settings)}}
		for i, at := range f.times {
			value := f.values[i]
			for k, verdict := range windows.Take(key, at, value) {
				said[k] = fold[k].take(at, value, &verdict)
				if said[k].Opened {
					messages[k]++
				}
			}
			entity.Take(at, said)
		}
		entities = append(entities, entity)
	}
	for k := range scores {
		scores[k] = judge.Score(k, slices.Values(entities))
	}
	return scores, messages
}

// habitual are settings of the method habit that mean what others mean for the original.
func habitual(s detection.Settings) detection.Settings {
	s.Method, s.MinRatio = detection.HabitMethod, detection.HabitMinRatio
	return s
}

func episodesOf(step time.Duration, s detection.Settings) episode.Rules {
	rules := episode.DefaultRules(step, s.Threshold)
	rules.EveryPoint = true
	return rules
}

// folder folds the anomalies of one series into episodes, as a backtest does.
type folder struct {
	rules episode.Rules
	state episode.State
	steps []episode.Step
}

func (f *folder) take(at int64, value float64, v *detection.Verdict) labels.Said {
	f.state, f.steps = f.rules.Advance(f.state, at, f.steps[:0])
	switch v.Reason {
	case detection.TooFewPoints:
		return labels.Said{}
	case detection.Normal:
		f.state, f.steps = f.rules.Normal(f.state, episode.Point{At: at, Value: value}, f.steps)
		return labels.Said{Scored: true}
	}
	f.steps = f.steps[:0]
	f.state, f.steps = f.rules.Anomaly(f.state, episode.Anomaly{At: at, Value: value, Usual: v.Median, Scale: v.Scale, Deviation: v.Deviation}, f.steps)
	opened := slices.ContainsFunc(f.steps, func(s episode.Step) bool { return s.Event == episode.Opened })
	return labels.Said{Scored: true, Anomalous: true, Opened: opened}
}

// seriesTable is NAB's score by method. It is empty if the series are not there.
func seriesTable(folder string, original detection.Settings) (string, error) {
	s, err := readSeries(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the series with labels: %w", err)
	}
	scores, messages := s.scores(original)
	t := newTable("reports", "standard", "low FP", "low FN", "windows found", "messages")
	row := func(name string, n labels.NAB, messages any) {
		t.row(name, digit(n.Standard), digit(n.LowFP), digit(n.LowFN), fmt.Sprintf("%d of %d", n.Found, n.Windows), messages)
	}
	for k, method := range []string{"original", "habit"} {
		row(method+", each anomaly", scores[k].Anomalies.NAB, scores[k].Anomalies.Reports)
		row(method+", episodes", scores[k].Episodes.NAB, messages[k])
	}
	return t.String(), nil
}

func digit(x *float64) string {
	if x == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f", *x)
}
