package source

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"anomalydetector/stream"
)

// records reads a topic, one partition after the other. It belongs to no group and commits nothing.
type records struct {
	history     *stream.History
	name        string
	spans       []stream.Span
	from, until int64 // Unix milliseconds; until is exclusive
	done        atomic.Int64
	total       int64 // records
	ahead
}

// OpenTopic opens the committed records of a topic, the history's input topic, whose time is in [from, until). A zero time is no
// limit. What is written after the call is not read. Each partition is an Input, whose lines are offsets. Close closes the
// history.
func OpenTopic(ctx context.Context, history *stream.History, name string, from, until time.Time, options Options) (Source, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	if options.Format != "" || len(options.Map) > 0 || options.Time != "" || options.KeyFromFile {
		return nil, errors.New("a topic has the detector's datapoints, with their times: --format, --map, --time and --key-from are for files")
	}
	spans, err := history.Since(ctx, from)
	if err != nil {
		return nil, err
	}
	s := &records{history: history, name: name, spans: spans, from: math.MinInt64, until: math.MaxInt64, ahead: newAhead()}
	if !from.IsZero() {
		s.from = from.UnixMilli()
	}
	if !until.IsZero() {
		s.until = until.UnixMilli()
	}
	for _, span := range spans {
		s.total += span.Until - span.From
	}
	return s, nil
}

// Next implements Source.
func (s *records) Next(ctx context.Context) (*Block, error) { return s.next(ctx, s.read) }

var errHalted = errors.New("nobody wants more")

// read reads all partitions.
func (s *records) read(r *reading) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-r.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	for _, span := range s.spans {
		err := s.partition(ctx, r, span)
		if errors.Is(err, errHalted) || ctx.Err() != nil {
			return
		}
		if err != nil && !r.give(read{err: err}) {
			return
		}
	}
}

// partition reads one partition.
func (s *records) partition(ctx context.Context, r *reading, part stream.Span) error {
	input := &Input{Name: fmt.Sprintf("%s partition %d", s.name, part.Partition), format: topic}
	b := s.empty(input)
	next, counted := part.From, s.done.Load()
	_, err := s.history.Read(ctx, part, func(run stream.Replayed) error {
		for _, record := range run.Records {
			next = record.Offset + 1
			if at := record.Timestamp.UnixMilli(); at >= s.from && at < s.until {
				if len(b.rows) == blockRows || len(b.rows) > 0 && len(b.Data)+len(record.Value) > blockSize {
					if !r.give(read{block: b}) {
						return errHalted
					}
					b = s.empty(input)
				}
				b.add(record.Offset, at, record.Value)
			}
			record.Recycle()
		}
		s.done.Store(counted + run.Done)
		return nil
	})
	if len(b.rows) > 0 && !r.give(read{block: b}) {
		return errHalted
	}
	s.done.Store(counted + part.Until - part.From)
	if err != nil {
		return &InputError{Input: input.Name, Line: int(next), Err: err}
	}
	return nil
}

// empty returns a block for records.
func (s *records) empty(input *Input) *Block {
	b := s.block()
	b.Input, b.Line, b.Data, b.rows = input, 0, b.memory[:0], b.rows[:0]
	return b
}

// add adds a record.
func (b *Block) add(offset, at int64, payload []byte) {
	if len(b.rows) == 0 {
		b.Line = int(offset)
	}
	b.Data = append(b.Data, payload...)
	b.memory = b.Data[:cap(b.Data)]
	b.rows = append(b.rows, span{end: len(b.Data), offset: offset, at: at, null: payload == nil})
}

// Progress implements Source. The unit is records.
func (s *records) Progress() (done, of int64) { return s.done.Load(), s.total }

// Rewind implements Source.
func (s *records) Rewind() error {
	s.halt(true)
	s.done.Store(0)
	return nil
}

// Close implements Source.
func (s *records) Close() error {
	s.halt(true)
	return s.history.Close()
}
