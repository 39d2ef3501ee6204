package stream

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"anomalydetector/messages"
)

// owned holds the partitions that the group has assigned to this member. The client's group goroutine writes
// it, the session's user reads it.
type owned struct {
	mu         sync.Mutex
	joined     bool   // it is known what the group has assigned to us, even if that is nothing
	changed    bool   // the assignment has changed since the last End began
	wake       func() // ends a running Poll early, because the assignment changed
	generation uint64
	partitions map[int32]messages.Assignment
	awaited    map[int32]int               // of partitions that the client has not taken over yet: how often it is asked for them
	marks      map[int32]messages.Identity // the topic that each committed offset belongs to
	unused     map[int32]int64             // committed offsets that cannot be read from
	failed     error                       // why the session cannot go on
}

// onChange sets the function that is called when the assignment changes.
func (o *owned) onChange(wake func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wake = wake
	if o.changed {
		wake()
	}
}

// ending is called when an End begins, which takes all changes so far into account.
func (o *owned) ending() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.changed = false
}

// change notes a change. The caller holds the lock.
func (o *owned) change() {
	o.changed = true
	o.wake()
}

// unusedOffsets is a copy of the committed offsets that cannot be read from: the broker may still report
// them.
func (o *owned) unusedOffsets() map[int32]int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.unused)
}

// joined is called by the client each time the group has told what more is assigned to us. The client asks for the committed
// offsets of these partitions after that, and calls assigned. Until then the first assignment is not known: it is not empty.
func (s *Session) joined(_ context.Context, _ *kgo.Client, more map[string][]int32) {
	s.owned.mu.Lock()
	defer s.owned.mu.Unlock()
	s.owned.joined = s.owned.joined || len(more[s.config.InputTopic]) == 0
	s.config.Observer.admit(true)
	s.owned.change()
}

// assigned is called by the client when it was assigned partitions, before it fetches from them. They stay
// paused until Resume, because their windows must be loaded first.
func (s *Session) assigned(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	<-s.made // the client may join before Open has set the session's fields
	topic := s.config.InputTopic
	mine := offsets[topic]
	if len(mine) == 0 {
		return offsets, nil
	}
	bounds, err := boundsOf(ctx, s.admin, topic)
	if err != nil {
		return nil, fmt.Errorf("list offsets of topic %s: %w", topic, err)
	}
	now, err := s.config.identify(ctx, s.admin)
	if err == nil && s.topic.Differs(now) {
		err = s.config.recreated(s.topic, now)
	}
	if err != nil {
		return nil, err
	}
	if err := s.config.widen(ctx, s.admin, len(bounds)); err != nil {
		if isA[*Explained](err) {
			s.owned.fail(err) // the next session says why it cannot begin
		}
		return nil, err
	}
	if s.config.EpisodesTopic != "" {
		s.client.ForceMetadataRefresh() // the producer must know the partitions
	}
	var partitions []int32
	s.owned.mu.Lock()
	defer s.owned.mu.Unlock()
	if s.owned.partitions == nil {
		s.owned.partitions, s.owned.unused, s.owned.awaited = make(map[int32]messages.Assignment), make(map[int32]int64), make(map[int32]int)
	}
	for partition, offset := range mine {
		bound, ok := bounds[partition]
		if !ok {
			return nil, fmt.Errorf("topic %s has no partition %d", topic, partition)
		}
		s.owned.generation++
		assignment := messages.Assignment{Partition: partition, Topic: s.topic, Offset: offset.EpochOffset().Offset, Generation: s.owned.generation}
		committed := assignment.Offset
		delete(s.owned.unused, partition)
		if begun := s.begin(&assignment, bound); begun {
			mine[partition] = kgo.NewOffset().At(assignment.Offset)
			s.owned.unused[partition] = committed
		}
		s.owned.partitions[partition], s.owned.awaited[partition] = assignment, mostAsked
		partitions = append(partitions, partition)
	}
	s.client.PauseFetchPartitions(map[string][]int32{topic: partitions})
	s.owned.joined = true
	s.owned.change()
	return offsets, nil
}

// begin corrects an assignment whose committed offset cannot be read from, and returns whether it did.
func (s *Session) begin(assignment *messages.Assignment, bound bounds) bool {
	log := s.config.Log.With("topic", s.config.InputTopic, "partition", assignment.Partition,
		"committed", assignment.Offset, "first", bound.first, "end", bound.end)
	if of := s.owned.marks[assignment.Partition].Difference(s.topic); of != "" && assignment.Offset >= 0 {
		log.Warn("the committed offset belongs to another topic and is not used", "of", of)
		assignment.Offset = -1
	}
	switch {
	case assignment.Offset < 0:
		assignment.Offset, assignment.NoCommittedOffset = bound.first, true
		if s.config.Stored == nil {
			break
		}
		if stored, ok := s.config.Stored(assignment.Partition, s.topic); ok && bound.first <= stored && stored <= bound.end {
			assignment.Offset, assignment.NoCommittedOffset = stored, false
			log.Warn("the group has no offset, but there are stored windows: going on where they end", "stored", stored)
		}
	case assignment.Offset < bound.first:
		log.Error("records were deleted from the topic before they were read; going on at the first that is left",
			"lost", bound.first-assignment.Offset)
		assignment.Offset, assignment.NoCommittedOffset = bound.first, true
	case assignment.Offset > bound.end:
		log.Error("the committed offset is beyond the end of the topic, which was truncated or created again; starting at its first record")
		assignment.Offset, assignment.NoCommittedOffset = bound.first, true
	default:
		return false
	}
	return true
}

// revoked is called by the client when partitions were taken from us.
func (s *Session) revoked(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	s.owned.mu.Lock()
	defer s.owned.mu.Unlock()
	for _, partition := range lost[s.config.InputTopic] {
		delete(s.owned.awaited, partition)
		delete(s.owned.partitions, partition)
	}
	s.owned.change()
}

// mostAsked is how often the client is asked for a partition that it does not have. It has it some microseconds after it has called assigned, unless the
// partition was revoked meanwhile.
const mostAsked = 100

// await is called if a partition was assigned and the client does not have it. It has Poll end at once, so that the client is asked again after the End that
// follows. The client takes a partition over only after assigned has returned, and does not say when. Otherwise the partition would stay paused until
// something else ends a transaction. The caller holds the lock.
func (o *owned) await(partition int32) {
	if o.awaited[partition] > 0 {
		o.awaited[partition]--
		o.change()
	}
}

// Assignments are the assigned partitions, sorted, each with its committed offset. The caller asks after each
// End. A new Generation means that the partition was assigned anew, even if this member had it before. Joined
// is false until it is known what the group has assigned to us.
func (s *Session) Assignments() (list []messages.Assignment, joined bool) {
	committed := s.client.CommittedOffsets()[s.config.InputTopic]
	s.owned.mu.Lock()
	defer s.owned.mu.Unlock()
	for partition, assignment := range s.owned.partitions {
		// The client's list counts, not ours: the client does not call revoked for a second revocation within
		// one transaction.
		offset, ok := committed[partition]
		if !ok {
			s.owned.await(partition)
			continue
		}
		delete(s.owned.awaited, partition)
		if assignment.Offset != offset.Offset {
			// An offset was committed since the assignment: there is history now.
			assignment.Offset, assignment.NoCommittedOffset = offset.Offset, false
		}
		list = append(list, assignment)
	}
	slices.SortFunc(list, func(a, b messages.Assignment) int { return cmp.Compare(a.Partition, b.Partition) })
	return list, s.owned.joined
}

// Changed says whether the assignment changed since the last End began. After a first change, the client may
// report further ones only once an End has run.
func (s *Session) Changed() bool {
	s.owned.mu.Lock()
	defer s.owned.mu.Unlock()
	return s.owned.changed
}

// Resume lets Poll return the partition's records. It does nothing if the partition was revoked or assigned
// anew since this generation.
func (s *Session) Resume(partition int32, generation uint64) {
	s.owned.mu.Lock()
	defer s.owned.mu.Unlock()
	if s.owned.partitions[partition].Generation == generation {
		s.client.ResumeFetchPartitions(map[string][]int32{s.config.InputTopic: {partition}})
	}
}

// Pause keeps Poll from returning the partition's records until Resume. Some may have been fetched already,
// so the caller aborts the transaction afterwards.
func (s *Session) Pause(partition int32) {
	s.client.PauseFetchPartitions(map[string][]int32{s.config.InputTopic: {partition}})
}

// bounds are the first offset of a partition and the one after its last.
type bounds struct{ first, end int64 }

func boundsOf(ctx context.Context, admin *kadm.Client, topic string) (map[int32]bounds, error) {
	first, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = first.Error()
	}
	if err != nil {
		return nil, err
	}
	end, err := admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = end.Error()
	}
	if err != nil {
		return nil, err
	}
	all := make(map[int32]bounds)
	first.Each(func(offset kadm.ListedOffset) {
		if last, ok := end.Lookup(topic, offset.Partition); ok {
			all[offset.Partition] = bounds{first: offset.Offset, end: last.Offset}
		}
	})
	return all, nil
}

// untilStable lets bounds end at the last stable offsets: records after a writer's open transaction cannot be read.
func untilStable(ctx context.Context, admin *kadm.Client, topic string, all map[int32]bounds) error {
	stable, err := admin.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = stable.Error()
	}
	if err != nil {
		return err
	}
	for partition, bound := range all {
		if end, ok := stable.Lookup(topic, partition); ok {
			all[partition] = bounds{bound.first, end.Offset}
		}
	}
	return nil
}
