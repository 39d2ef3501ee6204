package stream

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Refusal is a record that its topic refuses for good, even in a batch of its own.
type Refusal struct {
	Record *kgo.Record
	Err    error
}

// Name is the broker's name of the reason, such as MESSAGE_TOO_LARGE.
func (r Refusal) Name() string {
	var known *kerr.Error
	if errors.As(r.Err, &known) {
		return known.Message
	}
	return r.Err.Error()
}

// Refused is in the error of a Flush if topics refuse records because of their content. Writing them again
// fails again, unless the Refusals are left out.
type Refused struct {
	Refusals []Refusal
	First    error // the error that the transaction failed with
}

func (r *Refused) Error() string {
	return fmt.Sprintf("%d records are refused by their topic: %v", len(r.Refusals), r.First)
}

func (r *Refused) Unwrap() error { return r.First }

// ErrForbidden is in the error of a Flush if a topic refuses records and they cannot be left out. The same
// transaction would fail again and again. Either the broker does not allow the search for them, which is this
// error's text, or one of them belongs to an episode (ErrEpisodeRefused).
var ErrForbidden = errors.New("a topic refuses records, and the broker does not allow the search for them")

// ErrEpisodeRefused is in the error of a Flush if the episodes topic refuses a record. Without that record the life
// cycles in the topic, or the state that the next owner of the partition reads, would be wrong. So it is not left out.
var ErrEpisodeRefused = errors.New("the episodes topic refuses a record")

// episodeRefused is a refusal by the episodes topic.
type episodeRefused struct{ Refusal }

func (e *episodeRefused) Error() string {
	advice := "change the settings of the topic, or the broker's policy"
	if tooLarge(e.Err) {
		advice = "raise max.message.bytes of the topic"
	}
	return fmt.Sprintf("%v: topic %s, partition %d, key %q, %d bytes: %v (%s, and start again)",
		ErrEpisodeRefused, e.Record.Topic, e.Record.Partition, e.Record.Key, sizeOf(e.Record), e.Err, advice)
}

func (e *episodeRefused) Unwrap() []error { return []error{ErrEpisodeRefused, ErrForbidden, e.Err} }

// refusing are the errors by which a broker refuses a batch because of its content. Every other error, such
// as a missing permission or replica, may pass with time.
var refusing = []error{
	kerr.MessageTooLarge,    // the client library also returns it, before it sends the batch
	kerr.RecordListTooLarge, // larger than a segment
	kerr.InvalidTimestamp,   // too old or too far ahead for the topic
	kerr.InvalidRecord,      // a record without a key in a compacted topic, or one that the broker's own check refuses
	kerr.CorruptMessage,     // the same, from brokers before 2.4
	kerr.PolicyViolation,
}

func refuses(err error) bool { return isOneOf(err, refusing) }

// tooLarge says whether the topic might accept a smaller batch.
func tooLarge(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge)
}

// gone says whether a topic was deleted, or created anew under its name.
func gone(err error) bool {
	return errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID)
}

func isOneOf(err error, kinds []error) bool {
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
