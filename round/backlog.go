package round

import (
	"maps"
	"time"

	"anomalydetector/messages"
)

// backlog is the partitions that have more records than have come. While there are some, the detector is behind the stream, even if a poll brings
// only the last records of other partitions: a checkpoint would keep the rest waiting.
//
// If the records of a partition do not come for long, something holds them up, such as a broker that is down, and the partition no longer counts.
// Only time spent polling is waiting for records, so the backlog has a clock of its own that stands still otherwise.
type backlog struct {
	came  map[int32]time.Duration // by partition, what the clock said when its last slice came
	clock time.Duration
	began time.Time // the poll under way
}

// longWait is how long the detector polls for a partition's records in vain before the partition no longer counts.
const longWait = 10 * time.Second

// empty says that the detector is not behind the stream, as far as it knows.
func (b *backlog) empty() bool { return len(b.came) == 0 }

// poll begins a poll, and polled ends it.
func (b *backlog) poll(now time.Time)   { b.began = now }
func (b *backlog) polled(now time.Time) { b.clock += now.Sub(b.began) }

// take notes which partitions have more records after the slices of a poll.
func (b *backlog) take(slices []messages.Slice) {
	for i := range slices {
		s := &slices[i]
		if last := s.Records[len(s.Records)-1]; last.Offset+1 < s.Readable {
			b.came[s.Partition] = b.clock
		} else {
			delete(b.came, s.Partition)
		}
	}
	maps.DeleteFunc(b.came, func(_ int32, came time.Duration) bool { return b.clock-came >= longWait })
}

// Paused says that no more records of a partition come for now, because it is paused, has failed or is gone.
func (r *Round) Paused(partition int32) { delete(r.backlog.came, partition) }
