package standstill

import "anomalydetector/stream"

// Waiting is what a detector waits for. If several things of one kind stand still, the first in this order explains
// most, and is told.
type Waiting int

const (
	Opening          Waiting = iota // a session with the broker
	Joining                         // the group to count us among its members
	Replaying                       // history of an assigned partition
	ReplayingStandby                // history of a standby partition
	Storing                         // a partition's checkpoint
	Scoring                         // the partitions, which score a batch
	Writing                         // the broker, to acknowledge records
	Ending                          // the end of the transaction
	Committing                      // records that are there, to be read and committed
	Held                            // a writer's open transaction, to end
	Asking                          // the broker, to tell the topic's ends
)

// kind is what can stand still. Several waits are of one kind if a detector goes through them for the same purpose. So a
// transaction that cannot be written, is aborted, and is written again counts as standing still all the time.
type kind int

const (
	membership kind = iota
	history
	standby
	transaction
	openWriter
	broker
	kinds
)

func (w Waiting) kind() kind {
	switch w {
	case Opening, Joining:
		return membership
	case Replaying:
		return history
	case ReplayingStandby:
		return standby
	case Held:
		return openWriter
	case Asking:
		return broker
	}
	return transaction
}

// activities are those activities of the Kafka clients whose errors may explain the wait.
func (w Waiting) activities() []stream.Activity {
	switch w {
	case Opening: // or another session, because this one could not join
		return []stream.Activity{stream.Opening, stream.Joining, stream.Reaching}
	case Joining:
		return []stream.Activity{stream.Joining, stream.Reaching}
	case Replaying, ReplayingStandby:
		return []stream.Activity{stream.Replaying, stream.Reaching}
	case Writing:
		return []stream.Activity{stream.Writing, stream.Reaching}
	case Ending:
		return []stream.Activity{stream.Ending, stream.Writing, stream.Joining, stream.Reaching}
	case Committing:
		return []stream.Activity{stream.Reading, stream.Writing, stream.Ending, stream.Joining, stream.Reaching}
	case Asking:
		return []stream.Activity{stream.Asking, stream.Reaching}
	}
	return nil
}
