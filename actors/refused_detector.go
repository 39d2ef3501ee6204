package actors

import (
	"log/slog"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"anomalydetector/messages"
)

// What the detector does if a topic refuses some records for good. It keeps what is refused until the records are
// committed, since partitions come and go with sessions; their actors leave it out (refused.go).

// withhold tells the partitions what topics refuse of their records. It returns whether something of it is news: if
// nothing is, leaving out what is refused has not helped.
func (d *Detector) withhold(ctx actor.Context, found []messages.Refusal) (news bool) {
	byPartition := make(map[int32][]messages.Refusal)
	for _, refusal := range found {
		news = news || refusal.DeadLetter || !slices.Contains(d.refused[refusal.Partition], refusal)
		byPartition[refusal.Partition] = append(byPartition[refusal.Partition], refusal)
	}
	for number, of := range byPartition {
		d.refused[number] = append(d.refused[number], of...)
		if partition := d.partitions[number]; partition != nil && partition.transacts() {
			ctx.Send(partition.pid, &messages.Refusals{Refused: of})
		}
	}
	return news
}

// forgetRefused forgets what was refused before the offsets that are committed.
func (d *Detector) forgetRefused() {
	for number, of := range d.refused {
		partition := d.partitions[number]
		if partition == nil || !partition.transacts() {
			continue
		}
		of = slices.DeleteFunc(slices.Clone(of), func(r messages.Refusal) bool { return r.Offset < partition.next })
		if d.refused[number] = of; len(of) == 0 {
			delete(d.refused, number)
		}
	}
}

// tellRefused says what a transaction failed with.
func tellRefused(log *slog.Logger, err error, found []messages.Refusal) {
	first := found[0]
	log.Warn("a topic refuses some of the records for good, aborting the transaction and going on without them", "count", len(found),
		"partition", first.Partition, "offset", first.Offset, "dead_letter", first.DeadLetter, "error", err)
}
