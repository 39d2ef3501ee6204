package source

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"anomalydetector/detection"
	"anomalydetector/messages"
	"anomalydetector/tail"
	"anomalydetector/tail/published"
	"anomalydetector/web/answers"
)

// Asker asks the actors of this process and, in a cluster, the other nodes.
type Asker interface {
	Status(ctx context.Context) messages.ClusterStatus
	// Entity and Entities return false if there is no such detector.
	Entity(ctx context.Context, detector, key string) (answer messages.EntityAnswer, known bool)
	Entities(ctx context.Context, detector string, query messages.EntitiesQuery) (answer messages.EntitiesAnswer, known bool)
}

// Detector is a detector of the process.
type Detector struct {
	Name, Topic, OutputTopic, Group string
	ValueField                      string
	KeyFields                       []string
	Settings                        detection.Settings
	Synthetic                       bool
	// Median is the median time from poll to commit, in seconds; false: not known yet.
	Median func() (seconds float64, known bool)
	Tail   *tail.Tail
	// Episodes holds what the detector publishes to EpisodesTopic; nil: it publishes none.
	Episodes      *published.Episodes
	EpisodesTopic string
}

// Config is what a source needs.
type Config struct {
	Version   string
	Node      string // the id in the data directory
	Address   string // where people reach the process
	Process   string // differs between two runs
	Clustered bool   // the Asker knows the other nodes of the group
	Now       func() time.Time
	Asker     Asker
	Detectors []*Detector
}

// Source is an answers.Source.
type Source struct {
	config Config
	known  []*known
	look   look
	wakeup time.Duration // how often a watcher looks at the status
}

// known is a detector, with what follows from its settings.
type known struct {
	*Detector
	rules  detection.Rules
	habit  *detection.HabitRules // nil: the method is the original
	bin    time.Duration
	fields []answers.KeyField
	holes  holes
	ended  outcomes
	lives  lives
}

// New makes a source.
func New(config Config) *Source {
	s := &Source{config: config, wakeup: statusEvery}
	for _, d := range config.Detectors {
		k := &known{
			Detector: d, rules: detection.NewRules(d.Settings),
			bin: time.Duration(d.Settings.GranularityMinutes * float64(time.Minute)),
		}
		if d.Settings.Method == detection.HabitMethod {
			rules := detection.NewHabitRules(d.Settings)
			k.habit = &rules
		}
		for _, name := range d.KeyFields {
			k.fields = append(k.fields, answers.KeyField{Name: name, ASN: answers.IsASN(name)})
		}
		k.lives = &folded{s, k}
		if d.Episodes != nil {
			k.lives = &publishes{k, d.Episodes}
		}
		s.known = append(s.known, k)
	}
	return s
}

var _ answers.Source = (*Source)(nil)

// detector finds a detector by its name; an empty name means the first.
func (s *Source) detector(name string) (*known, error) {
	var names []string
	for _, d := range s.known {
		if d.Name == name || name == "" {
			return d, nil
		}
		names = append(names, d.Name)
	}
	return nil, &answers.Problem{
		Status: http.StatusNotFound, Detail: fmt.Sprintf("there is no detector %.100q here", name),
		Parameter: "detector", Value: name, Similar: names,
	}
}

// named adds the names to the values of an entity's fields; none if the values are not known.
func (d *known) named(values []string) []answers.Field {
	fields := []answers.Field{}
	if len(values) != len(d.fields) {
		return fields
	}
	for i, field := range d.fields {
		fields = append(fields, answers.Field{Name: field.Name, Value: values[i], ASN: field.ASN && answers.Numbered(values[i])})
	}
	return fields
}

// bad is the problem of a parameter.
func bad(parameter string, value any, detail string) error {
	return &answers.Problem{Status: http.StatusBadRequest, Parameter: parameter, Value: value, Detail: detail}
}
