package answers

import (
	"context"
	"time"
)

// Source answers for all detectors of the process and, in a cluster, for those of the other nodes. Its
// methods may be called by several goroutines at a time. Each costs at most a few messages to actors. An
// error is a *Problem.
type Source interface {
	Status(ctx context.Context) (Status, error)
	Detectors(ctx context.Context) (List[Detector], error)
	Nodes(ctx context.Context) (List[Node], error)
	Anomalies(ctx context.Context, q AnomaliesQuery) (List[Anomaly], error)
	Anomaly(ctx context.Context, detector, id string) (Anomaly, error)
	Episodes(ctx context.Context, q EpisodesQuery) (List[Episode], error)
	Lanes(ctx context.Context, q LanesQuery) (Lanes, error)
	Entity(ctx context.Context, detector, key string) (Entity, error)
	Entities(ctx context.Context, q EntitiesQuery) (List[EntityRef], error)
	// Follow calls event with each thing that happens, until the context ends or event returns an error. After it
	// has returned it calls event no more. It begins after the cursor, or with this moment if that is empty. It
	// tells at once the ID of where it begins, so that nothing that follows can be missed.
	Follow(ctx context.Context, q FollowQuery, event func(Event) error) error
}

// List is a part of a longer list.
type List[T any] struct {
	Items    []T      `json:"items" doc:"In the order that the endpoint names" nullable:"false"`
	Next     string   `json:"next,omitempty" doc:"Cursor of the next page; absent on the last page"`
	Partial  bool     `json:"partial" doc:"Something is missing: problems say what"`
	Problems []string `json:"problems" doc:"A sentence for each node that did not answer and for each thing that is not known" nullable:"false"`
}

// Problem says why there is no answer.
type Problem struct {
	Status     int    // the HTTP status: 400, 404 or 503
	Detail     string // a sentence for a person
	Parameter  string // the parameter of the request that is at fault; empty: none
	Value      any    // the value of that parameter
	Similar    []string
	RetryAfter time.Duration // 0: asking again is of no use
}

func (p *Problem) Error() string { return p.Detail }

// Filter chooses anomalies or episodes of one detector.
type Filter struct {
	Detector     string            // empty: the only one, or the first
	Entity       string            // the key; empty: all
	Fields       map[string]string // by key field, the value that it must have
	Text         string            // a part of the key, in any case
	MinDeviation float64           // the least |deviation|; 0: all
	Direction    Direction         // empty: both
	From, Until  time.Time         // From <= the datapoint's time < Until; zero: no limit
}

// AnomaliesQuery asks for anomalies, the latest first.
type AnomaliesQuery struct {
	Filter
	Limit  int // 1 to MostItems; 0: 100
	Cursor string
}

// EpisodesQuery asks for episodes: open ones first, then the latest first.
type EpisodesQuery struct {
	Filter
	State  EpisodeState // empty: all
	Kind   EpisodeKind  // empty: all
	Limit  int
	Cursor string
}

// LanesQuery asks for counts by time bin and by key field or entity. The rows with the largest deviation come
// first.
type LanesQuery struct {
	Filter
	By     string        // a key field, or "entity"; empty: the first key field
	Bin    time.Duration // 0: chosen so that there are at most 96 bins
	Limit  int           // how many rows at most
	Cursor string
}

// EntitiesQuery asks for entities by a part of their key, in the order of their keys.
type EntitiesQuery struct {
	Detector string
	Text     string            // in any case; empty: all
	Fields   map[string]string // by key field, the value that it must have
	Limit    int
	Cursor   string
}

// FollowQuery asks for what happens.
type FollowQuery struct {
	Filter
	Cursor string // the ID of the last Event that was seen; empty: from now on
}

// MostItems is the largest limit.
const MostItems = 1000
