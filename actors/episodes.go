package actors

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/completeness"
	"anomalydetector/datapoint"
	"anomalydetector/detection"
	"anomalydetector/episode"
	"anomalydetector/messages"
	"anomalydetector/persistence"
)

// How a partition keeps its episodes: it tells the ledger what it scores, and sends the ledger's events to the producer.

// episodes is a partition's ledger and its stream time; nil: episodes are not published. The ledger is always of the committed
// offset plus what the running transaction has scored.
type episodes struct {
	topic  string // the episodes topic
	ledger *episode.Ledger
	owner  *owner
	clock  completeness.Clock // the ledger's stream time
	before completeness.Clock // at the last commit

	from, until int64  // the ledger's current bin: Advance matters outside of it
	offset      int64  // the committed offset that the ledger is of; -1: of none
	written     []byte // the state in the last state records
	tally       *tally // of the slice under way
}

// owner answers the ledger's questions during a step.
type owner struct {
	*partition
	record *kgo.Record // the record of the step
}

func newEpisodes(p *partition) *episodes {
	if p.config.EpisodesTopic == "" {
		return nil
	}
	e := &episodes{topic: p.config.EpisodesTopic, owner: &owner{partition: p}, offset: -1}
	e.ledger = episode.NewLedger(p.config.Episodes, e.owner)
	return e
}

// beginEpisode takes the time of a record of an entity before its point is scored. It ends bins, counts the entity, and ends its
// absence.
func (p *partition) beginEpisode(ctx actor.Context, record *kgo.Record, entity *child, key []byte, at int64) error {
	e := p.episodes
	if !e.clock.Near(at) {
		e.clock.Outlier(at, string(key), e.ledger.Entities())
	}
	if now := e.clock.Time(); entity.kept || now >= e.until || now < e.from {
		if err := p.advance(ctx, record); err != nil {
			return err
		}
	}
	if e.from <= at && at < e.until && (entity.newest < e.from || entity.newest >= e.until) {
		e.ledger.Count()
	}
	if entity.kept { // advance may just have made it absent
		e.ledger.Saw(string(key), at)
		entity.kept = e.ledger.Keeps(string(key))
		p.say(ctx)
	}
	return nil
}

// advance tells the ledger of stream time, so that its events have it, and bins end.
func (p *partition) advance(ctx actor.Context, record *kgo.Record) error {
	e := p.episodes
	e.owner.record = record
	err := e.ledger.Advance(e.clock.Time(), record.Timestamp.UnixMilli(), record.Offset)
	e.from, e.until = e.ledger.Bin()
	p.say(ctx)
	return err
}

// judgeEpisode folds the verdict on an entity's point.
func (p *partition) judgeEpisode(ctx actor.Context, record *kgo.Record, entity *child, point datapoint.Point, at int64, verdict *detection.Verdict) error {
	e := p.episodes
	switch {
	case verdict.Reason == detection.Normal && entity.kept:
		e.ledger.Normal(string(point.Key), episode.Point{At: at, Value: point.Value})
	case verdict.Reason == detection.Anomalous:
		if !entity.kept { // else beginEpisode did
			if err := p.advance(ctx, record); err != nil {
				return err
			}
		}
		e.ledger.Anomaly(string(point.Key), episode.Anomaly{
			ID: string(anomalyID(&p.shared, record)), At: at, Value: point.Value,
			Usual: verdict.Median, Scale: verdict.Scale, Deviation: verdict.Deviation,
		})
	default:
		return nil
	}
	entity.kept = e.ledger.Keeps(string(point.Key))
	p.say(ctx)
	return nil
}

// say sends the ledger's events to the producer.
func (p *partition) say(ctx actor.Context) {
	for _, o := range p.episodes.ledger.Drain() {
		if entity := p.entities.byKey[o.Entity]; entity != nil {
			entity.kept = true // beginEpisode finds out if nothing is kept
		}
		p.episodes.tally.episodes[o.Kind][o.Event]++
		record := episode.RecordOf(&o, p.config.Name)
		record.Fields = p.keyFields(o.Entity)
		p.sendEpisode(ctx, episode.Key(o.Kind, o.Entity), record, kgo.RecordHeader{Key: "id", Value: []byte(record.ID)},
			kgo.RecordHeader{Key: "event", Value: []byte(record.Event)}, kgo.RecordHeader{Key: "kind", Value: []byte(record.Kind)})
	}
}

// sendEpisode sends a record of the episodes topic to the producer, for the partition with this partition's number.
func (p *partition) sendEpisode(ctx actor.Context, key []byte, value any, headers ...kgo.RecordHeader) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // its types hold nothing that JSON cannot
	}
	record := &kgo.Record{Topic: p.episodes.topic, Partition: p.number, Key: key, Value: text, Headers: headers}
	if now := p.episodes.clock.Time(); now > 0 {
		record.Timestamp = time.UnixMilli(now) // readers find by it where a span of stream time begins
	}
	ctx.Send(p.shared.producer, &messages.Episode{Record: record})
}

// keyFields are the fields of an entity's key by name; nil if a field holds a comma, so that the key does not tell them apart.
func (p *partition) keyFields(key string) map[string]string {
	names := p.config.KeyFields
	values := strings.Split(key, ",")
	if key == "" || len(values) != len(names) {
		return nil
	}
	fields := make(map[string]string, len(names))
	for i, name := range names {
		fields[name] = values[i]
	}
	return fields
}

// stateBytes is how many bytes of a state a record has: as many as the topic takes in base64, with what is around them.
func (p *partition) stateBytes() int {
	const around = 500
	return max((min(p.config.largest(p.episodes.topic), maxRecord)-around)/4*3, around)
}

// sayState sends the ledger's state as of the last scored record to the producer, and tells the producer that all is sent.
func (p *partition) sayState(ctx actor.Context) {
	e := p.episodes
	e.written = e.ledger.Append(e.clock.Append(nil))
	state := episode.StateRecord{Partition: p.number, Topic: p.shared.topic, Offset: p.position.next}
	for _, part := range state.Split(e.written, p.stateBytes()) {
		p.sendEpisode(ctx, episode.StateKey(part.Part), part, kgo.RecordHeader{Key: "event", Value: []byte(part.Event)})
	}
	ctx.Send(p.shared.producer, &messages.StateSaid{Partition: p.number})
}

// openEpisodes is how many episodes of each kind are open.
func (p *partition) openEpisodes() (open [episode.Kinds]int) {
	if p.episodes != nil {
		open = p.episodes.ledger.Open()
	}
	return open
}

// commitEpisodes makes the transaction's changes final.
func (p *partition) commitEpisodes() {
	e := p.episodes
	if e == nil {
		return
	}
	e.ledger.Commit()
	e.before, e.offset = e.clock, p.position.committed
	if e.written != nil {
		p.storeEpisodes(e.written)
		e.written = nil
	}
}

// rollBackEpisodes undoes the transaction's changes. The windows are rolled back already, and the stored state is not.
func (p *partition) rollBackEpisodes(ctx actor.Context) {
	e := p.episodes
	if e == nil {
		return
	}
	for _, stored := range p.stored.state.Uncommitted() {
		entity := p.entities.byKey[stored.Key()]
		entity.newest = math.MinInt64
		points, _, err := p.windowTail(entity, math.MaxInt32)
		if err != nil {
			p.log.Error("a window cannot be read, rebuilding its partition", "entity", stored.Key(), "error", err)
			p.breakDown(ctx, breakageOf(err, undecided), nil)
			return
		}
		for _, point := range points {
			entity.newest = max(entity.newest, point.At)
		}
		p.stored.state.SetLastSeen(stored, entity.newest)
	}
	for _, key := range e.ledger.RollBack() {
		p.noteKept(key)
	}
	e.clock, e.written = e.before, nil
	e.from, e.until = e.ledger.Bin()
}

// noteKept notes whether the ledger keeps anything of an entity in memory.
func (p *partition) noteKept(key string) {
	if entity := p.entities.byKey[key]; entity != nil {
		entity.kept = p.episodes.ledger.Keeps(key)
	}
}

// Silent lists the entities whose newest point lies in a time.
func (o *owner) Silent(from, until int64) ([]episode.Silence, error) {
	silent, err := o.stored.state.Silent(from, until)
	all := make([]episode.Silence, len(silent))
	for i, s := range silent {
		all[i] = episode.Silence(s)
	}
	return all, err
}

// Presence describes the later points of an entity's window, in memory or on disk. With the method habit, they are those of the level: of the day
// before its last point, because a state may have lost older ones.
func (o *owner) Presence(key string, since int64) (presence episode.Presence, err error) {
	scorer := o.shared.scorer
	if habit := o.shared.habit; habit != nil {
		scorer = detection.NewScorer(*habit.Level())
	}
	points, err := o.window(key)
	if err != nil {
		return presence, err
	}
	var values []float64
	for _, point := range points {
		if point.At < since {
			continue
		}
		if len(values) == 0 {
			presence.First, presence.Last = point.At, point.At
		}
		presence.First, presence.Last = min(presence.First, point.At), max(presence.Last, point.At)
		values = append(values, point.Value)
	}
	summary := scorer.Summarize(values)
	presence.Points, presence.Enough, presence.Usual = summary.Points, summary.Scored, summary.Median
	return presence, nil
}

// window returns the points of an entity's window, and perhaps older ones; with the method habit, those of its level.
func (o *owner) window(key string) ([]persistence.Point, error) {
	if entity := o.entities.byKey[key]; entity != nil {
		tail, err := o.askWindow(entity, &messages.WindowQuery{Count: math.MaxInt, Level: true})
		if err != nil {
			return nil, err
		}
		return o.pointsOf(tail), nil
	}
	if o.shared.habit != nil {
		return o.peekLevel(key)
	}
	return o.stored.state.Peek(key)
}

// ID is computed like an anomaly's, from the record that is the cause, the kind and the ordinal.
func (o *owner) ID(kind episode.Kind, offset int64, ordinal int) string {
	text := anomalyIDText(&o.shared, o.record)
	text = append(append(text, 0), kind.String()...)
	return string(idOf(strconv.AppendInt(append(text, 0), int64(ordinal), 10)))
}
