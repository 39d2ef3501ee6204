package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/backtest/archive"
	"anomalydetector/backtest/source"
	"anomalydetector/configs"
	"anomalydetector/datapoint"
	"anomalydetector/persistence"
	"anomalydetector/stream"
)

// archiveImport fills the windows of a data directory from files with old datapoints: state import --csv. The windows end at the
// topic's first record, where a detector goes on; see docs/adr/0033-windows-from-an-archive.md.
type archiveImport struct {
	config  *configs.Config
	world   *World
	options source.Options
	files   []string

	streams stream.Config
	fill    *archive.Fill
	parts   []*topicPart
	bad     int64 // rows of the archive that hold no datapoint
	example string
}

// topicPart is a partition of the topic.
type topicPart struct {
	stream.Span
	first  []arrival // at most beginsAfter, which wait until it has begun
	begun  bool      // begins is decided
	begins int64     // the time at which its records begin, Unix milliseconds
}

// beginsAfter is how many records decide where a partition begins. Their median counts, because a single one may have a wrong time.
const beginsAfter = 3

// overlap is how much of the topic is compared with the archive. Points up to its end come from the archive if the topic does
// not deliver them, so it is more than records are out of order.
const overlap = time.Hour

// run fills the windows of all partitions, or none.
func (a *archiveImport) run(ctx context.Context, store *persistence.Store) error {
	if stored, err := store.Numbers(a.config.Name); err != nil {
		return err
	} else if len(stored) > 0 {
		return fmt.Errorf("the data directory %s has windows of %s already: want one without (anomalydetector state shows what is stored)",
			a.config.Persistence.Dir, a.config.Name)
	}
	if err := a.read(ctx); err != nil {
		return err
	}
	return a.store(ctx, store)
}

// read fills the windows in memory, and checks that the archive fits the topic.
func (a *archiveImport) read(ctx context.Context) error {
	from, err := source.Open(a.files, a.options)
	if err != nil {
		return usageError(err.Error())
	}
	defer from.Close()
	if a.streams, err = clientConfig(a.config, ""); err != nil {
		return err
	}
	limits := rules(a.config)
	a.fill = archive.New(&limits, habitRules(a.config), memory(a.config), a.bin())
	if err := a.topic(ctx); err != nil {
		return stream.Explain(ctx, a.streams, err)
	}
	if err := a.rows(ctx, from); err != nil {
		return err
	}
	for _, part := range a.parts {
		if err := a.agree(part); err != nil {
			return err
		}
	}
	return nil
}

func (a *archiveImport) bin() time.Duration {
	return max(binOf(a.config), time.Millisecond)
}

// topic reads the topic: where it begins, which entities each partition has, and what it delivers in the overlap.
func (a *archiveImport) topic(ctx context.Context) (err error) {
	history := stream.NewHistory(a.streams)
	defer func() { err = errors.Join(err, history.Close()) }()
	spans, err := history.Since(ctx, time.Time{})
	if err != nil {
		return err
	}
	if len(spans) == 0 {
		return fmt.Errorf("the topic %s has no records yet, and they say which entity is in which partition: write the first bin, and try again", a.streams.InputTopic)
	}
	committed, err := stream.Committed(ctx, a.streams)
	if err != nil {
		return err
	}
	scanner := datapoint.NewScanner(a.config.IO.ValueField, a.config.IO.KeyFields)
	for _, span := range spans {
		if offset, there := committed[span.Partition]; there && offset < span.From {
			return fmt.Errorf("the group %s has committed offset %d of partition %d, which the topic does not have any more (it begins at %d), so the windows would not be used: delete the group's offsets",
				a.config.IO.ConsumerGroup, offset, span.Partition, span.From)
		}
		part := &topicPart{Span: span}
		a.parts = append(a.parts, part)
		if err := a.partition(ctx, history, part, scanner); err != nil {
			return err
		}
	}
	return nil
}

// arrival is a datapoint of the topic.
type arrival struct {
	key   string
	at    int64
	value float64
}

// partition reads a partition of the topic.
func (a *archiveImport) partition(ctx context.Context, history *stream.History, part *topicPart, scanner *datapoint.Scanner) error {
	_, err := history.Read(ctx, part.Span, func(run stream.Replayed) error {
		for _, record := range run.Records {
			a.arrives(part, scanner, record)
			record.Recycle()
		}
		return nil
	})
	if err == nil && !part.begun {
		a.begin(part)
	}
	return err
}

// arrives takes a record of the topic.
func (a *archiveImport) arrives(part *topicPart, scanner *datapoint.Scanner, record *kgo.Record) {
	at := record.Timestamp.UnixMilli()
	point, bad := scanner.Scan(at, record.Value)
	switch {
	case bad != nil:
	case part.begun:
		a.fill.Delivers(part.Partition, point.Key, at, point.Value)
	default:
		part.first = append(part.first, arrival{string(point.Key), at, point.Value})
		if len(part.first) == beginsAfter {
			a.begin(part)
		}
	}
}

// begin decides where a partition begins, and delivers what has waited for that.
func (a *archiveImport) begin(part *topicPart) {
	part.begun = true
	if len(part.first) > 0 {
		times := make([]int64, len(part.first))
		for i := range part.first {
			times[i] = part.first[i].at
		}
		slices.Sort(times)
		part.begins = times[len(times)/2]
	}
	a.fill.Partition(part.Partition, part.begins+overlap.Milliseconds())
	for _, f := range part.first {
		a.fill.Delivers(part.Partition, []byte(f.key), f.at, f.value)
	}
}

// rows reads the archive.
func (a *archiveImport) rows(ctx context.Context, from source.Source) error {
	decoder := source.NewDecoder(a.options)
	inputs := make(map[string]int)
	for {
		b, err := from.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil { // an archive that cannot be read to its end has a hole
			return err
		}
		input, known := inputs[b.Input.Name]
		if !known {
			input = len(inputs)
			inputs[b.Input.Name] = input
		}
		var failed error
		decoder.Decode(b, func(row *source.Row) {
			if err := a.fill.Row(input, row.Key, row.At, row.Value); err != nil && failed == nil {
				failed = fmt.Errorf("%s:%d: %w", b.Input.Name, row.Line, err)
			}
		}, func(fault *source.Fault) {
			if a.bad++; a.bad == 1 {
				why := fault.Why
				if fault.Bad != nil {
					why = fault.Bad.Error()
				}
				a.example = fmt.Sprintf("%s:%d: %s", fault.Input.Name, fault.Line, why)
			}
		})
		from.Release(b)
		if failed != nil {
			return failed
		}
	}
	if a.fill.Rows == 0 {
		problem := "there is no datapoint in " + strings.Join(a.files, ", ")
		if a.bad > 0 {
			problem += ": " + a.example
		}
		return usageError(problem)
	}
	return nil
}

// agree refuses an archive that is of another stream than the topic, or does not reach up to it.
func (a *archiveImport) agree(part *topicPart) error {
	c := a.fill.Compare(part.Partition)
	where := fmt.Sprintf("partition %d of topic %s", part.Partition, a.streams.InputTopic)
	switch {
	case c.Missing > 0:
		return fmt.Errorf("the archive lacks %d of the %d points that %s has at the same time, such as %s: it is of another stream, or is not whole",
			c.Missing, c.Missing+c.Agreed, where, c.Lacks)
	case c.Extra > 0:
		return fmt.Errorf("%s lacks %d points that the archive has at the same time, such as %s: it is of another stream, or one of them has points twice",
			where, c.Extra, c.Has)
	case part.From > 0 && (c.Agreed == 0 || a.fill.Latest < part.begins):
		return fmt.Errorf("the archive ends at %s, and %s has lost what came before %s: want an archive that goes on beyond that time",
			utc(a.fill.Latest), where, utc(part.begins))
	case part.From == 0 && a.begins()-a.fill.Latest > a.bin().Milliseconds()*3/2:
		return fmt.Errorf("the archive ends at %s, and topic %s begins at %s: want an archive that goes on up to there", utc(a.fill.Latest), a.streams.InputTopic, utc(a.begins()))
	}
	return nil
}

// begins is the time at which the first partition begins, Unix milliseconds. Another one may have no entity in that bin.
func (a *archiveImport) begins() int64 {
	first := a.parts[0].begins
	for _, part := range a.parts {
		first = min(first, part.begins)
	}
	return first
}

// store stores the windows of all partitions, or none if the context ends before they are made.
func (a *archiveImport) store(ctx context.Context, store *persistence.Store) error {
	settings := settingsOf(a.config)
	var imports []*persistence.Import
	for _, part := range a.parts {
		all, complete := a.fill.Stored(part.Partition)
		made, err := store.Make(part.Partition, persistence.Head{
			Source: settings.Source(), Cluster: part.Topic.Cluster, Topic: part.Topic.Topic, Offset: part.From, History: settings.History.Milliseconds(),
			CompleteFrom: complete.CompleteFrom, NewCompleteFrom: complete.NewCompleteFrom,
			StreamTime: complete.StreamTime, Swept: complete.Swept, Lateness: complete.Lateness, States: settings.States(),
		}, windowsOf(ctx, all))
		if err != nil {
			store.Drop(imports...)
			return err
		}
		imports = append(imports, made)
		if err := ctx.Err(); err != nil { // some windows may be missing
			store.Drop(imports...)
			return err
		}
	}
	if err := store.Adopt(a.config.Name, imports...); err != nil {
		store.Drop(imports...)
		return err
	}
	a.tell(imports)
	return nil
}

// windowsOf are windows as the store wants them. They end with the context.
func windowsOf(ctx context.Context, all iter.Seq2[string, archive.Window]) iter.Seq2[string, persistence.Window] {
	return func(yield func(string, persistence.Window) bool) {
		var points []persistence.Point
		for key, window := range all {
			if ctx.Err() != nil {
				return
			}
			stored := persistence.Window{State: persistence.State{Bytes: window.State, Newest: window.Newest}}
			if window.Points != nil {
				points = points[:0]
				for at, value := range window.Points {
					points = append(points, persistence.Point{At: at, Value: value})
				}
				stored.Points = points
			}
			if !yield(key, stored) {
				return
			}
		}
	}
}

// tell says what was stored, and what a person should know of it.
func (a *archiveImport) tell(imports []*persistence.Import) {
	var taken []persistence.Snapshot
	for _, one := range imports {
		taken = append(taken, one.Snapshot)
	}
	tellMoved(a.world, "filled", taken)
	out := a.world.Stderr
	if a.bad > 0 {
		fmt.Fprintf(out, "%d rows hold no datapoint, such as %s\n", a.bad, escaped(a.example, "\n"))
	}
	if count := a.fill.Homeless(); count > 0 {
		fmt.Fprintf(out, "%d entities are not in the topic: each partition has their windows until they are too old\n", count)
	}
	if holes, of := a.fill.Holes(); holes > 0 {
		fmt.Fprintf(out, "the archive has no row in %d of the last %d bins before the topic: the windows lack them, too\n", holes, of)
	}
	for _, part := range a.parts {
		if part.begins-a.fill.Earliest < memory(a.config).Milliseconds() {
			length := "history_hours"
			if habitRules(a.config) != nil {
				length = fmt.Sprintf("the %.0f hours that the method habit remembers", memory(a.config).Hours())
			}
			fmt.Fprintf(out, "the archive begins at %s, which is less than %s before the topic: some windows are shorter than usual\n", utc(a.fill.Earliest), length)
			break
		}
	}
}
