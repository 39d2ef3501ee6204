package stream

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Refusal is a record that its topic refuses for good, written alone, too.
type Refusal struct {
	Record *kgo.Record
	Err    error
}

// Name is the broker's name for the reason, such as MESSAGE_TOO_LARGE.
func (r Refusal) Name() string {
	var known *kerr.Error
	if errors.As(r.Err, &known) {
		return known.Message
	}
	return r.Err.Error()
}

// Refused is in the error of a Flush if topics refuse records for what these
// are: trying again is of no use, unless the Refusals are left out.
type Refused struct {
	Refusals []Refusal
	First    error // what the transaction failed with
}

func (r *Refused) Error() string {
	return fmt.Sprintf("%d records are refused by their topic: %v", len(r.Refusals), r.First)
}

func (r *Refused) Unwrap() error { return r.First }

// ErrForbidden is in the error of a Flush if a topic refuses records and we may not
// search for them, so that the same transaction would fail again and again.
var ErrForbidden = errors.New("a topic refuses records, and the broker does not allow to find out which")

// refusing are the errors by which a broker refuses a batch for what is in it.
// All others, such as a missing permission or replica, may pass.
var refusing = []error{
	kerr.MessageTooLarge,    // also by the client library, before it is sent
	kerr.RecordListTooLarge, // larger than a segment
	kerr.InvalidTimestamp,   // too old or too far ahead for the topic
	kerr.InvalidRecord,      // such as one without a key, for a compacted topic; or by a validation of the broker's
	kerr.CorruptMessage,     // the same, by brokers before 2.4
	kerr.PolicyViolation,
}

func refuses(err error) bool { return isOneOf(err, refusing) }

// tooLarge tells whether a smaller batch might be taken.
func tooLarge(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge)
}

// gone tells whether a topic was deleted, or made anew under its name.
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
