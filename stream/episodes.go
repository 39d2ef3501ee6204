package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/episode"
	"anomalydetector/messages"
)

// EpisodeState is the state of a partition's episodes, as the episodes topic has it.
type EpisodeState struct {
	Topic  string // the id of the input topic; empty: not known
	Offset int64  // of the next record of the input
	State  []byte
}

// firstTail is how many offsets before the end ReadEpisodes looks at first: usually the last transaction ends there
// with the state and its marker. Each further look goes tailGrowth times as far back.
const (
	firstTail  = 32
	tailGrowth = 16
)

// ReadEpisodes finds the newest state of a partition's episodes in the episodes topic. found is false if there is none.
//
// The caller wants the state at an offset of an input topic. If the newest one is of another offset while a transaction is
// open, ReadEpisodes waits for its end: the former owner's commit may be known to the group before it is to the episodes
// topic. It waits as long for a broker that does not answer, until the context ends.
func (h *History) ReadEpisodes(ctx context.Context, partition int32, topic messages.Identity, offset int64) (newest EpisodeState, found bool, err error) {
	if h.config.EpisodesTopic == "" {
		return newest, false, nil
	}
	h.reading.Add(1)
	defer h.reading.Done()
	client, err := h.readers.questions()
	if err != nil {
		return newest, false, err
	}
	l := &episodesLog{config: h.config, client: client, admin: kadm.NewClient(client), partition: partition, seen: -1}
	l.config.InputTopic = h.config.EpisodesTopic
	for failures := 0; ; failures++ {
		var settled bool
		newest, found, settled, err = l.look(ctx)
		is := found && newest.Offset == offset && !topic.Differs(messages.Identity{Topic: newest.Topic})
		switch {
		case err == nil && (is || settled):
			return newest, found, nil
		case ctx.Err() != nil:
			return EpisodeState{}, false, fmt.Errorf("read the episodes of partition %d in topic %s: %w", partition, l.config.InputTopic, errors.Join(ctx.Err(), err))
		case errors.Is(err, kerr.TopicAuthorizationFailed):
			return EpisodeState{}, false, h.config.topicRefused(l.config.InputTopic, err)
		case err != nil && hopeless(err):
			return EpisodeState{}, false, fmt.Errorf("read the episodes of partition %d: %w", partition, err)
		}
		h.config.Observer.note(Reading, err)
		pause(ctx, h.config.backoff(failures))
	}
}

// hopeless says whether an error is not of the kind that passes with time, such as that of a broker which is away.
func hopeless(err error) bool {
	known := diagnose(err)
	named := isA[*kerr.Error](err) && !kerr.IsRetriable(err) && !errors.Is(err, kerr.OffsetOutOfRange) // the topic was cut off
	return named || known != nil && known.final
}

// episodesLog reads a partition of the episodes topic, which its config names as the input topic.
type episodesLog struct {
	config    Config
	client    *kgo.Client
	admin     *kadm.Client
	partition int32

	missing int   // how many looks in a row have not found the topic
	seen    int64 // the last stable offset of the last look; -1: there was none
	state   EpisodeState
	found   bool
}

// look finds the newest committed state. settled says that no transaction was open.
func (l *episodesLog) look(ctx context.Context) (newest EpisodeState, found, settled bool, err error) {
	first, end, there, err := l.bounds(ctx)
	switch {
	case gone(err):
		l.missing++ // a broker that has just started may not know it yet
		return newest, false, l.missing == missingLooks, nil
	case err != nil:
		return newest, false, false, err
	}
	l.missing = 0
	if !there {
		return newest, false, true, nil
	}
	if end.Stable != l.seen {
		if l.state, l.found, err = l.newest(ctx, first, end.Stable); err != nil {
			return newest, false, false, err
		}
		l.seen = end.Stable
	}
	return l.state, l.found, end.Stable == end.End, nil
}

// bounds are the first offset and the ends of the partition, if there is one.
func (l *episodesLog) bounds(ctx context.Context) (first int64, end Ends, there bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	starts, err := l.admin.ListStartOffsets(ctx, l.config.InputTopic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return 0, end, false, fmt.Errorf("ask for the beginning of topic %s: %w", l.config.InputTopic, err)
	}
	ends, err := endsOf(ctx, l.admin, l.config.InputTopic)
	if err != nil {
		return 0, end, false, err
	}
	end, there = ends[l.partition]
	start, known := starts.Lookup(l.config.InputTopic, l.partition)
	return start.Offset, end, there && known, nil
}

// newest reads the tail of the partition, from end backwards.
func (l *episodesLog) newest(ctx context.Context, first, end int64) (newest EpisodeState, found bool, err error) {
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	id, leaders, err := leadersOf(asking, l.admin, l.config.InputTopic)
	if err != nil {
		return newest, false, err
	}
	p := &peek{config: l.config, client: l.client, id: id, partition: l.partition, leader: leaders[l.partition]}
	sets := make(stateSets)
	for until, length := end, int64(firstTail); until > first; length *= tailGrowth {
		from := max(end-length, first)
		if err := l.read(ctx, p, from, until, sets); err != nil {
			return newest, false, err
		}
		if newest, found := sets.newest(); found {
			return newest, true, nil
		}
		until = from
	}
	return newest, false, nil
}

// read collects the states of a range of offsets.
func (l *episodesLog) read(ctx context.Context, p *peek, from, until int64, sets stateSets) error {
	for from < until {
		records, next, err := l.fetch(ctx, p, from)
		if err != nil {
			return fmt.Errorf("read topic %s, partition %d at offset %d: %w", l.config.InputTopic, l.partition, from, err)
		}
		for _, record := range records {
			if record.Offset >= until || record.Attrs.IsControl() || !episode.IsStateKey(record.Key) || record.Value == nil {
				continue
			}
			state, err := episode.ParseState(record.Value)
			if err != nil || state.Partition != l.partition {
				l.config.Log.Warn("a state of episodes cannot be used", "topic", l.config.InputTopic, "partition", l.partition, "offset", record.Offset, "error", err)
				continue
			}
			sets.add(record.Offset, state)
		}
		from = next
	}
	return nil
}

// fetch asks until an answer tells something.
func (l *episodesLog) fetch(ctx context.Context, p *peek, from int64) (records []*kgo.Record, next int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	for next = from; next <= from; {
		if records, next, err = p.fetch(ctx, from); err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, from, err
		}
	}
	return records, next, nil
}
